"""Fit what tells whether a cited sentence means what a claim says, and write `check.json`.

    python -m chatbot.answering.fit_check squad2-dev.json xquad-en-dev.json
    python -m chatbot.answering.fit_check --report squadshifts-new_wiki.json

Claims are made of the files' articles (`chatbot.evaluation.claims`). Every other article is fitted
on, the rest are reported on. The model sees only claims whose words no rule refuses; its threshold
keeps the share `KEPT` of the true ones. `--report` judges what ships on other articles.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chatbot.answering.boosted import Boosted, boosted
from chatbot.answering.check import check
from chatbot.answering.meaning import ANYTHING, FEATURES, WEIGHTS, model
from chatbot.answering.sources import Source
from chatbot.evaluation.claims import Claim, claims
from chatbot.evaluation.metrics import interval
from chatbot.reader.examples import read
from index import make_embedder
from index.embed import TokenVectors

KEPT = 0.93
FOLDS = 4
TREES, DEPTH, RATE = 120, 3, 0.06
CLAIMS = 60
"""So many true claims of an article, at most."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A claim, what the rules made of it, and the row of FEATURES that the model sees."""

    claim: Claim
    refused: bool
    exact: bool
    row: tuple[float, ...]


def main() -> None:
    """Fit, print what was kept and dropped, and write the weights."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--report", action="store_true", help="judge what ships on all articles")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    articles = [claims(part, rng, CLAIMS) for part in read(options.files)]
    titles = sorted({each[0].article for each in articles if each})
    fitted_on = set() if options.report else set(titles[::2])
    checked = _checked([claim for each in articles for claim in each])
    learnt = [each for each in checked if each.claim.article in fitted_on]
    if not options.report:
        _fit(learnt)
    model.cache_clear()
    told = [each for each in checked if each.claim.article not in fitted_on]
    sys.stdout.write(f"{len(told):,} claims of {len(titles) - len(fitted_on)} articles\n")
    _say(told, model())


def _checked(made: Sequence[Claim]) -> list[Checked]:
    embedder = make_embedder()
    tokens: dict[str, TokenVectors] = {}
    found = []
    for place, claim in enumerate(made):
        text = claim.passage.text
        if text not in tokens:
            tokens[text] = (embedder.embed_tokens([text]) or [])[0]
        source = Source([claim.passage], [tokens[text]])
        embed = embedder.embed_query_tokens
        verdict = check(claim.text, [1], source, embed, ANYTHING)
        exact = verdict.supported and not verdict.row
        found.append(Checked(claim, not verdict.supported, exact, verdict.row))
        if place % 200 == 0:
            sys.stderr.write(f"\rchecked {place:,} of {len(made):,}")
    sys.stderr.write("\n")
    return found


def _fit(learnt: Sequence[Checked]) -> None:
    seen = [each for each in learnt if not each.refused and not each.exact]
    made = _made(seen)
    data = {
        "features": FEATURES,
        "means": made.means,
        "start": made.start,
        "threshold": round(_threshold(learnt), 4),
        "trees": made.trees,
    }
    WEIGHTS.write_text(json.dumps(data) + "\n", encoding="utf-8")


def _made(seen: Sequence[Checked]) -> Boosted:
    x = np.array([each.row for each in seen])
    y = np.array([each.claim.supported for each in seen])
    return boosted(x, y, TREES, DEPTH, RATE)


def _threshold(learnt: Sequence[Checked]) -> float:
    """The highest that keeps `KEPT` of all true claims, judged without their own article."""
    titles = sorted({each.claim.article for each in learnt})
    scores = []
    for fold in range(FOLDS):
        apart = set(titles[fold::FOLDS])
        seen = [e for e in learnt if e.claim.article not in apart and not (e.refused or e.exact)]
        made = _made(seen)
        for each in learnt:
            if each.claim.article in apart and each.claim.supported:
                sure = float(each.exact) or (0.0 if each.refused else made.probability(each.row))
                scores.append(sure)
    return float(np.quantile(scores, 1 - KEPT))


def _say(told: Sequence[Checked], fitted: Boosted) -> None:
    kept: dict[str, list[bool]] = defaultdict(list)
    for each in told:
        passed = not each.refused and (
            each.exact or fitted.probability(each.row) >= fitted.threshold
        )
        kept[each.claim.kind].append(passed)
        kept["true" if each.claim.supported else "corrupted"].append(passed)
    for kind, all_passed in sorted(kept.items(), key=lambda item: -len(item[1])):
        low, high = _between(all_passed)
        share = sum(all_passed) / len(all_passed)
        sys.stdout.write(
            f"  {kind:<16} kept {share:.3f} ({low:.3f}–{high:.3f}) of {len(all_passed):,}\n"
        )


def _between(passed: Sequence[bool]) -> tuple[float, float]:
    table = np.array(passed, dtype=float)
    return interval(len(table), lambda drawn: float(table[drawn].mean()), 200) or (0.0, 1.0)


if __name__ == "__main__":
    main()
