"""Questions to be answered with yes or no, and the rare sentence that says which for certain.

A sentence says "yes" where it holds the question's own words, close together and in their order,
and nothing that hedges; "no" where just that is denied. Everything else is left to the reader of
the sentence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from chatbot.answering import facts
from chatbot.answering.contradictions import negations
from chatbot.answering.facts import Word

_ASKS = re.compile(
    r"^(?:(?:and|but|so|ok|well),? )?(?:is|are|was|were|do|does|did|has|have|had|can|could|will)\b",
    re.IGNORECASE,
)
_BORDER = re.compile(r"[,;:()–—]")
_CHOICE = re.compile(r"\bor\b", re.IGNORECASE)
_HEDGES = frozenset(
    """
    if unless whether would could might may should will shall must expected scheduled
    planned plans planning hopes hoped wants wanted tried attempted failed refused
    denied claimed alleged allegedly reportedly supposed supposedly likely unlikely
    possible possibly perhaps almost nearly until rumoured rumored believed thought
    proposed suggested said says according some most few only partly rarely sometimes
    demanded urged asked called think thinks doubt doubts doubted
    """.split()  # noqa: SIM905 - as many strings in quotes are harder to read
)
_DISPUTED = re.compile(
    r"\b(?:false|falsely|wrong|wrongly|untrue|incorrect|incorrectly|rumou?rs?|myths?|hoax|disproved|"
    r"refuted|debunked|retracted|withdrawn|fiction\w*|novels?|films?|movies?|dreams?|dreamt|dreamed|"
    r"imagined|pretended|few (?:people|think|believe)|"
    r"(?:no one|nobody|none|nothing|all|anything|everyone|everybody) but)\b",
    re.IGNORECASE,
)
"""What makes a sentence say something else of what it holds, wherever it stands."""
GAP = 2
"""So many more words may stand among those that are asked for."""
BEFORE = 4
"""So many words before them may hedge or deny."""


def asks(question: str) -> bool:
    """Whether a question is to be answered with yes or no."""
    return bool(_ASKS.match(question)) and not _CHOICE.search(question)


def polar(question: str, sentence: str) -> str | None:
    """ "Yes" or "No" where the sentence says so for certain."""
    if not asks(question):
        return None
    asked = facts.words(_ASKS.sub("", question))
    wanted = [word.key for word in asked if _counts(word)]
    if len(set(wanted)) < 2 or negations(asked):
        return None
    # A question says nothing, whoever asks it.
    if sentence.rstrip("\"'”’»)] ").endswith("?"):
        return None
    disputed = {match.casefold() for match in _DISPUTED.findall(sentence)}
    if any(each not in question.casefold() for each in disputed):
        return None
    told = facts.words(sentence)
    span = _together(wanted, told)
    if span is None:
        return None
    start, end = span
    last = told[end - 1]
    inside = sentence[told[start].start : last.start + len(last.text)]
    if _BORDER.search(inside) and not _BORDER.search(question):
        return None
    near = told[max(0, start - BEFORE) : end]
    spoken = {word.text.casefold() for word in asked}
    if any(word.text.casefold() in _HEDGES - spoken for word in near):
        return None
    denials = negations(near)
    return {0: "Yes", 1: "No"}.get(denials)


def _together(wanted: Sequence[str], told: Sequence[Word]) -> tuple[int, int] | None:
    """Where all the words stand in their order with little between them; None where they do not."""
    content = [(n, word.key) for n, word in enumerate(told) if _counts(word)]
    best: tuple[int, int] | None = None
    for first in (at for at, (_, key) in enumerate(content) if key == wanted[0]):
        at = first
        for key in wanted[1:]:
            at = next((m for m in range(at + 1, len(content)) if content[m][1] == key), -1)
            if at < 0:
                break
        if at >= 0 and at - first + 1 <= len(wanted) + GAP:
            best = (content[first][0], content[at][0] + 1)
            break
    return best


def _counts(word: Word) -> bool:
    """Whether a word is more than form: "second" and "one" may be a number's."""
    return word.kind != "form" or word.text.casefold() in facts.NUMERALS
