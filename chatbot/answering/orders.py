"""Sentences of an article that speak to a machine and not to a reader.

A page can hold text that gives a language model orders. Such a sentence is not handed to the model
and supports nothing that it writes. In the article's own words, and in quotation marks, it stays
what it is: text.
"""

from __future__ import annotations

import re

from index import Passage

LEFT_OUT = "[…]"
_QUOTED = re.compile(r"[“\"«„][^“”\"«»„]*[”\"»“]")
_ORDER = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b.{0,40}"
    r"\b(?:instructions?|rules|prompts?|guidelines)\b"
    r"|\bfrom now on,? (?:you|answer|say|reply|respond|always|only)\b"
    r"|\byou are now\b.{0,40}\b(?:assistant|ai|bot|chatbot|model|mode|free)\b"
    r"|(?:^|[\s>\]])(?:system|assistant|developer)\s?:"
    r"|\b(?:tell|inform|remind|instruct) the (?:reader|user|visitor)s? (?:to|that)\b"
    r"|\b(?:when|if|whenever) (?:you are |you're |anyone is |someone is )?asked\b.{0,80}"
    r"\b(?:answer|say|reply|respond)\b"
    r"|\b(?:always|never) (?:end|begin|start|finish|answer|reply|respond)\b.{0,20}"
    r"(?:\b(?:answers?|repl(?:y|ies)|responses?)\b|with\b|[:<!\[])"
    r"|\b(?:answer|reply|respond) (?:only|always|with exactly)\b"
    r"|!\[[^\]]*\]\(|<\s*/?\s*(?:script|img|iframe|svg|form|passage|system|article)\b"
    r"|\]\(\s*(?:javascript:|data:)",
    re.IGNORECASE,
)


def is_order(text: str) -> bool:
    """Whether a sentence, outside its quotations, gives a machine orders or holds active markup."""
    return bool(_ORDER.search(_QUOTED.sub(" ", " ".join(text.split()))))


def shown(passage: Passage) -> str:
    """A passage's text for a model, without such sentences."""
    parts: list[str] = []
    for sentence in passage.sentences:
        if not is_order(sentence.text):
            parts.append(" ".join(sentence.text.split()))
        elif parts[-1:] != [LEFT_OUT]:
            parts.append(LEFT_OUT)
    return " ".join(parts)
