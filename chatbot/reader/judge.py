"""Judge the reader alone: each question with its own paragraph, as SQuAD does.

    python -m chatbot.reader.judge squad2-dev.json xquad-en-dev.json \\
        --without Normans Computational_complexity_theory Yuan_dynasty \\
        French_and_Indian_War --checkpoint reader.pt

Name the articles that it was trained on. With `--checkpoint` the model that ships is held against
the network it was made from, too; its own file will do, as its weights are the network's.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from chatbot.answering.closer import shown
from chatbot.answering.reader import Places, Reader, Reading, load
from chatbot.evaluation.metrics import auroc, exact_match, interval, token_f1
from chatbot.reader import export
from chatbot.reader.examples import Example, Part, read
from index.chunk import sentence_spans


@dataclass(frozen=True, slots=True)
class Judged:
    """One question: its phrase's figures (0 where the question is open), and what speaks for it.

    `answers` is the logit of the whole paragraph, `look` that of the sentence by itself.
    """

    title: str
    open: bool
    exact: float
    f1: float
    answers: float
    look: float
    agrees: bool


class Original(Reader):
    """The network in PyTorch behind the reader's interface."""

    def __init__(self, checkpoint: Path) -> None:
        self._network = export.load(checkpoint)

    def _run(self, ids: Places, segments: Places) -> Any:
        with torch.no_grad():
            found = self._network(torch.from_numpy(ids), torch.from_numpy(segments), None)
        return [each.numpy() for each in found]


def main() -> None:
    """Print a table of figures with their 95% intervals."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--without", nargs="*", default=[], metavar="TITLE")
    parser.add_argument("--checkpoint", type=Path)
    options = parser.parse_args()
    reader = load()
    if reader is None:
        parser.error("there is no model to judge; run chatbot.reader.export")
    original = Original(options.checkpoint) if options.checkpoint else None
    for file in options.files:
        parts = [part for part in read([file]) if part.title not in options.without]
        judged = [each for part in parts for each in _judged(part, reader, original)]
        sys.stdout.write(f"{file.name}: {len(judged):,} questions of {len(parts)} articles\n")
        for name, figure in FIGURES.items():
            _say(name, judged, figure)
        if original:
            _say("same phrase as the network's", judged, lambda some: _mean(some, "agrees"))


def _judged(part: Part, reader: Reader, original: Reader | None) -> list[Judged]:
    found = []
    for example in part.examples:
        (reading,) = reader.read(example.question, [example.passage])
        chosen = _chosen(reading, example)
        agrees = True
        if original:
            (same,) = original.read(example.question, [example.passage])
            agrees = _chosen(same, example) == chosen
        phrase = example.passage[slice(*chosen)]
        spans = sentence_spans(example.passage, (0, len(example.passage)))
        place = next((n for n, (_, end) in enumerate(spans) if chosen[0] < end), 0)
        closer, _ = shown(part.title.replace("_", " "), example.passage, spans, place)
        (look,) = reader.read(example.question, [closer])
        golds = [example.passage[start:end] for start, end in example.spans]
        found.append(
            Judged(
                title=part.title,
                open=not golds,
                exact=exact_match(phrase, golds),
                f1=token_f1(phrase, golds),
                answers=reading.answers,
                look=look.answers,
                agrees=agrees,
            )
        )
    return found


def _chosen(reading: Reading, example: Example) -> tuple[int, int]:
    phrase = reading.phrase(0, len(example.passage))
    return (phrase.start, phrase.end) if phrase else (0, 0)


def _say(
    name: str, judged: Sequence[Judged], figure: Callable[[Sequence[Judged]], float | None]
) -> None:
    value = figure(judged)
    if value is None:
        return
    between = interval(len(judged), lambda drawn: figure([judged[n] for n in drawn]), 200)
    low, high = between or (value, value)
    sys.stdout.write(f"  {name:<34} {value:.3f} ({low:.3f}–{high:.3f})\n")


def _mean(judged: Sequence[Judged], name: str) -> float | None:
    return float(np.mean([getattr(each, name) for each in judged])) if judged else None


def _of_answered(name: str) -> Callable[[Sequence[Judged]], float | None]:
    return lambda judged: _mean([each for each in judged if not each.open], name)


def _tells(judged: Sequence[Judged], look: bool = True) -> float | None:
    scores = np.array([_speaks(each) if look else each.answers for each in judged])
    return auroc(scores, np.array([not each.open for each in judged]))


def _speaks(each: Judged) -> float:
    return (each.answers + each.look) / 2


def _v2(judged: Sequence[Judged]) -> float | None:
    """SQuAD 2.0's F1; each article at the threshold that is best for the others."""
    titles = sorted({each.title for each in judged})
    if len(titles) < 2 or not any(each.open for each in judged):
        return None
    total = 0.0
    for title in titles:
        least = _threshold([each for each in judged if each.title != title])
        for each in judged:
            if each.title == title:
                total += _gained(each, answered=_speaks(each) >= least)
    return total / len(judged)


def _threshold(judged: Sequence[Judged]) -> float:
    order = sorted(judged, key=lambda each: -_speaks(each))
    # What is won by answering the first n instead of none.
    won = np.cumsum([_gained(each, True) - _gained(each, False) for each in order])
    return _speaks(order[int(won.argmax())])


def _gained(each: Judged, answered: bool) -> float:
    return (0.0 if each.open else each.f1) if answered else float(each.open)


FIGURES: dict[str, Callable[[Sequence[Judged]], float | None]] = {
    "exact match, answerable": _of_answered("exact"),
    "F1, answerable": _of_answered("f1"),
    "AUROC of answerability": _tells,
    "the same without a closer look": partial(_tells, look=False),
    "v2 F1, other articles' threshold": _v2,
}

if __name__ == "__main__":
    main()
