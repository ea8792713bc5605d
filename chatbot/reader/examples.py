"""Examples to train the reader on, from files in SQuAD's format.

Questions that a paragraph leaves open are rare in such files, so that more are made by rule: the
question put to another paragraph of its article; a name, year or number in it swapped for another
of its kind; a word turned into its opposite, or the verb negated.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

OTHER, SWAPPED, OPPOSITE = 0.35, 0.25, 0.08
"""The shares of answered questions that are put once more, as open ones of each kind."""
LIKELY = slice(1, 6)
"""Of an article's other paragraphs by nearness: the nearest may answer the question, too."""

_NAME = re.compile(
    r"(?<![.?!:] )(?<!^)\b[A-Z][\w’'-]+(?:(?: (?:of|the|de|van|von|and))? [A-Z][\w’'-]+)*"
)
_YEAR = re.compile(r"\b(?:1[0-9]|20)\d\d\b")
_NUMBER = re.compile(r"\b\d[\d,.]*\b")
_KINDS = (_YEAR, _NUMBER, _NAME)
_OPPOSITES = (
    "first last|before after|more less|more fewer|most least|largest smallest|biggest smallest|"
    "highest lowest|higher lower|oldest youngest|older newer|earliest latest|early late|"
    "longest shortest|best worst|better worse|north south|east west|northern southern|"
    "eastern western|increase decrease|increased decreased|rise fall|rose fell|win lose|won lost|"
    "begin end|began ended|start stop|started stopped|allow forbid|allowed banned|"
    "support oppose|supported opposed|accept reject|accepted rejected|include exclude|"
    "included excluded|join leave|joined left|open close|opened closed|buy sell|bought sold|"
    "like dislike|love hate|loved hated|good bad|easy hard|cheap expensive|fast slow|hot cold|"
    "large small|big small|old new|high low|strong weak|rich poor|public private|"
    "major minor|majority minority|maximum minimum|inside outside|always never|male female|"
    "men women|man woman|father mother|son daughter|brother sister|husband wife|success failure|"
    "positive negative|legal illegal|possible impossible|popular unpopular|with without"
)
_TURNED = {
    one: other
    for pair in _OPPOSITES.split("|")
    for one, other in (pair.split(), pair.split()[::-1])
}
_AUXILIARY = re.compile(r"\b(did|does|do|is|are|was|were|has|have|had|can|could|will|would)\b")


@dataclass(frozen=True, slots=True)
class Example:
    """A question put to a passage; `spans` are answers by characters, none where it stays open."""

    question: str
    passage: str
    spans: tuple[tuple[int, int], ...]
    kind: str


@dataclass(frozen=True)
class Part:
    """An article of a file: its paragraphs, and the questions that were asked about them."""

    title: str
    paragraphs: tuple[str, ...]
    examples: tuple[Example, ...]
    elsewhere: dict[Example, list[str]] = field(default_factory=dict, compare=False)
    """For each example that was asked of other paragraphs before: which are likely."""

    @cached_property
    def values(self) -> dict[re.Pattern[str], list[str]]:
        """What the article offers of each kind that can be swapped."""
        text = "\n".join(self.paragraphs)
        return {kind: sorted(set(kind.findall(text))) for kind in _KINDS}


Nearest = Callable[[str, Sequence[str]], Sequence[int]]
"""A question and passages → the passages' places, the nearest first."""


def read(files: Iterable[Path], skipped: Collection[str] = ()) -> list[Part]:
    """The articles of SQuAD files; what is asked about a text of `skipped` is left out."""
    parts = []
    for file in files:
        for entry in json.loads(file.read_text(encoding="utf-8"))["data"]:
            examples = [
                _example(paragraph["context"], asked)
                for paragraph in entry["paragraphs"]
                if " ".join(paragraph["context"].split()) not in skipped
                for asked in paragraph["qas"]
            ]
            texts = tuple(dict.fromkeys(each["context"] for each in entry["paragraphs"]))
            parts.append(Part(str(entry["title"]), texts, tuple(examples)))
    return parts


def _example(text: str, asked: dict[str, object]) -> Example:
    spans = []
    if not asked.get("is_impossible"):
        answers = asked["answers"]
        assert isinstance(answers, list)
        for answer in answers:
            start = int(answer["answer_start"])
            if answer["text"] and text[start : start + len(answer["text"])] == answer["text"]:
                spans.append((start, start + len(answer["text"])))
    question = " ".join(str(asked["question"]).split())
    return Example(question, text, tuple(dict.fromkeys(spans)), "answered" if spans else "open")


def with_open_ones(part: Part, nearest: Nearest, rng: random.Random) -> list[Example]:
    """An article's examples, and more that are open by rule; another draw gives others."""
    found = list(part.examples)
    for example in part.examples:
        if not example.spans:
            continue
        if rng.random() < OTHER and len(part.paragraphs) > 1:
            found += _elsewhere(example, part, nearest, rng)
        if rng.random() < SWAPPED:
            found += _swapped(example, part, rng)
        if rng.random() < OPPOSITE:
            found += _turned(example, rng)
    return found


def _elsewhere(example: Example, part: Part, nearest: Nearest, rng: random.Random) -> list[Example]:
    if example not in part.elsewhere:
        part.elsewhere[example] = _likely(example, part, nearest)
    likely = part.elsewhere[example]
    return [replace(example, passage=rng.choice(likely), spans=(), kind="other")] if likely else []


def _likely(example: Example, part: Part, nearest: Nearest) -> list[str]:
    """Paragraphs near to the question that do not hold its answer."""
    answers = [example.passage[start:end].casefold() for start, end in example.spans]
    order = nearest(example.question, part.paragraphs)
    others = [part.paragraphs[place] for place in order]
    found: list[str] = []
    for text in others:
        if len(found) == LIKELY.stop:
            break
        if text != example.passage and not any(each in text.casefold() for each in answers):
            found.append(text)
    return found[LIKELY] or found


def _swapped(example: Example, part: Part, rng: random.Random) -> list[Example]:
    kinds = [(kind, match) for kind in _KINDS for match in kind.finditer(example.question)]
    if not kinds:
        return []
    kind, match = rng.choice(kinds)
    # What the passage itself names is the harder trap; what only the article names is another.
    near = sorted(set(kind.findall(example.passage)))
    words = set(example.question.casefold().split())
    for values in rng.sample([near, part.values[kind]], 2):
        usable = [each for each in values if not words & set(each.casefold().split())]
        if usable:
            question = example.question[: match.start()] + rng.choice(usable)
            question += example.question[match.end() :]
            return [replace(example, question=question, spans=(), kind="swapped")]
    return []


def _turned(example: Example, rng: random.Random) -> list[Example]:
    words = example.question.split()
    places = [at for at, word in enumerate(words) if word.strip("?,.").casefold() in _TURNED]
    if places and rng.random() < 0.7:
        at = rng.choice(places)
        bare = words[at].strip("?,.")
        turned = words[at].replace(bare, _TURNED[bare.casefold()])
        question = " ".join([*words[:at], turned, *words[at + 1 :]])
    else:
        question, changed = _AUXILIARY.subn(_negated, example.question, count=1)
        if not changed:
            return []
    return [replace(example, question=question, spans=(), kind="opposite")]


def _negated(match: re.Match[str]) -> str:
    irregular = {"can": "can't", "will": "won't"}
    return irregular.get(match[1], f"{match[1]}n't")
