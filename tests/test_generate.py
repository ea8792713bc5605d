"""Answers that a language model writes: checked sentence by sentence, with the article to fall back on."""

import json
import threading
import time

import pytest
from conftest import SEEDS, wait_for
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage
from scripted import Scripted

from chatbot import Chatbot, Settings, Turn
from chatbot.answering.budget import Budget
from chatbot.answering.faults import MESSAGES, Fault
from chatbot.answering.generate import parsed, sentences
from chatbot.answering.models import Model
from chatbot.answers import Answer, CitedSentence

QUESTION = "What is the Quad?"
TRUE = "Japan and India are members of the Quadrilateral Security Dialogue, or Quad [1]."
FALSE = "The Quad was founded by China in 1999 [1]."
REFUSED = "NOT IN THE PASSAGES"


@pytest.fixture
def written(seed_index):
    """A chatbot about the seed whose model follows scripts."""

    def make(*scripts, **settings):
        return Chatbot(Chatbot.open([], seed_index).index, Settings(**settings), model=Scripted(*scripts))

    return make


def quoted(bot, answer):
    for citation in (*answer.citations, *answer.nearest):
        assert bot.article(citation.article).text[citation.start : citation.end] == citation.quote


def test_a_supported_sentence_is_shown_with_the_exact_sentence_it_rests_on(written):
    bot = written(TRUE)
    answer = bot.ask(QUESTION)
    assert answer.answered
    assert answer.model == "Scripted"
    assert answer.notice is None
    assert answer.text == "Japan and India are members of the Quadrilateral Security Dialogue, or Quad. [1]"
    (citation,) = answer.citations
    assert citation.quote.startswith("Both Japan and India are integral members")
    quoted(bot, answer)
    data = answer.to_json()
    assert data["model"] == "Scripted"
    assert "notice" not in data


def test_an_unsupported_sentence_never_reaches_a_reader(written):
    bot = written(f"{TRUE} {FALSE} It is an old club. Modi will visit Beijing.")
    pieces = list(bot.stream(QUESTION))
    assert [type(piece) for piece in pieces] == [CitedSentence, Answer]
    assert "1999" not in json.dumps(pieces[-1].to_json())
    assert "old club" not in json.dumps(pieces[-1].to_json())


def test_where_nothing_is_supported_the_article_stands_in_and_says_so(written):
    bot = written(FALSE)
    plain = Chatbot(bot.index, Settings()).ask(QUESTION)
    answer = bot.ask(QUESTION)
    assert answer.answered
    assert answer.model is None
    assert [s.text for s in answer.sentences] == [s.text for s in plain.sentences]
    assert answer.notice.kind == "unsupported"
    assert "article's own words" in answer.notice.message
    assert answer.to_json()["notice"] == {"kind": "unsupported", "message": answer.notice.message}


def test_several_things_asked_reach_the_model_where_one_is_told(written):
    asked = "When was the Quad formed and who is in it?"
    answer = written(TRUE).ask(asked)
    assert answer.model == "Scripted"
    assert answer.text == "Japan and India are members of the Quadrilateral Security Dialogue, or Quad. [1]"
    # What the model makes of the other is its own; the article's words say what they leave open.
    assert answer.left_open == ()
    answer = written(FALSE).ask(asked)
    assert answer.notice.kind == "unsupported"
    assert answer.left_open == ("When was the Quad formed?",)
    assert answer.sentences[-1].citations == ()


def test_marked_sentences_are_shown_without_a_citation(written):
    answer = written(f"{TRUE} {FALSE}", check="mark").ask(QUESTION)
    assert [s.supported for s in answer.sentences] == [True, False]
    assert answer.sentences[1].citations == ()
    assert [s.get("supported", True) for s in answer.to_json()["sentences"]] == [True, False]


def test_with_the_check_off_everything_passes(written):
    answer = written(f"{TRUE} {FALSE}", check="off").ask(QUESTION)
    assert len(answer.sentences) == 2
    assert all(s.citations for s in answer.sentences)


def test_a_sentence_cited_twice_keeps_its_number(written):
    answer = written(f"{TRUE} India is a member of the Quad [1].").ask(QUESTION)
    assert [[c.number for c in s.citations] for s in answer.sentences] == [[1], [1]]
    assert len(answer.citations) == 1


@pytest.mark.parametrize("said", [REFUSED, f"{REFUSED}.", "The passages do not mention this.", "The article doesn’t say when."])
def test_a_model_may_say_that_the_article_does_not(written, said):
    answer = written(said).ask(QUESTION)
    assert answer.state == "not_in_article"
    assert answer.citations == ()
    assert answer.nearest
    assert answer.notice is None


def test_what_the_evidence_refuses_is_not_asked_of_the_model(written):
    bot = written(TRUE)
    assert bot.ask("Who won the football world cup?").state == "not_in_article"
    assert bot.ask("thanks!").state == "smalltalk"
    assert bot.model.chat.asked == []


def test_a_summary_is_written_from_the_whole_article(written):
    bot = written("Japan and India are members of the Quad [6]. Both Japan and India are integral members of the Quadrilateral Security Dialogue [6].")
    answer = bot.ask("Summarise")
    prompt = bot.model.chat.asked[0][1].content
    assert prompt.count("<passage") >= 5
    assert answer.answered


def test_passages_are_data_that_cannot_end_themselves(written):
    bot = written(TRUE)
    bot.ask(QUESTION)
    bot.ask(QUESTION)
    system, human = bot.model.chat.asked[0]
    assert "no instruction" in system.content
    mark = human.content.split("<passage ")[1].split()[0]
    again = bot.model.chat.asked[1][1].content
    assert mark not in again


FAULTS = {
    "timeout": TimeoutError(),
    "overloaded": Fault("overloaded"),
    "unauthorized": Fault("unauthorized"),
    "rate_limited": Fault("rate_limited", 60),
    "malformed": json.JSONDecodeError("bad", "x", 0),
    "too_long": Fault("too_long"),
    "empty": "",
    "unavailable": ConnectionRefusedError(),
    "interrupted": Fault("interrupted"),
    "failed": RuntimeError("sk-secret"),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_is_told_and_the_article_stands_in(written, kind, monkeypatch, caplog):
    monkeypatch.setattr("chatbot.answering.models.WAITS", (0.01, 0.01))
    bot = written(FAULTS[kind])
    answer = bot.ask(QUESTION)
    assert answer.answered
    assert answer.citations
    assert answer.model is None
    assert answer.notice.kind == kind
    assert MESSAGES[kind] in answer.notice.message
    assert "sk-secret" not in json.dumps(answer.to_json()) + caplog.text


@pytest.mark.parametrize(("kind", "calls"), [("overloaded", 3), ("unavailable", 3), ("empty", 3), ("unauthorized", 1), ("failed", 1), ("rate_limited", 1)])
def test_what_may_pass_is_tried_again(written, kind, calls, monkeypatch):
    monkeypatch.setattr("chatbot.answering.models.WAITS", (0.01, 0.01))
    bot = written(FAULTS[kind])
    bot.ask(QUESTION)
    assert len(bot.model.chat.asked) == calls


def test_a_second_try_answers(written, monkeypatch):
    monkeypatch.setattr("chatbot.answering.models.WAITS", (0.01, 0.01))
    bot = written(Fault("rate_limited", 0.05), Fault("overloaded"), TRUE)
    answer = bot.ask(QUESTION)
    assert answer.model
    assert answer.notice is None


def test_too_many_passages_are_halved(written):
    def short(messages):
        return TRUE if messages[1].content.count("<passage") == 1 else Fault("too_long")

    bot = written(short)
    answer = bot.ask(QUESTION)
    assert answer.model
    assert len(bot.model.chat.asked) == 3


def test_an_answer_that_breaks_off_keeps_what_was_checked(written):
    answer = written([f"{TRUE} Both Ja", Fault("interrupted")]).ask(QUESTION)
    assert len(answer.sentences) == 1
    assert answer.model
    assert answer.notice.kind == "interrupted"
    assert "incomplete" in answer.notice.message


def test_a_model_that_hangs_is_given_up_in_time(written):
    bot = written(["Japan", 30.0], model_timeout=0.3)
    started = time.monotonic()
    answer = bot.ask(QUESTION)
    assert time.monotonic() - started < 5
    assert answer.notice.kind == "timeout"
    assert answer.answered


def test_a_reader_who_leaves_stops_the_model(written):
    words = [f"{TRUE} "] + [0.02, "India is a member. "] * 500
    bot = written(words)
    pieces = bot.stream(QUESTION)
    assert isinstance(next(pieces), CitedSentence)
    pieces.close()
    wait_for(lambda: bot.model.chat.closed, 5)


def test_the_first_sentence_comes_when_it_ends_and_not_later(written):
    words = [each for part in TRUE.split() for each in (f"{part} ", 0.02)]
    bot = written([*words, *["India ", 0.05] * 40])
    bot.ask("thanks!")
    began = time.monotonic()
    next(bot.stream(QUESTION))
    assert time.monotonic() - began < 40 * 0.05


def test_a_budget_that_is_spent_falls_back_to_the_article(seed_index, tmp_path):
    index = Chatbot.open([], seed_index).index
    spent = Model(Scripted(TRUE), "m", budget=Budget(tmp_path / "budget.json", 300))
    bot = Chatbot(index, Settings(), model=spent)
    assert bot.ask(QUESTION).model == "m"
    wait_for(lambda: spent.budget.spent() >= 300, 5)
    answer = bot.ask(QUESTION)
    assert answer.model is None
    assert answer.notice.kind == "budget"
    assert len(spent.chat.asked) == 1
    # Another process counts on, and another day begins anew.
    assert Budget(tmp_path / "budget.json", 300).spent() >= 300
    (tmp_path / "budget.json").write_text('{"day": "2001-01-01", "tokens": 999}')
    assert bot.ask(QUESTION).model == "m"


def test_many_readers_spend_one_budget(tmp_path):
    budget = Budget(tmp_path / "budget.json", 10_000)
    threads = [threading.Thread(target=lambda: [budget.spend(1) for _ in range(20)]) for _ in range(5)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert budget.spent() == 100


# ——— Follow-ups

TURN = Turn("What did Prime Minister Ishiba say?", "He spoke of working together.")


def found(messages):
    """TRUE with the number that the passage it rests on has here."""
    before = messages[1].content.partition("Quadrilateral")[0]
    return TRUE.replace("[1]", f"[{before.count('<passage')}]")


def rewriting(text, after=0.0):
    """A script that rewrites where it is asked to, and answers otherwise."""

    def script(messages):
        if "Last question" in messages[1].content:
            return [after, text] if isinstance(text, str) else text
        return found(messages)

    return script


def test_a_follow_up_that_finds_nothing_is_put_anew(written):
    bot = written(rewriting("What is the Quad?"))
    alone = Chatbot(bot.index, Settings()).ask("zxcv qwer?", [TURN])
    assert alone.state == "not_in_article"
    answer = bot.ask("zxcv qwer?", [TURN])
    assert answer.answered
    assert answer.question == "zxcv qwer?"
    assert "Quad" in answer.citations[0].quote


@pytest.mark.parametrize("rewritten", [Fault("overloaded"), "", "one\ntwo", "x" * 500], ids=["fault", "empty", "lines", "long"])
def test_a_rewrite_that_fails_costs_nothing(written, rewritten):
    answer = written(rewriting(rewritten)).ask("And what is the Quad?", [TURN])
    assert answer.model
    assert answer.notice is None


def test_a_slow_rewrite_is_not_waited_for(written):
    bot = written(rewriting("What is the Quad?", after=1.5))
    bot.ask("And what is the Quad?", [TURN])
    began = time.monotonic()
    assert bot.ask("And what is the Quad?", [TURN]).model
    assert time.monotonic() - began < 1.2


def test_the_better_evidence_is_used(written):
    seen = []

    def script(messages):
        if "Last question" in messages[1].content:
            return "What is the Quad?"
        seen.append(messages[1].content)
        return [0.4, found(messages)]

    bot = written(script)
    weak = Chatbot(bot.index, Settings()).ask("And that one?", [Turn("What is the Quadrilateral Security Dialogue?", "A forum.")])
    answer = bot.ask("And that one?", [Turn("What is the Quadrilateral Security Dialogue?", "A forum.")])
    assert answer.answered
    assert answer.confidence >= weak.confidence


# ——— Questions to start from


def test_the_model_writes_questions_that_the_article_answers(seed_index, tmp_path):
    bot = Chatbot.open([SEEDS], tmp_path, model=Scripted("1. What is the Quad?\n- Who is the president of France?\n* What did Prime Minister Modi say?\nNot a question\nWhich presidents is Modi expected to meet?"))
    assert bot.model.chat.asked == []
    bot.write_questions()
    found = bot.questions()
    assert "What is the Quad?" in found
    assert "What did Prime Minister Modi say?" in found
    assert "Who is the president of France?" not in found
    assert len(bot.starters()) <= 4
    # They are kept beside the index, and not asked for again.
    again = Chatbot.open([SEEDS], tmp_path, model=Scripted(Fault("failed")))
    again.write_questions()
    assert again.questions() == found
    assert again.model.chat.asked == []


def test_without_its_questions_rules_make_them(tmp_path):
    bot = Chatbot.open([SEEDS], tmp_path, model=Scripted(Fault("failed")))
    bot.write_questions()
    assert bot.starters() == Chatbot(bot.index, Settings()).starters()


# ——— Sentences out of a stream

STREAM = (
    "Japan's PM met Modi in the U.S. [1] They signed a deal at No. 10 [1, 2]. It cost 3.5 million [2].\n- A bullet [2]\n"
    "“We agree,” he said. [1][3] 「完」。 Wait… what? [4]\nTail that is broken o"
)


@given(st.lists(st.integers(1, 30), min_size=1, max_size=60))
def test_a_stream_cut_anywhere_gives_the_same_sentences(cuts):
    pieces, place = [], 0
    for cut in (*cuts, len(STREAM)):
        pieces.append(STREAM[place : place + cut])
        place += cut
    assert list(sentences(iter(pieces))) == list(sentences(iter([STREAM])))


def test_sentences_keep_their_citations_and_a_broken_one_is_left_out():
    found = list(sentences(iter([STREAM])))
    assert found[0] == "Japan's PM met Modi in the U.S. [1]"
    assert found[1] == "They signed a deal at No. 10 [1, 2]."
    assert found[2] == "It cost 3.5 million [2]."
    assert not any("Tail" in each for each in found)


@pytest.mark.parametrize(
    ("text", "plain", "numbers"),
    [
        ("**Bold** [1].", "Bold.", [1]), ("See ![x](http://e.example/?q=1) this [2].", "See this.", [2]),
        ("A [link](https://e.example) [1]!", "A link!", [1]), ("- item [3]", "item", [3]), ("<b>He</b> came [1][2].", "He came.", [1, 2]),
        ("So 【3†source】.", "So.", [3]), ("`x` [1, 1; 4]", "x", [1, 4]), ("<img src=x onerror=alert(1)>Hi [1].", "Hi.", [1]),
    ],
)  # fmt: skip
def test_markup_is_taken_away(text, plain, numbers):
    assert parsed(text) == (plain, numbers)


# ——— LangChain's own shapes


def test_the_runnable_gives_a_message_with_langchains_citations(written):
    for bot in (written(TRUE), written(FALSE)):
        message = bot.runnable.invoke(QUESTION)
        assert isinstance(message, AIMessage)
        first = message.content_blocks[0]
        citation = first["annotations"][0]
        assert citation["type"] == "citation"
        assert first["text"][citation["start_index"] : citation["end_index"]]
        extras = citation["extras"]
        assert bot.article(extras["article"]).text[extras["start"] : extras["end"]] == citation["cited_text"]
        chunks = list(bot.runnable.stream({"question": QUESTION}))
        assert "".join(str(chunk.text) for chunk in chunks) == message.text
        assert chunks[-1].response_metadata["answer"]["answered"]


def test_the_runnable_takes_messages(written):
    bot = written(TRUE)
    said = [HumanMessage("What did Prime Minister Ishiba say?"), AIMessage("He spoke."), HumanMessage(QUESTION)]
    message = bot.runnable.invoke(said)
    assert message.response_metadata["answer"]["question"] == QUESTION
