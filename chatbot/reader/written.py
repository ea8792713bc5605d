"""The questions of `written.jsonl`, which were written to look answerable, as examples."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable
from pathlib import Path

from chatbot.reader.examples import Example, Part, Span


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
        spans: tuple[Span, ...] = ()
        if asked["answer"] is not None:
            words = r"\s+".join(map(re.escape, asked["answer"].split()))
            spans = tuple(match.span() for match in re.finditer(words, text))
            if not spans:
                raise ValueError(f"{file}:{number}: the paragraph does not hold the answer")
        kind = "answered" if spans else "open"
        found.setdefault(title, []).append(Example(asked["question"], text, spans, kind))
    return [
        Part(title, tuple(dict.fromkeys(each.passage for each in some)), tuple(some))
        for title, some in found.items()
    ]
