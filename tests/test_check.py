"""The check of what a language model wrote: facts, negations, directions, meaning, on known claims."""

import random
from collections import defaultdict

import pytest
from conftest import DATA

from chatbot.answering import facts
from chatbot.answering.check import check
from chatbot.answering.sources import Source
from chatbot.evaluation.claims import claims
from chatbot.reader.examples import read
from index import Article, chunk, make_embedder

TEXT = (
    "The harbour of Wick was rebuilt after the great storm of 1919. Mayor Ada Brink opened the new harbour on 4 May 1921,"
    " and 1,200 people came. Fishermen from Thurso paid for half of the work, while the European Union paid nothing. She said"
    " that “the sea gives and the sea takes”. Exports of herring rose by 12 per cent in ten years, and the town did not raise"
    " its taxes. Parking near the pier is not allowed before noon."
)
OTHER = "The museum of Golspie shows old clocks. Its roof was mended by volunteers in the spring of 1998."


@pytest.fixture(scope="module")
def embedder():
    return make_embedder()


@pytest.fixture(scope="module")
def source(embedder):
    passages = [p for place, text in enumerate((TEXT, OTHER)) for p in chunk(Article(str(place), "Wick harbour", text))]
    assert len(passages) == 2
    return Source(passages, embedder.embed_tokens([p.text for p in passages]))


SUPPORTED = [
    ("Mayor Ada Brink opened the new harbour on 4 May 1921.", "Ada Brink"),
    ("The new harbour was opened by Ada Brink in May 1921.", "Ada Brink"),
    ("Ada Brink opened the harbour on May 4, 1921, and 1200 people came.", "Ada Brink"),
    ("The harbour was rebuilt after a great storm in 1919.", "rebuilt"),
    ("Half of the work was paid for by fishermen from Thurso.", "Fishermen"),
    ("The EU paid nothing.", "European Union"),
    ("Exports of herring rose by 12% in 10 years.", "herring"),
    ("Brink said that \"the sea gives and the sea takes\".", "gives"),
    ("Wick's town did not raise its taxes.", "taxes"),
    ("Parking is not allowed near the pier before noon.", "Parking"),
]


@pytest.mark.parametrize(("claim", "word"), SUPPORTED)
def test_what_the_source_says_is_supported_by_the_sentence_that_says_it(source, embedder, claim, word):
    verdict = check(claim, [1], source, embedder.embed_query_tokens)
    assert verdict.supported, verdict.reason
    assert word in " ".join(each.sentence.text for each in verdict.sentences)
    assert len(verdict.sentences) <= 2


UNSUPPORTED = {
    "a number": "Mayor Ada Brink opened the new harbour on 4 May 1922, and 1,200 people came.",
    "a count": "Mayor Ada Brink opened the new harbour and 1,900 people came.",
    "another day": "Mayor Ada Brink opened the new harbour on 12 May 1921.",
    "another month": "Mayor Ada Brink opened the new harbour on 4 June 1921.",
    "a name": "Mayor Ida Munro opened the new harbour on 4 May 1921.",
    "a name from nearby": "Fishermen from Wick paid for half of the work.",
    "a name that no passage has": "Fishermen from Aberdeen paid for half of the work.",
    "a quotation": "Brink said that “the sea gives and the land takes”.",
    "a negation more": "Fishermen from Thurso did not pay for half of the work.",
    "a negation less": "The town did raise its taxes.",
    "allowed": "Parking near the pier is allowed before noon.",
    "a direction": "Exports of herring fell by 12 per cent in ten years.",
    "the other side of noon": "Parking near the pier is not allowed after noon.",
    "an address": "Ada Brink opened the harbour, see https://evil.example/x for more.",
    "something else": "The harbour has three cranes and a lighthouse for large ships.",
    "the world": "Wick is a town in the north of Scotland.",
}


@pytest.mark.parametrize("claim", UNSUPPORTED.values(), ids=UNSUPPORTED)
def test_what_the_source_does_not_say_is_not_supported(source, embedder, claim):
    verdict = check(claim, [1], source, embedder.embed_query_tokens)
    assert not verdict.supported
    assert verdict.reason


@pytest.mark.parametrize("numbers", [[], [3], [0], [1, 7], [2]], ids=str)
def test_a_citation_must_exist_and_hold_the_claim(source, embedder, numbers):
    claim = "Mayor Ada Brink opened the new harbour on 4 May 1921."
    assert not check(claim, numbers, source, embedder.embed_query_tokens).supported


def test_of_several_citations_one_must_hold_it(source, embedder):
    claim = "Mayor Ada Brink opened the new harbour on 4 May 1921."
    verdict = check(claim, [2, 1], source, embedder.embed_query_tokens)
    assert verdict.supported
    assert {each.passage.article_id for each in verdict.sentences} == {"0"}


def test_without_token_vectors_the_words_still_count(source):
    told = "Mayor Ada Brink opened the new harbour on 4 May 1921"
    assert check(f"{told}.", [1], source, lambda _: None).supported
    assert not check(told.replace("1921", "1931"), [1], source, lambda _: None).supported


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("In 1,000 years", ["1000", "year"]), ("$1.50 or 1.5m", ["1.5", "1.5", "million"]), ("twelve men", ["12", "men"]),
        ("the 3rd", ["3"]), ("the U.S. and US", ["us", "us"]), ("India’s trade", ["india", "trade"]), ("on May 4", ["may", "4"]),
        ("it may be", []), ("In March 1990", ["march", "1990"]),
    ],
)  # fmt: skip
def test_words_are_compared_as_readers_do(text, keys):
    assert [word.key for word in facts.words(text) if word.kind != "form"] == keys


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Ada Brink came", "name name word"), ("Gulls came", "initial word"), ("He met Modi", "form name word"),
        ("iPhones sell", "name word"), ("NATO agreed", "name word"),
    ],
)  # fmt: skip
def test_names_are_told_from_words(text, kinds):
    found = " ".join(word.kind for word in facts.words(text))
    assert found == kinds.replace("form name word", "form word name")


@pytest.mark.datasets
def test_corrupted_claims_are_dropped_and_true_ones_kept():
    """On articles that the check was not fitted on, as `fit_check` parts them."""
    rng = random.Random(7)
    made = [claims(part, rng, 60) for part in read([DATA / "squad2-dev.json", DATA / "xquad-en-dev.json"])]
    titles = sorted({some[0].article for some in made if some})
    apart = [claim for some in made for claim in some[::4] if claim.article not in titles[::2]]
    embedder = make_embedder()
    sources = {c.passage.text: Source([c.passage], embedder.embed_tokens([c.passage.text])) for c in apart}
    kept = defaultdict(list)
    for claim in apart:
        verdict = check(claim.text, [1], sources[claim.passage.text], embedder.embed_query_tokens)
        kept[claim.supported].append(verdict.supported)
    assert len(kept[True]) > 100
    assert sum(kept[True]) / len(kept[True]) >= 0.93
    assert sum(kept[False]) / len(kept[False]) <= 0.05
