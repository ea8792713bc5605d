"""The stages of an answer: understand and search, then write. Every face uses these two."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from chatbot.answering import confidence, extract
from chatbot.answering.conversation import REPLIES, Intent, said_before, understand
from chatbot.answering.extract import Quote
from chatbot.answering.kinds import asks_for_phrase
from chatbot.answering.reader import Reader
from chatbot.answers import (
    NOT_IN_ARTICLE,
    Answer,
    Citation,
    CitedSentence,
    Request,
    Timings,
)
from chatbot.errors import NOTHING_TO_ASK, ArticleNotFoundError, NothingIndexedError
from index import Article, Hit, Phrase, Query, Retriever
from index.catalog import Entry
from index.ranking import READ

HITS = READ
NEAREST = 3


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request with what it wants and the evidence found for it."""

    request: Request
    intent: Intent
    queries: tuple[Query, ...] = ()
    hits: tuple[Hit, ...] = ()
    scored: tuple[extract.Scored, ...] = ()
    summary: tuple[Quote, ...] = ()
    confidence: float = 1.0
    revision: str = ""
    search_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class View:
    """The articles in scope at one version of the index, by id and by URL.

    `revision` is a digest of them: while it is the same, the same answer is due.
    """

    version: int
    entries: tuple[Entry, ...]
    ids: tuple[str, ...]
    named: dict[str, Entry]
    revision: str

    @classmethod
    def of(cls, version: int, entries: Sequence[Entry]) -> View:
        """A view of these articles."""
        named = {entry.url: entry for entry in entries if entry.url}
        named |= {entry.id: entry for entry in entries}
        parts = "\x00".join(f"{entry.id}\x00{entry.content_hash}" for entry in entries)
        digest = hashlib.sha256(parts.encode("utf-8", "replace")).hexdigest()[:12]
        ids = tuple(entry.id for entry in entries)
        return cls(version, tuple(entries), ids, named, digest)


Finder = Callable[[Sequence[Query], Sequence[str]], list[Hit]]
"""From the texts to search for and the articles in scope to hits; the default searches."""

Writer = Callable[[Prepared], Iterable[Quote]]
"""From evidence to the sentences of an answer, one at a time; the default quotes the article."""


def extractive(prepared: Prepared) -> Iterable[Quote]:
    """The sentences that answer best, in the article's own words."""
    return prepared.summary or extract.choose(prepared.scored)


class Answerer:
    """Answers requests about the articles of an index."""

    def __init__(
        self,
        retriever: Retriever,
        scope: Sequence[str] | None = None,
        threshold: float | None = None,
        writer: Writer = extractive,
        reader: Reader | None = None,
    ) -> None:
        self.retriever = retriever
        self.scope = scope
        plain = confidence.WEIGHTS
        self.model = confidence.fitted(confidence.READ_WEIGHTS if reader else plain)
        self.threshold = self.model.threshold if threshold is None else threshold
        self.writer = writer
        self.reader = reader
        self._whole: View | None = None
        self.starters: Callable[[str | None], tuple[str, ...]] = lambda _: ()

    def prepare(self, request: Request, find: Finder | None = None) -> Prepared:
        """Understand a request and find its evidence, or have it found by `find`.

        Raises ArticleNotFoundError for an article that is not indexed, NothingIndexedError where
        none is.
        """
        started = time.perf_counter()
        view = self.view(request.article)
        understood = understand(request, one_article=len(view.ids) == 1)
        ids = view.ids
        hits: list[Hit] = []
        summary: list[Quote] = []
        probability = 1.0
        scored: list[extract.Scored] = []
        if understood.intent == "summary":
            summary = self._summaries(ids)
        elif understood.intent == "question":
            hits = (find or self.find)(understood.queries, ids)
            asked = self.retriever.mended(understood.queries[0].text, ids)
            if self.reader:
                hits = self.reader.read_hits(asked, hits, self.retriever)
            scored = extract.scored(asked, hits, said_before(request))
            probability = self._probability(asked, hits, scored, ids)
        return Prepared(
            request=request,
            intent=understood.intent,
            queries=understood.queries,
            hits=tuple(hits),
            scored=tuple(scored),
            summary=tuple(summary),
            confidence=probability,
            revision=view.revision,
            search_ms=_since(started),
        )

    def find(self, queries: Sequence[Query], ids: Sequence[str]) -> list[Hit]:
        """The passages that an answer is made from."""
        return self.retriever.search(queries, HITS, ids)

    def write(self, prepared: Prepared) -> Iterator[CitedSentence | Answer]:
        """The finished sentences one by one, then the whole answer."""
        started = time.perf_counter()
        if prepared.intent in REPLIES:
            reply = CitedSentence(REPLIES[prepared.intent])
            yield reply
            yield self._answer(prepared, "smalltalk", [reply], started)
            return
        sentences: list[CitedSentence] = []
        if prepared.intent == "summary" or self.enough(prepared):
            for quote in self.writer(prepared):
                sentences.append(self._cited(quote, len(sentences) + 1, prepared))
                yield sentences[-1]
        if sentences:
            yield self._answer(prepared, "answered", sentences, started)
            return
        refusal = CitedSentence(NOT_IN_ARTICLE)
        yield refusal
        yield self._answer(prepared, "not_in_article", [refusal], started)

    def enough(self, prepared: Prepared) -> bool:
        """Whether the evidence is thick enough to answer."""
        return bool(prepared.hits) and prepared.confidence >= self.threshold

    def entries(self, article: str | None = None) -> list[Entry]:
        """The articles in scope, or the one named by id or URL."""
        return list(self.view(article).entries)

    def view(self, article: str | None = None) -> View:
        """The same as a view, which is kept while the index stays as it is.

        Raises NothingIndexedError where nothing is in scope, ArticleNotFoundError for an article
        that is not.
        """
        catalog = self.retriever.index.catalog
        version = catalog.version
        if self._whole is None or self._whole.version != version:
            entries = catalog.entries()
            if self.scope is not None:
                entries = [entry for entry in entries if entry.id in self.scope]
            self._whole = View.of(version, entries)
        whole = self._whole
        if not whole.entries:
            raise NothingIndexedError(NOTHING_TO_ASK)
        if article is None:
            return whole
        if article not in whole.named:
            raise ArticleNotFoundError(f"the article {article!r} is not indexed")
        return View.of(version, [whole.named[article]])

    def article(self, article_id: str) -> Article:
        """An article with its text, by id or URL."""
        entry = self.view().named.get(article_id)
        stored = self.retriever.index.catalog.get(entry.key) if entry else None
        if stored is None:
            raise ArticleNotFoundError(f"the article {article_id!r} is not indexed")
        return stored.article

    def _summaries(self, ids: Sequence[str]) -> list[Quote]:
        if len(ids) == 1:
            return extract.summarise(self.retriever, ids[0])
        # Of several articles, each says in a sentence what it is about.
        return [
            quote
            for article in ids[: extract.SENTENCES]
            for quote in extract.summarise(self.retriever, article, 1)
        ]

    def _probability(
        self, asked: str, hits: list[Hit], scored: list[extract.Scored], ids: Sequence[str]
    ) -> float:
        if not hits:
            return 0.0
        lexicon = self.retriever.lexicon(ids)
        return self.model.probability(confidence.features(asked, hits, scored, lexicon))

    def _cited(self, quote: Quote, number: int, prepared: Prepared) -> CitedSentence:
        phrase = quote.phrase if number == 1 else None
        citation = self._citation(quote, number, phrase)
        lead = None
        if citation.phrase and asks_for_phrase(prepared.request.question):
            lead = " ".join(citation.phrase.quote.split())
        return CitedSentence(" ".join(citation.quote.split()), (citation,), lead)

    def _citation(self, quote: Quote, number: int, phrase: Phrase | None = None) -> Citation:
        article, sentence = self.article(quote.article), quote.sentence
        words = (phrase.start, phrase.end) if phrase else None
        return Citation.of(number, article, sentence.start, sentence.end, words)

    def _answer(
        self,
        prepared: Prepared,
        state: str,
        sentences: list[CitedSentence],
        started: float,
    ) -> Answer:
        nearest: list[Citation] = []
        if state == "not_in_article":
            chosen = extract.distinct(extract.quotes(prepared.scored), NEAREST)
            nearest = [self._citation(quote, n) for n, quote in enumerate(chosen, start=1)]
        asked = {prepared.request.question, *(turn.question for turn in prepared.request.history)}
        offered = (each for each in self.starters(prepared.request.article) if each not in asked)
        took = _since(started)
        return Answer(
            question=prepared.request.question,
            state=state,  # type: ignore[arg-type]
            sentences=tuple(sentences),
            confidence=prepared.confidence,
            nearest=tuple(nearest),
            suggestions=tuple(offered)[:3],
            revision=prepared.revision,
            timings=Timings(prepared.search_ms, took, prepared.search_ms + took),
        )


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
