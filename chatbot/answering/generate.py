"""Answers that a language model writes, each sentence checked before anybody sees it.

The model's words are cut into sentences as they come. A finished sentence whose citations support
it becomes a draft, cited anew with the exact sentences that do; what is not supported is dropped,
marked, or let pass, as the setting `check` says.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol

import numpy as np

from chatbot.answering import prompts
from chatbot.answering.check import check, nearest
from chatbot.answering.extract import Draft, Quote
from chatbot.answering.faults import Fault, NotSaid
from chatbot.answering.prompts import NOT_IN_PASSAGES, Message
from chatbot.answering.sources import Source, SourceSentence
from chatbot.answers import Request
from index import Embedder, Passage, Retriever
from index.chunk import TERMINAL, sentence_spans
from index.embed import TokenVectors

if TYPE_CHECKING:
    from chatbot.answering.prepared import Prepared

SUMMARISED = 8
"""So many passages of an article, from its beginning, are handed over for a summary."""
LONGEST = 8
"""So many sentences of a model are looked at, and no more."""

_CITED = re.compile(r"[\[【](\d{1,3}(?:\s*[,;]\s*\d{1,3})*)(?:†[^\]】]*)?[\]】]")
_MARKS = re.compile(r"\s*(?:[\[【]\d[^\]】\n]{0,40}[\]】]\s*)+")
_MAY_END = re.compile(r"[.!?…。！？।؟\n]")
_BULLET = re.compile(r"^\s*(?:[-*•#>]+|\d{1,2}[.)])\s+")
_IMAGE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
_LINK = re.compile(r"\[([^\]]*)\]\((?:[^()]|\([^)]*\))*\)")
_TAG = re.compile(r"<[^<>]*>")
_EMPHASIS = re.compile(r"(\*\*|__|`+)(.+?)\1")
_DENIES = re.compile(
    r"\b(?:article|passages?|texts?|sources?|documents?)\b.{0,40}?"
    r"\b(?:do(?:es)?(?:n't| not|n’t)|not)\b.{0,20}?"
    r"\b(?:say|mention|state|provide|contain|specify|answer|include|give|address)",
    re.IGNORECASE,
)


class Writes(Protocol):
    """What is asked of a model here: its words as they come."""

    name: str

    def stream(self, messages: Sequence[Message]) -> Iterator[str]:
        """Messages → words; raises Fault."""

    def complete(self, messages: Sequence[Message], patience: float) -> str:
        """Messages → the whole reply; raises Fault."""


class Generator:
    """Writes answers with a language model: evidence → checked drafts."""

    def __init__(self, model: Writes, retriever: Retriever, mode: str = "drop") -> None:
        self.model = model
        self.retriever = retriever
        self.mode = mode
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="check")

    def __call__(self, prepared: Prepared) -> Iterator[Draft]:
        """The sentences of an answer, as soon as each is finished and checked.

        Raises NotSaid where the model finds no answer, and Fault where it fails or nothing of what
        it wrote is supported.
        """
        passages = self._passages(prepared)
        while True:
            try:
                yield from self._drafts(prepared.request, passages)
                return
            except Fault as fault:
                if fault.kind != "too_long" or len(passages) == 1:
                    raise
                passages = passages[: len(passages) // 2]

    def rewrite(self, request: Request, patience: float) -> str:
        """A follow-up as a question that stands alone; raises Fault."""
        messages = prompts.rewriting(request.question, request.history, secrets.token_hex(4))
        reply = self.model.complete(messages, patience).strip().strip('"“”').strip()
        if not reply or "\n" in reply or len(reply) > 400:
            raise Fault("malformed")
        return reply

    def _passages(self, prepared: Prepared) -> list[Passage]:
        if prepared.intent != "summary":
            return [hit.passage for hit in prepared.hits]
        found = []
        for article in dict.fromkeys(quote.article for quote in prepared.summary):
            found += self.retriever.passages(article)[:SUMMARISED]
        return found[:SUMMARISED]

    def _drafts(self, request: Request, passages: Sequence[Passage]) -> Iterator[Draft]:
        # While the model reads, the passages are made ready to be compared with.
        making = self._threads.submit(self._source, passages)
        mark = secrets.token_hex(4)
        words = self.model.stream(
            prompts.answering(request.question, request.history, passages, mark)
        )
        written = refused = 0
        try:
            for place, sentence in enumerate(sentences(words)):
                if place == LONGEST or NOT_IN_PASSAGES in sentence.upper():
                    refused += NOT_IN_PASSAGES in sentence.upper()
                    break
                draft = self._checked(sentence, making)
                if draft is not None:
                    written += 1
                    yield draft
                elif _DENIES.search(sentence):
                    refused += 1
        finally:
            words.close()  # type: ignore[attr-defined]
        if not written:
            raise NotSaid if refused else Fault("unsupported")

    def _source(self, passages: Sequence[Passage]) -> Source:
        tokens = self.retriever.tokens(passages) or [self._whole(each) for each in passages]
        return Source(passages, tokens)

    def _whole(self, passage: Passage) -> TokenVectors:
        """A passage of which only whole sentences have vectors: each counts as one token."""
        vectors = self._embedder.embed_documents([each.text for each in passage.sentences])
        spans = [(s.start - passage.start, s.end - passage.start) for s in passage.sentences]
        return TokenVectors(vectors, np.array(spans, dtype=np.int64))

    def _checked(self, sentence: str, making: Future[Source]) -> Draft | None:
        """A sentence as a draft; None where it is not to be shown."""
        claim, numbers = parsed(sentence)
        if not re.search(r"[^\W\d_]", claim):
            return None
        source = making.result()
        if self.mode == "off":
            found = nearest(claim, numbers, source, self._embed)
            return Draft(claim, _quotes(found, 0.0))
        verdict = check(claim, numbers, source, self._embed)
        if verdict.supported:
            return Draft(claim, _quotes(verdict.sentences, verdict.probability))
        return Draft(claim, (), supported=False) if self.mode == "mark" else None

    def _embed(self, claim: str) -> TokenVectors:
        found = self._embedder.embed_query_tokens(claim)
        if found is not None:
            return found
        vector = self._embedder.embed_query(claim)
        return TokenVectors(vector[None], np.array([[0, len(claim)]]))

    @property
    def _embedder(self) -> Embedder:
        return self.retriever.index.embedder


def _quotes(found: Sequence[SourceSentence], score: float) -> tuple[Quote, ...]:
    return tuple(Quote(each.passage.article_id, each.sentence, score) for each in found)


def parsed(sentence: str) -> tuple[str, list[int]]:
    """A sentence as plain text without its citations, and the numbers that it cites."""
    numbers = [int(n) for match in _CITED.finditer(sentence) for n in re.findall(r"\d+", match[1])]
    text = _IMAGE.sub("", _BULLET.sub("", sentence))
    text = _CITED.sub("", _LINK.sub(r"\1", text))
    text = _EMPHASIS.sub(r"\2", _TAG.sub("", text))
    text = re.sub(r"\s+([.,;:!?…])", r"\1", " ".join(text.split()))
    return text, list(dict.fromkeys(numbers))


def sentences(words: Iterator[str]) -> Iterator[str]:
    """Words as they come → sentences with the citations after them, each as soon as it ends.

    What a model breaks off in mid-sentence is left out.
    """
    waiting = ""
    for each in words:
        waiting += each
        while _MAY_END.search(waiting) and (end := _end_of_first(waiting)):
            if waiting[:end].strip():
                yield waiting[:end].strip()
            waiting = waiting[end:]
    last = waiting.strip()
    bare = _CITED.sub("", last).rstrip(" \"'”’»)")
    whole = bare.endswith(TERMINAL) or last.endswith(("]", "】"))
    if last and (whole or NOT_IN_PASSAGES in last.upper()):
        yield last


def _end_of_first(text: str) -> int:
    """Where the first sentence ends, its citations with it; 0 while that cannot be told yet."""
    start = len(text) - len(text.lstrip())
    line = text.find("\n", start)
    spans = sentence_spans(text, (start, len(text) if line < 0 else line))
    if line >= 0 and len(spans) <= 1:
        return line + 1
    if len(spans) < 2:
        return 0
    end = spans[0][1]
    if marks := _MARKS.match(text, end):
        end = marks.end()
    rest = text[end:].lstrip()
    # Another citation may be on its way, and belong to this sentence, too.
    return 0 if not rest or rest[0] in "[【" else end
