"""Mend misspelt words of a question by the words of the articles that are asked."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable

SHORTEST = 5
"""Shorter words have too many neighbours to guess from."""
LONG = 8
"""A word from this length on may have two letters wrong, or swapped, and others one."""

_WORD = re.compile(r"[^\W\d_]+")
_ROMAN = re.compile(r"[IVXLCDM]+")
_DOUBLED = re.compile(r"(\w)\1+")


class Speller:
    """Knows how the articles spell."""

    def __init__(self, texts: Iterable[str]) -> None:
        counts = Counter(word for text in texts for word in _WORD.findall(text))
        # The spelling met most often stands for all of its capitalisations.
        self._words: dict[str, str] = {}
        for word, _ in counts.most_common():
            self._words.setdefault(word.casefold(), word)
        self._long = [word for word in self._words if len(word) >= SHORTEST - 1]
        # Which letters are doubled is what people get wrong most ("tarrif", "acommodation").
        self._single: dict[str, str] = {}
        for word in self._long:
            self._single.setdefault(_single(word), word)

    def mend(self, text: str, knows: Callable[[str], bool]) -> str:
        """The text with each word that nobody knows replaced by the article's nearest.

        `knows` tells words of the language, which are left as they are: a question may well use
        words that an article does not.
        """
        return _WORD.sub(lambda match: self._mended(match[0], knows), text)

    def _mended(self, word: str, knows: Callable[[str], bool]) -> str:
        from rapidfuzz.distance import DamerauLevenshtein
        from rapidfuzz.process import extractOne

        plain = word.casefold()
        if len(plain) < SHORTEST or plain in self._words or _ROMAN.fullmatch(word) or knows(plain):
            return word
        if same := self._single.get(_single(plain)):
            return self._words[same]
        wrong = 2 if len(plain) >= LONG else 1
        found = extractOne(
            plain, self._long, scorer=DamerauLevenshtein.distance, score_cutoff=wrong
        )
        # Hardly anybody gets the first letter wrong.
        return self._words[found[0]] if found and found[0][0] == plain[0] else word


def _single(word: str) -> str:
    """A word without its letters' doubling."""
    return _DOUBLED.sub(r"\1", word)
