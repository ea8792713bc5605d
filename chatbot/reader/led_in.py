"""Examples of questions that are asked after another one, as in a conversation.

A follow-up is read after the question before it (`chatbot.answering.reader.after`). Those of
`written.jsonl` and `invented.jsonl` need that one; people also go on to something else, and what
was asked before has no part in it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from chatbot.answering.conversation import refers_back
from chatbot.reader.examples import Example, Part

AFTER = 0.1
"""The share of examples that are put after another question of their article."""


def led_in(part: Part, examples: Sequence[Example], rng: random.Random) -> list[Example]:
    """Examples of an article, some of them after another of its questions, in their order.

    What refers to something stays alone, as it might be taken to refer to that question.
    """
    return [_led_in(part, each, rng) if rng.random() < AFTER else each for each in examples]


def _led_in(part: Part, example: Example, rng: random.Random) -> Example:
    before = rng.choice(part.examples).question
    if example.before or refers_back(example.question) or before == example.question:
        return example
    return replace(example, before=before)
