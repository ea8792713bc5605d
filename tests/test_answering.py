"""Understanding messages, choosing sentences, confidence, suggestions, and the chain."""

import json

import pytest
from conftest import SEED
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot import Answer, Chatbot, CitedSentence, Request, Turn
from chatbot.answering import confidence, extract
from chatbot.answering.conversation import said_before, understand
from chatbot.answering.kinds import asked_kind, holds, quotes_as_asked, speaker
from chatbot.answers import NOT_IN_ARTICLE
from index import Article, Index, add

INTENTS = {
    "summary": [
        "Summarise", "summarize this article", "tl;dr", "TLDR?", "What is this about?", "what's this article about",
        "Can you summarise the article for me?", "Give me a short summary", "What are the key points?",
        "what is the main point of this article?", "please sum up", "Tell me about this article", "in a nutshell",
        "so what's this all about then", "What's the main point of the whole thing?", "sum it all up for me",
        "Could you summarise that in plain English?", "summarize in 3 bullet points", "Boil this down to one sentence",
        "What's the author's main argument?", "What should I take away from this?", "explain this to me like I'm five",
        "what happened here in a nutshell", "What did I miss? Give me the main points", "a summery please",
    ],
    "greeting": ["hi", "Hello!", "hey there", "Good morning", "how are you?", "Hi, how are you?"],
    "thanks": ["thanks", "Thank you!", "ok thanks a lot", "great", "Cool, thanks!"],
    "farewell": ["bye", "Goodbye!", "see you later"],
    "help": ["help", "Who are you?", "What can you do?", "how does this work?"],
    "question": [
        "Hi, who met in Tokyo?", "Thanks to whom was the harbour rebuilt?", "Who said goodbye?", "Summarise Modi's view",
        "What is the point of tariffs?", "What is this alliance about to do?", "How are you affected by tariffs?",
        "helping whom?", "What does the minister say?", "Is it great?", "?", "why", "What are the key areas of cooperation?",
        "What is the main point of the treaty?", "Summarise the dispute over the bridge", "What is the law about?",
        "What do I need to know before I apply?", "What does the author say about tariffs?", "Who wrote this article?",
        "What is the most important thing for a child?", "How long is the article?", "What happened?",
        "What is it about tariffs that worries the whole article's author" + " so much" * 20,
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("message", "intent"), [(m, i) for i, messages in INTENTS.items() for m in messages]
)
def test_intents(message, intent):
    assert understand(Request(message)).intent == intent


def test_a_follow_up_is_searched_with_what_was_said():
    alone = understand(Request("And when?")).queries
    assert [query.text for query in alone] == ["And when?"]
    turns = (Turn("Who met in Tokyo?", "Two prime ministers met."),)
    asked = "Which tariffs did they discuss?"
    first, second = understand(Request(asked, turns)).queries
    assert first.text == asked
    assert "Two prime ministers" in second.text
    assert first.weight >= second.weight
    # What does not refer back counts for itself, unless the turn before says which article is meant.
    new = Request("What is the Quad?", turns)
    assert understand(new).queries[0].weight > first.weight
    assert understand(new, one_article=False).queries[0].weight == first.weight
    # Where a follow-up names nothing, the question before it says what it is about.
    assert understand(Request("And when?", turns)).queries[0].text == "Who met in Tokyo? And when?"


@pytest.mark.parametrize(
    ("before", "question", "asked"),
    [
        ("What did Mayor Ada Lund say?", "And Ola Berg?", "What did Ola Berg say?"),
        ("What did Lund say?", "what about the Coast Guard?", "What did the Coast Guard say?"),
        ("Is Wick in the league?", "And Thurso?", "Is Thurso in the league?"),
        ("Who is Wick’s mayor?", "What about Thurso?", "Who is Thurso’s mayor?"),
        ("Who is Wick's mayor?", "And Thurso's?", "Who is Thurso's mayor?"),
        # Nobody is named before, or two are; something else than a name is asked for.
        ("who said it?", "And Berg?", "who said it? And Berg?"),
        ("When did Lund meet Berg?", "And Holm?", "When did Lund meet Berg? And Holm?"),
        ("What did Lund say?", "And when?", "What did Lund say? And when?"),
    ],
)
def test_the_same_is_asked_of_another(before, question, asked):
    turns = (Turn(before, "Something."),)
    request = Request(question, turns)
    assert understand(request).queries[0].text == asked
    # The sentence that answered before may name the other, too.
    assert said_before(request) == ("Something." if asked.endswith(question) else "")


@pytest.mark.parametrize("ask", ["What does the article say about {}?", "Tell me about {}", "What does it say about “{}”?"])
def test_one_is_told_about_whatever_it_names(bot, ask):
    for name in ("Quadrilateral Security Dialogue", "maritime security", "Make in India"):
        answer = bot.ask(ask.format(name))
        assert answer.answered
        assert name in answer.sentences[0].text
    assert not bot.ask(ask.format("bitcoin mining")).answered


def asking(folder, title, text):
    """A chatbot that knows one article."""
    index = Index.open(folder)
    with index.writing():
        add(index, Article("a", title, text))
    return Chatbot(index)


def test_what_is_asked_of_another_is_answered_as_exactly(tmp_path):
    said = "The mayor of Wick is Ada Lund, a teacher. Thurso has been led by mayor Ola Berg since 2019."
    bot = asking(tmp_path, "Two towns", f"{said} Both towns live off fish. A bus runs between them twice a day.")
    first = bot.ask("Who is Wick's mayor?")
    second = bot.ask("And Thurso's?", (Turn(first.question, first.text),))
    assert [first.sentences[0].phrase, second.sentences[0].phrase] == ["Ada Lund", "Ola Berg"]


def test_what_was_quoted_may_answer_a_question_that_stands_alone(tmp_path):
    built = "Anna Berg built the Lindholm bridge in 1932 with her two brothers."
    others = "The bridge crosses the Skara near its mouth. Ships pass below it in summer. Ice closes the river in January."
    bot = asking(tmp_path, "The Lindholm bridge", f"{built} {others}")
    first = bot.ask("Who built the Lindholm bridge?")
    assert first.sentences[0].text == built
    turns = (Turn(first.question, first.text),)
    assert bot.ask("When was the Lindholm bridge built?", turns).sentences[0].text == built
    again = extract.scored("What else is there to it?", bot.answerer.prepare(Request("the bridge")).hits, said=built)
    assert again[0][1].sentence.text != built


def test_a_quoted_sentence_may_tell_two_things(tmp_path):
    paid = "Fishermen from Thurso paid for half of the work, which took three years."
    others = "The harbour beside it was deepened in 1950. A museum in the customs house shows how barrels were made."
    bot = asking(tmp_path, "The bridge of Wick", f"The bridge was built by Ada Brink in 1921. {paid} {others}")
    first = bot.ask("Who paid for half of the work?")
    turns = (Turn(first.question, first.text),)
    assert bot.ask("How long did it take?", turns).sentences[0].phrase == "three years"
    hits = bot.answerer.prepare(Request("Who else paid for the work?", turns)).hits
    assert extract.scored("Who else paid for it?", hits, said=paid)[0][1].sentence.text != paid


@pytest.mark.parametrize(
    ("question", "kind", "yes", "no"),
    [
        ("When was it built?", "time", "It was built in 1921.", "It was built of stone."),
        ("How many came?", "amount", "Forty-two or 42 came.", "Everybody from the town came."),
        ("Who built it?", "name", "It was built by Ada Lund.", "It was built by the sea."),
        ("Why did Ada leave?", "reason", "She left because of the noise.", "She left at dawn."),
        ("What did Ada Lund say?", "quotation", "“It was the best day of my life,” said Ada Lund.",
         "Ada Lund was quoted nowhere in the long and dull report."),
    ],
)  # fmt: skip
def test_kinds(question, kind, yes, no):
    assert asked_kind(question) == kind
    assert holds(kind, yes, question)
    assert not holds(kind, no, question)


@pytest.mark.parametrize(
    "question",
    ["What did Ada Lund say?", "ada lund quote", "Any quotes by Lund?", "what lund said about it", "comments by Ada Lund",
     "Lund said what?", "Give me a direct quote"],
)  # fmt: skip
def test_whose_words_are_asked_for(question):
    said, others = "“It was the best day of my life,” said {}.", ("Ada Lund", "Mayor Ola Berg")
    assert asked_kind(question) == "quotation"
    assert holds("quotation", said.format(others[0]), question)
    assert holds("quotation", said.format(others[1]), question) == ("Lund" not in question.title())


LUND = "“It was the best day of my life, even with the rain,” said Mayor Lund."


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("What did Ada Lund say?", True), ("ada lund quote", True), ("Any quotes by Mayor Lund?", True),
        ("What did Lund say about the rain?", True), ("What did Lund say about the snow?", False),
        ("What did Ola Berg say?", False), ("What did Ola Lund say?", False), ("What did she say?", False),
        ("How did Lund react to the rain?", False), ("Who is Ada Lund?", False),
    ],
)  # fmt: skip
def test_words_quoted_as_they_are_asked_for(question, asked):
    around = f"Ada Lund opened the harbour beside Ola Berg. {LUND}"
    assert quotes_as_asked(question, LUND, around) == asked


def test_somebody_quoted_on_what_is_asked_is_never_refused(tmp_path):
    bot = asking(tmp_path, "Harbour", f"Ada Lund opened the harbour beside Ola Berg. {LUND} Berg left early.")
    for question in ("What did Ada Lund say?", "ada lund quote", "What did Lund say about the rain?"):
        answer = bot.ask(question)
        assert answer.answered
        assert answer.citations[0].quote == LUND


@pytest.mark.parametrize("question", ["Who gave her a quote for the roof?", "Which words rhyme?", "What says that?"])
def test_no_words_of_anybody_are_asked_for(question):
    assert asked_kind(question) != "quotation"


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("“We will rebuild the whole harbour,” said Mayor Ada Lund.", "Mayor Ada Lund"),
        ("Ada Lund said: “We will rebuild the whole harbour.”", "Ada Lund"),
        ("The sign reads “No entry for vehicles over two tons”.", None),
        ("Nobody said a word.", None),
    ],
)
def test_speaker(text, who):
    assert speaker(text) == who


def test_answers_are_short_cited_and_most_relevant_first(bot):
    answer = bot.ask("What is the Quad?")
    assert answer.answered
    assert 1 <= len(answer.sentences) <= 3
    assert "Quadrilateral Security Dialogue, or Quad" in answer.sentences[0].text
    assert [c.number for c in answer.citations] == list(range(1, len(answer.citations) + 1))
    assert answer.text.count("[") == len(answer.citations)


def test_what_the_article_does_not_say(bot):
    answer = bot.ask("Who won the football world cup?")
    assert (answer.state, answer.text) == ("not_in_article", NOT_IN_ARTICLE)
    assert not answer.citations
    assert 1 <= len(answer.nearest) <= 3
    assert answer.confidence < bot.answerer.threshold


def test_small_talk_is_human_and_claims_nothing(bot):
    for message in ("hi", "thanks!", "bye", "who are you?"):
        answer = bot.ask(message)
        assert answer.state == "smalltalk"
        assert answer.sentences[0].text
        assert not answer.citations
        assert not answer.nearest


def test_a_summary_has_central_sentences_in_their_order(bot):
    answer = bot.ask("Summarise")
    assert answer.answered
    assert len(answer.citations) == 3
    starts = [citation.start for citation in answer.citations]
    assert starts == sorted(starts)
    assert not any(sentence.text.endswith("?") for sentence in answer.sentences)
    assert bot.ask("tl;dr").sentences == answer.sentences


def test_no_sentence_says_another_again(tmp_path):
    twice = "The old harbour was rebuilt in 1921."
    bot = asking(tmp_path, "A", f"{twice} {twice} The lighthouse stands on the cape.")
    answer = bot.ask("When was the old harbour rebuilt?")
    assert [s.text for s in answer.sentences].count(twice) == 1


def test_a_heading_is_no_answer(tmp_path):
    body = "Rebuilding took four years, from 1917 to 1921, and cost the town more than it had. " * 2
    bot = asking(tmp_path, "A", f"When was the harbour rebuilt\n\n{body}")
    hits = bot.answerer.prepare(Request("When was the harbour rebuilt?")).hits
    assert extract.scored("When was the harbour rebuilt?", hits)[0][1].sentence.text.startswith("Rebuilding")


def test_confidence_tells_off_topic_from_on_topic(bot):
    on = [bot.ask(q).confidence for q in ("What is the Quad?", "What does Modi say of terrorism?")]
    off = [bot.ask(q).confidence for q in ("How is cheese made?", "Who wrote Hamlet?", "asdf qwer zxcv")]
    assert min(on) > max(off)
    assert all(0 <= each <= 1 for each in on + off)


def test_weights_of_other_features_are_refused(tmp_path):
    data = json.loads(confidence.WEIGHTS.read_text())
    data["features"] = data["features"][:-1]
    (tmp_path / "w.json").write_text(json.dumps(data))
    with pytest.raises(ValueError, match=r"chatbot\.answering\.fit"):
        confidence.fitted(tmp_path / "w.json")


def test_every_suggestion_is_answered_with_a_citation(bot):
    starters = bot.starters()
    assert 2 <= len(starters) <= 4
    assert len(set(starters)) == len(starters)
    for question in starters:
        answer = bot.ask(question)
        assert answer.answered, question
        assert answer.citations


def test_suggestions_do_not_repeat_what_was_asked(bot):
    first = bot.starters()[0]
    assert first not in bot.ask(first).suggestions
    second = bot.ask("What is the Quad?", [Turn(first, "…")])
    assert first not in second.suggestions


def test_the_chain_gives_the_same_as_the_chatbot(bot):
    question = "What is the Quad?"
    plain = bot.ask(question)
    for asked in (question, {"question": question}, Request(question)):
        answer = bot.chain.invoke(asked)
        assert isinstance(answer, Answer)
        assert answer.text == plain.text
    *sentences, last = bot.chain.stream({"question": question, "history": [["hi", "Hello!"]]})
    assert isinstance(last, Answer)
    assert sentences
    assert tuple(sentences) == last.sentences
    assert all(isinstance(each, CitedSentence) for each in sentences)
    assert [a.state for a in bot.chain.batch([question, "hi"])] == ["answered", "smalltalk"]


def test_the_runnable_composes_with_langchain(bot):
    from langchain_core.runnables import RunnableLambda

    cited = RunnableLambda(lambda message: message.content_blocks[0]["annotations"][0]["cited_text"])
    assert "Quad" in (bot.runnable | cited).invoke("What is the Quad?")
    assert "Quad" in (bot.chain | RunnableLambda(lambda answer: answer.citations[0].quote)).invoke("What is the Quad?")
    assert [m.response_metadata["answer"]["state"] for m in bot.runnable.batch(["Summarise", "hi"])] == ["answered", "smalltalk"]


def test_a_new_subject_is_not_drowned_by_the_turn_before(bot):
    before = bot.ask("What did Prime Minister Ishiba say?")
    answer = bot.ask("What is the Quad?", [Turn(before.question, before.text)])
    assert "Quadrilateral" in answer.sentences[0].text


@pytest.mark.parametrize(
    "question",
    ["Which Indian city will get the next Japanese factory?", "What does Ishiba think of semiconductor supply chains?"],
)
def test_what_stands_alone_is_answered_as_if_nothing_had_been_said(bot, question):
    before = bot.ask("Why does Japan matter for India's railways?")
    alone, later = bot.ask(question), bot.ask(question, [Turn(before.question, before.text)])
    assert later.text == alone.text
    assert later.confidence == pytest.approx(alone.confidence, abs=1e-3)


def assert_verbatim(answer, text):
    for citation in (*answer.citations, *answer.nearest):
        assert text[citation.start : citation.end] == citation.quote
        assert text[: citation.start].endswith(citation.before)
        assert text[citation.end :].startswith(citation.after)
    if not answer.answered:
        assert not answer.citations
    assert answer.answered == (answer.state == "answered")


WORDS = SEED.read_text(encoding="utf-8").split()


@settings(max_examples=60, deadline=None)
@given(
    st.one_of(
        st.text(min_size=1, max_size=300).filter(str.strip),
        st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join),
    ),
    st.lists(st.tuples(st.text(max_size=60), st.text(max_size=200)), max_size=3),
)
def test_every_citation_of_every_answer_is_verbatim(bot, question, turns):
    text = SEED.read_text(encoding="utf-8")
    assert_verbatim(bot.ask(question, [Turn(*turn) for turn in turns]), text)


@settings(max_examples=15, deadline=None)
@given(st.text(min_size=1, max_size=600).filter(lambda text: any(c.isalnum() for c in text)))
def test_every_citation_is_verbatim_in_any_article(tmp_path_factory, text):
    text = text.encode("utf-8", "replace").decode()
    index = Index.open(tmp_path_factory.mktemp("any"))
    with index.writing():
        add(index, Article("a", "A", text))
    bot = Chatbot(index)
    bot.answerer.threshold = 0.0
    for question in ("summarise", text[:80] + "?", "What?"):
        assert_verbatim(bot.ask(question), text)
    index.close()
