"""Opening the chatbot in the background, and waiting for it."""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Callable

from chatbot.bot import Chatbot
from chatbot.errors import AskArticleError

log = logging.getLogger(__name__)

PATIENCE = 120.0
"""Seconds that a question waits for the chatbot to open."""


def settle() -> None:
    """Spare what is loaded by now, and stays, from garbage collection.

    Gradio and the articles are hundreds of thousands of objects, which a collection would walk
    through in the midst of a question.
    """
    gc.collect()
    gc.freeze()


class NotReadyError(AskArticleError):
    """Raised when the chatbot is still opening and patience has run out."""


class Warmup:
    """The chatbot, from the first second on: `ready` at once tells whether it can answer."""

    def __init__(
        self, opener: Callable[[], Chatbot], then: Callable[[], None] = lambda: None
    ) -> None:
        self._opener = opener
        self._then = then
        self._done = threading.Event()
        self._bot: Chatbot | None = None
        self.error: BaseException | None = None

    def start(self) -> None:
        """Open the chatbot in a thread of its own."""
        threading.Thread(target=self.run, name="warm-up", daemon=True).start()

    def run(self) -> None:
        """Open the chatbot here and now; a failure is kept for those who wait."""
        try:
            bot = self._opener()
            bot.warm()
            settle()
            self._bot = bot
        except BaseException as error:  # whatever it is, those who wait must hear of it
            self.error = error
        finally:
            self._done.set()
            self._then()
        if self._bot is not None:
            self._do("the articles could not be read ahead", self._bot.retriever.read_ahead)
            self._do("the model could not write questions", self._bot.write_questions)

    def _do(self, failure: str, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:  # an edge: questions are answered without it
            log.warning(failure, exc_info=True)

    @property
    def ready(self) -> bool:
        """Whether questions are answered without waiting."""
        return self._bot is not None

    def bot(self, patience: float = PATIENCE) -> Chatbot:
        """The chatbot, waiting for it if need be.

        Raises NotReadyError when it takes too long, and what opening it raised.
        """
        self._done.wait(patience)
        if self.error is not None:
            if isinstance(self.error, AskArticleError):
                raise self.error
            raise NotReadyError("the articles could not be opened; the server's log says why")
        if self._bot is None:
            raise NotReadyError("the articles are still being read; try again in a moment")
        return self._bot

    def close(self) -> None:
        """Close the chatbot if it was opened."""
        if self._bot is not None:
            self._bot.close()
