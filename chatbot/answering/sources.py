"""The sentences that may support a claim, with their words and vectors, and what they hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from chatbot.answering import facts
from chatbot.answering.facts import Word
from chatbot.answering.orders import is_order
from index import Passage, Sentence
from index.embed import TokenVectors, Vectors

PRONOUNS = frozenset(
    "he him his she her hers it its they them their theirs this that these those who which".split()  # noqa: SIM905
)
BEFORE = 3
"""So many sentences before one may hold the name that its pronoun stands for."""


@dataclass(frozen=True, slots=True)
class SourceSentence:
    """A sentence that may support a claim: where it stands, its words, its tokens' vectors."""

    passage: Passage
    sentence: Sentence
    words: tuple[Word, ...]
    keys: frozenset[str]
    vectors: Vectors


class Source:
    """The passages that a model was given, numbered from 1, made ready to be compared with."""

    def __init__(self, passages: Sequence[Passage], tokens: Sequence[TokenVectors]) -> None:
        self.passages = tuple(passages)
        self._sentences = [
            _sentences(passage, each) for passage, each in zip(passages, tokens, strict=True)
        ]

    def cited(self, numbers: Iterable[int]) -> list[list[SourceSentence]]:
        """The sentences of each passage that these numbers name; others name nothing."""
        wanted = dict.fromkeys(numbers)
        return [self._sentences[n - 1] for n in wanted if 1 <= n <= len(self._sentences)]


def _sentences(passage: Passage, tokens: TokenVectors) -> list[SourceSentence]:
    starts = [each.start - passage.start for each in passage.sentences]
    places = [*np.searchsorted(tokens.offsets[:, 0], starts), len(tokens.offsets)]
    found = []
    for place, sentence in enumerate(passage.sentences):
        words = tuple(facts.words(sentence.text))
        keys = frozenset(word.key for word in words)
        vectors = tokens.vectors[places[place] : places[place + 1]].astype(np.float32)
        if not is_order(sentence.text):
            found.append(SourceSentence(passage, sentence, words, keys, vectors))
    return found


def carrying(words: Sequence[Word]) -> dict[str, float]:
    """The words that carry a claim and their shares: facts count double."""
    weights: dict[str, float] = {}
    for word in words:
        if word.kind != "form":
            weights[word.key] = 2.0 if word.kind in ("name", "number") else 1.0
    total = sum(weights.values())
    return {key: weight / total for key, weight in weights.items()} if total else {}


def share_held(wanted: dict[str, float], keys: frozenset[str]) -> float:
    """How much of the wanted words' shares these keys hold."""
    return sum(share for key, share in wanted.items() if holds(keys, key))


def holds(keys: frozenset[str], key: str) -> bool:
    """Whether a word is among these, or a name that is another form of one."""
    return key in keys or facts.same_name(key, keys)


def around(
    window: Sequence[SourceSentence], cited: Sequence[Sequence[SourceSentence]]
) -> frozenset[str]:
    """The names of the title and of the sentences before, which a pronoun may stand for."""
    found: set[str] = set()
    for each in window:
        found.update(word.key for word in facts.words(each.passage.title))
        for some in cited:
            if each in some:
                place = some.index(each)
                for before in some[max(0, place - BEFORE) : place]:
                    found |= before.keys
    return frozenset(found)


def refers(window: Sequence[SourceSentence]) -> bool:
    """Whether a sentence refers to something named before it."""
    return any(word.text.casefold() in PRONOUNS for each in window for word in each.words)
