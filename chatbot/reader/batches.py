"""Examples as the tensors that a network learns from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from chatbot.answering.reader import Pair, Pairs, after
from chatbot.reader.examples import Example


def tensors(batch: Sequence[Example], pairs: Pairs) -> tuple[Any, ...]:
    """Examples → ids, segments and mask, and where answers begin and end, each (b, n)."""
    read = [pairs.of(after(each.before, each.question), each.passage) for each in batch]
    longest = max(len(pair.ids) for pair in read)
    table = np.zeros((3, len(batch), longest), np.int64)
    places = np.zeros((2, len(batch), longest), bool)
    for row, (example, pair) in enumerate(zip(batch, read, strict=True)):
        count = len(pair.ids)
        table[0, row, :count], table[1, row, :count] = pair.ids, pair.segments
        table[2, row, :count] = 1
        for start, end in example.spans:
            first, last = _tokens(pair, start, end)
            if first <= last and example.loose:
                places[:, row, first : last + 1] = True
            elif first <= last:
                places[0, row, first] = places[1, row, last] = True
        if not places[0, row].any():
            places[:, row, 0] = True
    return tuple(torch.from_numpy(each) for each in (*table, *places))


def _tokens(pair: Pair, start: int, end: int) -> tuple[int, int]:
    """The places of the first and last token of some words of the passage."""
    first = int(np.searchsorted(pair.offsets[:, 1], start, side="right"))
    last = int(np.searchsorted(pair.offsets[:, 0], end)) - 1
    return pair.first + first, pair.first + min(last, len(pair.offsets) - 1)
