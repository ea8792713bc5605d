"""Examples to train the reader on, from files in SQuAD's format.

Questions that a paragraph leaves open are rare in such files, so that more are made by rule: the
question put to another paragraph of its article, or to its own without the sentence that answers;
a name, year or number swapped for another of its kind, in the question or in the paragraph; a word
turned into its opposite, or the verb negated. What would give such a question away by its make
alone is done to answered ones as well: a sentence that does not answer is left out, a name is
swapped in question and paragraph alike.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path

from chatbot.answering.opposites import TURNED
from chatbot.answering.reader import after
from chatbot.reader.hurried import hurried
from index import Article, chunk
from index.lexical import STOPWORDS

OTHER, WITHOUT, SWAPPED, OPPOSITE = 0.3, 0.2, 0.25, 0.08
"""The shares of answered questions that are put once more, as open ones of each kind."""
SHORTENED, RENAMED = 0.15, 0.15
"""The shares of answered ones that lose a sentence or have a name swapped throughout, and stay
answered."""
UNMARKED = 0.1
"""The share of all that lose the question mark, which then says nothing of their being answered."""
HURRIED = 0.12
"""The share of all that are put as somebody in a hurry types them."""
LIKELY = slice(0, 6)
"""Of an article's other paragraphs by nearness, without those that hold the answer."""

NAME = re.compile(
    r"(?<![.?!:] )(?<![.?!:][\"'”’)] )(?<![\n“\"(])(?<!^)"
    r"\b[A-Z][\w’'-]+(?:(?: (?:of|the|de|van|von|and))? [A-Z][\w’'-]+)*"
)
YEAR = re.compile(r"\b(?:1[0-9]|20)\d\d\b")
NUMBER = re.compile(r"\b\d[\d,.]*\b")
KINDS = (YEAR, NUMBER, NAME)
AUXILIARY = re.compile(r"\b(did|does|do|is|are|was|were|has|have|had|can|could|will|would)\b")

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Example:
    """A question put to a passage; `spans` are answers by characters, none where it stays open.

    `title` is that of the article that it was asked about. The answer of a `loose` one stands
    somewhere in its spans, which are longer than it need be. In a conversation another question
    came `before`.
    """

    question: str
    passage: str
    spans: tuple[Span, ...]
    kind: str
    title: str = ""
    loose: bool = False
    before: str = ""


@dataclass(frozen=True)
class Part:
    """An article of a file: its passages, and the questions that were asked about them."""

    title: str
    passages: tuple[str, ...]
    examples: tuple[Example, ...]
    elsewhere: dict[Example, list[str]] = field(default_factory=dict, compare=False)
    """For each example that was asked of other passages before: which are likely."""

    @cached_property
    def values(self) -> dict[re.Pattern[str], list[str]]:
        """What the article offers of each kind that can be swapped."""
        text = "\n".join(self.passages)
        found = {kind: sorted(set(kind.findall(text))) for kind in KINDS}
        names = [each for each in found[NAME] if each.split()[0].casefold() not in STOPWORDS]
        return found | {NAME: names}


Nearest = Callable[[str, Sequence[str]], Sequence[int]]
"""A question and passages → the passages' places, the nearest first."""


def read(files: Iterable[Path], skipped: Collection[str] = ()) -> list[Part]:
    """The articles of SQuAD files; what is asked about a text of `skipped` is left out."""
    parts = []
    for file in files:
        for entry in json.loads(file.read_text(encoding="utf-8"))["data"]:
            examples = [
                _example(paragraph["context"], asked, str(entry["title"]))
                for paragraph in entry["paragraphs"]
                if " ".join(paragraph["context"].split()) not in skipped
                for asked in paragraph["qas"]
            ]
            texts = tuple(dict.fromkeys(each["context"] for each in entry["paragraphs"]))
            parts.append(Part(str(entry["title"]), texts, tuple(examples)))
    return parts


def in_passages(part: Part) -> Part:
    """The same article cut as an index cuts it, so that no passage is longer than there."""
    cut = {text: [(p.start, p.end) for p in chunk(Article("", "", text))] for text in part.passages}
    passages = [text[slice(*span)] for text, spans in cut.items() for span in spans]
    examples = [placed for each in part.examples for placed in _placed(each, cut[each.passage])]
    return Part(part.title, tuple(dict.fromkeys(passages)), tuple(examples))


def _placed(example: Example, cut: Sequence[Span]) -> list[Example]:
    """An example in the passage that holds its answer; an open one in every passage."""
    found = []
    for start, end in cut:
        inside = [(a - start, b - start) for a, b in example.spans if start <= a and b <= end]
        if inside or not example.spans:
            passage = example.passage[start:end]
            found.append(replace(example, passage=passage, spans=tuple(inside)))
    return found if not example.spans else found[:1]


def _example(text: str, asked: dict[str, object], title: str) -> Example:
    spans = []
    if not asked.get("is_impossible"):
        answers = asked["answers"]
        assert isinstance(answers, list)
        for answer in answers:
            start = int(answer["answer_start"])
            if answer["text"] and text[start : start + len(answer["text"])] == answer["text"]:
                spans.append((start, start + len(answer["text"])))
    question = " ".join(str(asked["question"]).split())
    kind = "answered" if spans else "open"
    return Example(question, text, tuple(dict.fromkeys(spans)), kind, title)


def drawn(part: Part, nearest: Nearest, rng: random.Random) -> list[Example]:
    """An article's examples, and more that are open by rule; another draw gives others."""
    found = []
    for example in part.examples:
        found.append(_varied(example, part, rng) if example.spans else example)
        if not example.spans:
            continue
        if rng.random() < OTHER:
            found += _elsewhere(example, part, nearest, rng)
        if rng.random() < WITHOUT:
            found += _without(example)
        if rng.random() < SWAPPED:
            found += _swapped(example, part, rng)
        if rng.random() < OPPOSITE:
            found += _turned(example, rng)
    return [_typed(each, rng) for each in found]


def _varied(example: Example, part: Part, rng: random.Random) -> Example:
    """An answered example, or one like it that is answered, too."""
    draw = rng.random()
    if draw < SHORTENED:
        example = _shortened(example, rng)
    elif draw < SHORTENED + RENAMED:
        example = _renamed(example, part, rng)
    return example


def _typed(example: Example, rng: random.Random) -> Example:
    """Most as it was written; whether it is has nothing to do with its being answered."""
    draw = rng.random()
    if draw < UNMARKED:
        return replace(example, question=example.question.rstrip("? "))
    if draw < UNMARKED + HURRIED:
        return replace(example, question=hurried(example.question, rng))
    return example


def _elsewhere(example: Example, part: Part, nearest: Nearest, rng: random.Random) -> list[Example]:
    if example not in part.elsewhere:
        part.elsewhere[example] = _likely(example, part, nearest)
    likely = part.elsewhere[example]
    return [replace(example, passage=rng.choice(likely), spans=(), kind="other")] if likely else []


def _likely(example: Example, part: Part, nearest: Nearest) -> list[str]:
    """Passages near to the question that do not hold its answer."""
    answers = _answers(example)
    found: list[str] = []
    asked = after(example.before, example.question)
    for place in nearest(asked, part.passages):
        text = part.passages[place]
        if text != example.passage and not any(each in text.casefold() for each in answers):
            found.append(text)
        if len(found) == LIKELY.stop:
            break
    return found[LIKELY]


def _answers(example: Example) -> list[str]:
    return [example.passage[start:end].casefold() for start, end in example.spans]


@cache
def _sentences(passage: str) -> list[Span]:
    found = chunk(Article("", "", passage))
    return [(each.start, each.end) for part in found for each in part.sentences]


def _without(example: Example) -> list[Example]:
    """The passage without the sentences that answer, where the rest does not answer either."""
    kept = [
        example.passage[start:end]
        for start, end in _sentences(example.passage)
        if not any(a < end and start < b for a, b in example.spans)
    ]
    rest = " ".join(kept)
    if not kept or any(each in rest.casefold() for each in _answers(example)):
        return []
    return [replace(example, passage=rest, spans=(), kind="without")]


def _shortened(example: Example, rng: random.Random) -> Example:
    """The passage without a sentence that does not answer."""
    spare = [
        (start, end)
        for start, end in _sentences(example.passage)
        if not any(a < end and start < b for a, b in example.spans)
    ]
    if not spare:
        return example
    start, end = rng.choice(spare)
    return _replaced(example, [(start, end)], "")


def _renamed(example: Example, part: Part, rng: random.Random) -> Example:
    """A name or number that question and passage share, swapped for another in both."""
    shared = [
        (kind, value)
        for kind in KINDS
        for value in sorted(set(kind.findall(example.question)))
        if value in example.passage
    ]
    if not shared:
        return example
    kind, value = rng.choice(shared)
    usable = [each for each in part.values[kind] if each not in example.passage]
    places = _places(value, example.passage)
    touched = any(a < end and start < b for start, end in places for a, b in example.spans)
    if not usable or touched:
        return example
    new = rng.choice(usable)
    question = example.question.replace(value, new)
    return replace(_replaced(example, places, new), question=question)


def _replaced(example: Example, places: Sequence[Span], new: str) -> Example:
    """The passage with other words at places that no answer touches; the spans move along."""
    text, moved = example.passage, list(example.spans)
    for start, end in reversed(places):
        text = text[:start] + new + text[end:]
        shift = len(new) - (end - start)
        moved = [(a + shift, b + shift) if a >= end else (a, b) for a, b in moved]
    return replace(example, passage=text, spans=tuple(moved))


def _swapped(example: Example, part: Part, rng: random.Random) -> list[Example]:
    """Another name, year or number in the question, or in the passage where both have it."""
    kinds = [(kind, match) for kind in KINDS for match in kind.finditer(example.question)]
    if not kinds:
        return []
    kind, match = rng.choice(kinds)
    # What the passage itself names is the harder trap; what only the article names is another.
    near = sorted(set(kind.findall(example.passage)))
    words = set(example.question.casefold().split())
    for values in rng.sample([near, part.values[kind]], 2):
        usable = [each for each in values if not words & set(each.casefold().split())]
        if not usable:
            continue
        new = rng.choice(usable)
        if rng.random() < 0.3 and (places := _places(match[0], example.passage)):
            changed = _replaced(example, places, new)
            return [replace(changed, spans=(), kind="swapped")]
        question = example.question[: match.start()] + new + example.question[match.end() :]
        return [replace(example, question=question, spans=(), kind="swapped")]
    return []


def _places(value: str, text: str) -> list[Span]:
    return [match.span() for match in re.finditer(rf"\b{re.escape(value)}(?!\w)", text)]


def _turned(example: Example, rng: random.Random) -> list[Example]:
    words = example.question.split()
    places = [at for at, word in enumerate(words) if word.strip("?,.").casefold() in TURNED]
    if places and rng.random() < 0.7:
        at = rng.choice(places)
        bare = words[at].strip("?,.")
        turned = words[at].replace(bare, TURNED[bare.casefold()])
        question = " ".join([*words[:at], turned, *words[at + 1 :]])
    else:
        question, changed = AUXILIARY.subn(_negated, example.question, count=1)
        if not changed:
            return []
    return [replace(example, question=question, spans=(), kind="opposite")]


def _negated(match: re.Match[str]) -> str:
    irregular = {"can": "can't", "will": "won't"}
    return irregular.get(match[1], f"{match[1]}n't")
