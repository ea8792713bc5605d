"""Examples for the closer look: a question put to a sentence, with the one before and the title.

That is how `chatbot.answering.closer` reads the likeliest sentences again. Of an answered question
the sentence that answers is shown, and one of its passage that shares words with the question but
does not answer, which is what search mistakes for an answer. Of an open one such a sentence is
shown.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from chatbot.answering.closer import shown
from chatbot.reader.examples import Example
from index.chunk import sentence_spans
from index.lexical import token_set

BESIDE = 0.6
"""The share of answered examples that also show a near sentence that does not answer."""
TITLED = 0.8
"""The share of looks that see the title."""
NEAR = 3
"""A sentence is drawn from the so many nearest."""


def looks(title: str, examples: Sequence[Example], rng: random.Random) -> list[Example]:
    """The looks at what an article's examples ask; another draw gives others."""
    found = []
    for example in examples:
        spans = sentence_spans(example.passage, (0, len(example.passage)))
        lead = title.replace("_", " ") if rng.random() < TITLED else ""
        answering = [
            place
            for place, (start, end) in enumerate(spans)
            if any(start <= a < end for a, _ in example.spans)
        ]
        if answering:
            found += _look(example, lead, spans, rng.choice(answering))
        if answering and rng.random() >= BESIDE:
            continue
        asked = token_set(example.question)
        shared = [len(asked & token_set(example.passage[slice(*span)])) for span in spans]
        order = sorted(set(range(len(spans))) - set(answering), key=lambda n: -shared[n])
        if order:
            found += _look(example, lead, spans, rng.choice(order[:NEAR]))
    return found


def _look(
    example: Example, title: str, spans: Sequence[tuple[int, int]], place: int
) -> list[Example]:
    """The look at a sentence; none where it tells an answer that nobody has marked in it."""
    text, at = shown(title, example.passage, spans, place)
    moved = at - spans[place][0]
    least = spans[max(place - 1, 0)][0]
    inside = [
        (start + moved, end + moved)
        for start, end in example.spans
        if least <= start and end <= spans[place][1]
    ]
    answers = {example.passage[start:end].casefold() for start, end in example.spans}
    if not inside and any(answer in text.casefold() for answer in answers):
        return []
    kind = example.kind if inside or not example.spans else "beside"
    return [replace(example, passage=text, spans=tuple(inside), kind=kind)]
