"""The pipeline as a LangChain Runnable. With `models.py`, the one door to langchain.

The stages are those of `Answerer`; LangChain adds composition, batching, `astream`, and tracing by
its own environment variables.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda
from langchain_core.runnables.utils import Input

from chatbot.answering.answerer import Answerer, Prepared
from chatbot.answers import Answer, CitedSentence, Request, make_request, read_history


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


def _request(asked: Input) -> Request:
    if isinstance(asked, Request):
        return asked
    if isinstance(asked, str):
        return make_request(asked)
    if isinstance(asked, dict):
        history = read_history(asked.get("history") or [])
        return make_request(asked.get("question") or "", history, asked.get("article"))
    raise TypeError(f"ask with a text, a Request or a dict, not {type(asked).__name__}")
