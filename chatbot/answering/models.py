"""Chat models of LangChain by name. With `chain.py`, the one door to langchain.

A model is asked in a thread of its own, so that one that hangs is given up in time whatever its
provider does, and one whose reader has gone is stopped at its next word.
"""

from __future__ import annotations

import contextvars
import importlib.util
import logging
import os
import queue
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from chatbot.answering.budget import Budget
from chatbot.answering.faults import RETRIED, Fault, fault_of
from chatbot.answering.prompts import Message
from chatbot.config import EXTRACTIVE, Settings
from chatbot.errors import ModelError

KEYS = {
    "anthropic": "ANTHROPIC_API_KEY",
    "cohere": "COHERE_API_KEY",
    "deepseek": "DEEPSEEK_API_KEY",
    "fireworks": "FIREWORKS_API_KEY",
    "google_genai": "GOOGLE_API_KEY",
    "groq": "GROQ_API_KEY",
    "mistralai": "MISTRAL_API_KEY",
    "openai": "OPENAI_API_KEY",
    "openrouter": "OPENROUTER_API_KEY",
    "perplexity": "PPLX_API_KEY",
    "together": "TOGETHER_API_KEY",
    "xai": "XAI_API_KEY",
}
"""Providers that need a key, and the variable it is read from."""
WAITS = (0.5, 1.5)
"""Seconds before the model is asked a second and a third time."""
LONGEST_WAIT = 4.0
"""Where a provider asks for more patience than that, the article's own words stand in at once."""
ENDED = ("finish_reason", "stop_reason", "done_reason")
SHARE = 4
"""Characters a token, where a provider counts none."""

log = logging.getLogger("ask_article")


@dataclass(frozen=True, slots=True)
class _End:
    """The end of a stream, and the error that was its reason if it was one."""

    error: BaseException | None = None


class Model:
    """A chat model as this project uses it: messages in, words out, faults told apart."""

    def __init__(
        self, chat: Any, name: str, patience: float = 30.0, budget: Budget | None = None
    ) -> None:
        self.chat = chat
        self.name = name
        self.patience = patience
        self.budget = budget or Budget(None, 0)

    def stream(self, messages: Sequence[Message]) -> Iterator[str]:
        """The model's words as they come; closing the iterator stops the model.

        Raises Fault. Before the first word a fault that may pass is tried again.
        """
        for wait in (*WAITS, None):
            started = False
            try:
                for words in self._once(messages):
                    started = True
                    yield words
            except Fault as fault:
                again = wait is not None and fault.kind in RETRIED and not started
                asked = fault.retry_after or 0.0
                if not again or asked > LONGEST_WAIT:
                    raise
                log.info("model %s: %s; asking again", self.name, fault.kind)
                time.sleep(max(wait or 0.0, asked))
            else:
                return

    def complete(self, messages: Sequence[Message], patience: float) -> str:
        """The model's whole reply; Fault where it takes longer than `patience` seconds."""
        deadline = time.monotonic() + patience
        words = []
        for each in self._once(messages, patience):
            words.append(each)
            if time.monotonic() > deadline:
                raise Fault("timeout")
        return "".join(words)

    def _once(self, messages: Sequence[Message], patience: float | None = None) -> Iterator[str]:
        self.budget.check()
        pieces: queue.SimpleQueue[str | _End] = queue.SimpleQueue()
        gone = threading.Event()
        # LangChain's tracing finds the run that a model belongs to by the context.
        context = contextvars.copy_context()
        threading.Thread(
            target=context.run, args=(self._run, messages, pieces.put, gone), daemon=True
        ).start()
        said = False
        try:
            while True:
                try:
                    piece = pieces.get(timeout=patience or self.patience)
                except queue.Empty:
                    raise Fault("timeout") from None
                if isinstance(piece, _End):
                    break
                said = said or bool(piece.strip())
                yield piece
        finally:
            gone.set()
        if piece.error is not None:
            fault = fault_of(piece.error)
            # The log has the kind and the type; a provider's own words may hold what was sent.
            log.warning("model %s: %s (%s)", self.name, fault.kind, type(piece.error).__name__)
            raise fault from None
        if not said:
            raise Fault("empty")

    def _run(
        self, messages: Sequence[Message], put: Callable[[str | _End], None], gone: threading.Event
    ) -> None:
        """Ask the chat model, and hand on what it says."""
        characters, counted, ended, seen = sum(len(text) for _, text in messages), 0, "", False
        error: BaseException | None = None
        try:
            stream = self.chat.stream(list(messages))
            for chunk in stream:
                text = str(chunk.text) if hasattr(chunk, "text") else str(chunk)
                characters += len(text)
                told = getattr(chunk, "response_metadata", None) or {}
                seen = seen or bool(told)
                ended = next((str(told[name]) for name in ENDED if told.get(name)), ended)
                usage = getattr(chunk, "usage_metadata", None) or {}
                counted += int(usage.get("total_tokens") or 0)
                if gone.is_set():
                    stream.close()
                    break
                if text:
                    put(text)
            else:
                # A provider that tells why it ended elsewhere, and not here, was cut off.
                if seen and not ended:
                    error = Fault("interrupted")
        except BaseException as caught:  # whatever it is, the reader's thread must hear of it
            error = caught
        finally:
            self.budget.spend(counted or characters // SHARE)
            put(_End(error))


def make_model(settings: Settings) -> Model | None:
    """The model that the settings name; None for the article's own words alone.

    Raises ModelError that names the package to install or the variable to set.
    """
    if settings.model == EXTRACTIVE and not settings.model_url:
        return None
    budget = Budget(settings.index / "budget.json", settings.budget_tokens_per_day)
    make = _at_url if settings.model_url else _of_provider
    chat, name = make(settings)
    return Model(chat, name, settings.model_timeout, budget)


def _of_provider(settings: Settings) -> tuple[Any, str]:
    provider, _, model = settings.model.partition(":")
    if not model:
        raise ModelError(
            f"the model {settings.model!r} names no provider; give PROVIDER:MODEL, such as"
            " openai:gpt-5-mini or ollama:qwen3, or --model-url for a server of yours"
        )
    _need("langchain", "langchain")
    from langchain.chat_models import init_chat_model

    key = KEYS.get(provider)
    try:
        # Asking again is for `Model.stream`, which knows whether a reader has seen anything yet.
        limits: dict[str, Any] = {}
        if provider in KEYS:
            limits = {"max_retries": 0, "timeout": settings.model_timeout}
        return init_chat_model(model, model_provider=provider, **limits), settings.model
    except ImportError as error:
        raise ModelError(f"{provider} needs a package: pip install {_package(error)}") from error
    except Exception as error:  # whatever a provider raises here is a setting that it misses
        if key and not os.environ.get(key):
            raise ModelError(f"{settings.model} needs a key: set {key}") from error
        if "nsupported provider" in str(error) or "Unable to infer" in str(error):
            raise ModelError(
                f"{provider!r} is no provider that LangChain knows; give PROVIDER:MODEL, such as"
                " openai:gpt-5-mini, anthropic:…, ollama:qwen3"
            ) from error
        reason = str(error).strip().partition("\n")[0][:200]
        raise ModelError(f"{settings.model} cannot be set up: {reason}") from error


def _at_url(settings: Settings) -> tuple[Any, str]:
    """Any server that speaks OpenAI's protocol; without a name, the first model that it has."""
    _need("langchain_openai", "langchain-openai")
    from langchain_openai import ChatOpenAI

    name = settings.model
    if name == EXTRACTIVE:
        name = _first_model(settings.model_url)
    chat = ChatOpenAI(
        model=name,
        base_url=settings.model_url,
        # Servers of one's own mostly need no key, but the client insists on one.
        api_key=os.environ.get("OPENAI_API_KEY") or "none",  # type: ignore[arg-type]
        max_retries=0,
        timeout=settings.model_timeout,
        stream_usage=True,
    )
    return chat, name


def _first_model(url: str) -> str:
    import httpx

    try:
        key = os.environ.get("OPENAI_API_KEY")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        reply = httpx.get(f"{url.rstrip('/')}/models", headers=headers, timeout=10)
        reply.raise_for_status()
        return str(reply.json()["data"][0]["id"])
    except Exception as error:
        raise ModelError(
            f"{url} does not say which models it has ({type(error).__name__});"
            " name one: --model NAME"
        ) from error


def _need(module: str, package: str) -> None:
    if importlib.util.find_spec(module) is None:
        raise ModelError(f"a language model needs a package: pip install {package}")


def _package(error: ImportError) -> str:
    """The package that LangChain's message or the import names."""
    named = re.search(r"pip install (?:-U )?[`'\"]?([\w-]+)", str(error))
    return named[1] if named else (error.name or "langchain").replace("_", "-")
