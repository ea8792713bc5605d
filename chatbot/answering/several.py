"""The evidence for a question that asks several things, found for each of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import compress, zip_longest

from chatbot.answering.compound import parts
from chatbot.answering.conversation import REPLIES, refers_back
from chatbot.answering.prepared import Prepared
from chatbot.answers import Request, Turn
from index import Hit


def severally(
    request: Request, read: Callable[[Request], Prepared], enough: Callable[[Prepared], bool]
) -> Prepared | None:
    """A request's evidence, each thing that it asks for read by itself.

    None where it asks one thing. The confidence is that of the least sure of those that are told,
    or where none is, of the surest.
    """
    split = parts(request.question)
    if not split:
        return None
    # What refers back in a later part refers to the first, to which there is no answer yet; where
    # that refers back itself, both are about what was talked of.
    same = request.history and refers_back(split[0].question)
    later = request.history if same else (*request.history, Turn(split[0].asked, ""))
    found = [
        read(replace(request, question=part.question, history=later if n else request.history))
        for n, part in enumerate(split)
    ]
    if any(each.intent in REPLIES for each in found):
        return None
    is_told = [each.intent == "summary" or enough(each) for each in found]
    told = list(compress(found, is_told))
    surest = max(found, key=lambda each: each.confidence)
    left = [part.asked for part, each in zip(split, is_told, strict=True) if not each]
    mixed = [replace(q, weight=q.weight / len(found)) for each in found for q in each.queries]
    return Prepared(
        request=request,
        intent="question",
        queries=tuple(mixed),
        hits=_in_turn([each.hits for each in told or found]),
        scored=surest.scored,
        confidence=min((each.confidence for each in told), default=surest.confidence),
        revision=found[0].revision,
        search_ms=sum(each.search_ms for each in found),
        parts=tuple(told),
        left_open=tuple(left),
    )


def _in_turn(found: Sequence[Sequence[Hit]]) -> tuple[Hit, ...]:
    """The hits of several questions, the first of each before any second, each passage once."""
    best: dict[str, Hit] = {}
    for row in zip_longest(*found):
        for hit in row:
            if hit is not None:
                best.setdefault(hit.passage.id, hit)
    return tuple(best.values())[: max(map(len, found))]
