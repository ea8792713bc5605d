"""The errors of this project.

AskArticleError                 the message is safe to show to a reader
├── SourceError                 one file or folder cannot become an article
├── EmbedderError               an embedder is unknown or its model is missing
├── IndexMismatchError          the index was made with another embedder or chunking
├── IndexLockedError            another process is writing to the index
└── IndexUnreadableError        the index cannot be opened or read
"""

from __future__ import annotations

from pathlib import Path


class AskArticleError(Exception):
    """Anything that a person can act on; its message names no secret and no stack."""


class SourceError(AskArticleError):
    """Raised for one file or folder that cannot be read as an article."""

    def __init__(self, path: str | Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = str(path)
        self.reason = reason


class EmbedderError(AskArticleError):
    """Raised when an embedder's name is unknown or its model cannot be loaded."""


class IndexMismatchError(AskArticleError):
    """Raised when an index was made with another embedder, dimension or chunking."""


class IndexLockedError(AskArticleError):
    """Raised when another process holds the right to write to an index."""


class IndexUnreadableError(AskArticleError):
    """Raised when the files of an index are damaged or not ours."""
