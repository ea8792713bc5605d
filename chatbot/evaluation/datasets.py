"""Questions with known answers, in the formats that people have.

SQuAD 1.1 and 2.0 JSON, BEIR folders, MTRAG conversations and our own JSON Lines become one
`Dataset`. It is read whole before anything runs; what is malformed is named by file and line.
"""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import ValidationError

from chatbot.answers import Turn
from chatbot.errors import DatasetError
from chatbot.evaluation.lines import expected, json_lines, lines, text_of
from chatbot.evaluation.schemas import BeirText, GoldLine, MtragLine, PassageLine, Said, Squad
from index import Article


@dataclass(frozen=True, slots=True)
class Question:
    """A question and what is known about its answer.

    `relevant` grades the corpus' articles (id → grade above 0); `evidence` are exact quotes, any
    of which answers; `answers` are phrases that the evidence holds, `reference` an answer in free
    words. `answerable` is None where the data set does not say. `article` limits the search, and
    `gold_article` is what `--oracle` hands over where nothing is relevant. `line` is the file's
    that it was read from, 0 where the format has no lines.
    """

    id: str
    text: str
    history: tuple[Turn, ...] = ()
    relevant: Mapping[str, int] = field(default_factory=dict)
    evidence: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    reference: str = ""
    answerable: bool | None = True
    kind: str = ""
    article: str | None = None
    gold_article: str | None = None
    line: int = 0

    @property
    def named(self) -> str:
        """How a message speaks of it."""
        return f"{f'line {self.line}, ' if self.line else ''}question {self.id!r}"


@dataclass(frozen=True, slots=True)
class Dataset:
    """Questions, and the texts they are asked about (none in our own format)."""

    name: str
    questions: tuple[Question, ...]
    corpus: tuple[Article, ...] = ()

    def sample(self, count: int) -> Dataset:
        """So many of the questions in their order, drawn with a fixed seed; the corpus whole."""
        places = range(len(self.questions))
        drawn = sorted(random.Random(0).sample(places, min(count, len(places))))
        return replace(self, questions=tuple(self.questions[place] for place in drawn))


def read_dataset(path: Path, format: str | None = None, passages: Path | None = None) -> Dataset:
    """Read questions; `format` is guessed where it is None.

    Raises DatasetError for what cannot be read, with file, line and what was expected.
    """
    if not path.exists():
        raise DatasetError(f"{path}: no such file or folder")
    chosen = format or _guessed(path)
    if chosen not in FORMATS:
        raise DatasetError(f"unknown format {chosen!r}; there are {', '.join(FORMATS)}")
    if passages and chosen != "mtrag":
        raise DatasetError(f"--passages goes with the format mtrag, and {path} is {chosen}")
    questions, corpus = FORMATS[chosen](path, passages)
    seen: dict[str, Question] = {}
    for question in questions:
        if before := seen.get(question.id):
            at = f", line {question.line}" if question.line else ""
            too = f", in line {before.line} too" if before.line else ""
            raise DatasetError(
                f"{path}{at}: the id {question.id!r} stands twice{too}; ids must differ, and a line"
                " without one has its number"
            )
        seen[question.id] = question
    if not questions:
        raise DatasetError(f"{path}: no question in it")
    return Dataset(path.stem or path.name, tuple(questions), tuple(corpus))


def _guessed(path: Path) -> str:
    if path.is_dir():
        return "beir"
    if path.suffix == ".json":
        return "squad"
    for _, value in json_lines(path):
        return "mtrag" if {"relevant", "answerability"} & set(value) else "jsonl"
    return "jsonl"


def _squad(path: Path, _: Path | None) -> tuple[list[Question], list[Article]]:
    try:
        parsed = Squad.model_validate(json.loads(text_of(path)))
    except json.JSONDecodeError as error:
        raise DatasetError(f"{path}, line {error.lineno}: not JSON: {error.msg}") from error
    except ValidationError as error:
        raise DatasetError(f"{path}: {expected(error)}, as in SQuAD") from error
    corpus: list[Article] = []
    questions: list[Question] = []
    known: set[str] = set()
    for place, article in enumerate(parsed.data):
        title = article.title.replace("_", " ").strip()
        group = article.title or str(place)
        while f"{group}/0" in known:
            group += "'"
        for number, paragraph in enumerate(article.paragraphs):
            name = f"{group}/{number}"
            known.add(name)
            corpus.append(Article(name, title, paragraph.context))
            for asked in paragraph.qas:
                open_ = asked.is_impossible
                if open_ == bool(asked.answers):
                    wrong = "is impossible, and yet has answers" if open_ else "has no answers"
                    raise DatasetError(f"{path}: {asked.id or asked.question!r} {wrong}")
                questions.append(
                    Question(
                        id=asked.id or f"{name}/{len(questions)}",
                        text=asked.question,
                        relevant={} if open_ else {name: 1},
                        answers=() if open_ else tuple(_distinct(a.text for a in asked.answers)),
                        answerable=not open_,
                        kind="plausible" if open_ else "",
                        gold_article=name,
                    )
                )
    return questions, corpus


def _jsonl(path: Path, _: Path | None) -> tuple[list[Question], list[Article]]:
    questions = []
    for place, line in lines(path, GoldLine):
        where = f"{path}, line {place}"
        if line.answerable and not (line.evidence or line.answers):
            raise DatasetError(f"{where}: an answerable question needs evidence or answers")
        if not line.answerable and (line.evidence or line.answers):
            raise DatasetError(f"{where}: not answerable, and yet with evidence or answers")
        questions.append(
            Question(
                id=line.id or str(place),
                text=line.question,
                history=tuple(Turn(*turn) for turn in line.history),
                evidence=tuple(line.evidence),
                answers=tuple(line.answers),
                answerable=line.answerable,
                kind=line.kind,
                article=line.article,
                gold_article=line.article,
                line=place,
            )
        )
    return questions, []


ANSWERABLE = {
    "ANSWERABLE": True, "PARTIAL": True, "UNANSWERABLE": False,
    "UNDERSPECIFIED": None, "CONVERSATIONAL": None, "": None,
}  # fmt: skip
"""MTRAG's labels, and what they say."""


def _mtrag(path: Path, passages: Path | None) -> tuple[list[Question], list[Article]]:
    if passages is None:
        raise DatasetError(f"{path}: conversations need their passages: --passages FILE")
    corpus = _documents(passages, PassageLine)
    known = {article.id for article in corpus}
    questions = []
    for place, line in lines(path, MtragLine):
        for identity in line.relevant:
            if identity not in known:
                raise DatasetError(f"{path}, line {place}: {identity!r} is not in {passages}")
        stated = line.answerability
        label = (stated if isinstance(stated, str) else " ".join(stated)).upper()
        if label not in ANSWERABLE:
            labels = ", ".join(filter(None, ANSWERABLE))
            raise DatasetError(
                f"{path}, line {place}: answerability: expected one of {labels}, not {label!r}"
            )
        answerable = ANSWERABLE[label]
        questions.append(
            Question(
                id=line.id or str(place),
                text=line.question,
                history=_turns(line.history),
                relevant=dict.fromkeys(line.relevant, 1),
                reference=line.reference if answerable else "",
                answerable=answerable,
                kind=label.lower(),
                line=place,
            )
        )
    return questions, corpus


def _beir(path: Path, _: Path | None) -> tuple[list[Question], list[Article]]:
    for name in ("corpus.jsonl", "queries.jsonl", "qrels"):
        if not (path / name).exists():
            raise DatasetError(f"{path}: {name} expected in it, as BEIR lays out a folder")
    corpus = _documents(path / "corpus.jsonl", BeirText)
    asked = {line.id: line.text for _, line in lines(path / "queries.jsonl", BeirText)}
    known = {article.id for article in corpus}
    judged: dict[str, dict[str, int]] = {}
    file = _qrels(path / "qrels")
    with file.open(encoding="utf-8", newline="") as stream:
        for place, row in enumerate(csv.reader(stream, delimiter="\t"), start=1):
            if (place == 1 and row[:1] == ["query-id"]) or not row:
                continue
            if len(row) != 3 or not row[2].strip().lstrip("-").isdigit():
                what = "query-id, corpus-id and a whole number, parted by tabs"
                raise DatasetError(f"{file}, line {place}: expected {what}")
            query, document, grade = row[0], row[1], int(row[2])
            if query not in asked or (grade > 0 and document not in known):
                missing = query if query not in asked else document
                raise DatasetError(f"{file}, line {place}: there is no text with id {missing!r}")
            if grade > 0:
                judged.setdefault(query, {})[document] = grade
    questions = [
        Question(id=identity, text=asked[identity], relevant=grades)
        for identity, grades in judged.items()
    ]
    return questions, corpus


FORMATS: dict[str, Callable[[Path, Path | None], tuple[list[Question], list[Article]]]] = {
    "squad": _squad,
    "beir": _beir,
    "mtrag": _mtrag,
    "jsonl": _jsonl,
}
"""The formats by name."""


def _documents(path: Path, kind: type[PassageLine] | type[BeirText]) -> list[Article]:
    """The texts of a file, but for empty ones; ids must differ."""
    found: list[Article] = []
    places: dict[str, int] = {}
    for place, line in lines(path, kind):
        if line.id in places:
            before = f"already that of line {places[line.id]}"
            raise DatasetError(f"{path}, line {place}: the id {line.id!r} is {before}")
        places[line.id] = place
        if line.text.strip():
            found.append(Article(line.id, line.title.strip(), line.text))
    return found


def _qrels(folder: Path) -> Path:
    """The judgements: of the test split where there are several."""
    files = sorted(folder.glob("*.tsv"))
    if not files:
        raise DatasetError(f"{folder}: expected a file such as test.tsv")
    return next((f for name in ("test", "dev") for f in files if f.stem == name), files[0])


def _turns(said: list[Said]) -> tuple[Turn, ...]:
    """Messages → turns; a question that got no answer before the next has an empty one."""
    turns: list[Turn] = []
    for each in said:
        if each.role == "user":
            turns.append(Turn(each.content, ""))
        elif turns:
            before = turns[-1].answer
            turns[-1] = Turn(turns[-1].question, f"{before} {each.content}".strip())
    return tuple(turns)


def _distinct(texts: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(texts))
