"""The reader: what it makes of passages, and what an answer shows of it."""

import logging

import numpy as np
import pytest
from conftest import SEEDS
from hypothesis import given
from hypothesis import strategies as st

from chatbot import Chatbot, Settings
from chatbot.answering import reader as reader_module
from chatbot.answering.closer import LOOKS, WITHIN, look_closer, read_found
from chatbot.answering.confidence import features
from chatbot.answering.conversation import asked_before, queries
from chatbot.answering.extract import _from_word_start, scored
from chatbot.answering.gather import gather, search
from chatbot.answering.kinds import asks_for_phrase
from chatbot.answering.lead import counts_since, lead, names_one_of_several
from chatbot.answering.reader import (
    BEHIND,
    FAR,
    LONGEST_PHRASE,
    LONGEST_QUESTION,
    MODEL,
    SHA256,
    SURE,
    Pairs,
    Reader,
    Reading,
    after,
    load,
)
from chatbot.answers import Citation, CitedSentence, Request, Turn
from index import Article, Hit, Passage, Phrase, Query, Sentence, SentenceEvidence
from index.lexical import Lexicon
from index.ranking import READ

TEXT = (
    "The harbour of Wick was rebuilt after the great storm of 1919. Mayor Ada Brink opened the new"
    " harbour on 4 May 1921. Fishermen from Thurso paid for half of the work."
)


@pytest.fixture(scope="module")
def harbour(tmp_path_factory):
    folder = tmp_path_factory.mktemp("harbour")
    (folder / "harbour.txt").write_text(TEXT, encoding="utf-8")
    bot = Chatbot.open([folder / "harbour.txt"], folder / "index")
    yield bot
    bot.close()


def read_one(question, text=TEXT):
    (reading,) = load().read(question, [text])
    return reading


def test_the_model_that_ships_is_small_and_whole():
    assert MODEL.stat().st_size < 25_000_000
    assert load() is not None
    card = MODEL.with_name("reader-card.md").read_text(encoding="utf-8")
    assert SHA256 in card


@pytest.mark.parametrize(
    ("question", "phrase"),
    [
        ("Who opened the new harbour?", "Ada Brink"),
        ("When was the great storm?", "1919"),
        ("Where did the fishermen come from?", "Thurso"),
    ],
)
def test_it_finds_the_words_that_answer(question, phrase):
    found = read_one(question).phrase(0, len(TEXT))
    assert phrase in TEXT[found.start : found.end]
    assert len(TEXT[found.start : found.end]) < 30


def test_it_tells_its_passage_from_another():
    question = "Who opened the new harbour?"
    other = "The museum has a room of old clocks. Its roof was mended by volunteers in spring."
    assert read_one(question).answers > read_one(question, other).answers + 1


def test_passages_are_read_the_same_alone_and_at_once():
    passages = [TEXT, "Gulls like it.", TEXT.upper()] * 4
    together = load().read("Who opened it?", passages)
    fresh = Reader(MODEL.read_bytes())  # which keeps no reading of before
    for each, reading in zip(passages, together, strict=True):
        (alone,) = fresh.read("Who opened it?", [each])
        assert alone is not reading
        assert alone.answers == reading.answers
        assert np.array_equal(alone.begins, reading.begins)


@pytest.mark.parametrize(("question", "passage"), [("", ""), ("?", " "), ("x" * 5000, "y " * 3000), ("Who?", "\ud800 lone"), ("誰?", "東京。")])
def test_any_text_can_be_read(question, passage):
    (reading,) = load().read(question, [passage])
    assert np.isfinite(reading.answers)
    assert len(reading.begins) == len(reading.ends) == len(reading.offsets)


@given(st.integers(1, 60), st.integers(0, 59), st.integers(0, 59), st.integers(0, 2**31))
def test_a_phrase_is_the_best_of_all_that_are_allowed(count, first, last, seed):
    rng = np.random.default_rng(seed)
    begins, ends = rng.normal(size=(2, count)).astype(np.float32)
    offsets = np.stack([np.arange(count) * 3, np.arange(count) * 3 + 2], axis=1)
    first, last = sorted((first % count, last % count))
    found = Reading(0.0, begins, ends, offsets).phrase(first * 3, last * 3 + 2)
    best = max(
        float(begins[i] + ends[j])
        for i in range(first, last + 1)
        for j in range(i, min(last + 1, i + LONGEST_PHRASE))
    )
    assert found.score == pytest.approx(best, abs=1e-5)
    assert first * 3 <= found.start < found.end <= last * 3 + 2


def test_where_no_token_stands_there_is_no_phrase():
    nothing = Reading(0.0, np.zeros(0), np.zeros(0), np.zeros((0, 2), np.int64))
    assert nothing.phrase(0, 10) is None


QUESTIONS = ("What is the Quad?", "Who is the prime minister of Japan?", "How is cheese made?", "What does Modi say of terrorism?", "When?")


def searched(bot, question):
    return bot.retriever.search([Query(question)], READ, reread=False)


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_passage_is_read_that_cannot_win(bot, question):
    hits = searched(bot, question)
    read = {hit.passage.id: hit.answers for hit in load().read_hits(question, hits)}
    answers = [read[hit.passage.id] for hit in hits]
    count = sum(each is not None for each in answers)
    assert count >= 1
    assert None not in answers[:count]
    assert all(each < SURE for each in answers[: count - 1])
    assert len(BEHIND) == READ - 1
    behind = [hits[0].score - hit.score for hit in hits[1:]]
    assert all(far <= most for far, most in zip(behind[: count - 1], BEHIND, strict=False))
    if count < len(hits):
        far = max(each.dense for hit in hits for each in hit.sentences) < FAR
        assert far or max(answers[:count]) >= SURE or behind[count - 1] > BEHIND[count - 1]


def test_a_question_about_something_else_is_read_with_one_passage(bot):
    hits = load().read_hits("How is cheese made?", searched(bot, "How is cheese made?"))
    assert len(hits) > 1
    assert sum(hit.answers is not None for hit in hits) == 1


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_closer_look_orders_what_is_near_the_first(bot, question):
    found = scored(question, load().read_hits(question, searched(bot, question)))
    looked = look_closer(load(), question, found)
    assert [score for *_, score in looked] == [score for *_, score in found]
    assert {e.sentence for _, e, _ in looked} == {e.sentence for _, e, _ in found}
    near = [e for _, e, score in found[:LOOKS] if found[0][2] - score < WITHIN]
    assert {e.sentence for _, e, _ in looked if e.look} == {e.sentence for e in near}
    for _, evidence, _ in looked[: len(near)]:
        sentence, phrase = evidence.sentence, evidence.look.phrase
        assert sentence.start <= phrase.start < phrase.end <= sentence.end
        words = sentence.text[phrase.start - sentence.start : phrase.end - sentence.start]
        assert words == words.strip() != ""


def test_a_closer_look_changes_the_order_of_what_is_near():
    text = "The old pier was closed in spring. The new pier was opened by Ada."
    cut = text.index("The new")
    closed, opened = Sentence(0, cut - 1, text[: cut - 1]), Sentence(cut, len(text), text[cut:])
    evidence = [SentenceEvidence(each, 0.5, 0.5) for each in (closed, opened)]
    hit = Hit(Passage("p", "a", 0, len(text), text, (closed, opened)), 1.0, 0.5, 0.5, tuple(evidence))
    for behind, best in ((0.1, opened), (WITHIN, closed)):
        found = [(hit, evidence[0], 2.0), (hit, evidence[1], 2.0 - behind)]
        looked = look_closer(load(), "Who opened the new pier?", found)
        assert looked[0][1].sentence == best
        assert looked[0][2] == 2.0
        # A question that does not stand alone means more than its words.
        assert look_closer(load(), "Who opened the new pier?", found, alone=False)[0][1].sentence == closed


def test_nothing_found_is_looked_at_in_vain():
    assert look_closer(load(), "Who?", []) == []
    assert read_found(load(), "Who?", [], "", True, lambda *_: pytest.fail("compared")) == ([], [])


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_first_sentence_is_compared_token_by_token_and_no_other(bot, question):
    asked, ids = [Query(question)], [entry.id for entry in bot.articles()]
    shown = []

    def compare(text, start):
        shown.append(text[start:])
        return bot.retriever.compare(asked, ids, text, start)

    _, ((_, first, _), *rest) = read_found(load(), question, searched(bot, question), "", True, compare)
    assert shown[-1] == first.sentence.text
    assert first.late > 0
    assert not any(evidence.late for _, evidence, _ in rest)


@pytest.mark.parametrize(
    ("nearest", "held", "expected"),
    [(0.2, 0.1, (0.15, 0.0)), (0.5, 0.1, (0.0, 0.06)), (0.5, 0.6, (0.0, 0.0)), (0.32, 0.0, (0.03, 0.008))],
)
def test_what_is_about_something_else_is_told_from_what_is_put_in_other_words(nearest, held, expected, monkeypatch):
    text = "The new pier was opened by Ada."
    sentence = Sentence(0, len(text), text)
    hit = Hit(Passage("p", "a", 0, len(text), text, (sentence,)), 1.0, 0.5, 0.5, (SentenceEvidence(sentence, nearest, 0.5),))
    monkeypatch.setattr("chatbot.answering.confidence.overlap", lambda *_: held)
    row = features("Who built the mole?", [hit], [(hit, hit.sentences[0], 1.0)], Lexicon.build([text]))
    assert row[-2:] == pytest.approx(expected)


def test_an_answer_begins_with_the_words_asked_for(harbour):
    answer = harbour.ask("Who opened the new harbour?")
    assert answer.answered
    assert "Ada Brink" in answer.phrase
    citation = answer.citations[0]
    words = citation.phrase
    assert citation.start <= words.start < words.end <= citation.end
    assert TEXT[words.start : words.end] == words.quote == answer.phrase
    assert answer.text.startswith(f"{answer.phrase} — Mayor Ada Brink opened")
    data = answer.to_json()
    assert data["phrase"] == answer.phrase
    assert data["citations"][0]["phrase"] == {"start": words.start, "end": words.end, "quote": words.quote}


@pytest.mark.parametrize(
    ("text", "phrase", "whole"),
    [
        ("It was found as CVE-2024-51877 in May.", "51877", "CVE-2024-51877"), ("It was built in the mid-1990s.", "1990s", "mid-1990s"),
        ("It ran from 1914-1918.", "1918", "1918"), ("Open 10am-5pm on weekdays.", "5pm", "5pm"), ("It cost $1,000.", "1,000", "1,000"),
        ("The US-China summit ended.", "China", "China"), ("Two of 12 came.", "12", "12"), ("11 boats came.", "11", "11"),
    ],
)  # fmt: skip
def test_a_number_is_quoted_with_what_it_hangs_on(text, phrase, whole):
    start = 100 + text.index(phrase)
    found = _from_word_start(Phrase(start, start + len(phrase), 1.0), Sentence(100, 100 + len(text), text))
    assert text[found.start - 100 : found.end - 100] == whole


def test_a_year_is_no_answer_to_how_long():
    article = Article("x", "X", "The festival was cancelled in 2020. It lasted 11 days.")
    year = Citation.of(1, article, 0, 35, (30, 34))
    assert lead("When was it cancelled?", year) == "2020"
    assert lead("How many years was it cancelled for?", year) is None
    assert lead("How long did it last?", Citation.of(1, article, 36, 54, (46, 53))) == "11 days"


def test_a_question_for_more_than_a_phrase_gets_the_sentence_alone(harbour):
    answer = harbour.ask("Why was the harbour of Wick rebuilt?")
    assert answer.phrase is None
    assert not answer.text.startswith(f"{answer.citations[0].phrase.quote} —")


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("Who came?", True), ("How many came?", True), ("What is the capital?", True), ("In which year?", True),
        ("Why did they come?", False), ("How did they come?", False), ("Did they come?", False),
        ("What did Modi say?", False), ("What happened then?", False), ("Describe the summit.", False),
        ("When and where did they meet?", True), ("When did they meet, and why?", False), ("Who came and how many stayed?", False),
        ("when does it start and where does he go after", False), ("Who came and went?", True),
        ("How much is paid and over how many years?", False), ("When and in which city did they meet?", True),
    ],
)  # fmt: skip
def test_which_questions_ask_for_a_phrase(question, asked):
    assert asks_for_phrase(question) == asked


@pytest.mark.parametrize(
    ("question", "before", "after", "one"),
    [
        ("Which mayors came?", "Among the guests were Mayor ", " and Mayor Ola Berg of Thurso.", True),
        ("Which mayors came?", "Among the guests were Mayor Ada Lund and Mayor ", ".", True),
        ("Who were the guests?", "The guests were ", ", Ola Berg and Jo Holm.", True),
        ("What northern towns took part?", "There were teams from ", " as well as Thurso.", True),
        ("Which mayors came?", "There came ", " of Wick, and nobody spoke.", False),
        ("Which mayor came?", "Among the guests were Mayor ", " and Dr Berg of Thurso.", False),
        ("Who came?", "There came ", " and Berg.", False),
        ("What does Lund run?", "She runs ", " and Holm.", False),
        ("Which business was closed?", "They closed ", " and Holm.", False),
    ],
)
def test_one_name_does_not_stand_for_several(question, before, after, one):
    assert names_one_of_several(question, before, after) == one


@pytest.mark.parametrize(
    ("before", "rest", "since"),
    [
        ("She is to make her first visit to Wick ", "in six years.", True),
        ("It was the highest tide in ", "40 years, said Lund.", True),
        ("It is the biggest fair for ", "more than two decades.", True),
        ("The first school was opened in ", "1950.", False),
        ("The first bridge will be finished ", "in two years.", False),
        ("The only ferry sank ", "two years ago.", False),
        ("She is to visit Wick ", "in six weeks.", False),
    ],
)
def test_how_long_nothing_like_it_was_is_no_time(before, rest, since):
    assert counts_since(before, rest) == since


@given(st.text(alphabet="ab \n\u00a0", max_size=40), st.integers(0, 39), st.integers(0, 39))
def test_a_sentence_in_parts_is_the_sentence(text, start, end):
    start, end = sorted((start % (len(text) + 1), end % (len(text) + 1)))
    quote = text[start:end].strip()
    if not quote:
        return
    start += len(text[start:end]) - len(text[start:end].lstrip())
    whole = text.strip()
    begin = len(text) - len(text.lstrip())
    citation = Citation.of(1, Article("a", "A", text), begin, begin + len(whole), (start, start + len(quote)))
    parts = CitedSentence(" ".join(whole.split()), (citation,)).parts
    assert "".join(parts) == " ".join(whole.split())
    assert parts[1] == " ".join(quote.split())


def test_without_the_model_all_works_as_before(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("chatbot.bot.load", lambda: load(tmp_path / "missing.onnx"))
    with caplog.at_level(logging.WARNING):
        bot = Chatbot.open([SEEDS], tmp_path / "index")
    assert "missing: answering without it" in caplog.text
    answer = bot.ask("Who is the prime minister of Japan?")
    assert answer.answered
    assert answer.phrase is None
    bot.close()


def test_a_damaged_model_is_not_used(tmp_path, monkeypatch, caplog):
    damaged = tmp_path / "reader-int8.onnx"
    damaged.write_bytes(MODEL.read_bytes()[:-9])
    monkeypatch.setattr(reader_module, "MODEL", damaged)
    with caplog.at_level(logging.WARNING):
        assert load(damaged) is None
    assert "damaged" in caplog.text


def test_it_can_be_switched_off(tmp_path):
    bot = Chatbot.open([SEEDS], tmp_path, settings=Settings(reader=False))
    answer = bot.ask("Who is the prime minister of Japan?")
    assert answer.answered
    assert answer.phrase is None
    assert answer.citations[0].phrase is None
    bot.close()


def test_a_follow_up_is_read_after_the_question_before_it(tmp_path):
    """The same words, after two questions of which the text goes on to answer one."""
    text = (
        "The castle of Wick was built by John Sinclair in 1664, and nobody has lived there since 1920."
        " The harbour of Wick was rebuilt after a storm. It cost the town 40,000 pounds, and fishermen paid for half of it."
    )
    (tmp_path / "wick.txt").write_text(text, encoding="utf-8")
    bot = Chatbot.open([tmp_path / "wick.txt"], tmp_path / "index")
    (entry,) = bot.articles()
    found = []
    for before in ("Who built the castle of Wick?", "Why was the harbour of Wick rebuilt?"):
        request = Request("In which year was it built first?", (Turn(before, "The town."),))
        asked = queries(request)
        hits = search(bot.retriever, load(), asked, [entry.id])
        gathered = gather(bot.retriever, load(), request, asked, hits, [entry.id])
        found.append(max(hit.answers for hit in gathered.hits if hit.answers is not None))
    bot.close()
    assert found[0] > found[1] + 1


def test_a_long_question_before_does_not_crowd_out_the_one_that_follows():
    before = "Why was the harbour of Wick rebuilt, " + "which was said to be deep, " * 40 + "after all?"
    question = "How much did it cost?"
    read = after(before, question)
    assert read.endswith(f"after all? {question}")
    assert len(Pairs().of(read, "").ids) < LONGEST_QUESTION
    assert after(before, question * 40) == question * 40
    assert after("", question) == question


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("Whose money paid for it?", True),
        ("How much did the harbour cost?", False),
        ("Why?", False),  # searched for together with the question before it
        ("And Ola Berg?", False),  # asked as the question before it was
    ],
)
def test_only_what_refers_back_is_read_so(question, told):
    before = Turn("When did Ada Lund build the castle?", "In 1664.")
    assert asked_before(Request(question, (before,))) == (before.question if told else "")
    assert asked_before(Request(question)) == ""
