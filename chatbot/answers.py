"""What goes in and out of a conversation: turns, requests, citations, answers, and their JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from chatbot.errors import HistoryError, QuestionError
from index import Article

MAX_QUESTION = 2000
MAX_TURNS = 20
CONTEXT = 32
NOT_IN_ARTICLE = "The article doesn't say."
LEFT_OPEN = "The article doesn't answer {}"

State = Literal["answered", "not_in_article", "smalltalk", "model_error", "limited", "warming"]


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier question with the answer it got."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Request:
    """A question, the conversation before it, and the article it is about (None: any)."""

    question: str
    history: tuple[Turn, ...] = ()
    article: str | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """Some words of a citation, `article.text[start:end] == quote`: what answers most closely."""

    start: int
    end: int
    quote: str


@dataclass(frozen=True, slots=True)
class Citation:
    """The exact words of an article: `article.text[start:end] == quote`.

    `before` and `after` are up to 32 characters of context, so that the quote can be found in a
    page whose offsets differ (the Web Annotation model's text-quote selector).
    """

    number: int
    article: str
    title: str
    url: str | None
    start: int
    end: int
    quote: str
    before: str
    after: str
    phrase: Words | None = None

    @classmethod
    def of(
        cls,
        number: int,
        article: Article,
        start: int,
        end: int,
        phrase: tuple[int, int] | None = None,
    ) -> Citation:
        """Cite a span of an article, and within it a phrase."""
        return cls(
            number=number,
            article=article.id,
            title=article.title,
            url=article.url,
            start=start,
            end=end,
            quote=article.text[start:end],
            before=article.text[max(0, start - CONTEXT) : start],
            after=article.text[end : end + CONTEXT],
            phrase=Words(*phrase, article.text[slice(*phrase)]) if phrase else None,
        )


@dataclass(frozen=True, slots=True)
class CitedSentence:
    """One finished sentence of an answer and what it rests on.

    `phrase` is set where the question asks for so many words and no more, and is shown first.
    `supported` is false only for what a language model wrote and nothing was found for, where
    that is asked to be shown (`--check mark`).
    """

    text: str
    citations: tuple[Citation, ...] = ()
    phrase: str | None = None
    supported: bool = True

    @property
    def parts(self) -> tuple[str, str, str]:
        """The text before the citation's phrase, the phrase and what follows; else all first."""
        words = self.citations[0].phrase if self.citations else None
        if words is None:
            return self.text, "", ""
        before = self.citations[0].quote[: words.start - self.citations[0].start]
        # The text is the quote with its white space made single.
        start = len(" ".join(before.split())) + (before.split() != [] and before[-1:].isspace())
        end = start + len(" ".join(words.quote.split()))
        return self.text[:start], self.text[start:end], self.text[end:]

    def to_json(self) -> dict[str, Any]:
        """The data of a `sentence` event: the citations whole."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Notice:
    """Why an answer is not what the language model wrote, or not all of it.

    `kind` is one of `chatbot.answering.faults.MESSAGES`; `message` is for the reader.
    """

    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds."""

    search: float = 0.0
    answer: float = 0.0
    total: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """The whole answer to a question; `confidence` is the probability that the article says it.

    `model` names the language model that wrote it, None where these are the article's own words;
    `notice` says why they are, where a model was asked. `left_open` are those of several things
    asked at once that the article does not tell, in the question's words.
    """

    question: str
    state: State
    sentences: tuple[CitedSentence, ...]
    confidence: float = 0.0
    nearest: tuple[Citation, ...] = ()
    suggestions: tuple[str, ...] = ()
    revision: str = ""
    timings: Timings = Timings()
    model: str | None = None
    notice: Notice | None = None
    left_open: tuple[str, ...] = ()

    @property
    def answered(self) -> bool:
        """Whether the article answers the question."""
        return self.state == "answered"

    @property
    def text(self) -> str:
        """The sentences with their citations as `[n]`, after the phrase where there is one."""
        lead = f"{self.phrase} — " if self.phrase else ""
        return lead + " ".join(
            sentence.text + "".join(f" [{citation.number}]" for citation in sentence.citations)
            for sentence in self.sentences
        )

    @property
    def phrase(self) -> str | None:
        """The exact words that the question asks for, or yes or no, where that is known."""
        return self.sentences[0].phrase if self.sentences else None

    @property
    def citations(self) -> tuple[Citation, ...]:
        """Every citation once, by number."""
        found = {c.number: c for sentence in self.sentences for c in sentence.citations}
        return tuple(found[number] for number in sorted(found))

    def to_json(self) -> dict[str, Any]:
        """The object of `ask --json` and `POST /api/ask`.

        It and its citations have a `phrase`, and it a `model`, a `notice` and what is `left_open`,
        only where there is one; a sentence says `supported` only where it is not.
        """
        found: dict[str, Any] = {
            "question": self.question,
            "answered": self.answered,
            "state": self.state,
            "confidence": round(self.confidence, 4),
            "text": self.text,
            "sentences": [_sentence_json(sentence) for sentence in self.sentences],
            "citations": [_citation_json(citation) for citation in self.citations],
            "nearest": [_citation_json(citation) for citation in self.nearest],
            "suggestions": list(self.suggestions),
            "revision": self.revision,
            "timings_ms": {name: round(ms, 2) for name, ms in asdict(self.timings).items()},
        }
        more: dict[str, Any] = {"phrase": self.phrase, "model": self.model}
        more["notice"] = asdict(self.notice) if self.notice else None
        more["left_open"] = list(self.left_open)
        return found | {name: value for name, value in more.items() if value}


def _sentence_json(sentence: CitedSentence) -> dict[str, Any]:
    found: dict[str, Any] = {
        "text": sentence.text,
        "citations": [citation.number for citation in sentence.citations],
    }
    return found if sentence.supported else found | {"supported": False}


def _citation_json(citation: Citation) -> dict[str, Any]:
    found = asdict(citation)
    if citation.phrase is None:
        del found["phrase"]
    return found


def make_request(
    question: str, history: Iterable[Turn] = (), article: str | None = None
) -> Request:
    """Check a question; QuestionError where it is empty or too long.

    Only the last turns of a long conversation are kept.
    """
    asked = " ".join(question.split())
    if not asked:
        raise QuestionError("the question is empty; ask something about the article")
    if len(asked) > MAX_QUESTION:
        raise QuestionError(
            f"the question has {len(asked):,} characters; the limit is {MAX_QUESTION:,}"
        )
    return Request(asked, tuple(history)[-MAX_TURNS:], article or None)


def conversation_of(messages: Iterable[tuple[str, str]], article: str | None = None) -> Request:
    """Messages of a chat (role, text) → a request: the last a person wrote is the question.

    What is neither a person's nor an assistant's is left out: nobody instructs this chatbot.
    Raises QuestionError where no person wrote anything.
    """
    turns: list[Turn] = []
    question: str | None = None
    answer = ""
    for role, text in messages:
        if role in ("user", "human"):
            if question is not None:
                turns.append(Turn(question, answer))
            question, answer = text, ""
        elif role in ("assistant", "ai") and question is not None:
            answer = f"{answer} {text}".strip()
    if question is None:
        raise QuestionError("there is no message of a user; ask something about the article")
    return make_request(question, turns, article)


def read_history(value: object) -> tuple[Turn, ...]:
    """JSON → turns: `[{"question": …, "answer": …}]` or `[[question, answer]]`.

    Raises HistoryError that names the place and what was expected.
    """
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise HistoryError('the history must be a list of {"question": …, "answer": …}')
    return tuple(_turn(place, item) for place, item in enumerate(value, start=1))


def _turn(place: int, item: object) -> Turn:
    if isinstance(item, Mapping):
        pair: Sequence[object] = [item.get("question"), item.get("answer")]
    elif isinstance(item, Sequence) and not isinstance(item, str) and len(item) == 2:
        pair = item
    else:
        pair = []
    question, answer = pair if pair else (None, None)
    if not isinstance(question, str) or not isinstance(answer, str):
        raise HistoryError(
            f'turn {place} of the history must be {{"question": text, "answer": text}}'
        )
    return Turn(question, answer)
