"""Questions to start from: made from an article by rule, kept only where the chatbot answers them.

A rule turns a wording that states something into the question it answers. A question counts only
if the chatbot, asked it, answers with a citation of the sentence that it was made from.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from chatbot.answers import Answer, Request
from index import Article, Sentence, chunk

COUNT = 4
TRIED = 24
"""So many candidates of an article are tried at most, since each is a search."""
ABOUT = "What is this article about?"

_NAME = r"[A-Z][\w’'-]+(?: (?:(?:of|the|de|von|van|al) )?[A-Z][\w’'-]+){0,3}"
_TITLES = (
    r"(?:President|Prime Minister|Minister|Chancellor|Secretary|Senator|Governor|Mayor|King|Queen|"
    r"Professor|Dr\.?|CEO|Director|General|Judge|Justice|Ambassador|Chief Executive|Chairman|Chair)"
)
_SAYS = (
    r"(?:said|says|stated|stating|told|added|adding|noted|explained|argued|warned|declared|saying|"
    r"insisted|remarked|wrote|writes|emphasi[sz]ing|emphasi[sz]ed|underscored|announced|asked)"
)
_STARTERS = re.compile(r"^(?:The|A|An|This|That|These|Those|His|Her|Its|Their|Our|My|In|On|At) ")
_QUOTE = re.compile(r"[“\"«][^”\"»]{20,}")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A question and the sentence that should answer it; `rank` is lower for better wordings."""

    question: str
    sentence: Sentence
    rank: int


def suggest(article: Article, ask: Callable[[Request], Answer], count: int = COUNT) -> tuple[str, ...]:
    """Up to `count` questions about an article, each answered by `ask` with the right citation."""
    chosen = [ABOUT] if ask(Request(ABOUT, article=article.id)).answered else []
    used: set[int] = set()
    candidates = sorted(_candidates(article), key=lambda each: each.rank)
    for candidate in candidates[:TRIED]:
        if len(chosen) >= count:
            break
        start = candidate.sentence.start
        if start in used or candidate.question in chosen:
            continue
        answer = ask(Request(candidate.question, article=article.id))
        if answer.answered and any(c.start == start for c in answer.citations):
            chosen.append(candidate.question)
            used.add(start)
    return tuple(chosen)


def _candidates(article: Article) -> Iterator[Candidate]:
    for passage in chunk(article):
        for sentence in passage.sentences:
            if not sentence.heading and 40 <= len(sentence.text) <= 600:
                for question, rank in _questions(sentence.text):
                    yield Candidate(question, sentence, rank)


def _questions(text: str) -> Iterator[tuple[str, int]]:
    plain = " ".join(text.split())
    outside = _QUOTE.sub("", plain)
    if quote := _QUOTE.search(plain):
        speaker = _speaker(plain[: quote.start()], plain[quote.end() :])
        if speaker:
            yield f"What did {speaker} say?", 0
    pattern = rf"({_NAME}) (is|are) (scheduled|expected|set|due|poised|planning) to "
    if match := re.search(pattern, outside):
        yield f"What {match[2]} {_bare(match[1])} {match[3]} to do?", 1
    if match := re.search(rf"({_NAME}) will (?!be\b|have\b)\w+", outside):
        yield f"What will {_bare(match[1])} do?", 2
    pattern = r"^((?:The|This|Its|Their) (?:[\w-]+ ){1,3}?)(includes?|contains?|requires?|offers?|allows?|aims? to|seeks? to) "
    if match := re.match(pattern, outside):
        subject = match[1].strip()
        subject = subject[0].lower() + subject[1:]
        verb = match[2]
        auxiliary = "does" if re.match(r"\w+s\b", verb) else "do"
        base = re.sub(r"^(\w+?)s\b", r"\1", verb)
        yield f"What {auxiliary} {subject} {base}{' do' if base.endswith(' to') else ''}?", 1
    if match := re.search(rf"((?:[A-Z][\w-]+ ){{2,}})?(?:, or |\()(?:the )?({_NAME})(?:,|\))", outside):
        if match[1]:
            yield f"What is the {match[2]}?", 2
    if match := re.search(rf"{_TITLES} ((?:[A-Z][\w’'-]+ ?){{2,3}})", outside):
        yield f"Who is {_bare(match[1])}?", 3
    for match in re.finditer(r"(?<![.!?] )(?<!^)\b(?:[A-Z][\w’'-]+ ){1,3}[A-Z][\w’'-]+", outside):
        yield f"What does the article say about {_bare(match[0])}?", 4


def _speaker(before: str, after: str) -> str | None:
    """Whose words a quotation is, where that is plain from the words around it."""
    for part in (after[:80], before):
        if match := re.search(rf"{_SAYS} ({_NAME})|({_NAME})(?:,[^,]*,)? {_SAYS}", part):
            return _bare(match[1] or match[2])
    names = [
        name for name in re.findall(_NAME, before) if re.match(_TITLES, name) or " " in name
    ]
    return _bare(names[0]) if names and re.search(_SAYS, before) else None


def _bare(name: str) -> str:
    """A name without a possessive, a leading article or anything hanging on."""
    name = re.sub(r"(?:’s|'s|’|')$", "", name.strip(" ,;:"))
    return _STARTERS.sub("", name)
