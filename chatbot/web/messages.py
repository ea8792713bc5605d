"""Answers as the HTML of the chat page's messages; every text in it is escaped."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from chatbot.answers import Answer, Citation, CitedSentence
from chatbot.web.api import article_reference

UNSUPPORTED = "not found in the article"


def render(answer: Answer) -> str:
    """An answer as the HTML of a message; every text in it is escaped."""
    if answer.state == "answered":
        told = f'<p class="notice">{escaped(answer.notice.message)}</p>' if answer.notice else ""
        return answer_html(answer.sentences, told)
    shown = "".join(f"<p>{escaped(sentence.text)}</p>" for sentence in answer.sentences)
    if answer.nearest:
        items = "".join(
            f"<li>{_with_buttons(CitedSentence(_short(citation.quote), (citation,)))}</li>"
            for citation in answer.nearest
        )
        shown += f'<p class="near">Nearest in the article</p><ul>{items}</ul>'
    return f'<div class="answer {answer.state}">{shown}</div>'


def cite_button(citation: Citation) -> str:
    """A citation's button: its class is `c--`, the article's reference, and the span."""
    reference = f"c--{article_reference(citation.article)}-{citation.start}-{citation.end}"
    if citation.phrase:
        reference += f"-{citation.phrase.start}-{citation.phrase.end}"
    title = escaped(_short(citation.quote, 160))
    return (
        f'<button type="button" class="cite {reference}" title="{title}">{citation.number}</button>'
    )


def answer_html(sentences: Sequence[CitedSentence], told: str = "") -> str:
    """Sentences with their citations' buttons, after the phrase that comes first."""
    shown = "".join(f"<p>{_with_buttons(sentence)}</p>" for sentence in sentences) + told
    if sentences and sentences[0].phrase:
        shown = f'<p class="lead">{escaped(sentences[0].phrase)}</p>{shown}'
    return f'<div class="answer answered">{shown}</div>'


def _with_buttons(sentence: CitedSentence) -> str:
    """A sentence whose buttons never stand on a line without its last word."""
    buttons = "".join(f" {cite_button(citation)}" for citation in sentence.citations)
    if not sentence.supported:
        buttons += f' <em class="unsupported">{UNSUPPORTED}</em>'
    before, phrase, after = sentence.parts
    if not phrase:
        shown, ending = _parted(before)
    elif " " in after:
        shown, ending = _parted(after)
        shown = f"{_kept(before)}{_marked(phrase)}{shown}"
    else:
        most, space, last = phrase.rpartition(" ")
        shown = f"{_kept(before)}{_marked(most + space)}"
        ending = f"{_marked(last)}{escaped(after)}"
    return f'{shown}<span class="tail">{ending}{buttons}</span>'


def _parted(text: str) -> tuple[str, str]:
    """All of a text but its last word, and that."""
    most, space, last = text.rpartition(" ")
    return _kept(most + space), escaped(last)


def _marked(phrase: str) -> str:
    return f"<strong>{_kept(phrase)}</strong>" if phrase else ""


def note_html(text: str) -> str:
    """What is no answer: a fault, or something to wait for."""
    return f'<div class="answer note"><p>{escaped(text)}</p></div>'


def escaped(text: str) -> str:
    """A text as HTML shows it, on one line: a blank line would end the HTML and begin Markdown."""
    return html.escape(" ".join(text.split()), quote=True)


def _kept(text: str) -> str:
    """Escaped and on one line, too, with a space at its ends where there is one."""
    return html.escape(re.sub(r"\s+", " ", text), quote=True)


def _short(text: str, length: int = 240) -> str:
    """On one line, and cut where a word ends; anywhere in a script that has no spaces."""
    text = " ".join(text.split())
    if len(text) <= length:
        return text
    words, _, rest = text[:length].rpartition(" ")
    whole = words if len(rest) < length // 2 else text[: length - 1]
    return whole.rstrip() + "…"
