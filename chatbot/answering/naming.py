"""People's names as a text has them: an article introduces Ada Lund, and then speaks of Lund.

Whoever asks with the whole name means the same person, and a reader that compares word by word
takes it for another. Names of places and bodies are left as they are: "the State" is not short for
"Nutmeg State".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from chatbot.answering.kinds import NAME, asked_kind
from index.lexical import STOPWORDS

_FULL = re.compile(NAME)
_BEFORE = re.compile(r"([\w’'-]+)(\.?) $")
_TITLES = frozenset(
    """
    mr mrs ms miss dr sir dame lord lady president minister premier chancellor secretary senator
    governor mayor king queen prince princess emperor empress pope bishop cardinal professor
    general colonel captain admiral sergeant judge justice ambassador executive director chair
    chairman chairwoman officer coach inspector sheriff father sister brother
    """.split()  # noqa: SIM905 - as many strings in quotes are harder to read
)
_TITLED = re.compile(rf"^(?:(?:prime|vice|{'|'.join(sorted(_TITLES))})\.? )+", re.IGNORECASE)
_OWNER = re.compile(r"['’]s?$")


def introduced(question: str, texts: Iterable[str]) -> tuple[str, ...]:
    """The whole names of people in a question that one of the texts gives, too.

    They are people's where a title stands before them, or where somebody's words are asked for.
    Without those whose last word ends another name there: it may be a relative's.
    """
    names = set(_names(question))
    if not names:
        return ()
    whole = "\n".join(texts)
    speaks = asked_kind(question) == "quotation"
    people = (name for name in names if name in whole and (speaks or _titled(name, whole)))
    return tuple(sorted(name for name in people if not _shared(name, whole)))


def as_named(question: str, text: str, names: Sequence[str]) -> str:
    """The question with the last word alone of names that the text shortens so.

    `names` have been introduced elsewhere.
    """
    for name in names:
        last = name.rsplit(" ", 1)[-1]
        if name not in text and re.search(rf"(?<!\w){re.escape(last)}(?!\w)", text):
            question = question.replace(name, last)
    return question


def _names(question: str) -> list[str]:
    """Names of two words or more, without the titles before them.

    What begins a question with a capital is no part of one.
    """
    first, _, rest = question.partition(" ")
    asked = rest if first.casefold().strip("'’s") in STOPWORDS else question
    names = (_OWNER.sub("", _TITLED.sub("", name)) for name in _FULL.findall(asked))
    return [name for name in names if " " in name]


def _titled(name: str, text: str) -> bool:
    """Whether a title stands before a name or its last word somewhere in a text."""
    last = name.rsplit(" ", 1)[-1]
    places = re.finditer(rf"(\w+)\.? (?:{re.escape(name)}|{re.escape(last)})(?!\w)", text)
    return any(match[1].casefold() in _TITLES for match in places)


def _shared(name: str, text: str) -> bool:
    """Whether the last word of a name ends another name somewhere in a text."""
    last = name.rsplit(" ", 1)[-1]
    rest = text.replace(name, "")
    places = re.finditer(rf"(?<!\w){re.escape(last)}(?!\w)", rest)
    return any(_ends_another(rest[: match.start()]) for match in places)


def _ends_another(before: str) -> bool:
    """Whether what stands before a name's last word is another first name, and no title."""
    match = _BEFORE.search(before[-30:])
    if match is None or match[1].casefold() in _TITLES:
        return False
    # A point after any other word but an initial ends a sentence.
    ended = bool(match[2]) and len(match[1]) > 1
    return match[1][0].isupper() and not ended and match[1].casefold() not in STOPWORDS
