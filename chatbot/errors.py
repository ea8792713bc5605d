"""The errors of the chatbot, below the project's root `AskArticleError`.

AskArticleError
├── QuestionError           the question is empty or too long
├── HistoryError            the earlier turns are not what is expected
├── ArticleNotFoundError    the article asked about is not indexed
├── NothingIndexedError     there is no article to ask
├── DatasetError            a file of questions is not what is expected
├── SettingsError           a setting has a value that cannot be used
├── ModelError              a language model cannot be set up
├── LearnError              a page that is asked about cannot be fetched or read
└── AddressError            the server cannot listen on its address
"""

from __future__ import annotations

from index import AskArticleError

__all__ = [
    "NOTHING_TO_ASK",
    "AddressError",
    "ArticleNotFoundError",
    "AskArticleError",
    "DatasetError",
    "HistoryError",
    "LearnError",
    "ModelError",
    "NothingIndexedError",
    "QuestionError",
    "SettingsError",
]


NOTHING_TO_ASK = "there is no article to ask; add one: ask-article index add FILE"


class QuestionError(AskArticleError):
    """Raised for a question that is empty or longer than the limit."""


class HistoryError(AskArticleError):
    """Raised where the earlier turns of a conversation have another shape than expected."""


class ArticleNotFoundError(AskArticleError):
    """Raised when a question names an article that is not indexed."""


class NothingIndexedError(AskArticleError):
    """Raised when there is no article to answer from."""


class DatasetError(AskArticleError):
    """Raised for questions to evaluate with that cannot be read: file, line, what was expected."""


class SettingsError(AskArticleError):
    """Raised for a setting whose value cannot be used; names the setting."""


class ModelError(AskArticleError):
    """Raised for a language model that cannot be set up: what to install, or which key to set."""


class LearnError(AskArticleError):
    """Raised for a page that may not be fetched, or that cannot be; says which and why."""


class AddressError(AskArticleError):
    """Raised when the server cannot listen on its address, mostly because another one does."""
