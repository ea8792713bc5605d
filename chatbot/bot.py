"""The chatbot: an index, opened and brought up to date, that answers questions."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from chatbot.answering.answerer import Answerer, Writer, extractive
from chatbot.answering.generate import Generator
from chatbot.answering.models import Model, make_model
from chatbot.answering.reader import load
from chatbot.answering.suggest import Suggestions
from chatbot.answers import Answer, CitedSentence, Request, Turn, make_request
from chatbot.config import Settings
from index import Article, Embedder, Index, IndexLockedError, Report, Retriever, sync
from index.build import Progress
from index.catalog import Entry

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage
    from langchain_core.runnables import Runnable

DEFAULT_SOURCE = Path("seeds")
STARTERS = 4
SUGGESTED = 3
"""Of so many articles questions are suggested."""


class Chatbot:
    """Answers questions about articles; safe to share between threads.

    `report` says what indexing did, `locked` why it did nothing although there was something to
    do: another process is writing to the index, and the answers come from what it holds.
    """

    def __init__(
        self,
        index: Index,
        settings: Settings | None = None,
        scope: Sequence[str] | None = None,
        writer: Writer = extractive,
        model: Any = None,
    ) -> None:
        self.settings = settings or Settings()
        self.index = index
        self.retriever = Retriever(index)
        self.model = _model(model, self.settings)
        self.answerer = Answerer(
            self.retriever,
            scope,
            self.settings.threshold,
            writer,
            load() if self.settings.reader else None,
            Generator(self.model, self.retriever, self.settings.check) if self.model else None,
        )
        self.answerer.starters = self.questions
        self.report = Report()
        self.locked: IndexLockedError | None = None
        self._suggestions = Suggestions(index.folder, self.model)
        self._starters: dict[str, tuple[str, ...]] = {}
        self._suggesting = threading.Lock()

    @classmethod
    def open(
        cls,
        sources: Sequence[str | Path] | None = None,
        index_dir: str | Path | None = None,
        *,
        settings: Settings | None = None,
        embedder: Embedder | None = None,
        progress: Progress | None = None,
        model: Any = None,
    ) -> Self:
        """Bring the index up to date with `sources` and answer from them.

        Without `sources`, `seeds/` is brought up to date where it exists, and everything indexed
        is answered from. Files that cannot be read are in `report.problems`. `model` is a chat
        model of LangChain that writes the answers; without one, what the settings name does.
        """
        settings = settings or Settings.from_environment()
        # What is missing for a model is told before anything long is done.
        model = _model(model, settings)
        index = Index.open(index_dir or settings.index, embedder or settings.embedder)
        index.check()
        wanted = list(sources) if sources else []
        if not wanted and DEFAULT_SOURCE.is_dir():
            wanted = [DEFAULT_SOURCE]
        report, locked = Report(), None
        try:
            report = sync(index, wanted, progress)
        except IndexLockedError as error:
            if not index.catalog.entries():
                raise
            locked = error
        # While another process writes, all that is indexed is the best there is to ask.
        bot = cls(index, settings, report.articles if sources and not locked else None, model=model)
        bot.report, bot.locked = report, locked
        return bot

    def ask(
        self, question: str, history: Iterable[Turn] = (), article: str | None = None
    ) -> Answer:
        """Answer a question; raises QuestionError, ArticleNotFoundError and NothingIndexedError."""
        *_, answer = self.stream(question, history, article)
        assert isinstance(answer, Answer)
        return answer

    def stream(
        self, question: str, history: Iterable[Turn] = (), article: str | None = None
    ) -> Iterator[CitedSentence | Answer]:
        """Each finished sentence with its citations, then the Answer."""
        prepared = self.answerer.prepare(make_request(question, history, article))
        yield from self.answerer.write(prepared)

    @cached_property
    def chain(self) -> Runnable[Any, Answer]:
        """The same as a LangChain Runnable of this project's own records."""
        from chatbot.answering.chain import build_chain

        return build_chain(self.answerer)

    @cached_property
    def runnable(self) -> Runnable[Any, AIMessage]:
        """The same as a LangChain Runnable of messages, whose text carries LangChain's citations.

        It takes a question, a list of messages, or `{"question", "history", "article"}`.
        """
        from chatbot.answering.chain import build_runnable

        return build_runnable(self.chain)

    def articles(self) -> list[Entry]:
        """The articles that can be asked, without their texts."""
        return self.answerer.entries()

    def article(self, article_id: str) -> Article:
        """An article by id or URL."""
        return self.answerer.article(article_id)

    def starters(self, article: str | None = None) -> tuple[str, ...]:
        """Questions to start from, every one of which is answered; made once and kept."""
        return self.questions(article)[:STARTERS]

    def questions(self, article: str | None = None) -> tuple[str, ...]:
        """Questions to start from and to go on with."""
        view = self.answerer.view(article)
        name = f"{article}\x00{view.revision}"
        if name not in self._starters:
            with self._suggesting:
                self._starters[name] = self._made(view.entries)
        return self._starters[name]

    def warm(self) -> None:
        """Load the model and the index now rather than at the first question."""
        self.index.embedder.load()
        self.starters(None)

    def close(self) -> None:
        """Let go of the index."""
        self.index.close()

    def write_questions(self) -> None:
        """Have the model write questions about the articles, and keep those that are answered.

        Until then, and without a model, there are those made by rule. A server does this in the
        background once it is ready.
        """
        if self.model is None:
            return
        for entry in self.articles()[:SUGGESTED]:
            self._suggestions.write(self.article(entry.id), self._plain)
        with self._suggesting:
            self._starters.clear()

    def _made(self, entries: Sequence[Entry]) -> tuple[str, ...]:
        articles = [self.article(entry.id) for entry in entries[:SUGGESTED]]
        found = [self._suggestions.of(article, self._plain) for article in articles]
        if len(found) == 1:
            return found[0]
        # Of several articles, those questions first that say which article they mean.
        return tuple(question for each in found for question in each[1:3])

    def _plain(self, request: Request) -> Answer:
        """Answer in the article's own words, without offering suggestions, which are being made."""
        bare = Answerer(
            self.retriever,
            self.answerer.scope,
            self.settings.threshold,
            reader=self.answerer.reader,
        )
        *_, answer = bare.write(bare.prepare(request))
        assert isinstance(answer, Answer)
        return answer


def _model(model: Any, settings: Settings) -> Model | None:
    """A model of ours for one of LangChain's, or the one that the settings name."""
    if model is None:
        return make_model(settings)
    if isinstance(model, Model):
        return model
    return Model(model, type(model).__name__, settings.model_timeout)
