"""The kind of thing a question asks for, and whether a sentence holds one."""

from __future__ import annotations

import re
from collections.abc import Callable

from index.lexical import token_set

NAME = r"[A-Z][\w’'-]+(?: (?:(?:of|the|de|von|van|al) )?[A-Z][\w’'-]+){0,3}"
SAYS = (
    r"(?:said|says|stated|stating|told|added|adding|noted|explained|argued|warned|declared|saying|"
    r"insisted|remarked|wrote|writes|emphasi[sz]ing|emphasi[sz]ed|underscored|announced|asked)"
)
QUOTATION = re.compile(r"[“\"«][^”\"»]{20,}")
TITLES = (
    r"(?:President|Prime Minister|Minister|Chancellor|Secretary|Senator|Governor|Mayor|King|Queen|"
    r"Professor|Dr\.?|CEO|Director|General|Judge|Justice|Ambassador|Chief Executive|"
    r"Chair(?:man)?)"
)
_TITLE = re.compile(rf"{TITLES}\b")
_ARTICLES = re.compile(r"^(?:The|A|An|This|That|These|Those|His|Her|Its|Their|Our|My|In|On|At) ")
CARDINALS = (
    r"two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|"
    r"sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|"
    r"dozens?|hundreds?|thousands?|millions?|billions?|trillions?|half|double|triple|twice|both|none"
)
# Neither ordinals nor what is plainly a year count anything.
_AMOUNT = re.compile(
    rf"(?<![\w.,])(?!(?:1[4-9]\d\d|20\d\d)(?![\d,.]*\d))\d[\d.,]*(?!\d|st\b|nd\b|rd\b|th\b|s\b)|"
    rf"\b(?:{CARDINALS})\b|\bone (?:of|in|out)\b",
    re.IGNORECASE,
)
_SHARE = re.compile(
    r"%|\bper ?cent\b|\bpercentage\b|\b(?:half|third|quarter|fifth|tenth|majority|most|all|none)\b|"
    r"\bone (?:in|out of)\b",
    re.IGNORECASE,
)
_MONEY = re.compile(
    r"[$€£¥₹]|\b(?:dollars?|euros?|pounds?|yen|rupees?|cents?|yuan|francs?|USD|EUR|GBP|million|"
    r"billion|trillion|free of charge)\b",
    re.IGNORECASE,
)
_AGE = re.compile(
    r"\b(?:aged?|old|born|oldest|youngest|birthday)\b|-year-old|\b(?:1\d{3}|20\d\d)\b",
    re.IGNORECASE,
)
_DURATION = re.compile(
    r"\b(?:years?|months?|weeks?|days?|hours?|minutes?|seconds?|decades?|century|centuries|"
    r"since|until|annual|permanent|[a-z]+-(?:day|week|month|year|hour|minute)|temporar\w+)\b",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\b\d{3,4}s?\b|\b\d{1,2}(?:st|nd|rd|th)?\b|\b(?:january|february|march|april|may|june|july|"
    r"august|september|october|november|december|monday|tuesday|wednesday|thursday|friday|saturday|"
    r"sunday|today|yesterday|tomorrow|century|centuries|ago|recent|recently|now|currently|"
    r"spring|summer|autumn|winter|midnight|noon|upcoming|following|next|last)\b|"
    r"\b(?:during|after|before|until|since|early|late|mid)\b[ -](?:the |his |her |its |their )?\w+",
    re.IGNORECASE,
)
_AMOUNT_OR_TIME = re.compile(rf"{_AMOUNT.pattern}|since|until|annual|permanent", re.IGNORECASE)
_REASON = re.compile(
    r"\b(?:because|since|due to|as a result|driven by|so that|in order to|aim(?:s|ed|ing)?|"
    r"owing to|"
    r"thanks to|reason|cause[sd]?|led to|response to|therefore|to (?:avoid|prevent|protect|"
    r"ensure))\b",
    re.IGNORECASE,
)
_OF_ANYBODY = token_set("quote quotes quoted quotation direct give show find any some article")
_SAYING = _OF_ANYBODY | token_set(
    "say says said saying tell told state stated words remark remarks comment comments statement"
)
_CAPITAL = re.compile(r"\b[A-Z][\w’'-]+")

KINDS: dict[str, tuple[re.Pattern[str], Callable[[str, frozenset[str]], bool]]] = {
    "quotation": (
        re.compile(
            r"\b(?:what|how) (?:did|does|has|have|do|was|were|is)\b.*\b(?:say|said|saying|"
            r"tell|told|"
            r"state|comment|remark|think|argue|warn|emphasi[sz]e|announce|quoted?|words|respond|"
            r"reply|react|answer|feel|make of)\b|\bopinion of\b|"
            r"\b(?:quotes?|quotations?)\b(?! for\b)|\b(?:said|says) what\b|"
            r"\bwhat \w[\w’' -]* (?:said|says)(?: (?:about|on|of)\b|\W*$)|"
            r"\b(?:remarks?|comments?|words) (?:by|of|from)\b",
            re.IGNORECASE,
        ),
        lambda text, asked: _is_said_by(text, asked),
    ),
    "money": (
        re.compile(
            r"\bhow much (?:money|cash|(?:is|are|was|were|for) (?:an?|the|it))\b|"
            r"\bhow much\b.*\b(?:costs?|pay|paid|spend|spent|"
            r"invest\w*|"
            r"worth|earn\w*|raised?|charged?|fund\w*|budget|owed?|"
            r"donat\w+|fined?)\b|"
            r"\b(?:what|which)\b.*\b(?:price|cost|budget|salary|fee|revenue|worth)\b",
            re.IGNORECASE,
        ),
        lambda text, asked: _holds(_MONEY, text, asked),
    ),
    "age": (
        re.compile(r"\bhow old\b|\b(?:what|which) age\b|\bage (?:is|was|of)\b", re.IGNORECASE),
        lambda text, asked: _holds(_AGE, text, asked),
    ),
    "duration": (
        re.compile(r"\bhow long\b|\bhow many (?:years|months|weeks|days|hours)\b", re.IGNORECASE),
        lambda text, asked: bool(_DURATION.search(text) and _AMOUNT_OR_TIME.search(text)),
    ),
    "share": (
        re.compile(
            r"\b(?:what|which) (?:percentage|percent|per cent|share|proportion|fraction)\b",
            re.IGNORECASE,
        ),
        lambda text, asked: _holds(_SHARE, text, asked),
    ),
    "amount": (
        re.compile(
            r"\bhow (?:many|much|far|tall|big|large|high|often|deep|wide|heavy|fast)\b|"
            r"\bwhat number\b|\b(?:what|which) (?:is|was|are|were) (?:the|its|their|\w+'s) "
            r"(?:\w+ )?(?:population|size|height|number|amount|length|area|turnout|distance|"
            r"weight|speed|total)\b|\b(?:population|number) of\b",
            re.IGNORECASE,
        ),
        lambda text, asked: _holds(_AMOUNT, text, asked),
    ),
    "time": (
        re.compile(
            r"\bwhen\b|\b(?:what|which) (?:year|date|day|month|century|decade|time)\b",
            re.IGNORECASE,
        ),
        lambda text, asked: _holds(_TIME, text, asked),
    ),
    "reason": (re.compile(r"\bwhy\b", re.IGNORECASE), lambda text, _: bool(_REASON.search(text))),
    "name": (
        re.compile(r"\b(?:who|whom|whose|where)\b", re.IGNORECASE),
        lambda text, asked: _holds(_CAPITAL, text[1:], asked),
    ),
}
"""Kind → how a question asks for it, and how to see that a sentence holds one that the question
does not name itself."""


_FOR_PHRASE = re.compile(
    r"\b(?:who|whom|whose|when|where|which)\b|"
    r"\bhow (?:many|much|long|old|far|tall|big|large|high|often|deep|wide|heavy|fast|few)\b|"
    r"\bwhat(?:'s|’s)?\b(?! (?:happen|did .* (?:say|do\b)|(?:does|do) .* (?:say|do\b)))",
    re.IGNORECASE,
)


_ASKS = r"\b(?:who|whom|whose|when|where|which|what|why|how)\b"
# "When and where did they meet?" may be one phrase; "When did they meet, and why?" is not.
_BEFORE = r"(?:(?:after|at|by|during|for|from|in|of|on|over|since|to|under|until|with) )?"
_ASKS_TWICE = re.compile(rf"{_ASKS}(?! and\b).*\band {_BEFORE}{_ASKS}", re.IGNORECASE)


def asks_for_phrase(question: str) -> bool:
    """Whether a few words answer: a name, a place, a time, a number, a thing; no two of them."""
    if _ASKS_TWICE.search(question) or asked_kind(question) == "quotation":
        return False
    return bool(_FOR_PHRASE.search(question))


def asked_kind(question: str) -> str | None:
    """The kind of thing that a question asks for, where its wording tells."""
    return next((kind for kind, (asks, _) in KINDS.items() if asks.search(question)), None)


def holds(kind: str, text: str, question: str) -> bool:
    """Whether a sentence holds a thing of that kind beside those the question names."""
    return KINDS[kind][1](text, token_set(question))


def speaker(text: str) -> str | None:
    """Whose words a sentence quotes, where the words around the quotation make that plain."""
    quote = QUOTATION.search(text)
    if not quote:
        return None
    before, after = text[: quote.start()], text[quote.end() :]
    for part in (after[:80], before):
        if match := re.search(rf"{SAYS} ({NAME})|({NAME})(?:,[^,]*,)? {SAYS}", part):
            return bare(match[1] or match[2])
    names = [name for name in re.findall(NAME, before) if _TITLE.match(name) or " " in name]
    return bare(names[0]) if names and re.search(SAYS, before) else None


def quotes_as_asked(question: str, sentence: str, around: str) -> bool:
    """Whether a question asks for somebody's words, and a sentence quotes them on just that.

    All that it names beside that person, who may be named in full `around`, stands within the
    quotation. Of the invented questions of the reader's training 81 are so, and all are answered.
    """
    who = speaker(sentence) if asked_kind(question) == "quotation" else None
    last = token_set(who.split()[-1]) if who else frozenset()
    asked = token_set(question)
    if not last or not last <= asked:
        return False
    named = (token_set(name) for name in re.findall(NAME, around))
    known = [name for name in named if last <= name]
    known += [token_set(quotation) for quotation in QUOTATION.findall(sentence)]
    return asked - last - _SAYING <= frozenset().union(*known)


def bare(name: str) -> str:
    """A name without a possessive, a leading article or anything hanging on."""
    return _ARTICLES.sub("", re.sub(r"(?:’s|'s|’|')$", "", name.strip(" ,;:")))


def _is_said_by(text: str, asked: frozenset[str]) -> bool:
    who = speaker(text)
    # The last word is the name; the ones before it may be an office that others hold too.
    return bool(who and (token_set(who.split()[-1]) & asked or asked <= _OF_ANYBODY))


def _holds(held: re.Pattern[str], text: str, asked: frozenset[str]) -> bool:
    return any(not asked & token_set(match[0]) for match in held.finditer(text))
