"""What each kind of evidence is worth: fit on one set of articles, report on another.

    python tests/benchmarks/ablation.py --fit squadshifts-new_wiki.json --report xquad-en-dev.json \\
        --without Normans Computational_complexity_theory Yuan_dynasty \\
        French_and_Indian_War [--no-reader]

Both are SQuAD files. The first paragraphs of the articles of `tests/gold_wiki.jsonl`, about which
the reader was not asked while it was trained, are one corpus, all of the second file another; but
for the articles named, which the reader was trained on. Weights of the ranking and of the choice
of sentences are fitted on the first (a listwise softmax over the candidates) and the figures
reported on the second. The weights in `chatbot/answering/extract.py` and `reader.py` were taken
from such a run, rounded, and those in `index/ranking.py` from one without the reader, on five
paragraphs of each of the file's articles.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.special import expit

from chatbot.answering import extract
from chatbot.answering.fit import gold_articles
from chatbot.answering.reader import load
from chatbot.config import Settings
from chatbot.evaluation.corpus import open_corpus
from chatbot.evaluation.datasets import read_dataset
from index import Query
from index.ranking import READ

RANKING = ("mix", "late", "least", "held", "together", "answers")
GOLD = Path(__file__).parents[1] / "gold_wiki.jsonl"
out = Console()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fit", type=Path, required=True, help="SQuAD file to fit on")
    parser.add_argument("--report", type=Path, required=True, help="SQuAD file to report on")
    parser.add_argument("--without", nargs="*", default=[], metavar="TITLE", help="articles to leave out of the report")
    parser.add_argument("--no-reader", action="store_true")
    options = parser.parse_args()
    reader = None if options.no_reader else load()
    with tempfile.TemporaryDirectory() as folder:
        few, most = Path(folder) / "few.json", Path(folder) / "most.json"
        few.write_text(json.dumps({"data": aside(options.fit)}))
        every = json.loads(options.report.read_text())["data"]
        most.write_text(json.dumps({"data": [each for each in every if each["title"] not in options.without]}))
        fit, report = asked(few, reader), asked(most, reader)
    show("Ranking the first four passages (success@1)", RANKING, *(passages(each) for each in (fit, report)), first)
    show("Choosing the first sentence", extract.FEATURES, *(sentences(each) for each in (fit, report)), first)
    show("One of three sentences", extract.FEATURES, *(sentences(each) for each in (fit, report)), any_of_three)


def aside(path):
    """The articles of the file that the gold set names, with the paragraphs that it was written about."""
    names = {json.loads(line)["article"] for line in GOLD.read_text().splitlines()}
    texts = {text for article in gold_articles(path, names) for text in article.text.strip().split("\n\n")}
    found = []
    for article in json.loads(path.read_text())["data"]:
        merged = {}
        for each in article["paragraphs"]:
            if " ".join(each["context"].split()) in texts:
                merged.setdefault(each["context"], []).extend(each["qas"])
        if merged:
            found.append({"title": article["title"], "paragraphs": [{"context": text, "qas": asked} for text, asked in merged.items()]})
    return found


def asked(path, reader):
    """Each question with its hits."""
    dataset = read_dataset(path, "squad")
    bot = open_corpus(dataset.corpus, Settings.from_environment())
    found = []
    for question in track(dataset.questions, path.name, transient=True):
        hits = bot.retriever.search([Query(question.text)], READ, reread=reader is None)
        if reader:
            hits = reader.read_hits(bot.retriever.mended(question.text), hits)
        found.append((question, hits))
    return found


def passages(data):
    """Rows of RANKING and labels, for the passages that are read, a question at a time."""
    table = []
    for question, hits in data:
        rows = [
            (hit.mix, hit.late, hit.least, max(e.lexical for e in hit.sentences), max(e.pairs for e in hit.sentences), expit(hit.answers or 0.0))
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


def fitted(table, columns, penalty=1e-2):
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
