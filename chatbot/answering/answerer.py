"""The stages of an answer: understand and search, then write. Every face uses these two."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from chatbot.answering import confidence, extract
from chatbot.answering.conversation import REPLIES, restated, topic, understand
from chatbot.answering.extract import Draft, Quote
from chatbot.answering.faults import Fault, NotSaid
from chatbot.answering.gather import Gathered, gather, search
from chatbot.answering.generate import Generator
from chatbot.answering.kinds import quotes_as_asked
from chatbot.answering.lead import lead
from chatbot.answering.prepared import Prepared, View
from chatbot.answering.reader import Reader
from chatbot.answering.several import severally
from chatbot.answers import (
    LEFT_OPEN,
    NOT_IN_ARTICLE,
    Answer,
    Citation,
    CitedSentence,
    Notice,
    Request,
    Timings,
)
from chatbot.errors import (
    NOTHING_TO_ASK,
    ArticleNotFoundError,
    AskArticleError,
    NothingIndexedError,
)
from index import Article, Hit, Phrase, Query, Retriever
from index.catalog import Entry

NEAREST = 3
TOLD = 0.5
"""The least confidence of telling what an article says about something that it names, and of
quoting somebody on what is asked."""
REWRITE_PATIENCE = 2.0
"""Seconds that a refusal waits for a follow-up to be put anew; an answer does not wait."""
BETTER = 0.02
"""Evidence must be surer by so much for an answer to be begun anew."""


Finder = Callable[[Sequence[Query], Sequence[str]], list[Hit]]
"""From the texts to search for and the articles in scope to hits; the default searches."""

Writer = Callable[[Prepared], Iterable[Draft]]
"""From evidence to the sentences of an answer, one at a time; the default quotes the article.

It may raise NotSaid where it finds no answer after all, and Fault where it fails."""


def extractive(prepared: Prepared) -> Iterator[Draft]:
    """The sentences that answer best, in the article's own words.

    Of several things asked each is answered, and what the article leaves open is said at the end.
    """
    answers = [
        each.summary or extract.choose(each.scored) for each in prepared.parts or (prepared,)
    ]
    most = max(extract.SENTENCES, len(answers))
    for quote in extract.in_turn(answers, most) if prepared.parts else answers[0]:
        yield Draft(" ".join(quote.sentence.text.split()), (quote,))
    if prepared.left_open:
        yield Draft(LEFT_OPEN.format(" or ".join(f"“{each}”" for each in prepared.left_open)), ())


class Answerer:
    """Answers requests about the articles of an index."""

    def __init__(
        self,
        retriever: Retriever,
        scope: Sequence[str] | None = None,
        threshold: float | None = None,
        writer: Writer = extractive,
        reader: Reader | None = None,
        generator: Generator | None = None,
    ) -> None:
        """`generator` writes with a language model; `writer` stands in for it and otherwise."""
        self.retriever = retriever
        self.scope = scope
        plain = confidence.WEIGHTS
        self.model = confidence.fitted(confidence.READ_WEIGHTS if reader else plain)
        self.threshold = self.model.threshold if threshold is None else threshold
        self.writer = writer
        self.reader = reader
        self.generator = generator
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="rewrite")
        self._whole: View | None = None
        self.starters: Callable[[str | None], tuple[str, ...]] = lambda _: ()

    def prepare(self, request: Request, find: Finder | None = None) -> Prepared:
        """Understand a request and find its evidence, or have it found by `find`.

        Where a language model answers, it puts a follow-up anew meanwhile. That is waited for only
        where nothing was found without it. Raises ArticleNotFoundError for an article that is not
        indexed, NothingIndexedError where none is.
        """
        rewritten = None
        if self.generator and request.history:
            rewritten = self._threads.submit(self._rewritten, request, find)
        prepared = self._prepared(request, find)
        if rewritten is None or prepared.intent != "question":
            return prepared
        if self.enough(prepared):
            return replace(prepared, rewritten=rewritten)
        better = _result(rewritten, REWRITE_PATIENCE)
        return better if better and better.confidence > prepared.confidence else prepared

    def _prepared(self, request: Request, find: Finder | None) -> Prepared:
        """The same, of each where a question asks several things."""
        several = severally(request, lambda each: self._read(each, find), self.enough)
        return several or self._read(request, find)

    def _read(self, request: Request, find: Finder | None) -> Prepared:
        started = time.perf_counter()
        view = self.view(request.article)
        understood = understand(request, len(view.ids) == 1, self.retriever.index.embedder)
        ids = view.ids
        hits: list[Hit] = []
        summary: list[Quote] = []
        probability = 1.0
        scored: list[extract.Scored] = []
        if understood.intent == "summary":
            summary = self._summaries(ids)
        elif understood.intent == "question":
            hits = (find or self.find)(understood.queries, ids)
            found = gather(self.retriever, self.reader, request, understood.queries, hits, ids)
            hits, scored = found.hits, found.scored
            row = found.features(self.retriever, ids)
            probability = self.model.probability(row) if row else 0.0
            if _told_of(topic(request.question), scored) or _quoted(found):
                probability = max(probability, TOLD)
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

    def _rewritten(self, request: Request, find: Finder | None) -> Prepared:
        assert self.generator is not None
        asked = self.generator.rewrite(request, REWRITE_PATIENCE)
        found = self._prepared(replace(request, question=asked, history=()), find)
        # The model sees the conversation, and the answer repeats what the reader asked.
        return replace(found, request=request)

    def find(self, queries: Sequence[Query], ids: Sequence[str]) -> list[Hit]:
        """The passages that an answer is made from."""
        return search(self.retriever, self.reader, queries, ids)

    def write(self, prepared: Prepared) -> Iterator[CitedSentence | Answer]:
        """The finished sentences one by one, then the whole answer."""
        started = time.perf_counter()
        if prepared.intent in REPLIES:
            reply = CitedSentence(REPLIES[prepared.intent])
            yield reply
            yield self._answer(prepared, "smalltalk", [reply], started)
            return
        sentences: list[CitedSentence] = []
        numbers: dict[tuple[str, int, int], int] = {}
        model = notice = None
        if prepared.intent == "summary" or self.enough(prepared):
            try:
                for draft in self._drafts(prepared):
                    model = self.generator.model.name if self.generator else None
                    sentences.append(self._cited(draft, numbers, prepared))
                    yield sentences[-1]
            except NotSaid:
                sentences = []
            except Fault as fault:
                notice = _notice(fault, bool(sentences))
            if notice and not sentences:
                for draft in self.writer(prepared):
                    sentences.append(self._cited(draft, numbers, prepared))
                    yield sentences[-1]
        if not sentences:
            refusal = CitedSentence(NOT_IN_ARTICLE)
            yield refusal
            yield self._answer(prepared, "not_in_article", [refusal], started)
            return
        answer = self._answer(prepared, "answered", sentences, started)
        left = () if model else prepared.left_open
        yield replace(answer, model=model, notice=notice, left_open=left)

    def _drafts(self, prepared: Prepared) -> Iterable[Draft]:
        """What is written; by the model from the better evidence, if that is there by now."""
        if self.generator is None:
            yield from self.writer(prepared)
            return
        drafts = self.generator(prepared)
        first = next(drafts, None)
        better = _result(prepared.rewritten, 0.0) if prepared.rewritten else None
        if better and better.confidence > prepared.confidence + BETTER:
            drafts.close()  # type: ignore[attr-defined]
            yield from self.generator(better)
        elif first is not None:
            yield first
            yield from drafts

    def enough(self, prepared: Prepared) -> bool:
        """Whether the evidence is thick enough to answer."""
        thick = prepared.confidence >= self.threshold
        return bool(prepared.parts) or (bool(prepared.hits) and thick)

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

    def _cited(
        self, draft: Draft, numbers: dict[tuple[str, int, int], int], prepared: Prepared
    ) -> CitedSentence:
        """A draft with its citations; what was cited before keeps its number."""
        citations = []
        first = not numbers
        for quote in draft.quotes:
            place = (quote.article, quote.sentence.start, quote.sentence.end)
            number = numbers.setdefault(place, len(numbers) + 1)
            marked = quote.phrase if first or prepared.parts else None
            citations.append(self._citation(quote, number, marked))
        comes_first = first and citations and not prepared.parts
        phrase = lead(restated(prepared.request), citations[0]) if comes_first else None
        return CitedSentence(draft.text, tuple(citations), phrase, draft.supported)

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


def _notice(fault: Fault, begun: bool) -> Notice:
    """What a reader is told of a fault, and of what stands in for the model's words."""
    rest = "The answer may be incomplete." if begun else "These are the article's own words."
    return Notice(fault.kind, f"{fault} {rest}")


def _result(future: Future[Prepared], patience: float) -> Prepared | None:
    """What a future has found by then; None where it failed, or is not there yet."""
    try:
        return future.result(patience)
    except (TimeoutError, Fault, AskArticleError):
        return None


def _told_of(topic: str | None, scored: Sequence[extract.Scored]) -> bool:
    """Whether the sentence that would be shown first names what the reader wants to be told of."""
    if not topic or not scored:
        return False
    words = re.escape(topic.strip().casefold())
    return bool(re.search(rf"\b{words}\b", scored[0][1].sentence.text.casefold()))


def _quoted(found: Gathered) -> bool:
    """Whether the sentence that would be shown first quotes somebody as a question asks."""
    if not found.scored:
        return False
    around = "\n".join(hit.passage.text for hit in found.hits)
    return quotes_as_asked(found.question, found.scored[0][1].sentence.text, around)


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
