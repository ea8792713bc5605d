"""Claims whose support is known, to measure the check of sentences that a language model wrote.

Made from files in SQuAD's format, article by article. True ones are sentences of a passage, shorter
or turned round by rule, and what questions with their answers state in people's own words. Each is
also put with a name, number, date or verb swapped for another of its article, with a negation more
or less, and with the citation of another passage: as it is, and with the names and numbers of that
passage in the place of its own, so that all of these stand there and what is said of them does not.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from chatbot.reader.examples import KINDS, YEAR, Part, in_passages
from index import Article, Passage, chunk

_NEGATABLE = re.compile(
    r"\b(is|are|was|were|has|have|had|can|could|will|would|should|must|may|might|did|does|do)\b"
    r"(?! not\b|n't)"
)
_NEGATED = re.compile(r" not\b|n't\b")
_APART = re.compile(r" \([^()]*\)")
_OPENING = re.compile(r"^((?:In|On|At|During|After|Before|By|Since|For) [^,]{3,60}), (\w)(.*)\.$")
_RELATIVE = re.compile(r", (?:which|who|where|whose|when) [^,.;]{5,}(?=[.,;])")
_SUBJECT = re.compile(
    r"^(?:Who|What) ((?:is|was|are|were|has|had|can|could|will|would) .+|"
    r"(?!do\b|does\b|did\b|is\b|was\b|are\b|were\b|type|kind|year|percent|"
    r"sort|name|color|colour)\w+(?:ed|s) .+)\?$"
)
_VERB = re.compile(r"\b(?!need|seed|feed|speed|hundred|unit|indeed)[a-z]{3,}ed\b")
_DATE = re.compile(
    r"\b(?:January|February|March|April|May|June|July|August|September|October|November|December)"
    r"(?= \d)"
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence with the passage it cites; `kind` is how it was made."""

    text: str
    passage: Passage
    supported: bool
    kind: str
    article: str


def claims(part: Part, rng: random.Random, most: int = 120) -> list[Claim]:
    """Up to `most` true claims of an article, and each once more in every way it can be wrong."""
    passages = _passages(in_passages(part))
    by_text = {passage.text: passage for passage in passages}
    true = [*_stated(passages, part.title), *_asked(in_passages(part), by_text)]
    rng.shuffle(true)
    offered = {kind: part.values[kind] for kind in KINDS} | {
        kind: sorted(set(kind.findall("\n".join(part.passages)))) for kind in (_DATE, _VERB)
    }
    found = []
    for claim in true[:most]:
        found.append(claim)
        found += _corrupted(claim, offered, rng)
        if other := _other(claim, passages, rng):
            wrong = replace(claim, passage=other, supported=False, kind="wrong citation")
            found.append(wrong)
            if (mixed := _mixed(wrong, rng)) != wrong:
                found.append(mixed)
    return found


def _passages(part: Part) -> list[Passage]:
    title = part.title.replace("_", " ")
    found = []
    for number, text in enumerate(part.passages):
        for each in chunk(Article(f"{part.title}/{number}", title, text)):
            found.append(each)
    return found


def _stated(passages: Sequence[Passage], article: str) -> Iterator[Claim]:
    for passage in passages:
        for sentence in passage.sentences:
            text = " ".join(sentence.text.split())
            if sentence.heading or not 40 <= len(text) <= 400 or text[-1] != ".":
                continue
            yield Claim(text, passage, True, "verbatim", article)
            if (short := _reworded(text)) != text:
                yield Claim(short, passage, True, "reworded", article)


def _reworded(text: str) -> str:
    """The same, shorter or turned round; or as it is."""
    changed = _RELATIVE.sub("", _APART.sub("", text))
    if match := _OPENING.match(changed):
        opening = match[1][0].lower() + match[1][1:]
        return f"{match[2].upper()}{match[3]} {opening}."
    return changed


def _asked(part: Part, by_text: dict[str, Passage]) -> Iterator[Claim]:
    """What questions and their answers state: "Who opened it?", "Ada Brink" → a sentence."""
    for example in part.examples:
        match = _SUBJECT.match(example.question)
        if not match or not example.spans or example.passage not in by_text:
            continue
        start, end = min(example.spans, key=lambda span: span[1] - span[0])
        answer = example.passage[start:end].strip()
        if 1 <= len(answer.split()) <= 8 and "\n" not in answer:
            text = f"{answer[0].upper()}{answer[1:]} {match[1]}."
            yield Claim(text, by_text[example.passage], True, "asked", part.title)


def _corrupted(
    claim: Claim, offered: dict[re.Pattern[str], list[str]], rng: random.Random
) -> Iterator[Claim]:
    names = {YEAR: "year", _DATE: "date", _VERB: "verb"}
    for kind, values in offered.items():
        matches = list(kind.finditer(claim.text))
        if not matches:
            continue
        match = rng.choice(matches)
        taken = set(match[0].casefold().split())
        usable = [each for each in values if not taken & set(each.casefold().split())]
        if usable:
            text = claim.text[: match.start()] + rng.choice(usable) + claim.text[match.end() :]
            label = names.get(kind, "number" if match[0][0].isdigit() else "name")
            yield replace(claim, text=text, supported=False, kind=label)
    if _NEGATED.search(claim.text):
        text = _NEGATED.sub("", claim.text, count=1)
    else:
        text = _NEGATABLE.sub(lambda match: f"{match[0]} not", claim.text, count=1)
    if text != claim.text:
        yield replace(claim, text=text, supported=False, kind="negation")


def _other(claim: Claim, passages: Sequence[Passage], rng: random.Random) -> Passage | None:
    others = [each for each in passages if each.text != claim.passage.text]
    return rng.choice(others) if others else None


def _mixed(claim: Claim, rng: random.Random) -> Claim:
    """A claim about what its passage names, in the words of one about something else."""
    text = claim.text
    for kind in KINDS:
        offered = sorted(set(kind.findall(claim.passage.text)))
        if offered:
            text = kind.sub(lambda _, offered=offered: rng.choice(offered), text)  # type: ignore[misc]
    return claim if text == claim.text else replace(claim, text=text, kind="mixed")
