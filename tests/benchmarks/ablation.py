"""What each kind of evidence is worth: fit on one set of articles, report on another.

    python tests/benchmarks/ablation.py --fit squadshifts-new_wiki.json --report xquad-en-dev.json

Both are SQuAD files. Five paragraphs in a row of each article of the first are one corpus, all of
the second another. Weights of the ranking and of the choice of sentences are fitted on the first
(a listwise softmax over the candidates) and the figures reported on the second. The weights in
`index/ranking.py` and `chatbot/answering/extract.py` were taken from such a run, rounded.
"""

import argparse
import json
import random
import tempfile
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from chatbot.answering import extract
from chatbot.config import Settings
from chatbot.evaluation.corpus import open_corpus
from chatbot.evaluation.datasets import read_dataset
from index import Query
from index.ranking import READ

RANKING = ("mix", "late", "least", "held", "together")
out = Console()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fit", type=Path, required=True, help="SQuAD file to fit on")
    parser.add_argument("--report", type=Path, required=True, help="SQuAD file to report on")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        few = Path(folder) / "few.json"
        few.write_text(json.dumps({"data": [five_of(article) for article in json.loads(options.fit.read_text())["data"]]}))
        fit, report = asked(few), asked(options.report)
    show("Ranking the first four passages (success@1)", RANKING, *(passages(each) for each in (fit, report)), first)
    show("Choosing the first sentence", extract.FEATURES, *(sentences(each) for each in (fit, report)), first)
    show("One of three sentences", extract.FEATURES, *(sentences(each) for each in (fit, report)), any_of_three)


def five_of(article):
    paragraphs = [p for p in article["paragraphs"] if p["qas"] and 350 < len(p["context"]) < 1600]
    merged = {}
    for each in paragraphs:
        merged.setdefault(each["context"], []).extend(each["qas"])
    paragraphs = [{"context": context, "qas": qas} for context, qas in merged.items()]
    start = random.Random(article["title"]).randrange(max(1, len(paragraphs) - 4))
    return {"title": article["title"], "paragraphs": paragraphs[start : start + 5]}


def asked(path):
    """Each question with its hits."""
    dataset = read_dataset(path, "squad")
    bot = open_corpus(dataset.corpus, Settings.from_environment())
    return [(question, bot.retriever.search([Query(question.text)], 8)) for question in track(dataset.questions, path.name, transient=True)]


def passages(data):
    """Rows of RANKING and labels, for the passages that are read, a question at a time."""
    table = []
    for question, hits in data:
        rows = [
            (hit.mix, hit.late, hit.least, max(e.lexical for e in hit.sentences), max(e.pairs for e in hit.sentences))
            for hit in hits[:READ]
        ]
        table.append((np.array(rows), np.array([hit.passage.article_id in question.relevant for hit in hits[:READ]])))
    return table


def sentences(data):
    """Rows of extract.FEATURES and labels, for all sentences of the hits, a question at a time."""
    table = []
    for question, hits in data:
        found = extract.features(question.text, hits[:READ])
        labels = [any(answer in evidence.sentence.text for answer in question.answers) for _, evidence, _ in found]
        table.append((np.array([row for *_, row in found]), np.array(labels)))
    return table


def fitted(table, columns, penalty=1e-3):
    """Weights that make a labelled candidate likely in a softmax over its question's candidates."""
    useful = [(rows[:, columns], labels) for rows, labels in table if labels.any()]
    every = np.concatenate([rows for rows, _ in useful])
    mean, scale = every.mean(axis=0), every.std(axis=0) + 1e-6
    most = max(len(labels) for _, labels in useful)
    x, y, there = (torch.zeros(len(useful), most, *shape) for shape in ((len(columns),), (), ()))
    for place, (rows, labels) in enumerate(useful):
        x[place, : len(labels)] = torch.tensor((rows - mean) / scale)
        y[place, : len(labels)] = torch.tensor(labels)
        there[place, : len(labels)] = 1
    weights = torch.zeros(len(columns), requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=200)

    def loss():
        optimizer.zero_grad()
        scores = x @ weights + torch.log(there + 1e-12)
        value = (torch.logsumexp(scores, 1) - torch.logsumexp(scores + torch.log(y + 1e-12), 1)).mean()
        value = value + penalty * (weights**2).sum()
        value.backward()
        return value

    optimizer.step(loss)
    return weights.detach().numpy() / scale


def first(scores, labels):
    return labels[scores.argmax()]


def any_of_three(scores, labels):
    return labels[np.argsort(-scores)[:3]].any()


def show(title, names, fit, report, figure):
    grid = Table(title=title, title_justify="left")
    for heading in ("evidence", "fitted on", "reported on", "weights"):
        grid.add_column(heading, justify="left" if heading in ("evidence", "weights") else "right")
    every = list(range(len(names)))
    variants = [("all", every)]
    variants += [(f"without {names[n]}", [m for m in every if m != n]) for n in every]
    variants += [(f"{names[n]} alone", [n]) for n in every]
    for name, columns in variants:
        weights = fitted(fit, columns)
        shares = [np.mean([figure(rows[:, columns] @ weights, labels) for rows, labels in table]) for table in (fit, report)]
        spelt = ", ".join(f"{names[c]} {w:.2f}" for c, w in zip(columns, weights, strict=True)) if name == "all" else ""
        grid.add_row(name, *(f"{share:.3f}" for share in shares), spelt)
    out.print(grid)


if __name__ == "__main__":
    main()
