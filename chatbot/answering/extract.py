"""The extractive answerer: one to three sentences of the article, the most relevant first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chatbot.answering.kinds import asked_kind, holds
from index import Hit, Retriever, Sentence, SentenceEvidence
from index.lexical import token_set

SENTENCE, PASSAGE, LEXICAL = 0.42, 0.28, 0.30
"""A sentence's own cosine, its passage's score, and the rare words it shares with the question."""
KIND_BONUS = {"quotation": 0.25}
OTHER_KIND_BONUS = 0.1
"""For a sentence that holds the kind of thing asked for: a name, an amount, a time. Whose words a
sentence quotes is told more surely than the others, and asked for more pointedly."""
QUESTION_MALUS = 0.25
"""A sentence that asks does not answer."""
SENTENCES = 3
KEPT = 0.62
"""The second and third sentence must come this near to the first one's score."""
SAME = 0.6
"""Two sentences that share more of their words than this say the same."""


@dataclass(frozen=True, slots=True)
class Quote:
    """A sentence of an article that an answer consists of, or that comes nearest to one."""

    article: str
    sentence: Sentence
    score: float


def ranked(question: str, hits: Sequence[Hit]) -> list[Quote]:
    """The sentences of all hits, best first; headings only where there is nothing else."""
    kind = asked_kind(question)
    pairs = [(hit, each) for hit in hits for each in hit.sentences]
    pairs = [pair for pair in pairs if not pair[1].sentence.heading] or pairs
    quotes = []
    for hit, evidence in pairs:
        score = _score(hit, evidence)
        if kind and holds(kind, evidence.sentence.text, question):
            score += KIND_BONUS.get(kind, OTHER_KIND_BONUS)
        quotes.append(Quote(hit.passage.article_id, evidence.sentence, score))
    return sorted(quotes, key=lambda quote: -quote.score)


def choose(question: str, hits: Sequence[Hit]) -> list[Quote]:
    """One to three sentences that answer best, without saying anything twice."""
    quotes = ranked(question, hits)
    if not quotes:
        return []
    least = KEPT * quotes[0].score
    return distinct([quote for quote in quotes if quote.score >= least], SENTENCES)


def distinct(quotes: Sequence[Quote], count: int) -> list[Quote]:
    """The first `count` quotes that do not repeat one before them."""
    chosen: list[Quote] = []
    for quote in quotes:
        if not any(_alike(quote.sentence.text, other.sentence.text) for other in chosen):
            chosen.append(quote)
        if len(chosen) == count:
            break
    return chosen


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
    score -= QUESTION_MALUS * np.array([_asks(each.sentence) for each in evidence])
    score -= 2.0 * np.array([each.sentence.heading for each in evidence])
    chosen: list[int] = []
    while len(chosen) < min(count, total):
        repeated = (vectors @ vectors[chosen].T).max(axis=1) if chosen else np.zeros(total)
        gain = 0.7 * score - 0.3 * repeated
        gain[chosen] = -np.inf
        chosen.append(int(gain.argmax()))
    return [Quote(article, evidence[n].sentence, float(score[n])) for n in sorted(chosen)]


def _score(hit: Hit, evidence: SentenceEvidence) -> float:
    score = SENTENCE * evidence.dense + PASSAGE * hit.score + LEXICAL * evidence.lexical
    return score - QUESTION_MALUS * _asks(evidence.sentence)


def _asks(sentence: Sentence) -> bool:
    return sentence.text.rstrip("\"'”’ ").endswith(("?", "？", "؟"))


def _alike(one: str, other: str) -> bool:
    first, second = token_set(one), token_set(other)
    either = len(first | second)
    return not either or len(first & second) / either > SAME
