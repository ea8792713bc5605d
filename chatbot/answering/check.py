"""Whether a source supports a sentence that a language model wrote, told before a reader sees it.

A sentence must cite passages that it was given. Every number, date, name, quotation and address in
it must stand in what it cites, where the cited sentence has it and not merely somewhere near;
negations and directions must agree; and its meaning must be near, by boosted trees over vectors
and words that `chatbot.answering.fit_check` fits. What is kept is cited anew: the exact sentences
that support it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chatbot.answering import facts
from chatbot.answering.boosted import Boosted
from chatbot.answering.contradictions import contradicted, miscounted
from chatbot.answering.facts import Word
from chatbot.answering.meaning import cosine, features, model
from chatbot.answering.sources import (
    Source,
    SourceSentence,
    around,
    carrying,
    holds,
    refers,
    share_held,
)
from index.embed import TokenVectors

_OPENING = re.compile(
    r"^(?:yes|no|sure|sorry|also|additionally|however|moreover|furthermore|in addition|overall|"
    r"in summary|in short|for (?:example|instance)|specifically|similarly|therefore|thus)[,:] +",
    re.IGNORECASE,
)
"""How a sentence hangs together with others; it states nothing itself."""
_YEAR = re.compile(r"1\d{3}|20\d\d")
SECOND = 0.25
"""A second sentence must add at least this share of the words that carry the claim."""
Embed = Callable[[str], TokenVectors | None]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a claim is supported, by which sentences, how surely, and else why not."""

    supported: bool
    sentences: tuple[SourceSentence, ...] = ()
    probability: float = 0.0
    reason: str = ""
    row: tuple[float, ...] = ()
    """The FEATURES that the probability was made of."""


def check(
    claim: str,
    numbers: Sequence[int],
    source: Source,
    embed: Embed,
    meaning: Boosted | None = None,
) -> Verdict:
    """Whether the cited passages of a source support a claim (its text without the numbers).

    `embed` gives a text's token vectors, or None where the embedder keeps them. `meaning`
    stands in for the fitted model.
    """
    cited = source.cited(numbers)
    if not cited or len(set(numbers)) != len(cited):
        return Verdict(False, reason="it cites nothing that was given")
    claim = _OPENING.sub("", claim)
    words = facts.words(claim)
    text = "\n".join(_plain(some) for some in cited)
    for quoted in (*facts.quotations(claim), *facts.addresses(claim)):
        if facts.plain(quoted) not in text:
            return Verdict(False, reason="it quotes what the source does not hold")
    vectors = embed(claim)
    best = _best(words, vectors, [each for some in cited for each in some])
    if best is None:
        return Verdict(False, reason="nothing that it cites is near")
    if facts.plain(claim) == facts.plain(best.sentence.text):
        return Verdict(True, (best,), 1.0)  # word for word
    window = _window(words, best, cited)
    reason = (
        _unstated(words, window, cited)
        or contradicted(words, window[0])
        or miscounted(words, cited)
    )
    row = features(words, vectors, window, cited)
    meaning = meaning or model()
    probability = meaning.probability(row)
    if not reason and probability < meaning.threshold:
        reason = "what it cites means something else"
    return Verdict(not reason, tuple(window), probability, reason, tuple(row))


def _plain(some: Sequence[SourceSentence]) -> str:
    parts = [some[0].passage.title] if some else []
    return facts.plain(" ".join([*parts, *(each.sentence.text for each in some)]))


def nearest(
    claim: str, numbers: Sequence[int], source: Source, embed: Embed
) -> tuple[SourceSentence, ...]:
    """The cited sentence nearest to a claim, whether it supports it or not; none without one."""
    offered = [each for some in source.cited(numbers) for each in some]
    best = _best(facts.words(claim), embed(claim), offered)
    return (best,) if best else ()


# ——— Which sentences support it


def _best(
    words: Sequence[Word], vectors: TokenVectors | None, offered: Sequence[SourceSentence]
) -> SourceSentence | None:
    """The sentence nearest to a claim, by its words and its meaning."""
    wanted = carrying(words)
    near = [
        (share_held(wanted, each.keys) + cosine(vectors, [each]), -place)
        for place, each in enumerate(offered)
        if not each.sentence.heading
    ]
    return offered[-max(near)[1]] if near else None


def _window(
    words: Sequence[Word], best: SourceSentence, cited: Sequence[Sequence[SourceSentence]]
) -> list[SourceSentence]:
    """The best sentence, and another where it adds much of what the claim says."""
    wanted = carrying(words)
    missing = {key: share for key, share in wanted.items() if not holds(best.keys, key)}
    added = [
        (
            share_held(missing, each.keys),
            -abs(place - some.index(best)) if best in some else -99,
            each,
        )
        for some in cited
        for place, each in enumerate(some)
        if each is not best and not each.sentence.heading
    ]
    if not added or not missing:
        return [best]
    # Shares of all that carries the claim: what a second sentence adds must not be one word.
    share, _, second = max(added, key=lambda each: each[:2])
    held = [key for key in missing if holds(second.keys, key)]
    return [best, second] if share >= SECOND and len(held) >= 2 else [best]


# ——— What it states and they do not


def _unstated(
    words: Sequence[Word],
    window: Sequence[SourceSentence],
    cited: Sequence[Sequence[SourceSentence]],
) -> str:
    """Why a fact of the claim is not one of its source; empty where all are."""
    keys = frozenset(key for each in window for key in each.keys)
    short = set().union(*(facts.initials(each.words) for each in window))
    near = around(window, cited)
    for word in words:
        if word.kind not in ("name", "number", "initial"):
            continue
        if word.key in keys or word.key in short:
            continue
        if word.key in near and (_YEAR.fullmatch(word.key) or refers(window)):
            continue
        if word.kind == "number":
            return f"“{word.text}” is not in what it cites"
        if facts.same_name(word.key, keys) or _stands_for(word, words, window):
            continue
        if word.kind == "name" or word.key in _named(cited):
            return f"“{word.text}” is not in what it cites"
    return ""


def _stands_for(word: Word, words: Sequence[Word], window: Sequence[SourceSentence]) -> bool:
    """Whether capital letters are the short form of what the source spells out, or its long one."""
    upper = {other.key for each in window for other in each.words if other.text.isupper()}
    return bool(upper & facts.initials(words)) and word.text[:1].isupper()


def _named(cited: Sequence[Sequence[SourceSentence]]) -> frozenset[str]:
    return frozenset(
        word.key for some in cited for each in some for word in each.words if word.kind == "name"
    )
