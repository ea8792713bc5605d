"""What the lines and files of question sets hold, as pydantic checks it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from chatbot.answers import MAX_QUESTION

Text = Annotated[str, Field(min_length=1, pattern=r"\S")]
Asked = Annotated[str, Field(min_length=1, max_length=MAX_QUESTION, pattern=r"\S")]


class Line(BaseModel):
    """What every line has in common: fields that we do not know are passed over."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)


def _turn(value: object) -> object:
    """A turn may be written as it is to `ask`: {"question": …, "answer": …}."""
    known = isinstance(value, dict) and set(value) == {"question", "answer"}
    return (value["question"], value["answer"]) if known else value  # type: ignore[index]


Turned = Annotated[tuple[str, str], BeforeValidator(_turn)]


class GoldLine(Line):
    """One of our own gold lines."""

    question: Asked
    id: str = ""
    history: list[Turned] = []
    evidence: list[Text] = []
    answers: list[Text] = []
    answerable: bool = True
    kind: str = ""
    article: str | None = None


class Said(Line):
    """A message of an MTRAG conversation."""

    role: Literal["user", "assistant", "agent"]
    content: str


class MtragLine(Line):
    """The last turn of an MTRAG conversation, with the turns before it."""

    question: Asked
    id: str = ""
    history: list[Said] = []
    relevant: list[str] = []
    answerability: str | list[str] = ""
    reference: str = ""


class PassageLine(Line):
    """A passage that MTRAG's conversations are about."""

    id: Text
    text: str
    title: str = ""


class BeirText(Line):
    """A document or a query of BEIR."""

    id: Text = Field(alias="_id")
    text: str
    title: str = ""


class SquadAnswer(Line):
    """A phrase that answers."""

    text: Text


class SquadQuestion(Line):
    """A question about a paragraph; impossible where the paragraph leaves it open."""

    question: Asked
    id: str = ""
    answers: list[SquadAnswer] = []
    is_impossible: bool = False


class SquadParagraph(Line):
    """A paragraph and its questions."""

    context: Text
    qas: list[SquadQuestion]


class SquadArticle(Line):
    """An article's paragraphs."""

    paragraphs: list[SquadParagraph]
    title: str = ""


class Squad(Line):
    """A whole file."""

    data: list[SquadArticle]
