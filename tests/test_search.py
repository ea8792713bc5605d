import json
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import DATA

from index import Article, Index, Query, Retriever, add, ranking
from index import search as search_module
from index.lexical import Lexicon, overlap, tokens

TOPICS = ["harbour", "bakery", "lighthouse", "railway", "orchard", "mine", "theatre", "bridge"]


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    index = Index.open(tmp_path_factory.mktemp("topics"))
    with index.writing():
        for number, topic in enumerate(TOPICS):
            text = "\n\n".join(
                f"The {topic} of district {n} was built in {1800 + number * 10 + n}. It employs {n + 3} people."
                f" {'Visitors like it, and so do those who live nearby, whatever the season. ' * 3}"
                for n in range(6)
            )
            add(index, Article(f"{topic}.txt", topic.title(), text))
    yield index
    index.close()


def test_the_right_passage_comes_first(index):
    hits = Retriever(index).search([Query("In which year was the orchard of district 4 built?")], k=3)
    assert len(hits) == 3
    assert "orchard of district 4" in hits[0].passage.text
    assert hits[0].score >= hits[1].score >= hits[2].score


def test_scope_is_kept(index):
    hits = Retriever(index).search([Query("lighthouse")], k=50, articles=["mine.txt"])
    assert {hit.passage.article_id for hit in hits} == {"mine.txt"}
    assert Retriever(index).search([Query("lighthouse")], articles=["nope"]) == []
    assert Retriever(index).search([]) == []


def test_candidates_and_exact_search_agree(index, monkeypatch):
    exact, candidates = Retriever(index), Retriever(index)
    for topic in TOPICS:
        query = [Query(f"How many people does the {topic} of district 2 employ?")]
        monkeypatch.setattr(search_module, "EXACT_PASSAGES", 2000)
        wanted = exact.search(query, k=5)
        monkeypatch.setattr(search_module, "EXACT_PASSAGES", 0)
        found = candidates.search(query, k=5)
        assert found[0].passage == wanted[0].passage
        assert found[0].score == pytest.approx(wanted[0].score, abs=1e-4)
        assert {h.passage.id for h in found[:3]} == {h.passage.id for h in wanted[:3]}


def test_passages_that_cannot_win_are_left_out_and_nothing_else_changes(tmp_path, monkeypatch):
    pairs = json.loads((Path(__file__).parent / "gold_pairs.json").read_text())["data"]
    index = Index.open(tmp_path)
    with index.writing():
        add(index, *(Article(each["title"], each["title"], each["paragraphs"][0]["context"]) for each in pairs))
    retriever = Retriever(index)
    monkeypatch.setattr(ranking, "FEW", 1)
    compared = []
    scored = ranking._scored
    monkeypatch.setattr(ranking, "_scored", lambda *each: compared.append(len(each[3])) or scored(*each))
    for each in pairs[::4]:
        queries = [Query(each["paragraphs"][0]["qas"][0]["question"], 0.6), Query(each["title"], 0.4)]
        monkeypatch.setattr(ranking, "FIRST", 12)
        found = retriever.search(queries, k=4, reread=False)
        monkeypatch.setattr(ranking, "FIRST", 10**9)
        every = retriever.search(queries, k=4, reread=False)
        assert [hit.passage.id for hit in found] == [hit.passage.id for hit in every]
        for one, other in zip(found, every, strict=True):
            assert one.score == pytest.approx(other.score, abs=1e-5)
            for a, b in zip(one.sentences, other.sentences, strict=True):
                assert a.dense == pytest.approx(b.dense, abs=1e-5)
    index.close()
    # The first few, then those that are left; and all at once.
    assert set(compared[::3]) == {12}
    assert min(compared[1::3]) < len(pairs)
    assert min(compared[2::3]) >= len(pairs)


def test_an_index_held_in_memory_is_searched_exactly(tmp_path, monkeypatch):
    index = Index.open(tmp_path)
    with index.writing():
        for topic in TOPICS:
            add(index, Article(topic, topic.title(), f"The {topic} was built by the people of {topic}ville."))
    query = [Query("Who built the orchard?")]
    wanted = Retriever(index).search(query, k=8)
    monkeypatch.setattr(search_module, "EXACT_PASSAGES", 2)
    monkeypatch.setattr(search_module, "KEPT", 2)
    retriever = Retriever(index)
    monkeypatch.setattr(index.store, "nearest", lambda *_: pytest.fail("candidates were asked for"))
    retriever.read_ahead()
    assert [(hit.passage.id, hit.score) for hit in retriever.search(query, k=8)] == [(h.passage.id, h.score) for h in wanted]
    # What is added later is found at once, and before long from memory again.
    monkeypatch.undo()
    monkeypatch.setattr(search_module, "EXACT_PASSAGES", 2)
    monkeypatch.setattr(search_module, "KEPT", 2)
    with index.writing():
        add(index, Article("zoo", "Zoo", "The zoo was built by the keepers."))
    assert retriever.search([Query("Who built the zoo?")])[0].passage.article_id == "zoo"
    deadline = time.monotonic() + 30
    while retriever._everything is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(retriever._everything.passages) == len(TOPICS) + 1
    index.close()


def test_a_large_index_keeps_its_words_on_disk(tmp_path, monkeypatch):
    monkeypatch.setattr("index.build.LEXICAL_FROM", 2)
    monkeypatch.setattr(search_module, "EXACT_PASSAGES", 2)
    from index import sync

    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.txt").write_text(f"The {name} train leaves at {ord(name)} o'clock from platform {name}.")
    index = Index.open(tmp_path / "ix")
    sync(index, [tmp_path / f"{name}.txt" for name in ("a", "b", "c")])
    assert len(list(index.folder.glob("lexical-*"))) == 1
    retriever = Retriever(index)
    assert retriever.search([Query("platform b")])[0].passage.article_id == "b.txt"
    (tmp_path / "b.txt").write_text("The ferry sails at noon, weather permitting.")
    sync(index, [tmp_path / "b.txt"])
    assert len(list(index.folder.glob("lexical-*"))) == 1
    assert retriever.search([Query("When does the ferry sail?")])[0].passage.article_id == "b.txt"


def test_a_mix_of_questions_is_the_mean_of_their_scores(index):
    retriever = Retriever(index)
    one, two = Query("theatre", 0.6), Query("bridge of district 3", 0.4)

    def score(*queries):
        return {h.passage.id: h.mix for h in retriever.search(queries, k=1000)}

    first, second, both = score(one), score(two), score(one, two)
    for identity, value in both.items():
        assert value == pytest.approx(0.6 * first[identity] + 0.4 * second[identity], abs=0.05)


def test_tokens_and_overlap():
    assert tokens("Japan’s trains aren't late") == tokens("japan train aren't LATE")
    lexicon = Lexicon.build(["the rare okapi sleeps", "the common cat sleeps", "the common cat eats"])
    weights = lexicon.weights("Where does the okapi sleep?")
    assert overlap(weights, "The okapi is here.") > overlap(weights, "She sleeps.")
    assert overlap(weights, "An okapi sleeps") == pytest.approx(1)
    assert overlap(lexicon.weights("Why?"), "x") == 0
    assert lexicon.rarity("okapi") > lexicon.rarity("cat")
    assert (Lexicon.build(["..."]).scores("okapi") == 0).all()


def test_lexicon_survives_the_disk(tmp_path):
    texts = ["a fox in the quarry", "a heron on the weir", "two foxes"]
    made = Lexicon.build(texts)
    made.save(tmp_path)
    loaded = Lexicon.load(tmp_path)
    assert np.allclose(made.scores("fox weir"), loaded.scores("fox weir"))
    assert loaded.rarity("fox") == made.rarity("fox")


@pytest.mark.datasets
def test_paragraphs_of_public_articles_are_found(tmp_path):
    """Success@1 over 40 paragraphs; the gate is below what is measured, far above stock's 0.90."""
    import json

    data = json.loads((DATA / "xquad-en-dev.json").read_text())["data"][:8]
    index = Index.open(tmp_path)
    asked = []
    with index.writing():
        for a, article in enumerate(data):
            for p, paragraph in enumerate(article["paragraphs"]):
                add(index, Article(f"{a}/{p}", article["title"], paragraph["context"]))
                asked += [(f"{a}/{p}", qa["question"]) for qa in paragraph["qas"]]
    retriever = Retriever(index)
    right = [retriever.search([Query(q)], 1)[0].passage.article_id == gold for gold, q in asked]
    assert np.mean(right) >= 0.94
