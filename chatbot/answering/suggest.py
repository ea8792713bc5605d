"""Questions to start from and to go on with, kept only where the chatbot answers them.

A language model writes them, where there is one, or rules make them. A rule turns a wording that
states something into the question it answers. Such a question counts only if the chatbot, asked it,
answers first with the sentence that it was made from.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from chatbot.answering import prompts
from chatbot.answering.faults import Fault
from chatbot.answering.generate import Writes
from chatbot.answering.kinds import NAME, QUOTATION, TITLES, bare, speaker
from chatbot.answers import Answer, Request
from index import Article, Sentence, chunk

COUNT = 4
TRIED = 24
"""So many candidates of an article are tried at most, since each is a search."""
WRITTEN, SHOWN, PATIENCE = 10, 12_000, 60.0
"""A model is asked for so many questions, about so many characters, and for so many seconds."""
KEPT = "questions.json"
ABOUT = "What is this article about?"

_PLANS = re.compile(rf"({NAME}) (is|are) (scheduled|expected|set|due|poised|planning) to ")
_WILL = re.compile(rf"({NAME}) will (?!be\b|have\b)\w+")
_DOES = re.compile(
    r"^((?:The|This|Its|Their) (?:[\w-]+ ){1,3}?)"
    r"(includes?|contains?|requires?|offers?|allows?|aims? to|seeks? to) "
)
_ABBREVIATED = re.compile(
    rf"(?:[A-Z][\w-]+ ){{2,}}?(?:[A-Z][\w-]+)(?:, or | \()(?:the )?({NAME})[,)]"
)
_TITLED = re.compile(rf"{TITLES} ((?:[A-Z][\w’'-]+ ?){{2,3}})")
_NAMED = re.compile(r"(?<![.!?] )(?<!^)\b(?:[A-Z][\w’'-]+ ){1,3}[A-Z][\w’'-]+")


log = logging.getLogger("ask_article")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A question and the sentence that should answer it; `rank` is lower for better wordings.

    `about` is the name that it asks about in general, or empty.
    """

    question: str
    sentence: Sentence
    rank: int
    about: str = ""


class Suggestions:
    """The questions of articles; those that a model wrote are kept beside the index."""

    def __init__(self, folder: Path, model: Writes | None = None) -> None:
        self._path = Path(folder) / KEPT
        self._model = model

    def of(self, article: Article, ask: Callable[[Request], Answer]) -> tuple[str, ...]:
        """An article's questions, each answered by `ask` with a citation of the article."""
        kept = self._read().get(self._name(article)) if self._model else None
        return tuple(kept) if kept else suggest(article, ask)

    def write(self, article: Article, ask: Callable[[Request], Answer]) -> None:
        """Have the model write an article's questions, unless it did so before."""
        name = self._name(article)
        if self._model is None or name in self._read():
            return
        try:
            written = _written(self._model, article)
        except Fault as fault:
            log.warning("no questions by the model for %s: %s", article.id, fault)
            return
        found = answered(article, written, ask)
        if len(found) < COUNT:
            found = tuple(dict.fromkeys((*found, *suggest(article, ask))))
        beside = self._path.with_suffix(".part")
        data = {**self._read(), name: list(found)}
        beside.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
        beside.replace(self._path)

    def _name(self, article: Article) -> str:
        return f"{self._model.name if self._model else ''} {article.content_hash}"

    def _read(self) -> dict[str, list[str]]:
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
            return found if isinstance(found, dict) else {}
        except (OSError, ValueError):
            return {}


def _written(model: Writes, article: Article) -> list[str]:
    """Questions that a model asks about an article."""
    messages = prompts.suggesting(
        article.title, article.text[:SHOWN], WRITTEN, secrets.token_hex(4)
    )
    lines = model.complete(messages, PATIENCE).splitlines()
    bare = [re.sub(r"^\s*(?:[-*•]|\d{1,2}[.)])\s*", "", line).strip(' *"“”') for line in lines]
    return [each for each in bare if each.endswith("?") and 8 <= len(each) <= 160]


def answered(
    article: Article, questions: Iterable[str], ask: Callable[[Request], Answer]
) -> tuple[str, ...]:
    """Those questions that `ask` answers with the article's own words."""
    found: list[str] = []
    for question in dict.fromkeys(questions):
        answer = ask(Request(question, article=article.id))
        if answer.answered and answer.citations:
            found.append(question)
    return tuple(found)


def suggest(
    article: Article, ask: Callable[[Request], Answer], count: int = COUNT
) -> tuple[str, ...]:
    """Up to `count` questions made by rule, each answered by `ask` with the right citation."""
    chosen = [ABOUT] if ask(Request(ABOUT, article=article.id)).answered else []
    used: set[int] = set()
    ordered = sorted(candidates(article), key=lambda each: each.rank)
    for candidate in ordered[:TRIED]:
        if len(chosen) >= count:
            break
        start = candidate.sentence.start
        if start in used or candidate.question in chosen:
            continue
        answer = ask(Request(candidate.question, article=article.id))
        if answer.answered and answer.citations[0].start == start:
            chosen.append(candidate.question)
            used.add(start)
    return tuple(chosen)


def candidates(article: Article) -> Iterator[Candidate]:
    """Every question that a rule makes from a sentence, in the order of the text."""
    for passage in chunk(article):
        for sentence in passage.sentences:
            if not sentence.heading and 40 <= len(sentence.text) <= 600:
                for question, rank in _questions(sentence.text):
                    yield Candidate(question, sentence, rank)
                for name in _names(sentence.text):
                    question = f"What does the article say about {name}?"
                    yield Candidate(question, sentence, 4, name)


def _questions(text: str) -> Iterator[tuple[str, int]]:
    """The questions that a sentence's wording answers, each with its rank."""
    plain = " ".join(text.split())
    if who := speaker(plain):
        yield f"What did {who} say?", 0
    outside = QUOTATION.sub("", plain)
    if match := _PLANS.search(outside):
        yield f"What {match[2]} {bare(match[1])} {match[3]} to do?", 1
    if match := _DOES.match(outside):
        yield _what_does(match[1].strip(), match[2]), 1
    if match := _WILL.search(outside):
        yield f"What will {bare(match[1])} do?", 2
    if match := _ABBREVIATED.search(outside):
        yield f"What is the {match[1]}?", 2
    if match := _TITLED.search(outside):
        yield f"Who is {bare(match[1])}?", 3


def _names(text: str) -> Iterator[str]:
    """The names of several words that a sentence speaks of outside quotations."""
    for match in _NAMED.finditer(QUOTATION.sub("", " ".join(text.split()))):
        yield bare(match[0])


def _what_does(subject: str, verb: str) -> str:
    """ "The agreement", "includes" → "What does the agreement include?"."""
    first, *rest = verb.split()
    singular = first.endswith("s")
    words = ["does" if singular else "do", subject[0].lower() + subject[1:]]
    words += [first.removesuffix("s"), *rest, *(["do"] if rest else [])]
    return f"What {' '.join(words)}?"
