"""A chat model of LangChain that says what a test wrote, and fails where the test wants it to."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult


class Scripted(BaseChatModel):
    """Each call takes the next script: a text, an exception, or a list of words, pauses and exceptions.

    The last script is used again. `asked` keeps the messages of every call, `closed` counts the streams
    that were given up before their end.
    """

    scripts: list[Any]
    size: int = 4
    asked: list[list[BaseMessage]]
    closed: list[int]

    def __init__(self, *scripts: Any, **more: Any) -> None:
        super().__init__(scripts=list(scripts), asked=[], closed=[], **more)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _next(self, messages: list[BaseMessage]) -> list[Any]:
        script = self.scripts[min(len(self.asked), len(self.scripts) - 1)]
        self.asked.append(messages)
        if callable(script):
            script = script(messages)
        if isinstance(script, str):
            return [script[i : i + self.size] for i in range(0, len(script), self.size)]
        return script if isinstance(script, list) else [script]

    def _stream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: CallbackManagerForLLMRun | None = None, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        ended = False
        try:
            for each in self._next(messages):
                if isinstance(each, BaseException):
                    raise each
                if isinstance(each, int | float):
                    time.sleep(each)
                    continue
                yield ChatGenerationChunk(message=AIMessageChunk(content=each))
            ended = True
            yield ChatGenerationChunk(message=AIMessageChunk(content="", response_metadata={"finish_reason": "stop"}))
        finally:
            if not ended:
                self.closed.append(1)

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: CallbackManagerForLLMRun | None = None, **kwargs: Any
    ) -> ChatResult:
        text = "".join(each for each in self._next(messages) if isinstance(each, str))
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content=text))])
