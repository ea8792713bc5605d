"""What passes between the stages: articles, their passages and sentences, and hits."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Article:
    """One article: `text` is what every offset of this project points into.

    `id` is stable (the canonical URL, else the path below its root); `source` is the file it came
    from and `root` the folder or file that was named when it was indexed.
    """

    id: str
    title: str
    text: str
    url: str | None = None
    source: str = ""
    root: str = ""

    @property
    def content_hash(self) -> str:
        """A digest of what is shown and searched: title, URL and text."""
        parts = "\x00".join((self.title, self.url or "", self.text))
        return hashlib.sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Sentence:
    """`article.text[start:end] == text`; a heading is context and never an answer."""

    start: int
    end: int
    text: str
    heading: bool = False


@dataclass(frozen=True, slots=True)
class Passage:
    """A run of whole sentences, `article.text[start:end] == text`; `id` is unique in an index.

    `title` is the article's.
    """

    id: str
    article_id: str
    start: int
    end: int
    text: str
    sentences: tuple[Sentence, ...]
    title: str = ""

    @property
    def searched(self) -> str:
        """What is embedded: the article's title says what its text takes for granted."""
        return f"{self.title}\n{self.text}" if self.title else self.text


@dataclass(frozen=True, slots=True)
class Query:
    """A text to search for, and its share in the mix of several."""

    text: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Phrase:
    """Some words of an article, `article.text[start:end]`, and the log-odds that they answer."""

    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Look:
    """What a reader makes of a sentence by itself: the logit that it answers, and its phrase."""

    answers: float
    phrase: Phrase | None


@dataclass(frozen=True, slots=True)
class SentenceEvidence:
    """One sentence of a hit, and what speaks for it.

    `dense` is its cosine to the question, `lexical` the share of the question's words that it
    holds (0 to 1, by rarity), `before` the share that the sentence before it adds, `pairs` the
    share of the question's neighbouring words that stand together in it too. `late` and `least`
    compare token by token: the question's tokens find their nearest here, on average, and the
    worst of its words; `asking` is the same for its question word, which in context is near to
    what can answer it (all 0 where the passage was not read). `phrase` is the likeliest answer in
    it, where a reader that was trained for it has read the passage, and `look` what the reader
    made of the sentence by itself, where it was read once more.
    """

    sentence: Sentence
    dense: float
    lexical: float
    before: float = 0.0
    pairs: float = 0.0
    late: float = 0.0
    least: float = 0.0
    asking: float = 0.0
    phrase: Phrase | None = None
    look: Look | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage with its scores, higher is better everywhere.

    `score` is what hits are ranked by. `mix` is the mix of the passage's cosine, its best
    sentence's and BM25; `dense` the cosine, `lexical` the BM25 divided by the best in scope;
    `late` and `least` are as for a sentence; `answers` is the logit that the passage answers, by
    the reader that also finds phrases, if there is one. `sentences` stand in the order of the text.
    """

    passage: Passage
    score: float
    dense: float
    lexical: float
    sentences: tuple[SentenceEvidence, ...]
    mix: float = 0.0
    late: float = 0.0
    least: float = 0.0
    answers: float | None = None
