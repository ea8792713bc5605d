"""Questions that ask several things at once: what is told of them, and what is said to be open.

    python tests/benchmarks/compound.py [--split dev] [--show]

The questions of `tests/gold_compound.jsonl` about the texts of `tests/gold_pairs.json`, each asked of its text
alone, once read as they stand and once part by part. How questions are taken apart was written with those of the
dev split at hand, and three of the test split, about other texts, which is reported.

A question is "right" where the sentences that answer hold all that is told, and all that is open is said to be so;
"missing" where they hold but some of it, "unsaid" where something is open and that is not said, "denied" where
something told is said to be open, "refused" where nothing is told although something could be, and "false" where
something is told although all is open.
"""

import argparse
import json
import tempfile
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from chatbot import Chatbot
from chatbot.answering import several
from chatbot.answering.compound import parts

TESTS = Path(__file__).parents[1]
out = Console()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", choices=("dev", "test"), default="test")
    parser.add_argument("--show", action="store_true", help="print every question with its answer")
    options = parser.parse_args()
    asked = [json.loads(line) for line in (TESTS / "gold_compound.jsonl").read_text().splitlines()]
    asked = [each for each in asked if each["split"] == options.split]
    texts = {each["title"]: each["paragraphs"][0]["context"] for each in json.loads((TESTS / "gold_pairs.json").read_text())["data"]}
    with tempfile.TemporaryDirectory() as folder:
        for title in {each["title"] for each in asked}:
            Path(folder, f"{title}.txt").write_text(f"{title}\n\n{texts[title]}\n")
        bot = Chatbot.open(sources=[folder], index_dir=f"{folder}/index")
        ids = {entry.title: entry.id for entry in bot.answerer.entries()}
        whole = [judged(each, answered_whole(bot, each["question"], ids[each["title"]])) for each in track(asked)]
        apart = [judged(each, bot.ask(each["question"], article=ids[each["title"]])) for each in track(asked)]
        if options.show:
            for each, was, became in zip(asked, whole, apart, strict=True):
                out.print(kind(each), was[0], became[0], each["question"], f"[dim]{became[1]}")
        bot.close()
    show(asked, whole, apart)


def answered_whole(bot, question, article):
    split, several.parts = several.parts, lambda _: ()
    try:
        return bot.ask(question, article=article)
    finally:
        several.parts = split


def kind(each):
    told = [bool(part["answers"]) for part in each["parts"]]
    if len(told) == 1:
        return "one thing, told" if told[0] else "one thing, open"
    return "all told" if all(told) else "some open" if any(told) else "all open"


def judged(each, answer):
    """The verdict, and what was answered."""
    told = [part["answers"] for part in each["parts"] if part["answers"]]
    open_ = len(each["parts"]) - len(told)
    said = " ".join(" ".join(citation.quote.split()) for citation in answer.citations)
    if not answer.answered:
        return ("right" if not told else "refused"), answer.text
    held = all(any(" ".join(words.split()) in said for words in words_) for words_ in told)
    if not told:
        return "false", answer.text
    if not held:
        return "missing", answer.text
    surplus = len(answer.left_open) - open_
    return "unsaid" if surplus < 0 else "denied" if surplus else "right", answer.text


def show(asked, whole, apart):
    table = Table("", "questions", "read", *VERDICTS, title="Several things asked at once")
    for name in dict.fromkeys(map(kind, asked)):
        for how, verdicts in (("as it stands", whole), ("part by part", apart)):
            mine = [verdict for each, (verdict, _) in zip(asked, verdicts, strict=True) if kind(each) == name]
            table.add_row(name, str(len(mine)), how, *(f"{mine.count(v) / len(mine):.0%}" for v in VERDICTS))
    split = sum(len(parts(each["question"]) or [1]) == len(each["parts"]) for each in asked)
    out.print(table, f"Taken apart as they should be: {split} of {len(asked)}.")


VERDICTS = ("right", "missing", "unsaid", "denied", "refused", "false")


if __name__ == "__main__":
    main()
