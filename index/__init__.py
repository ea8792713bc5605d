"""From articles to ranked evidence: load, chunk, embed, store, search."""

from index.build import Report, add, rebuild, remove, sync
from index.chunk import chunk, paragraphs
from index.embed import DEFAULT_EMBEDDER, EMBEDDERS, Embedder, make_embedder
from index.errors import (
    AskArticleError,
    EmbedderError,
    IndexLockedError,
    IndexMismatchError,
    IndexUnreadableError,
    SourceError,
)
from index.formats import READERS
from index.opening import DEFAULT_FOLDER, Index
from index.records import Article, Hit, Look, Passage, Phrase, Query, Sentence, SentenceEvidence
from index.search import Retriever

__all__ = [  # noqa: RUF022 - in the order data flows
    "Article",
    "Passage",
    "Sentence",
    "Query",
    "Hit",
    "SentenceEvidence",
    "Phrase",
    "Look",
    "READERS",
    "paragraphs",
    "chunk",
    "EMBEDDERS",
    "DEFAULT_EMBEDDER",
    "Embedder",
    "make_embedder",
    "DEFAULT_FOLDER",
    "Index",
    "Report",
    "sync",
    "add",
    "remove",
    "rebuild",
    "Retriever",
    "AskArticleError",
    "SourceError",
    "EmbedderError",
    "IndexMismatchError",
    "IndexLockedError",
    "IndexUnreadableError",
]
