"""Whether a message asks for the whole article in short, and for nothing in particular of it.

Such a message mostly says what it wants ("the gist", "sum up", "what is it about") and beside that
holds only words that name the article, are polite or say how, in any order. A word about something
else makes a question of it: "the main point of the treaty". Others are put so freely ("no time to
read, just the essentials") that only their meaning tells: a logistic model over the message's
vector, fitted by `python -m chatbot.answering.fit_summaries`, where the embedder is the one that it
was fitted on.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from index import Embedder
from index.embed import Vectors

MODEL = Path(__file__).with_name("summaries.json")

_TEXT = "article|text|story|page|piece|post|document|paper|report|essay|news|blog|column"
_IT = f"(?:the|this|that|it|all|of|whole|entire|everything|thing|{_TEXT})"
_WANTED = re.compile(
    r"\b(?:"
    rf"summ?[ae]r(?:y|ies|i[sz]\w*)|sum(?:s|med|ming)? (?:{_IT} )*up|boil (?:{_IT} )*down|"
    r"recap|outline|condense|synopsis|overview|abstract|rundown|gist|essence|upshot|tl ?dr|eli5|"
    r"take ?aways?|take home|highlights|nutshell|bottom line|big picture|"
    r"(?:main|key|central|core|overall|principal|essential|basic|most important|biggest) "
    r"(?:points?|ideas?|messages?|topics?|subjects?|arguments?|themes?|thes[ie]s|findings?|"
    r"facts?|story|things?|claims?)|"
    r"(?:is|s) the (?:point|story|topic|subject|theme|message)|"
    r"(?:short|quick|brief|simple|concise) (?:version|description|explanation)|"
    r"(?:take|learn|remember) (?:away )?from|need to know|i (?:have )?miss(?:ed)?|"
    r"(?:is|s|are|was) (?:(?:mainly|mostly|basically|really|actually|generally|these|"
    rf"{_IT}) )*(?:about|saying)|"
    rf"(?:does|do|did) (?:(?:{_IT}|author|writer) )+(?:(?:want|try) to )?"
    r"(?:say|tell|discuss|cover|argue|claim|convey|talk about|write about)|"
    rf"(?:explain|describe|tell me about|go over|walk me through) (?:(?:your|whole|{_IT}) )+|"
    r"happen(?:s|ed) here|going on(?: here)?"
    r")\b"
)
_HOW = re.compile(
    r"\b(?:in (?:short|brief)|(?:in|using) (?:(?:plain|simple|easy|clear|your own|a few|other) )*"
    r"(?:english|words|terms|language)|"
    r"(?:like|as if) i (?:m|am|was|were) (?:a )?(?:five|5|child|kid)(?: years? old)?)\b"
)
_BESIDE = frozenset(
    # The article and who wrote it; never what it is about.
    f"{_TEXT.replace('|', ' ')} this that it its these the a an your everything all whole full"
    " entire thing things content contents stuff author writer"
    # What is asked of whom, how, and how much of it.
    " what s whats is are was be do does did has can could would will you i me we us my one"
    " please pls kindly thanks thank thx ok okay so now and just then also but well hey hi hello"
    " give tell show write get make want need like have let say says said know read explain"
    " describe provide put of in on about from for to with at up as by or really actually mainly"
    " mostly basically generally exactly only simply briefly quickly shortly short brief quick"
    " concise simple nice good main key most important overall general words sentence"
    " sentences line lines bullet bullets point points list paragraphs few couple some"
    " two three four five 1 2 3 4 5 10 50 100 less than more version here there should made told"
    " covered discussed mentioned described contained".split()
)
_WORD = re.compile(r"\w+")
LONGEST = 200
"""Of so many characters at most; who writes more asks for something."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """The fitted model: `weights` (dimension,) of vectors that the named embedder gives."""

    embedder: str
    weights: Vectors
    bias: float
    threshold: float

    def score(self, vectors: Vectors) -> Vectors:
        """Vectors (…, dimension) → log-odds (…,) that the messages ask for a summary."""
        scores: Vectors = vectors @ self.weights + self.bias
        return scores


@cache
def fitted(path: Path = MODEL) -> Meaning:
    """The model that the project ships."""
    data = json.loads(path.read_text(encoding="utf-8"))
    weights = np.array(data["weights"], dtype=np.float32)
    return Meaning(data["embedder"], weights, data["bias"], data["threshold"])


def means_all(message: str, embedder: Embedder) -> bool:
    """Whether a message asks for a summary by what it means, whatever its words.

    False where the embedder is another than the model's.
    """
    model = fitted()
    if len(message) > LONGEST or embedder.name != model.embedder:
        return False
    return bool(model.score(embedder.embed_query(message)) > model.threshold)


def asks_for_all(message: str) -> bool:
    """Whether a message asks for a summary of everything: "tl;dr", "What's this all about?"."""
    if len(message) > LONGEST:
        return False
    words = " ".join(_WORD.findall(message.casefold()))
    rest, wanted = _WANTED.subn(" ", words)
    return wanted > 0 and _BESIDE.issuperset(_HOW.sub(" ", rest).split())
