"""Fit what tells a request for a summary by its meaning, and write `summaries.json`.

    python -m chatbot.answering.fit_summaries tests/requests.jsonl \\
        --questions chatbot/reader/invented.jsonl

Each line of the first file is a `message`, whether it asks for a `summary` of everything, and the
`part` that it belongs to: a model fitted on the others is reported on `test`, and the one that is
written has learnt from all. `--questions` has questions as they are mostly asked, none of which is
such a request, for half of them to be learnt from and half to be reported on.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chatbot.answering.summaries import MODEL, Meaning, asks_for_all
from index import DEFAULT_EMBEDDER, make_embedder

STRENGTH = 10.0
"""The inverse of the penalty; 3, 10, 30 and 100 were tried on parts kept apart."""
THRESHOLD = 1.0
"""In log-odds: a question taken for such a request is worse than a request taken for a question."""
ORDINARY = 4000


def main() -> None:
    """Read the files, report, and write the weights."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("messages", type=Path, metavar="FILE")
    parser.add_argument("--questions", type=Path, required=True, metavar="FILE")
    options = parser.parse_args()
    lines = [json.loads(line) for line in options.messages.read_text("utf-8").splitlines()]
    embedder = make_embedder(DEFAULT_EMBEDDER)
    vectors = embedder.embed_documents([line["message"] for line in lines])
    wanted = np.array([line["summary"] for line in lines])
    test = np.array([line["part"] == "test" for line in lines])
    texts = [json.loads(line) for line in options.questions.read_text("utf-8").splitlines()]
    asked = [each["question"] for text in texts for each in text["asked"] if "before" not in each]
    asked = [each for each in asked if not asks_for_all(each)]
    ordinary = embedder.embed_documents(random.Random(7).sample(asked, ORDINARY))
    learnt, apart = ordinary[::2], ordinary[1::2]
    model = fit(vectors[~test], wanted[~test], learnt, embedder.name)
    found = model.score(vectors[test]) > model.threshold
    words = np.array([asks_for_all(line["message"]) for line in lines])[test]
    say = sys.stdout.write
    for name, told in (("by words", words), ("by meaning", found), ("by either", words | found)):
        shares = (told[wanted[test]].mean(), told[~wanted[test]].mean())
        say(f"{name}: {shares[0]:.2f} of requests, {shares[1]:.3f} of what resembles them\n")
    taken = (model.score(apart) > model.threshold).mean()
    say(f"by meaning, of ordinary questions: {taken:.4f}\n")
    model = fit(vectors, wanted, ordinary, embedder.name)
    data = {
        "embedder": model.embedder,
        "threshold": model.threshold,
        "bias": round(model.bias, 3),
        "weights": [round(float(each), 3) for each in model.weights],
    }
    MODEL.write_text(json.dumps(data) + "\n", encoding="utf-8")


def fit(
    messages: NDArray[np.float32],
    wanted: NDArray[np.bool_],
    ordinary: NDArray[np.float32],
    embedder: str,
) -> Meaning:
    """Vectors (n, dimension) of messages, which are requests, and of questions that are none."""
    from sklearn.linear_model import LogisticRegression

    labels = np.concatenate([wanted, np.zeros(len(ordinary), dtype=bool)])
    model = LogisticRegression(C=STRENGTH, max_iter=3000)
    model.fit(np.concatenate([messages, ordinary]), labels)
    weights = model.coef_[0].astype(np.float32)
    return Meaning(embedder, weights, float(model.intercept_[0]), THRESHOLD)


if __name__ == "__main__":
    main()
