"""The pipeline as a LangChain Runnable. With `models.py`, the one door to langchain.

The stages are those of `Answerer`; LangChain adds composition, batching, `astream`, and tracing by
its own environment variables.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.content import create_citation, create_text_block
from langchain_core.runnables import Runnable, RunnableConfig, RunnableGenerator, RunnableLambda
from langchain_core.runnables.utils import Input

from chatbot.answering.answerer import Answerer
from chatbot.answering.prepared import Prepared
from chatbot.answers import (
    Answer,
    CitedSentence,
    Request,
    conversation_of,
    make_request,
    read_history,
)


class _Write(Runnable[Prepared, Answer]):
    """Evidence → Answer; streamed, the finished sentences come first and the Answer last."""

    name = "answer"

    def __init__(self, answerer: Answerer) -> None:
        self._answerer = answerer

    def invoke(
        self, input: Prepared, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Answer:
        return self._call_with_config(self._last, input, config, run_type="chain")

    def transform(  # type: ignore[override]
        self, input: Iterator[Prepared], config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[CitedSentence | Answer]:
        yield from self._transform_stream_with_config(
            input,
            self._pieces,  # type: ignore[arg-type]
            config,
            run_type="chain",
        )

    def stream(  # type: ignore[override]
        self, input: Prepared, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[CitedSentence | Answer]:
        yield from self.transform(iter([input]), config)

    def _last(self, prepared: Prepared) -> Answer:
        *_, answer = self._answerer.write(prepared)
        assert isinstance(answer, Answer)
        return answer

    def _pieces(self, prepared: Iterator[Prepared]) -> Iterator[CitedSentence | Answer]:
        for each in prepared:
            yield from self._answerer.write(each)


def build_chain(answerer: Answerer) -> Runnable[Any, Answer]:
    """A Runnable from a question, a `Request` or `{"question", "history", "article"}` to an Answer.

    `stream` yields each finished sentence, then the Answer.
    """
    retrieve: Runnable[Any, Prepared] = RunnableLambda(
        lambda asked: answerer.prepare(_request(asked)), name="retrieve"
    )
    return (retrieve | _Write(answerer)).with_config(run_name="ask-article")


def build_runnable(chain: Runnable[Any, Answer]) -> Runnable[Any, AIMessage]:
    """The same as messages: the text in content blocks with LangChain's own citations.

    `start_index` and `end_index` of a citation are places in the block's text; what it cites is in
    `cited_text`, and its place in the article in `extras`. The answer's own JSON is in
    `response_metadata["answer"]`. `stream` yields a chunk for each sentence.
    """
    to_chunks: Runnable[Any, AIMessage] = RunnableGenerator(_chunks)
    whole: Runnable[Any, AIMessage] = RunnableLambda(message_of, name="message")
    return _Messages(chain | whole, chain | to_chunks)


class _Messages(Runnable[Any, AIMessage]):
    """One Runnable for the whole message, and the same streamed as chunks."""

    name = "ask-article"

    def __init__(self, whole: Runnable[Any, AIMessage], chunked: Runnable[Any, AIMessage]) -> None:
        self._whole, self._chunked = whole, chunked

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> AIMessage:
        return self._whole.invoke(input, config)

    def stream(
        self, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[AIMessage]:
        yield from self._chunked.stream(input, config)


def message_of(answer: Answer) -> AIMessage:
    """An answer as a message, a content block for each sentence."""
    blocks = [_block(each, place) for place, each in enumerate(answer.sentences)]
    return AIMessage(content_blocks=blocks, response_metadata=_metadata(answer))


def _chunks(pieces: Iterator[CitedSentence | Answer]) -> Iterator[AIMessageChunk]:
    place = 0
    for piece in pieces:
        if isinstance(piece, Answer):
            metadata = _metadata(piece)
            yield AIMessageChunk(content=[], response_metadata=metadata, chunk_position="last")
        else:
            yield AIMessageChunk(content=[_block(piece, place)])
            place += 1


def _block(sentence: CitedSentence, place: int) -> Any:
    text = sentence.text if place == 0 else f" {sentence.text}"
    citations: list[Any] = [
        create_citation(
            url=each.url,
            title=each.title,
            start_index=len(text) - len(sentence.text),
            end_index=len(text),
            cited_text=each.quote,
            article=each.article,
            start=each.start,
            end=each.end,
            number=each.number,
        )
        for each in sentence.citations
    ]
    return create_text_block(text, annotations=citations, index=place)


def _metadata(answer: Answer) -> dict[str, Any]:
    return {"answer": answer.to_json(), "model_name": answer.model or "extractive"}


def _request(asked: Input) -> Request:
    if isinstance(asked, Request):
        return asked
    if isinstance(asked, str):
        return make_request(asked)
    if isinstance(asked, list) and asked and all(isinstance(m, BaseMessage) for m in asked):
        return conversation_of([(message.type, str(message.text)) for message in asked])
    if isinstance(asked, dict):
        history = read_history(asked.get("history") or [])
        return make_request(asked.get("question") or "", history, asked.get("article"))
    raise TypeError(f"ask with a text, messages, a Request or a dict, not {type(asked).__name__}")
