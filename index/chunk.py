"""Article → passages: whole sentences, packed up to a size, with offsets into its text."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

import sentencex

from index.records import Article, Passage, Sentence

MAX_CHARS = 1000
"""A passage's size; about 220 word pieces, so that the embedder (256) sees all of it."""
MIN_CHARS = 200
"""Paragraphs shorter than this (headings, one-liners) join the next one."""
CHUNKING = f"titled sentences/3 max={MAX_CHARS} min={MIN_CHARS}"
"""Written into the index's stamp: vectors of another chunking cannot be mixed with ours."""

WRAPPED_LINE = 100
TERMINAL = (".", "!", "?", "…", "。", "！", "？", "।", "؟")
CLOSING = "\"'”’»)]* \t"
# One "\r\n" must not pass for two ends of lines.
_NEWLINE = re.compile(r"\r\n|\r(?!\n)|(?<!\r)\n")
_BLANK_LINES = re.compile(rf"(?:[ \t\f\v]*(?:{_NEWLINE.pattern})){{2,}}[ \t\f\v]*")
_WORD = re.compile(r"\w")
_BREAKS_OFF = re.compile(
    r"(?<!\w)(?:an?|the|and|or|of|to|in|on|at|by|for|with|from|as|that|which|is|are|was|were|its|his|"
    r"her|their)$",
    re.IGNORECASE,
)
"""How a line ends that is wrapped, however short it is."""
_TITLE = re.compile(r"(?<!\w)Cllrs?\.$")
_SHORT = re.compile(r"(?<!\w)(?:approx|max|est|vols?|ch|paras?|incl|excl)\.$", re.IGNORECASE)
"""Short forms that the library takes for ends of sentences; before a capital they may be."""

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """`text[start:end]` without surrounding white space."""

    start: int
    end: int
    heading: bool


def chunk(article: Article, key: str = "") -> list[Passage]:
    """Cut an article into passages of at most `MAX_CHARS` characters, at sentence ends.

    Every character that is not white space is in exactly one sentence, and every sentence in
    exactly one passage. `key` starts the passages' ids.
    """
    return [
        Passage(
            id=f"{key}:p{number}",
            article_id=article.id,
            start=group[0].start,
            end=group[-1].end,
            text=article.text[group[0].start : group[-1].end],
            sentences=tuple(group),
            title=article.title,
        )
        for number, group in enumerate(_pack(list(_paragraph_sentences(article.text))))
    ]


def paragraphs(text: str) -> list[Paragraph]:
    """The paragraphs of a text, whether they are parted by blank lines or by single line ends."""
    spans = [
        span
        for block in _parted(text, (0, len(text)), _BLANK_LINES)
        for span in ([block] if _is_wrapped(text, block) else _lines(text, block))
    ]
    return [
        Paragraph(start, end, _is_heading(text, spans, place))
        for place, (start, end) in enumerate(spans)
    ]


def _parted(text: str, span: Span, border: re.Pattern[str]) -> list[Span]:
    """Cut a span at the borders; pieces lose surrounding white space, empty ones are left out."""
    pieces = []
    start = span[0]
    for match in [*border.finditer(text, *span), None]:
        end = match.start() if match else span[1]
        piece = _trim(text, (start, end))
        if piece[0] < piece[1]:
            pieces.append(piece)
        start = match.end() if match else end
    return pieces


def _lines(text: str, block: Span) -> list[Span]:
    """The lines of a block; one that breaks off in mid-sentence goes on in the next."""
    lines: list[Span] = []
    for start, end in _parted(text, block, _NEWLINE):
        if lines and not text[start].isupper() and _BREAKS_OFF.search(text, *_tail(lines[-1])):
            lines[-1] = (lines[-1][0], end)
        else:
            lines.append((start, end))
    return lines


def _tail(span: Span) -> Span:
    """The end of a span, where its last word is looked for: what is joined grows without bound."""
    return max(span[0], span[1] - 12), span[1]


def _trim(text: str, span: Span) -> Span:
    start, end = span
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _ends_sentence(text: str) -> bool:
    return text.rstrip(CLOSING).endswith(TERMINAL)


def _is_wrapped(text: str, span: Span) -> bool:
    """Tell one hard-wrapped paragraph from several that stand a line each."""
    lines = [line for line in _NEWLINE.split(text[span[0] : span[1]]) if line.strip()]
    if len(lines) < 2 or any(len(line) > WRAPPED_LINE for line in lines):
        return False
    # A wrapped line ends where the width ran out, mostly in mid-sentence and never very early.
    inner = lines[:-1]
    broken = [line for line in inner if not _ends_sentence(line) and len(line) > 30]
    return len(broken) * 2 > len(inner)


def _is_heading(text: str, spans: list[Span], place: int) -> bool:
    start, end = spans[place]
    if end - start > 100 or _NEWLINE.search(text, start, end) or _ends_sentence(text[start:end]):
        return False
    if place + 1 == len(spans):
        return False
    after = text[slice(*spans[place + 1])]
    # Short lines in a row are a list, whose items may well be the answer.
    return len(after) > 100 or _ends_sentence(after)


def _paragraph_sentences(text: str) -> Iterator[list[Sentence]]:
    for paragraph in paragraphs(text):
        spans = [
            part
            for span in sentence_spans(text, (paragraph.start, paragraph.end))
            for part in _limited(text, span)
        ]
        yield [Sentence(start, end, text[start:end], paragraph.heading) for start, end in spans]


def sentence_spans(text: str, span: Span) -> list[Span]:
    """The sentences of `text[start:end]` as trimmed spans into `text`, in order."""
    part = text[slice(*span)]
    spans: list[Span] = []
    position = 0
    for boundary in sentencex.get_sentence_boundaries("en", part):
        # Lengths rather than the library's own offsets: pieces are contiguous and lose nothing.
        end = min(position + len(boundary["text"]), len(part))
        if part[position:end] != boundary["text"]:
            break
        spans.append((position, end))
        position = end
    if position < len(part):
        spans.append((position, len(part)))
    trimmed = [_trim(text, (span[0] + start, span[0] + end)) for start, end in spans]
    return _joined(text, [(start, end) for start, end in trimmed if start < end])


def _joined(text: str, spans: list[Span]) -> list[Span]:
    """Give a piece without any word (a stray quotation mark, a bullet) to its neighbour.

    And to a piece that ends with a short form what it is short before.
    """
    joined: list[Span] = []
    for start, end in spans:
        if joined and _goes_on(text, joined[-1], (start, end)):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _goes_on(text: str, before: Span, piece: Span) -> bool:
    if not (_WORD.search(text, *piece) and _WORD.search(text, *before)):
        return True
    if _TITLE.search(text, *_tail(before)):
        return True
    return bool(_SHORT.search(text, *_tail(before))) and not text[piece[0]].isupper()


def _limited(text: str, span: Span) -> Iterator[Span]:
    """Cut a sentence that is longer than a passage may be, at white space where there is any."""
    start, end = span
    while end - start > MAX_CHARS:
        cut = max(text.rfind(" ", start + MAX_CHARS // 2, start + MAX_CHARS), 0)
        cut = cut or start + MAX_CHARS
        piece = _trim(text, (start, cut))
        yield piece
        start, end = _trim(text, (cut, end))
    if start < end:
        yield start, end


def _pack(blocks: list[list[Sentence]]) -> Iterator[list[Sentence]]:
    """Sentences by paragraph → groups of sentences, one a passage."""
    waiting: list[Sentence] = []
    for block in blocks:
        group = waiting + block
        size = group[-1].end - group[0].start
        if waiting and size > MAX_CHARS and not all(sentence.heading for sentence in waiting):
            yield from _split(waiting)
            group, size = block, block[-1].end - block[0].start
        waiting = []
        if size < MIN_CHARS or all(sentence.heading for sentence in group):
            waiting = group
        else:
            yield from _split(group)
    if waiting:
        yield from _split(waiting)


def _split(group: list[Sentence]) -> Iterator[list[Sentence]]:
    """Cut a group into parts of about equal size, none over `MAX_CHARS`."""
    end = group[-1].end
    part: list[Sentence] = []
    target = 0.0
    for sentence in group:
        if part:
            now = part[-1].end - part[0].start
            then = sentence.end - part[0].start
            # Take the sentence in while that brings the part nearer to its share.
            if then > MAX_CHARS or then - target > target - now:
                yield part
                part = []
        if not part:
            left = end - sentence.start
            target = left / math.ceil(left / MAX_CHARS)
        part.append(sentence)
    if part:
        yield part
