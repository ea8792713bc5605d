"""Fit the confidence model on SQuAD files and write `confidence.json`.

    python -m chatbot.answering.fit --squad squad2-dev.json xquad-en-dev.json

Each SQuAD article is indexed as one article, cut to at most `PARAGRAPHS` paragraphs a piece, as
long as articles are. A piece's own questions are answerable or, in SQuAD 2.0, not; the questions
of other pieces are off-topic. Articles are split in two: the model is fitted on one part, and the
threshold and the figures printed come from the other.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chatbot.answering.answerer import HITS
from chatbot.answering.confidence import FEATURES, WEIGHTS, features
from index import DEFAULT_EMBEDDER, Article, Index, Query, Retriever, add

PARAGRAPHS = 12
REFUSALS = 0.03
"""The share of answerable questions that the threshold may cost."""


@dataclass(frozen=True, slots=True)
class Example:
    """A question put to an article; `title` says which part of the split it belongs to."""

    title: str
    article: str
    question: str
    label: bool
    kind: str


def main() -> None:
    """Read the files, fit, print what was found, and write the weights."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--squad", nargs="+", type=Path, required=True, metavar="FILE")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        index = Index.open(folder)
        examples = _examples(index, options.squad, random.Random(options.seed))
        x, y = _table(Retriever(index), examples)
    titles = sorted({example.title for example in examples})
    random.Random(options.seed).shuffle(titles)
    held = set(titles[: len(titles) // 3])
    test = np.array([example.title in held for example in examples])
    _fit(x, y, test, np.array([example.kind for example in examples]))


def _examples(index: Index, files: list[Path], rng: random.Random) -> list[Example]:
    pieces: list[tuple[str, str, list[dict[str, object]]]] = []
    with index.writing():
        for file in files:
            for part in json.loads(file.read_text(encoding="utf-8"))["data"]:
                for start in range(0, len(part["paragraphs"]), PARAGRAPHS):
                    chosen = part["paragraphs"][start : start + PARAGRAPHS]
                    name = f"{file.stem}/{part['title']}/{start}"
                    text = "\n\n".join(" ".join(each["context"].split()) for each in chosen)
                    add(index, Article(id=name, title=str(part["title"]), text=text))
                    asked = [question for each in chosen for question in each["qas"]]
                    pieces.append((str(part["title"]), name, asked))
                    sys.stderr.write(f"\rindexed {len(pieces)} articles")
    examples = []
    for title, name, asked in pieces:
        for question in asked:
            label = not question.get("is_impossible", False)
            kind = "answerable" if label else "plausible"
            examples.append(Example(title, name, str(question["question"]), label, kind))
        others = [each for each in pieces if each[0] != title]
        for question in rng.sample(asked, max(1, len(asked) // 3)):
            other = rng.choice(others)
            asks = str(question["question"])
            examples.append(Example(other[0], other[1], asks, False, "off-topic"))
    return examples


def _table(
    retriever: Retriever, examples: list[Example]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    rows = []
    for place, example in enumerate(examples):
        hits = retriever.search([Query(example.question)], HITS, [example.article])
        lexicon = retriever.lexicon([example.article])
        rows.append(features(example.question, hits, lexicon))
        if place % 200 == 0:
            sys.stderr.write(f"\rasked {place:,} of {len(examples):,}     ")
    sys.stderr.write("\n")
    return np.array(rows), np.array([example.label for example in examples])


def _fit(
    x: NDArray[np.float64], y: NDArray[np.bool_], test: NDArray[np.bool_], kinds: NDArray[np.str_]
) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    means, scales = x[~test].mean(axis=0), x[~test].std(axis=0) + 1e-9
    scaled = (x - means) / scales
    model = LogisticRegression(C=1.0, max_iter=1000).fit(scaled[~test], y[~test])
    probability = model.predict_proba(scaled)[:, 1]
    threshold = float(np.quantile(probability[test & y], REFUSALS))
    say = sys.stdout.write
    say(f"fitted on {int((~test).sum()):,} questions, figures from {int(test.sum()):,} others\n")
    for name, weight in zip(FEATURES, model.coef_[0], strict=True):
        say(f"  {name:<18} {weight:+.2f}\n")
    for kind in ("off-topic", "plausible"):
        some = test & (y | (kinds == kind))
        wrong = (probability[test & (kinds == kind)] >= threshold).mean()
        auroc = roc_auc_score(y[some], probability[some])
        say(f"{kind}: AUROC {auroc:.3f}, answered all the same {wrong:.1%}\n")
    refused = (probability[test & y] < threshold).mean()
    say(f"threshold {threshold:.3f}: answerable questions refused {refused:.1%}\n")
    data = {
        "embedder": DEFAULT_EMBEDDER,
        "features": FEATURES,
        "means": means.round(6).tolist(),
        "scales": scales.round(6).tolist(),
        "weights": model.coef_[0].round(6).tolist(),
        "bias": round(float(model.intercept_[0]), 6),
        "threshold": round(threshold, 4),
    }
    WEIGHTS.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
