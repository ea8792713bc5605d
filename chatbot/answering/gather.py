"""From the texts to search for to the evidence of an answer, and to what speaks for answering."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from chatbot.answering import confidence
from chatbot.answering.closer import read_found
from chatbot.answering.conversation import asked_before, said_before
from chatbot.answering.extract import Scored
from chatbot.answering.reader import Reader, after
from chatbot.answers import Request
from index import Hit, Query, Retriever
from index.ranking import READ

HITS = READ


@dataclass(frozen=True, slots=True)
class Gathered:
    """A question, its misspelt words mended, with the hits and their sentences, best first."""

    question: str
    hits: list[Hit]
    scored: list[Scored]

    def features(self, retriever: Retriever, ids: Sequence[str]) -> list[float]:
        """What the confidence is made of, as `confidence.features`; empty without any hit."""
        if not self.hits:
            return []
        lexicon = retriever.lexicon(ids)
        return confidence.features(self.question, self.hits, self.scored, lexicon)


def search(
    retriever: Retriever, reader: Reader | None, queries: Sequence[Query], ids: Sequence[str]
) -> list[Hit]:
    """The passages that an answer is made from; what a reader reads is not compared by tokens."""
    return retriever.search(queries, HITS, ids, reread=reader is None)


def gather(
    retriever: Retriever,
    reader: Reader | None,
    request: Request,
    queries: Sequence[Query],
    hits: Sequence[Hit],
    ids: Sequence[str],
) -> Gathered:
    """The evidence in hits that were found for a request's queries in the articles `ids`."""
    question = retriever.mended(queries[0].text, ids)
    compare = partial(retriever.compare, queries, ids)
    said, alone = said_before(request), len(queries) == 1
    read_as = after(asked_before(request), question)
    read, scored = read_found(reader, question, hits, said, alone, compare, read_as)
    return Gathered(question, read, scored)
