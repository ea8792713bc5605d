"""Where a claim says something else than a sentence in much the same words.

Another name or number in the other's place, an opposite, a negation, a number of other things.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import pairwise, takewhile

from chatbot.answering import facts
from chatbot.answering.facts import Word
from chatbot.answering.opposites import OPPOSITES
from chatbot.answering.sources import SourceSentence, carrying, holds, share_held

NEGATIONS = frozenset(
    "not no never none neither nor without nobody nothing nowhere cannot hardly".split()  # noqa: SIM905
)
_NEGATED = re.compile(r"n't$")
SCOPE = 6
"""A negation reaches so many words."""
ALIKE = 0.8
"""An opposite turns a statement round where so much of the rest is the same."""
NEAR = 2
"""A fact was exchanged where so many words beside it, at most, are the same."""


def contradicted(words: Sequence[Word], best: SourceSentence) -> str:
    """Why a claim says something else in the same words; empty where it does not."""
    ours, theirs = [word.key for word in words], [word.key for word in best.words]
    blocks = SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes()
    for place, (kind, a, b, c, d) in enumerate(blocks):
        if kind != "replace":
            continue
        before = blocks[place - 1][2] - blocks[place - 1][1] if place else 0
        after = blocks[place + 1][2] - blocks[place + 1][1] if place + 1 < len(blocks) else 0
        # What stands right beside the same words was put in the other's place.
        if (before >= NEAR and _exchanged(words[a:b], best.words[c:d])) or (
            after >= NEAR and _exchanged(words[a:b][::-1], best.words[c:d][::-1])
        ):
            return f"“{words[a].text}” stands where the source says something else"
        opposites = {other for key in ours[a:b] for other in OPPOSITES.get(key, ())}
        if opposites & set(theirs[c:d]):
            return f"“{words[a].text}” turns round what the source says"
    turned = {key for key in set(ours) - set(theirs) if OPPOSITES.get(key, frozenset()) & best.keys}
    rest = carrying([word for word in words if word.key not in turned])
    if turned and share_held(rest, best.keys) >= ALIKE:
        return f"“{turned.pop()}” turns round what the source says"
    same = [block for block in blocks if block[0] == "equal"]
    if same and share_held(carrying(words), best.keys) >= ALIKE:
        # Nearly the same words: they must be denied as often.
        inside = best.words[max(0, same[0][3] - 2) : same[-1][4]]
        denies = negations(words) % 2 != negations(inside) % 2
    else:
        denies = _denied(words, best.words) or _denied(best.words, words)
    return "it denies what the source says, or the other way round" if denies else ""


def negations(words: Sequence[Word]) -> int:
    """How many of the words deny what follows."""
    return sum(_negates(words, place) for place in range(len(words)))


def _exchanged(ours: Sequence[Word], theirs: Sequence[Word]) -> bool:
    """Whether two runs of words begin with different facts of one kind."""
    for kind in ("number", "name"):
        mine = list(takewhile(_is_number if kind == "number" else _is_name, ours))
        other = list(takewhile(_is_number if kind == "number" else _is_named, theirs))
        keys = frozenset(word.key for word in other)
        same = any(holds(keys, word.key) for word in mine) or _short_of(mine, other)
        if mine and other and not same:
            return True
    return False


def _short_of(some: Sequence[Word], others: Sequence[Word]) -> bool:
    """Whether one is the short form of the other, read forwards or backwards."""
    return any(
        {word.key for word in one} & facts.initials(sorted(other, key=lambda word: word.start))
        for one, other in ((some, others), (others, some))
    )


def _is_number(word: Word) -> bool:
    return word.kind == "number"


def _is_name(word: Word) -> bool:
    return word.kind == "name"


def _is_named(word: Word) -> bool:
    # The name of a month is a number elsewhere, as it is compared like one.
    month = word.kind == "number" and not word.key[0].isdigit()
    return month or word.kind in ("name", "initial")


def miscounted(words: Sequence[Word], cited: Sequence[Sequence[SourceSentence]]) -> str:
    """Why a number does not count what it counts in the source; empty where all do."""
    theirs = [each.words for some in cited for each in some]
    counted: dict[str, set[str]] = {}
    for some in theirs:
        for number, thing in pairwise(some):
            if number.kind == "number" and thing.kind != "form":
                counted.setdefault(thing.key, set()).add(number.key)
    often = Counter(word.key for some in theirs for word in some if word.kind == "number")
    for number, thing in pairwise(words):
        dated = thing.kind == "number" and thing.key[0].isdigit()
        if (
            number.kind == "number"
            and not dated
            and number.key not in counted.get(thing.key, {number.key})
        ):
            return f"“{number.text} {thing.text}” is not what it counts"
    mine = Counter(word.key for word in words if word.kind == "number")
    for key, count in mine.items():
        if count > max(1, often[key]):
            return f"“{key}” is said once too often"
    return ""


def _denied(some: Sequence[Word], others: Sequence[Word]) -> bool:
    """Whether what is denied in one sentence is said in the other without a negation."""
    for place in range(len(some)):
        if not _negates(some, place):
            continue
        scope = [each.key for each in some[place + 1 : place + 1 + SCOPE] if each.kind != "form"]
        for key in scope[:2]:
            at = [n for n, each in enumerate(others) if each.key == key]
            if at:
                if not any(_negated(others, n) for n in at):
                    return True
                break
    return False


def _negated(words: Sequence[Word], place: int) -> bool:
    """Whether a negation stands shortly before a word."""
    return any(_negates(words, n) for n in range(max(0, place - SCOPE), place))


def _negates(words: Sequence[Word], place: int) -> bool:
    word = words[place].text.casefold().replace("’", "'")
    if (
        word == "not"
        and place + 1 < len(words)
        and words[place + 1].key in ("only", "just", "mere")
    ):
        return False
    return word in NEGATIONS or bool(_NEGATED.search(word))
