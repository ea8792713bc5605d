"""What a sentence states that can be checked word by word: numbers, names, quotations, addresses.

Words are compared as a reader would: "1,000" is "1000", "ten" is "10", "India's" is "India",
"Indian" speaks of "India", and "EU" stands for "European Union".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from index.lexical import STOPWORDS, tokens

_WORD = re.compile(
    r"\d+(?:[.,]\d+)*(?:st|nd|rd|th|s|m|bn|k|km|kg|cm|mm)?(?![^\W_])"
    r"|(?:[^\W\d_]\.){2,}|[^\W_]+(?:['’][^\W_]+)*"
)
_NUMBER = re.compile(r"(\d+(?:[.,]\d+)*)(st|nd|rd|th|s|m|bn|k|km|kg|cm|mm)?")
_QUOTED = re.compile(r"[“\"«„]([^“”\"«»„]+)[”\"»“]|(?<![\w])['‘]([^'’‘]{3,}?)['’](?!\w)")
_ADDRESS = re.compile(r"(?:https?://|www\.)[^\s\])>\"']+|\b[\w.+-]+@[\w-]+\.[\w.]+", re.IGNORECASE)
_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty"
)
_TENS = "thirty forty fifty sixty seventy eighty ninety"
NUMERALS = {word: str(value) for value, word in enumerate(_SMALL.split())} | {
    word: str(10 * (value + 3)) for value, word in enumerate(_TENS.split())
}
_ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"  # by place
)
NUMERALS |= {word: str(value + 1) for value, word in enumerate(_ORDINALS.split())}
SCALES = {"hundred", "thousand", "million", "billion", "trillion", "dozen"}
"""They are compared as numbers are: a million is no billion."""
_SHORT_SCALES = {"m": "million", "bn": "billion", "k": "thousand"}
MONTHS = frozenset(
    "january february march april may june july august september october november december "  # noqa: SIM905
    "monday tuesday wednesday thursday friday saturday sunday".split()
)
UNSURE = frozenset({"one", "first", "second", "may", "march"})
"""Words that are numbers and months at times, and other words at others."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text: how it is compared, its kind, and where it stands."""

    text: str
    key: str
    kind: str
    """`number`, `name`, `word`, `form` for a stop word, or `initial` where a capital that begins a
    sentence may be a name's."""
    start: int


def words(text: str) -> list[Word]:
    """The words of a sentence in order, with what each of them is."""
    found: list[Word] = []
    for match in _WORD.finditer(text):
        found += _word(match[0], match.start(), text)
    for place, (word, after) in enumerate(pairwise(found)):
        months = [at for at in (place, place + 1) if found[at].text in ("May", "March")]
        if months and "number" in (word.kind, after.kind):
            found[months[0]] = replace(found[months[0]], kind="number")
        touching = text[word.start + len(word.text) : after.start].isspace()
        if word.kind == "initial" and touching and after.kind == "name":
            found[place] = replace(word, kind="name")
    return found


def _word(text: str, start: int, whole: str) -> list[Word]:
    plain = text.casefold().replace("’", "'")
    if number := _NUMBER.fullmatch(plain):
        value = _value(number[1])
        scale = _SHORT_SCALES.get(number[2] or "")
        more = [Word(scale, scale, "number", start)] if scale else []
        return [Word(text, value, "number", start), *more]
    plain = plain.removesuffix("'s").removesuffix("'")
    if (plain in NUMERALS or plain in SCALES) and plain not in UNSURE:
        return [Word(text, NUMERALS.get(plain, plain), "number", start)]
    if plain in NUMERALS:
        return [Word(text, NUMERALS[plain], "form", start)]
    if plain in MONTHS and text[:1].isupper() and plain not in UNSURE:
        return [Word(text, plain, "number", start)]
    if "." in plain:
        plain = plain.replace(".", "")
    key = (tokens(plain) or [plain])[0]
    if plain.endswith("n't"):
        return [Word(text, plain, "form", start)]
    if plain in STOPWORDS:
        # "US" is no "us".
        upper = text.isupper() and len(text) > 1
        return [Word(text, plain, "name" if upper else "form", start)]
    if any(letter.isupper() for letter in text[1:]):
        return [Word(text, key, "name", start)]
    if not text[:1].isupper():
        return [Word(text, key, "word", start)]
    return [Word(text, key, "initial" if _begins(whole, start) else "name", start)]


def _value(digits: str) -> str:
    """ "1,000" → "1000", "1.50" → "1.5"."""
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", digits):
        digits = digits.replace(",", "")
    digits = digits.replace(",", ".")
    whole, point, part = digits.partition(".")
    part = part.rstrip("0") if "." not in part else part
    return (whole.lstrip("0") or "0") + (point + part if part else "")


def _begins(text: str, start: int) -> bool:
    """Whether a word stands where a capital says nothing."""
    before = text[:start].rstrip(" \t\n\"'“”‘’([«—–-")
    return not before or before[-1] in ".!?:;…"


def quotations(text: str) -> list[str]:
    """What stands between quotation marks."""
    return [(match[1] or match[2]).strip(" ,.") for match in _QUOTED.finditer(text)]


def addresses(text: str) -> list[str]:
    """Web and mail addresses."""
    return [match[0].rstrip(".,;:") for match in _ADDRESS.finditer(text)]


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """A text as quotations are compared: one kind of quotation mark, dash and space."""
    text = re.sub(r"[’‘`]", "'", re.sub(r"[“”«»„]", '"', text))
    text = re.sub(r"[\u00ad\u200b-\u200f]", "", text)
    return " ".join(re.sub(r"[–—‐‑]", "-", text).casefold().split())


def same_name(one: str, others: Iterable[str]) -> bool:
    """Whether a name is among others, or one is made from the other: India, Indian."""
    return any(_related(one, other) for other in others)


def _related(one: str, other: str) -> bool:
    shorter, longer = sorted((one, other), key=len)
    return one == other or (
        len(shorter) >= 4 and len(longer) - len(shorter) <= 4 and longer.startswith(shorter)
    )


def initials(found: Sequence[Word]) -> set[str]:
    """The short forms that runs of capital words have: "European Union" → "eu"."""
    made = set()
    run: list[str] = []
    for word in [*found, Word("", "", "end", 0)]:
        if word.kind == "form" and run:
            continue
        if not word.text[:1].isupper() or word.kind == "form":
            run = []
            continue
        run.append(word.text[0].casefold())
        for start in range(len(run)):
            for end in range(start + 2, len(run) + 1):
                made.add("".join(run[start:end]))
    return made
