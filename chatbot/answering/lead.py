"""What comes before the first sentence: the exact words, "Yes" or "No"."""

from __future__ import annotations

import re

from chatbot.answering.kinds import CARDINALS, NAME, asked_kind, asks_for_phrase
from chatbot.answering.polar import polar
from chatbot.answers import Citation

_SEVERAL = re.compile(
    r"\bwho (?:are|were)\b|"
    r"\b(?:which|what) (?:(?!(?:is|was|has|does)\b)\w+ )?(?!(?:was|has|does)\b)\w{2,}"
    r"s\b(?<!ss)(?<!us)(?<!is)",
    re.IGNORECASE,
)
_NAMED_AFTER = re.compile(rf"(?:,(?: (?:and|or))?| (?:and|or|as well as)) (?:the )?{NAME}")
_NAMED_BEFORE = re.compile(rf"{NAME},? (?:and|or|as well as) (?:the )?(?:[A-Z][\w’'-]* )*$")

_YEAR = re.compile(r"(?:1\d|20)\d\d")
_WHEN = re.compile(r"\bwhen\b", re.IGNORECASE)
_SPAN = re.compile(
    rf"(?:(?:in|for|over|more|less|than|nearly|almost|about|some|at|least) )*"
    rf"(?:\d+|an?|{CARDINALS}) (?:years?|months?|weeks?|days?|decades?|century|centuries)\b"
    rf"(?! (?:ago|later|after|before|earlier|from)\b)",
    re.IGNORECASE,
)
# Not "the first bridge opens in six years", where a verb stands between.
_FIRST = re.compile(
    r"\b(?:first|only|worst|best|most|(?:bigg|larg|high|low|long|short|great|small|hott|cold)est)\b"
    r"(?: (?!(?:will|is|are|was|were|be|due|ends?|begins?|starts?|opens?|\w+ed|\w+ing)\b)\S+){1,4}"
    r"(?: (?:in|for|over))? $",
    re.IGNORECASE,
)


def lead(question: str, citation: Citation) -> str | None:
    """What comes first: the exact words where they are asked for, yes or no where that is sure."""
    words, quote = citation.phrase, citation.quote
    if words and asks_for_phrase(question):
        before, after = quote[: words.start - citation.start], quote[words.end - citation.start :]
        no_time = _WHEN.search(question) and counts_since(before, words.quote + after)
        no_span = asked_kind(question) == "duration" and _YEAR.fullmatch(words.quote)
        if not (no_time or no_span) and not names_one_of_several(question, before, after):
            return " ".join(words.quote.split())
    return polar(question, citation.quote)


def names_one_of_several(question: str, before: str, after: str) -> bool:
    """Whether a question asks for several, and a phrase is but one of those that a sentence names.

    `before` and `after` are what the sentence says around the phrase.
    """
    named = _NAMED_BEFORE.search(before) or _NAMED_AFTER.match(after)
    return bool(named and _SEVERAL.search(question))


def counts_since(before: str, rest: str) -> bool:
    """Whether a phrase says how long nothing like it had been ("the first visit in six years").

    That is no answer to "when", though it looks like one. `rest` begins with the phrase.
    """
    return bool(_SPAN.match(rest) and _FIRST.search(before))
