"""Fit the confidence model and write `confidence.json`, or `confidence-reader.json`.

    python -m chatbot.answering.fit --squad squad2-dev.json xquad-en-dev.json \\
        --gold tests/gold_wiki.jsonl --texts squadshifts-new_wiki.json \\
        --invented chatbot/reader/apart.jsonl --reader --without Normans \\
        Computational_complexity_theory Yuan_dynasty French_and_Indian_War

With `--reader` it is fitted for answers that the trained reader has a part in, and `--without`
names the articles that this was trained on, whose figures would flatter it.

Each SQuAD article is indexed as one article, cut to at most `PARAGRAPHS` paragraphs a piece, as
long as articles are. A piece's own questions are answerable or, in SQuAD 2.0, not; the questions
of other pieces are off-topic. The gold questions were written by hand as readers ask; `--texts`
holds the articles that they name. The texts of `--invented` are news and the like, each an article
with its questions and follow-ups; half of the questions are also put to another of them. No reader
has been trained on them, and the model for answers without a reader is fitted without them. For the
figures, questions are judged by models that were fitted without their article; of the gold
questions, these judgements set the threshold. The model that is written has learnt from all.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chatbot.answering.confidence import (
    FEATURES,
    READ_WEIGHTS,
    READER_FEATURES,
    WEIGHTS,
)
from chatbot.answering.conversation import queries
from chatbot.answering.gather import gather, search
from chatbot.answering.reader import Reader, load
from chatbot.answers import NOT_IN_ARTICLE, Request, Turn
from chatbot.reader.written import read_invented
from index import DEFAULT_EMBEDDER, Article, Index, Retriever, add
from index.chunk import sentence_spans

Floats = NDArray[np.float64]
Labels = NDArray[np.bool_]
Words = NDArray[np.str_]

GOLD, INVENTED, FOLLOWING, ASTRAY = "gold", "invented", "invented, follow-up", "invented, off-topic"
"""Kinds of questions that are not SQuAD's; the last are put to another text than their own."""
PARAGRAPHS = 12
GOLD_CHARS = 5200
"""The gold questions were written about the first paragraphs of an article, up to this length."""
GOLD_WEIGHT = 3.0
"""A hand-written question counts as so many of SQuAD's, whose wording follows the text; 1, 2, 3,
4 and 6 were tried on articles kept apart: more tells more plausible questions, and fewer off-topic
ones."""
INVENTED_WEIGHT = 0.5
"""The same of a question about an invented text; of the last of them, half differ in a few words
from one that has the other answer. With 1, 55% of plausible questions would be answered instead of
60% where 4% are refused, but 3.3% of off-topic ones instead of 3.1%, and 0.995 would be 0.994."""
FOLDS = 4
REFUSALS = 0.05
"""The share of answerable gold questions that the threshold may cost. With 0.04, 16% of the open
ones would be answered instead of 14%, and 60% of SQuAD's plausible ones instead of 56%."""


@dataclass(frozen=True, slots=True)
class Example:
    """A question put to an article; `title` says which part of the split it belongs to."""

    title: str
    article: str
    question: str
    label: bool
    kind: str
    history: tuple[Turn, ...] = ()


def main() -> None:
    """Read the files, fit, print what was found, and write the weights."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--squad", nargs="+", type=Path, required=True, metavar="FILE")
    parser.add_argument("--gold", type=Path, required=True, metavar="FILE")
    parser.add_argument("--texts", type=Path, required=True, metavar="FILE")
    parser.add_argument("--invented", type=Path, metavar="FILE")
    parser.add_argument("--reader", action="store_true")
    parser.add_argument("--without", nargs="*", default=[], metavar="TITLE")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        index = Index.open(folder)
        examples = _examples(index, options.squad, random.Random(options.seed))
        examples += _gold(index, options.gold, options.texts)
        if options.invented:
            examples += _invented(index, options.invented, random.Random(options.seed))
        examples = [each for each in examples if each.title not in options.without]
        x, y = _table(Retriever(index), examples, load() if options.reader else None)
    _fit(
        READ_WEIGHTS if options.reader else WEIGHTS,
        x,
        y,
        np.array([example.kind for example in examples]),
        np.array([example.title for example in examples]),
    )


def gold_articles(texts: Path, names: Collection[str]) -> list[Article]:
    """The articles that gold questions name: the first paragraphs of a SQuAD file's articles."""
    found = []
    for part in json.loads(texts.read_text(encoding="utf-8"))["data"]:
        if part["title"] not in names:
            continue
        kept: list[str] = []
        for paragraph in part["paragraphs"]:
            text = " ".join(paragraph["context"].split())
            if text not in kept:
                kept.append(text)
            if sum(map(len, kept)) > GOLD_CHARS:
                break
        title = part["title"].replace("_", " ")
        found.append(Article(part["title"], title, "\n\n".join(kept) + "\n"))
    return found


def _gold(index: Index, gold: Path, texts: Path) -> list[Example]:
    lines = [json.loads(line) for line in gold.read_text(encoding="utf-8").splitlines()]
    with index.writing():
        add(index, *gold_articles(texts, {line["article"] for line in lines}))
    return [
        Example(
            title=line["article"],
            article=line["article"],
            question=line["question"],
            label=line["answerable"],
            kind=GOLD,
            history=tuple(Turn(*turn) for turn in line.get("history", [])),
        )
        for line in lines
    ]


def _invented(index: Index, file: Path, rng: random.Random) -> list[Example]:
    parts = read_invented(file)
    names = [f"{file.stem}/{place}" for place in range(len(parts))]
    with index.writing():
        for name, part in zip(names, parts, strict=True):
            add(index, Article(name, part.title, "\n\n".join(part.passages) + "\n"))
    found, said = [], _said(file)
    for name, part in zip(names, parts, strict=True):
        alone = [asked for asked in part.examples if not asked.before]
        for asked in part.examples:
            before = asked.before
            history = (Turn(before, said[asked.passage, before]),) if before else ()
            kind = FOLLOWING if before else INVENTED
            found.append(Example(name, name, asked.question, bool(asked.spans), kind, history))
        for asked in rng.sample(alone, len(alone) // 2):
            other = rng.choice([each for each in names if each != name])
            found.append(Example(other, other, asked.question, False, ASTRAY))
    return found


def _said(file: Path) -> dict[tuple[str, str], str]:
    """A text, and a question that others follow → what was answered: the sentence that says it."""
    found = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        paragraph = json.loads(line)
        text = paragraph["text"]
        for asked in paragraph["asked"]:
            if "before" in asked:
                words = asked["said"]
                found[text, asked["before"]] = _sentence(text, words) if words else NOT_IN_ARTICLE
    return found


def _sentence(text: str, words: str) -> str:
    at = text.index(words)
    spans = sentence_spans(text, (0, len(text)))
    return next(text[start:end] for start, end in spans if start <= at < end)


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
    retriever: Retriever, examples: list[Example], reader: Reader | None
) -> tuple[Floats, Labels]:
    rows = []
    for place, example in enumerate(examples):
        request = Request(example.question, example.history)
        asked, scope = queries(request), [example.article]
        hits = search(retriever, reader, asked, scope)
        rows.append(
            gather(retriever, reader, request, asked, hits, scope).features(retriever, scope)
        )
        if place % 200 == 0:
            sys.stderr.write(f"\rasked {place:,} of {len(examples):,}     ")
    sys.stderr.write("\n")
    return np.array(rows), np.array([example.label for example in examples])


def _fit(target: Path, x: Floats, y: Labels, kinds: Words, titles: Words) -> None:
    from sklearn.metrics import roc_auc_score

    say = sys.stdout.write
    names = FEATURES if target == READ_WEIGHTS else FEATURES[:-READER_FEATURES]
    x = x[:, : len(names)]
    gold, invented = kinds == GOLD, np.isin(kinds, (INVENTED, FOLLOWING, ASTRAY))
    squad = ~gold & ~invented
    say(f"{len(y):,} questions, {int(gold.sum())} of them written by hand\n")
    judged = np.sum([_apart(x, y, kinds, titles, each) for each in (gold, invented, squad)], axis=0)
    for kind in ("off-topic", "plausible"):
        some = squad & (y | (kinds == kind))
        auroc = roc_auc_score(y[some], judged[some])
        say(f"SQuAD, judged without their article, {kind}: AUROC {auroc:.3f}\n")
    threshold = float(np.quantile(judged[gold & y], REFUSALS))
    wrong = (judged[gold & ~y] >= threshold).mean()
    say(f"gold, judged without their article: AUROC {roc_auc_score(y[gold], judged[gold]):.3f}\n")
    say(f"threshold {threshold:.3f}: refused {REFUSALS:.0%}, answered though open {wrong:.1%}\n")
    for kind in ("off-topic", "plausible"):
        answered = (judged[kinds == kind] >= threshold).mean()
        say(f"SQuAD, {kind}: answered all the same {answered:.1%}\n")
    say(f"SQuAD, answerable: refused {(judged[squad & y] < threshold).mean():.1%}\n")
    for kind in (INVENTED, FOLLOWING):
        some = kinds == kind
        if some.any():
            auroc = roc_auc_score(y[some], judged[some])
            say(f"{kind}, judged without their text: AUROC {auroc:.3f}\n")
    data = {"embedder": DEFAULT_EMBEDDER, "features": names, "threshold": round(threshold, 4)}
    # What ships has learnt from all of them.
    model = _model(x, y, kinds)
    data |= {
        "means": [round(each, 6) for each in model.means],
        "scales": [round(each, 6) for each in model.scales],
        "weights": [round(each, 6) for each in model.weights],
        "bias": round(model.bias, 6),
    }
    for name, weight in zip(names, model.weights, strict=True):
        say(f"  {name:<18} {weight:+.2f}\n")
    target.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")


def _apart(x: Floats, y: Labels, kinds: Words, titles: Words, judged: Labels) -> Floats:
    """Probabilities of the `judged` rows, by models that were fitted without their article."""
    found = np.zeros(len(y))
    articles = sorted(set(titles[judged]))
    for fold in range(FOLDS):
        apart = judged & np.isin(titles, articles[fold::FOLDS])
        found[apart] = _model(x[~apart], y[~apart], kinds[~apart]).probabilities(x[apart])
    return found


@dataclass(frozen=True, slots=True)
class Fitted:
    """A logistic model over features that are brought to mean 0 and deviation 1."""

    means: list[float]
    scales: list[float]
    weights: list[float]
    bias: float

    def probabilities(self, x: Floats) -> Floats:
        """Rows of features → probabilities."""
        scaled = np.nan_to_num((x - np.array(self.means)) / np.array(self.scales))
        found: Floats = 1 / (1 + np.exp(-(scaled @ np.array(self.weights) + self.bias)))
        return found


def _model(x: Floats, y: Labels, kinds: Words) -> Fitted:
    invented = np.isin(kinds, (INVENTED, FOLLOWING))
    counts = np.select([kinds == GOLD, invented], [GOLD_WEIGHT, INVENTED_WEIGHT], 1.0)
    return fit_logistic(x, y, counts)


def fit_logistic(x: Floats, y: Labels, counts: Floats | None = None) -> Fitted:
    """Rows (n, features) and labels (n,) → a logistic model; `counts` weigh the rows."""
    from sklearn.linear_model import LogisticRegression

    # What is not known counts as the mean, and a feature that never is gets no weight.
    known = ~np.isnan(x)
    means = np.where(known, x, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    x = np.where(known, x, means)
    scales = x.std(axis=0)
    scales[scales < 1e-6] = 1.0
    model = LogisticRegression(C=0.1, max_iter=4000)
    model.fit((x - means) / scales, y, sample_weight=counts)
    weights = model.coef_[0].tolist()
    return Fitted(means.tolist(), scales.tolist(), weights, float(model.intercept_[0]))


if __name__ == "__main__":
    main()
