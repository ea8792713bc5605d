"""The extractive answerer: one to three sentences of the article, the most relevant first."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from chatbot.answering.kinds import asked_kind, holds
from chatbot.answering.orders import is_order
from chatbot.answering.polar import polar
from chatbot.answering.reader import sure
from index import Hit, Phrase, Retriever, Sentence, SentenceEvidence
from index.lexical import token_set

FEATURES = (
    "dense", "mix", "lexical", "before", "pairs", "late", "least", "kind", "phrase", "answers",
)  # fmt: skip
"""What speaks for a sentence: see SentenceEvidence and Hit; `kind` is whether it holds the kind
of thing that is asked for."""
WEIGHTS = (1.15, 5.0, 3.7, 4.6, 1.4, 17.1, 2.2, 1.9, 0.0, 0.0)
"""Log-odds for each where no reader has read; fitted by `tests/benchmarks/ablation.py` on new_wiki
of SquadShifts."""
READ_WEIGHTS = (2.5, 3.0, 2.1, 1.4, 0.55, 0.0, 0.0, 0.32, 0.29, 0.1)
"""The same where it has, which leaves out the comparison of tokens; fitted on the paragraphs of
SquadShifts that it was not trained on."""
UNREAD = (-14.0, -6.0)
"""What stands for a reader's two where it did not come to a passage: lower than what it makes of
one that does not answer, so that what was read goes first."""
KIND = FEATURES.index("kind")
QUOTATION_BONUS = 4.0
"""Whose words a sentence quotes is told surely, and asked for pointedly; too rare to be fitted."""
CERTAIN_BONUS = 4.0
"""A sentence that holds a question's own words, or denies just them, says yes or no; likewise."""
HALF = 0.5
"""One that holds a smaller part of them cannot."""
QUESTION_MALUS = 3.0
"""A sentence that asks does not answer; too rare to be fitted."""
ORDER_MALUS = 8.0
"""Nor does one that gives a machine orders."""
SAID_MALUS, FOLLOWING_BONUS = 6.0, 1.0
"""A follow-up asks for more than the answer before it, and often for what comes right after it.
Chosen on the follow-ups of `tests/gold_wiki.jsonl`."""
SAID_SURELY, SAID_AGAIN = 3.0, 1.5
"""Where the reader finds a phrase so surely in a sentence that was quoted, the malus is this: it
may tell two things. Of 471 answered follow-ups about `apart.jsonl` 0.81 instead of 0.65 begin with
the right sentence; from 2.0 to 4.0 it is the same, and nothing is lost on `gold_wiki`'s."""
SUMMARY_QUESTION_MALUS = 0.25
SENTENCES = 3
KEPT = 0.01
"""The second and third sentence must be at least this likely, the first being 1. On the answerable
questions of the confidence's, 0.02, 0.01 and 0.005 give 1.9, 2.1 and 2.3 sentences, one of which is
right in 0.957, 0.961 and 0.962."""
SAME = 0.6
"""Two sentences that share more of their words than this say the same."""
_HANGS_ON = re.compile(r"(?<![\w-])[^\W\d_]\w*(?:-\w+)*-$")


@dataclass(frozen=True, slots=True)
class Quote:
    """A sentence of an article that an answer consists of, or that comes nearest to one."""

    article: str
    sentence: Sentence
    score: float
    phrase: Phrase | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A sentence of an answer in the making, and what it rests on.

    `supported` is false only where a reader is shown what nothing was found for.
    """

    text: str
    quotes: tuple[Quote, ...]
    supported: bool = True


_MORE = re.compile(
    r"\b(?:else|others?|another|more|besides|instead|also|too|next|then|after|before)\b",
    re.IGNORECASE,
)
"""What is asked for beside what was said, or for what came before or after it."""

Scored = tuple[Hit, SentenceEvidence, float]
"""A sentence of a hit with its log-odds among all sentences of the hits."""


def scored(question: str, hits: Sequence[Hit], said: str = "") -> list[Scored]:
    """The sentences of all hits, best first; headings only where there is nothing else.

    `said` is the answer before, which a follow-up does not ask for again.
    """
    repeated, more = _plain(said), bool(_MORE.search(question))
    found = []
    before = False
    quotation = asked_kind(question) == "quotation"
    weights = WEIGHTS if all(hit.answers is None for hit in hits) else READ_WEIGHTS
    for hit, evidence, row in features(question, hits):
        score = sum(weight * value for weight, value in zip(weights, row, strict=True))
        if quotation and row[KIND]:
            score += QUOTATION_BONUS
        if evidence.lexical > HALF and polar(question, evidence.sentence.text):
            score += CERTAIN_BONUS
        score -= QUESTION_MALUS * _asks(evidence.sentence)
        score -= ORDER_MALUS * is_order(evidence.sentence.text)
        same = _same_phrase(evidence, repeated)
        again = same or (bool(repeated) and _plain(evidence.sentence.text) in repeated)
        surely = again and not (same or more) and _surely(evidence)
        follows = before and evidence is not hit.sentences[0]
        score += FOLLOWING_BONUS * (follows and not again)
        score -= (SAID_AGAIN if surely else SAID_MALUS) * again
        before = again
        found.append((hit, evidence, score))
    found = [each for each in found if not each[1].sentence.heading] or found
    return sorted(found, key=lambda each: -each[2])


def features(
    question: str, hits: Sequence[Hit]
) -> list[tuple[Hit, SentenceEvidence, tuple[float, ...]]]:
    """Each sentence of the hits with its row of FEATURES."""
    kind = asked_kind(question)
    found: list[tuple[Hit, SentenceEvidence, tuple[float, ...]]] = []
    for hit in hits:
        for each in hit.sentences:
            of_kind = bool(kind and holds(kind, each.sentence.text, question))
            row = (
                each.dense, hit.mix, each.lexical, each.before, each.pairs,
                each.late, each.least, float(of_kind),
                each.phrase.score if each.phrase else UNREAD[0],
                UNREAD[1] if hit.answers is None else hit.answers,
            )  # fmt: skip
            found.append((hit, each, row))
    return found


def quotes(found: Iterable[Scored]) -> list[Quote]:
    """Scored sentences as quotes."""
    return [
        Quote(hit.passage.article_id, each.sentence, score, _phrase(hit, each))
        for hit, each, score in found
    ]


def choose(found: Sequence[Scored]) -> list[Quote]:
    """One to three sentences that answer best, without saying anything twice."""
    if not found:
        return []
    least = found[0][2] + math.log(KEPT)
    return distinct(quotes(each for each in found if each[2] >= least), SENTENCES)


def distinct(found: Sequence[Quote], count: int) -> list[Quote]:
    """The first `count` quotes that do not repeat one before them."""
    chosen: list[Quote] = []
    for quote in found:
        if not any(_alike(quote.sentence.text, other.sentence.text) for other in chosen):
            chosen.append(quote)
        if len(chosen) == count:
            break
    return chosen


def in_turn(found: Sequence[Sequence[Quote]], count: int) -> list[Quote]:
    """`count` quotes of several answers: the first of each, then the second, in their order.

    Only the first of an answer keeps its phrase.
    """
    ranked = [
        (rank, answer, quote if rank == 0 else replace(quote, phrase=None))
        for answer, each in enumerate(found)
        for rank, quote in enumerate(each)
    ]
    chosen = distinct([quote for *_, quote in sorted(ranked, key=lambda each: each[:2])], count)
    # Two answers may quote the same.
    places = {id(quote): (answer, rank) for rank, answer, quote in ranked}
    return sorted(chosen, key=lambda quote: places[id(quote)])


def summarise(retriever: Retriever, article: str, count: int = SENTENCES) -> list[Quote]:
    """An article's central sentences in their own order.

    A sentence is central where it is near to the mean of all, and early, as news puts first what
    matters; each choice after the first is weighed against those before it (maximal marginal
    relevance, Carbonell and Goldstein 1998).
    """
    evidence, vectors = retriever.sentences(article)
    total = len(evidence)
    if not total:
        return []
    lengths = np.array([len(each.sentence.text) for each in evidence], dtype=np.float32)
    central = np.array([each.dense for each in evidence], dtype=np.float32)
    early = 1.0 / (1.0 + np.arange(total, dtype=np.float32))
    score = central + 0.25 * early - 0.4 * (lengths < 50)
    score -= SUMMARY_QUESTION_MALUS * np.array([_asks(each.sentence) for each in evidence])
    score -= 2.0 * np.array([each.sentence.heading for each in evidence])
    chosen: list[int] = []
    while len(chosen) < min(count, total):
        repeated = (vectors @ vectors[chosen].T).max(axis=1) if chosen else np.zeros(total)
        gain = 0.7 * score - 0.3 * repeated
        gain[chosen] = -np.inf
        chosen.append(int(gain.argmax()))
    return [Quote(article, evidence[n].sentence, float(score[n])) for n in sorted(chosen)]


def _phrase(hit: Hit, evidence: SentenceEvidence) -> Phrase | None:
    """The words that answer: of a passage that surely does its reading knows best."""
    look = evidence.look.phrase if evidence.look else None
    phrase = evidence.phrase if sure(hit) else look or evidence.phrase
    return _from_word_start(phrase, evidence.sentence) if phrase else None


def _from_word_start(phrase: Phrase, sentence: Sentence) -> Phrase:
    """A phrase with what a number that it begins with hangs on: "51877" of "CVE-2024-51877".

    Of answers in SquadShifts and SQuAD 2.0's dev set 26 begin with such a word, 4 in its midst.
    """
    at = phrase.start - sentence.start
    begun = _HANGS_ON.search(sentence.text, 0, at) if sentence.text[at].isdigit() else None
    return replace(phrase, start=sentence.start + begun.start()) if begun else phrase


def _same_phrase(evidence: SentenceEvidence, said: str) -> bool:
    """Whether what was said is only the phrase that is found in this sentence once more."""
    if not evidence.phrase or not 0 < len(said) < len(evidence.sentence.text):
        return False
    begin = evidence.sentence.start
    phrase = evidence.sentence.text[evidence.phrase.start - begin : evidence.phrase.end - begin]
    return phrase.casefold() in said.casefold() and len(said) < 2 * len(phrase) + 12


def _surely(evidence: SentenceEvidence) -> bool:
    """Whether the reader finds a phrase in a sentence that surely answers."""
    return evidence.phrase is not None and evidence.phrase.score >= SAID_SURELY


def _plain(text: str) -> str:
    """A text without the numbers of citations, for comparison."""
    return " ".join(re.sub(r"\[\d+\]", " ", text).split())


def _asks(sentence: Sentence) -> bool:
    return sentence.text.rstrip("\"'”’ ").endswith(("?", "？", "؟"))


def _alike(one: str, other: str) -> bool:
    first, second = token_set(one), token_set(other)
    either = len(first | second)
    return not either or len(first & second) / either > SAME
