"""A question that asks several things, taken apart: "When was it built, and by whom?"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from chatbot.answering.conversation import topic
from chatbot.answering.kinds import NAME
from chatbot.answering.summaries import asks_for_all
from index.lexical import token_set

MOST = 5
"""What asks more is read as one question."""

_AUXILIARY = (
    r"(?:am|is|are|was|were|do|does|did|has|have|had|will|would|can|could|shall|should|may|might|"
    r"must|isn[’']t|aren[’']t|wasn[’']t|weren[’']t|don[’']t|doesn[’']t|didn[’']t|won[’']t)"
)
_PREPOSITIONS = r"(?:after|at|by|during|for|from|in|of|on|out of|over|since|to|under|until|with)"
_BEFORE = rf"(?:{_PREPOSITIONS} )?"
_HOW = r"how (?:many|much|long|old|far|tall|big|large|high|often|deep|wide|heavy|fast|few)"
_THING = r"(?:which|what|whose)"
_ASKING = rf"{_BEFORE}(?:{_HOW}|{_THING}|whom|who|when|where|why|how)"
_CLAUSE = r"(?:i|you|he|she|it|we|they|this|that|these|those|an?|the|his|her|its|our|their|my|your)"
_WORD = rf"(?: (?!(?:{_CLAUSE}|{_PREPOSITIONS})\b)[\w’'-]+)"
_OF = rf"(?: of(?: {_CLAUSE})?{_WORD})?"
_VERB = (
    r"(?:(?:begin|bring|build|buy|close|come|cost|do|end|explain|get|give|go|happen|hold|keep|know|"
    r"last|leave|live|make|mean|meet|need|open|own|pay|plan|run|say|sell|stand|start|take|think|"
    r"use|want|weigh|work)s?|dies?|begun|born|bought|brought|built|came|closed|else|follows|found|"
    r"gave|given|goes|gone|got|held|known|led|loses|lost|made|meant|met|paid|said|sent|set|shown|"
    r"shut|sold|taken|told|took|went|wins|won|written|wrote|\w+ed)"
)
_WHAT = (
    rf"(?: (?!(?:{_CLAUSE}|{_PREPOSITIONS}|{_AUXILIARY}|\w+ed|happens|follows|comes|came|goes|went|"
    r"wins|won|loses|lost|led|made|else)\b)[\w’'-]+)"
)
_NOUN = rf"(?: (?!(?:{_CLAUSE}|{_PREPOSITIONS}|{_AUXILIARY}|{_VERB})\b)[\w’'-]+)"

# "Does it float", "was she paid", "did Ada Lund know": not "and has the key", "and did well".
_POLAR = (
    rf"(?:{_AUXILIARY} (?:i|you|he|she|it|we|they|there)|"
    rf"(?:do|does|did|will|would|can|could|should) (?:{_CLAUSE}\b|(?-i:[A-Z]))) ?\w+"
)
_OTHER = rf"(?:and|or|what about|how about) (?-i:(?:the )?{NAME})"
_JOINT = re.compile(
    rf"(?:(?P<comma>,)|[?;]|[?;,]? (?:and|as well as|plus|&)) "
    rf"(?=(?:{_ASKING}\b)|{_POLAR}|{_OTHER}\W*$)",
    re.IGNORECASE,
)
_COUNTED = re.compile(rf"(?:{_HOW}|{_THING})\b", re.IGNORECASE)
_AND = re.compile(rf" (?:and|as well as|plus|&) {_ASKING}\b", re.IGNORECASE)
_FIRST = re.compile(rf"\b{_ASKING}\b", re.IGNORECASE)
# "How does it work", "in which year was it", "what's it called"; not "how it works".
_INVERTED = re.compile(
    rf"{_BEFORE}(?:(?:{_HOW}|{_THING}|how){_WORD}{{0,3}}?{_OF}|whom|who|when|where|why)"
    rf"(?: {_AUXILIARY} (?!(?:and|or)\b)|[’'](?:s|re) )\S",
    re.IGNORECASE,
)
# "Who won", "how many firms bid"; not "who he is", "what Ada says".
_OF_SUBJECT = re.compile(
    rf"(?:who|what)(?-i:(?! [A-Z]))(?! {_AUXILIARY}$){_WORD}\b(?! (?:i|he|she|we|they)\b)|"
    rf"(?:which|whose|{_HOW})(?:{_OF}{_WORD}|{_WORD})(?:{_WORD}| {_PREPOSITIONS}\b)",
    re.IGNORECASE,
)
_BARE = re.compile(
    rf"{_BEFORE}(?:whom|who|when|where|why|how|what|what for|(?:{_HOW}|{_THING}){_WHAT}{{0,2}})",
    re.IGNORECASE,
)
_ASKED_FIRST = re.compile(
    rf"{_BEFORE}(?:(?:{_HOW}|{_THING})(?: [\w’'-]+){{1,3}}?(?= {_AUXILIARY}\b)|{_ASKING})\b",
    re.IGNORECASE,
)
_YES_OR_NO = re.compile(rf"{_AUXILIARY} \w", re.IGNORECASE)
_GOES_ON = re.compile(rf"(?:who|which|whose|{_AUXILIARY})\b", re.IGNORECASE)
_OTHER_NAMED = re.compile(_OTHER, re.IGNORECASE)
_NAMED = re.compile(NAME)
_THE = re.compile(rf"\b(?:the|this|that|an?){_NOUN}{{1,4}}", re.IGNORECASE)
_BY_DEED = re.compile(
    r"^(?:is|are|was|were) the|"
    r"(?:do|does|did|will|would|can|could|shall|should|may|might|must) the",
    re.IGNORECASE,
)
_IS_THE = re.compile(r"who(?:[’']s| is| was| are| were) the\b", re.IGNORECASE)
_QUOTED = re.compile(r"[“\"][^”\"]*[”\"]")
_NUMBER = re.compile(r"(?:^|(?<=[?.!;,] ))\d[.)] ")
_SENTENCE = re.compile(r"[.!] (?=\S)")
_OF_PERSON = re.compile(r"\b(?:he|him|his|she|hers?)\b", re.IGNORECASE)
_OF_THING = re.compile(r"\b(?:its?|they|them|theirs?)\b", re.IGNORECASE)
_OWNS = re.compile(r"(?:its|their|his)|her(?= \w)", re.IGNORECASE)
_ASKS_WHO = re.compile(rf"\bwho(?! {_AUXILIARY} (?:the |[A-Z])|[’']s [A-Z])\b")
_OWNER = re.compile(r"['’]s?$")
_END = " \t?.!,;—–-"


@dataclass(frozen=True, slots=True)
class Part:
    """One of the things that a question asks: in its own words, and as a question by itself.

    What it has in its own words begins with a capital.
    """

    asked: str
    question: str


def parts(question: str) -> tuple[Part, ...]:
    """The questions that a question consists of; none where it asks one thing, or too many.

    A later one that leaves out what it is about has it from those before: "When did it open, and
    why?" → "Why did it open?". What only stands within a question is left ("what did she say about
    how it works").
    """
    found = _split(_questions(question))
    if not 1 < len(found) <= MOST:
        return ()
    whole = found[:1]
    for other in found[1:]:
        whole.append(_whole(whole, other))
    return tuple(
        Part(f"{a[:1].upper()}{a[1:]}?", f"{b}?") for a, b in zip(found, whole, strict=True)
    )


def _questions(text: str) -> str:
    """What is asked, without its numbers and what is told before it."""
    text = _NUMBER.sub("", text)
    asked = _FIRST.search(text)
    before = [each.end() for each in _SENTENCE.finditer(text, 0, asked.start() + 1 if asked else 0)]
    return text[before[-1] :] if before else text


def _split(question: str) -> list[str]:
    """The parts as they stand in the question, without what joins them."""
    found: list[str] = []
    begin = 0
    quoted = [range(*each.span()) for each in _QUOTED.finditer(question)]
    for joint in _JOINT.finditer(question):
        if any(joint.start() in each for each in quoted):
            continue
        before = question[begin : joint.start()].strip(_END)
        rest = question[joint.end() :]
        another = _JOINT.search(rest)
        after = rest[: another.start() if another else None].strip(_END)
        # A comma parts whole questions, and others in a list whose last comes after "and". "Where
        # is it, in which town?" asks for one thing, "who is she, who has done this?" likewise.
        alone = _asks(after) and _FIRST.match(before) and not _GOES_ON.match(after)
        beside = joint["comma"] is None or _AND.search(rest) or alone
        ended = joint[0].startswith("?")
        asks = ended or _asks(before) or asks_for_all(before) or topic(before)
        # "What did she say about who pays, and why?" may be about the one or the other, and so
        # may "what determines who goes and who stays"; what is inverted is not.
        once = len(_FIRST.findall(before)) < 2 or ended
        # "Who pays, and how much?" is left: no rule puts its second half as a question.
        counted = _COUNTED.match(after) and not _INVERTED.search(before)
        bare = once and not counted and _BARE.fullmatch(after)
        full = _asks(after) and (once or _INVERTED.match(after) or _YES_OR_NO.match(after))
        # "What did Lund say? And Berg?" is read as two turns of a conversation are.
        other = ended and _OTHER_NAMED.fullmatch(after)
        last = found and _BARE.fullmatch(before)
        if last or (beside and asks and (full or bare or other)):
            found.append(before)
            begin = joint.end()
    return [*found, question[begin:].strip(_END)]


def _asks(text: str) -> bool:
    """Whether a text is a question, and not a clause of another."""
    asked = _FIRST.search(text)
    # "Does she say when" goes on: "and how".
    if _BARE.fullmatch(text) or _FIRST.fullmatch(text.rsplit(" ", 1)[-1]):
        return False
    if asked is None or _YES_OR_NO.match(text):
        return bool(_YES_OR_NO.match(text))
    rest = text[asked.start() :]
    return bool(_INVERTED.match(rest) or _OF_SUBJECT.match(rest))


def _whole(before: Sequence[str], other: str) -> str:
    """A later part, with what it leaves out taken from those before it."""
    if _BARE.fullmatch(other):
        asked = _ASKED_FIRST.search(before[-1])
        return before[-1][: asked.start()] + other + before[-1][asked.end() :] if asked else other
    person = bool(_OF_PERSON.search(other))
    kind = _OF_PERSON if person else _OF_THING
    pronoun = kind.search(other)
    meant = None
    for each in reversed(before) if pronoun else ():
        # The same is meant where that pronoun stood before, too.
        meant = None if kind.search(each) else _meant(each, person)
        if meant or kind.search(each):
            break
    if pronoun and meant:
        owner = f"{meant}'s" if _OWNS.match(other, pronoun.start()) else meant
        return other[: pronoun.start()] + owner + other[pronoun.end() :]
    return other if token_set(other) else f"and {other}"


def _meant(text: str, person: bool) -> str | None:
    """What a pronoun after a question stands for, where the question names but one such thing."""
    asked = _FIRST.search(text) or _YES_OR_NO.match(text)
    if not (asked or topic(text)) or text.isupper():
        return None
    # A question begins with a capital itself.
    begin = text.find(" ", asked.start() if asked else 0) + 1
    things = list(_THE.finditer(text, begin))
    within = [range(thing.start(), thing.end()) for thing in things]
    names = [n for n in _NAMED.finditer(text, begin) if not any(n.start() in w for w in within)]
    if person:
        whoever = _ASKS_WHO.search(text[:1].lower() + text[1:])
        found = [] if whoever else names or (things if _IS_THE.search(text) else [])
    else:
        found = [] if _IS_THE.search(text) else [*names, *things]
    # "The name of her book" is more than its first two words.
    if len(found) != 1 or text[found[0].end() :].startswith(" of "):
        return None
    words = _OWNER.sub("", found[0][0])
    if person:
        words = re.split("['’]s ", words)[0]
    # "When does the fair commence": its last word says what it does.
    does = found[0].end() == len(text) and _BY_DEED.search(text)
    return words.rpartition(" ")[0] if does and words.count(" ") > 1 else words
