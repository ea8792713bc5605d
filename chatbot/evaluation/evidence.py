"""What is known about the right answers, set against an index: where the evidence stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from chatbot.answers import Citation
from chatbot.bot import Chatbot
from chatbot.errors import DatasetError
from chatbot.evaluation.datasets import Dataset, Question
from index import Hit, Passage


@dataclass(frozen=True, slots=True)
class Span:
    """Where a quote stands: `article.text[start:end]`."""

    article: str
    start: int
    end: int


class Evidence:
    """Judges hits and citations by a data set's gold.

    Raises DatasetError where a quote or an article of it is not indexed, before anything is asked.
    """

    def __init__(self, bot: Chatbot, dataset: Dataset) -> None:
        self.bot = bot
        self.by_article = bool(dataset.corpus)
        self.has_phrases = any(each.answers and not each.reference for each in dataset.questions)
        self.named = bot.answerer.view().named
        for each in dataset.questions:
            for name in each.relevant if self.by_article else ():
                if name not in self.named:
                    raise DatasetError(f"{each.named}: the text {name!r} is not indexed")
        self._texts: dict[str, str] = {}
        self.spans = {each.id: tuple(self._find(each)) for each in dataset.questions}

    def document(self, hit: Hit) -> str:
        """The name that a hit is judged by: its article's where the corpus is the data set's."""
        return hit.passage.article_id if self.by_article else label(hit.passage)

    def relevant(self, question: Question) -> Mapping[str, int]:
        """The documents that answer, by grade."""
        if self.by_article:
            return question.relevant
        return {label(passage): 1 for passage in self._around(self.spans[question.id])}

    def passages(self, question: Question) -> frozenset[str]:
        """The ids of the gold passages, which an oracle hands over."""
        if self.by_article:
            articles = question.relevant or (
                [question.gold_article] if question.gold_article else []
            )
            return frozenset(p.id for article in articles for p in self._passages[article])
        return frozenset(p.id for p in self._around(self.spans[question.id]))

    def articles(self, question: Question) -> frozenset[str]:
        """The articles that the gold passages belong to."""
        wanted = self.passages(question)
        return frozenset(
            article
            for article, passages in self._passages.items()
            if any(passage.id in wanted for passage in passages)
        )

    def holds(self, question: Question, citation: Citation) -> bool | None:
        """Whether a citation holds gold evidence; None where none is known."""
        if spans := self.spans[question.id]:
            return any(_covers(citation, span) for span in spans)
        if question.answers:
            text = " ".join(citation.quote.split()).casefold()
            return any(" ".join(each.split()).casefold() in text for each in question.answers)
        return None

    @cached_property
    def _passages(self) -> dict[str, tuple[Passage, ...]]:
        catalog = self.bot.index.catalog
        stored = ((entry.id, catalog.get(entry.key)) for entry in catalog.entries())
        return {article: each.passages for article, each in stored if each}

    def _around(self, spans: Iterable[Span]) -> Iterable[Passage]:
        for span in spans:
            for passage in self._passages[span.article]:
                if passage.start < span.end and span.start < passage.end:
                    yield passage

    def _find(self, question: Question) -> Iterable[Span]:
        if question.article is not None and question.article not in self.named:
            raise DatasetError(
                f"{question.named}: the article {question.article!r} is not indexed;"
                f" indexed: {', '.join(sorted(self.named)[:5])}"
            )
        scope = [question.article] if question.article else sorted(self.named)
        for quote in question.evidence:
            words = re.compile(r"\s+".join(re.escape(word) for word in quote.split()))
            found = [
                Span(self.named[name].id, match.start(), match.end())
                for name in scope
                for match in words.finditer(self._text(name))
            ]
            if not found:
                raise DatasetError(
                    f"{question.named}: the evidence “{quote[:80]}” stands in no indexed"
                    " article; evidence must be an exact quote"
                )
            yield from dict.fromkeys(found)

    def _text(self, name: str) -> str:
        if name not in self._texts:
            self._texts[name] = self.bot.article(name).text
        return self._texts[name]


def label(passage: Passage) -> str:
    """A passage's name that stays the same as long as its place does."""
    return f"{passage.article_id}:{passage.start}-{passage.end}"


def _covers(citation: Citation, span: Span) -> bool:
    """Whether the one lies within the other: evidence may be part of a sentence or several."""
    if citation.article != span.article:
        return False
    inner = min(citation.end, span.end) - max(citation.start, span.start)
    return inner >= min(citation.end - citation.start, span.end - span.start) > 0
