"""Token by token: what late interaction sees, and that it is the model's own arithmetic."""

import numpy as np
import pytest
from conftest import SEEDS

from chatbot import Chatbot
from index import Article, Index, Query, Retriever, add, make_embedder
from index.late import LateReader
from index.lexical import pairs
from index.spelling import Speller

TEXT = (
    "The harbour was rebuilt after the great storm. Mayor Ada Brink opened it in 1921."
    " Fishermen paid for half of the work. Gulls like it too."
)


@pytest.fixture(scope="module")
def embedder():
    return make_embedder()


@pytest.fixture
def retriever(tmp_path, embedder):
    index = Index.open(tmp_path, embedder)
    with index.writing():
        add(index, Article("harbour", "Harbour", TEXT))
    yield Retriever(index)
    index.close()


def test_tokens_are_unit_vectors_with_their_places(embedder):
    (tokens,) = embedder.embed_tokens(["Gulls like harbours."])
    assert tokens.vectors.shape == (len(tokens.offsets), 384)
    assert np.allclose(np.linalg.norm(tokens.vectors, axis=1), 1, atol=1e-5)
    pieces = ["Gulls like harbours."[start:end] for start, end in tokens.offsets]
    assert "".join(pieces) == "Gullslikeharbours."


def test_a_questions_vector_and_tokens_are_of_one_run(embedder):
    alone = embedder.embed_documents(["Who opened it?"])[0]
    assert np.allclose(embedder.embed_query("Who opened it?"), alone, atol=1e-6)
    assert len(embedder.embed_query_tokens("Who opened it?").vectors) == 4


def test_figures_are_the_mean_and_the_worst_of_the_nearest(retriever, embedder):
    question = "Who opened the harbour?"
    (hit,) = retriever.search([Query(question)], 1)
    asked = embedder.embed_query_tokens(question)
    (tokens,) = embedder.embed_tokens([TEXT])
    similar = (tokens.vectors @ asked.vectors.T).max(axis=0)
    assert hit.late == pytest.approx(float(similar.mean()), abs=2e-3)
    content = [1, 3]
    assert hit.least == pytest.approx(float(similar[content].min()), abs=2e-3)
    assert all(each.late <= hit.late + 1e-6 for each in hit.sentences)


def test_a_text_compared_from_some_place_on_shows_what_its_sentence_does(retriever):
    queries = [Query("Who opened the harbour?")]
    (hit,) = retriever.search(queries, 1)
    last = hit.sentences[-1]
    found = retriever.compare(queries, ["harbour"], TEXT, last.sentence.start)
    assert (found.late, found.least, found.asking) == pytest.approx((last.late, last.least, last.asking), abs=2e-3)
    assert retriever.compare(queries, ["harbour"], TEXT, len(TEXT)) is None


def test_an_embedder_without_tokens_compares_nothing(retriever, monkeypatch):
    monkeypatch.setattr(type(retriever.index.embedder), "embed_query_tokens", lambda *_: None)
    assert retriever.compare([Query("Who?")], ["harbour"], TEXT, 0) is None


def test_it_finds_the_sentence_that_is_asked_for(retriever):
    def best(question):
        (hit,) = retriever.search([Query(question)], 1)
        return max(hit.sentences, key=lambda each: each.late).sentence.text

    assert best("When was it opened?").startswith("Mayor")
    assert best("Who opened it?").startswith("Mayor")
    assert best("Who paid for it?").startswith("Fishermen")


def test_tokens_are_kept_and_the_oldest_forgotten(embedder, retriever, monkeypatch):
    hits = retriever.search([Query("harbour")], 1)
    reader = LateReader(embedder)
    reader.read([Query("harbour")], hits)
    with monkeypatch.context() as patched:
        patched.setattr(type(embedder), "embed_tokens", lambda *_: pytest.fail("read again"))
        reader.read([Query("harbour")], hits)
    monkeypatch.setattr("index.late.KEPT", 0)
    forgetful = LateReader(embedder)
    forgetful.read([Query("harbour")], hits)
    assert not forgetful._kept


def test_an_embedder_without_tokens_still_ranks(tmp_path, embedder, monkeypatch):
    monkeypatch.setattr(type(embedder), "embed_query_tokens", lambda *_: None)
    index = Index.open(tmp_path, embedder)
    with index.writing():
        add(index, Article("harbour", "Harbour", TEXT), Article("rose", "Roses", "Roses have thorns and a scent."))
    hits = Retriever(index).search([Query("What have roses got?")], 2)
    assert hits[0].passage.article_id == "rose"
    assert hits[0].late == 0
    index.close()


@pytest.mark.parametrize("tokens", [True, False])
def test_another_embedder_answers_and_refuses(tmp_path, tokens, monkeypatch):
    """Also one that keeps its tokens: what is not known is no reason to refuse."""
    original = make_embedder("sentence-transformers:all-MiniLM-L6-v2")
    if not tokens:
        monkeypatch.setattr(type(original), "embed_tokens", lambda *_: None)
    bot = Chatbot.open([SEEDS], tmp_path, embedder=original)
    for question in ("What is the Quad?", "What did Prime Minister Ishiba say?", "Where did the leaders meet?"):
        answer = bot.ask(question)
        assert answer.answered, question
        assert (bot.retriever.search([Query(question)], 1)[0].late > 0) == tokens
    assert not bot.ask("How do I bake sourdough bread?").answered
    bot.close()


def test_tokens_of_the_original_are_near_to_ours(embedder):
    original = make_embedder("sentence-transformers:all-MiniLM-L6-v2")
    (theirs,), (ours,) = original.embed_tokens([TEXT]), embedder.embed_tokens([TEXT])
    assert theirs.offsets.tolist() == ours.offsets.tolist()
    assert float((theirs.vectors * ours.vectors).sum(axis=1).mean()) > 0.97


def test_empty_and_strange_questions_are_read(retriever):
    for question in ("?", "!!!", "\ud800", "🙂", "a" * 1900):
        assert retriever.search([Query(question)], 1)


def test_pairs_are_neighbours_without_stop_words():
    assert pairs("The great storm of the harbour") == {("great", "storm"), ("storm", "harbour")}


# Spelling


@pytest.fixture(scope="module")
def speller():
    return Speller(["The Shanghai Cooperation Organisation met. Shanghai was warm.", "Fishermen paid tariffs to Louis XXXIII."])


KNOWN = {"fishers", "organ", "cooperate"}


@pytest.mark.parametrize(
    ("written", "mended"),
    [
        ("shangai cooperation", "Shanghai cooperation"),
        ("orgnisation", "Organisation"),
        ("Fishremen", "Fishermen"),
        ("fishers", "fishers"),
        ("paidd?", "paid?"),
        ("payd?", "payd?"),
        ("tarrifs", "tariffs"),
        ("fishermmen", "Fishermen"),
        ("Louis XXXII or XXIII", "Louis XXXII or XXIII"),
        ("xhanghai", "xhanghai"),
        ("Tokyo 2024", "Tokyo 2024"),
        ("", ""),
    ],
)
def test_only_what_nobody_knows_is_mended(speller, written, mended):
    assert speller.mend(written, KNOWN.__contains__) == mended


def test_a_misspelt_name_finds_its_passage(retriever):
    (hit,) = retriever.search([Query("fishremen")], 1)
    assert hit.lexical == 1


def test_a_small_index_is_read_ahead(retriever, embedder, monkeypatch):
    retriever.read_ahead()
    with monkeypatch.context() as patched:
        patched.setattr(type(embedder), "embed_tokens", lambda *_: pytest.fail("read again"))
        assert retriever.search([Query("Who opened it?")], 1)[0].late > 0
