"""Questions that were written to look answerable, as examples.

Those of `written.jsonl` are about paragraphs of the files that a reader is trained on. In
`invented.jsonl` the texts are written, too: news, manuals and rules about people and places that do
not exist, so that nothing which a network knows of the world answers for it. What goes on from
another question has it `before`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path

from chatbot.reader.examples import Example, Part, Span

PHRASE = 3
"""The words of an invented text's answer that is taken as it is. A longer one is loose: people mark
a few words where these texts often have a clause."""


def read_written(file: Path, files: Iterable[Path], skipped: Collection[str] = ()) -> list[Part]:
    """The questions of `written.jsonl` as articles: `about` is a question of one of the files.

    They are about the same paragraph; `answer` is the words of it that answer, None where it
    leaves the question open. A line about none of the files, or about a text of `skipped`, is left
    out. Raises ValueError where a paragraph does not hold an answer.
    """
    contexts = {
        asked["id"]: (str(entry["title"]), paragraph["context"])
        for each in files
        for entry in json.loads(each.read_text(encoding="utf-8"))["data"]
        for paragraph in entry["paragraphs"]
        for asked in paragraph["qas"]
    }
    found: dict[str, list[Example]] = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        asked = json.loads(line)
        if asked["about"] not in contexts:
            continue
        title, text = contexts[asked["about"]]
        if " ".join(text.split()) in skipped:
            continue
        found.setdefault(title, []).append(_example(asked, title, text, f"{file}:{number}"))
    return _parts(found)


def read_invented(file: Path) -> list[Part]:
    """The texts of `invented.jsonl`, a paragraph a line, and what is `asked` about each.

    Lines of the same `title` are an article. Raises ValueError as `read_written` does.
    """
    found: dict[str, list[Example]] = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        paragraph = json.loads(line)
        found.setdefault(paragraph["title"], []).extend(
            _loosened(_example(asked, paragraph["title"], paragraph["text"], f"{file}:{number}"))
            for asked in paragraph["asked"]
        )
    return _parts(found)


def _example(asked: dict[str, str | None], title: str, text: str, place: str) -> Example:
    question, answer = str(asked["question"]), asked["answer"]
    before = str(asked.get("before", ""))
    if answer is None:
        return Example(question, text, (), "open", title, before=before)
    words = r"\s+".join(map(re.escape, answer.split()))
    spans: tuple[Span, ...] = tuple(match.span() for match in re.finditer(words, text))
    if not spans:
        raise ValueError(f"{place}: the paragraph does not hold the answer")
    return Example(question, text, spans, "answered", title, before=before)


def _loosened(example: Example) -> Example:
    long = any(len(example.passage[a:b].split()) > PHRASE for a, b in example.spans)
    return replace(example, loose=long)


def _parts(found: dict[str, list[Example]]) -> list[Part]:
    return [
        Part(title, tuple(dict.fromkeys(each.passage for each in some)), tuple(some))
        for title, some in found.items()
    ]
