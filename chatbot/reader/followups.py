"""Examples as follow-ups: the question before stands before the question, as an answer reads them.

A name that both have becomes a pronoun in most, so that the network learns to look for what it
stands for; where they share none, the question before has to be left alone.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from chatbot.answering.conversation import after
from chatbot.reader.examples import NAME, Example

FOLLOWING = 0.12
"""The share of examples that follow another question."""
RELATED = 0.8
"""… of these, which follow one that shares a name, if there is one."""
REFERRING = 0.75
"""… of these, which have a pronoun instead of the name."""
PRONOUNS = (("it", "its"), ("he", "his"), ("she", "her"), ("they", "their"), ("this", "its"))


def following(examples: Sequence[Example], rng: random.Random) -> list[Example]:
    """An article's examples, some of them put after another question of the article."""
    asked: defaultdict[str, set[str]] = defaultdict(set)
    for example in examples:
        for name in NAME.findall(example.question):
            asked[name].add(example.question)
    every = sorted({example.question for example in examples})
    return [
        _following(example, asked, every, rng) if rng.random() < FOLLOWING else example
        for example in examples
    ]


def _following(
    example: Example, asked: dict[str, set[str]], every: Sequence[str], rng: random.Random
) -> Example:
    shared = [
        (name, sorted(asked[name] - {example.question}))
        for name in NAME.findall(example.question)
        if len(asked[name]) > 1
    ]
    if not shared or rng.random() >= RELATED:
        return replace(example, question=after(rng.choice(every), example.question))
    name, before = rng.choice(shared)
    question = example.question
    if rng.random() < REFERRING:
        question = _referring(question, name, rng)
    return replace(example, question=after(rng.choice(before), question))


def _referring(question: str, name: str, rng: random.Random) -> str:
    subject, owner = rng.choice(PRONOUNS)
    question = re.sub(rf"(?:\bthe )?\b{re.escape(name)}['’]s\b", owner, question)
    return re.sub(rf"(?:\bthe )?\b{re.escape(name)}\b", subject, question)
