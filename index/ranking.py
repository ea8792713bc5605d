"""Passages side by side, ranked: the mix of their scores, and what reading the best again adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.embed import Vectors
from index.lexical import Lexicon, overlap, pairs
from index.records import Hit, Passage, Query, SentenceEvidence
from index.spelling import Speller

DENSE, SENTENCE, LEXICAL, AROUND = 0.4, 0.4, 0.2, 0.3
"""The mix; success@1 on XQuAD-en is flat around it. AROUND is the mean cosine of a passage and its
neighbours: what is said near by tells what it is about (recall@5 on MTRAG-UN 0.887 to 0.897)."""
FIRST, SLACK, FEW = 64, 1e-4, 8
"""So many passages are compared first, sentence by sentence, to tell which others may be as good;
what floating point may be wrong by; and one in how many are so few that the others are left out.
Among 10,000 passages half of the questions leave fewer than one in 70, and search takes 6 instead
of 10 ms; what is found is the same."""
READ = 4
"""So many of the best passages are compared with the question token by token."""
LATE, LEAST, HELD, TOGETHER = 3.4, 0.27, 0.62, 0.45
"""Beside the mix: tokens on average, the worst of the question's words, the most of its words
that one sentence holds, and of its neighbouring ones. Fitted by `tests/benchmarks/ablation.py` on
new_wiki of SquadShifts; success@1 is flat around them."""
TOTAL = 1 + LATE + LEAST + HELD + TOGETHER


Floats = NDArray[np.float32]
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Shelf:
    """Passages side by side with their vectors.

    `placed_vectors` are a passage's and the mean of its and its neighbours', in the mix's shares,
    so that one product with the question does. The sentence vectors of passage i begin at
    `starts[i]`.
    """

    passages: tuple[Passage, ...]
    passage_vectors: Vectors
    placed_vectors: Vectors
    sentence_vectors: Vectors
    starts: NDArray[np.int64]
    lexicon: Lexicon
    speller: Speller | None


def reread_score(hit: Hit) -> float:
    """What a hit is ranked by once it was compared token by token."""
    held = max(each.lexical for each in hit.sentences)
    together = max(each.pairs for each in hit.sentences)
    total = hit.mix + LATE * hit.late + LEAST * hit.least + HELD * held + TOGETHER * together
    return total / TOTAL


def mixed(queries: Sequence[Query], scores: Sequence[Floats]) -> Floats:
    """Scores of several queries → one, each query's first divided by its best."""
    total = sum(query.weight for query in queries)
    parts = [
        (query.weight / total) * each / max(float(each.max(initial=0.0)), 1e-9)
        for query, each in zip(queries, scores, strict=True)
    ]
    mixed: Floats = np.sum(parts, axis=0, dtype=np.float32)
    return mixed


def mixed_hits(
    shelf: Shelf, queries: Sequence[Query], vectors: list[Vectors], lexical: Floats, k: int
) -> list[Hit]:
    """The k best passages by the mix."""
    if not shelf.passages:
        return []
    total = sum(query.weight for query in queries)
    weighted = [query.weight / total * v for query, v in zip(queries, vectors, strict=True)]
    # Cosines are linear in the question, so the mixed vector gives the mixed score.
    vector = np.sum(weighted, axis=0)
    without: Floats = shelf.placed_vectors @ vector + LEXICAL * lexical
    places, score, cosines, starts = _with_sentences(shelf, vector, without, k)
    asked = queries[0].text
    words, neighbours = shelf.lexicon.weights(asked), pairs(asked)
    hits = []
    for at in np.argsort(-score, kind="stable")[:k].tolist():
        place, start = int(places[at]), int(starts[at])
        passage = shelf.passages[place]
        evidence = []
        before = ""
        for n, each in enumerate(passage.sentences):
            held = overlap(words, each.text)
            added = overlap(words, f"{before} {each.text}") - held if before else 0.0
            together = len(neighbours & pairs(each.text)) / max(len(neighbours), 1)
            evidence.append(
                SentenceEvidence(each, float(cosines[start + n]), held, added, together)
            )
            before = each.text
        mix = float(score[at])
        hits.append(
            Hit(
                passage=passage,
                score=mix / TOTAL,
                dense=float(shelf.passage_vectors[place] @ vector),
                lexical=float(lexical[place]),
                sentences=tuple(evidence),
                mix=mix,
            )
        )
    return hits


def _with_sentences(
    shelf: Shelf, vector: Vectors, without: Floats, k: int
) -> tuple[Places, Floats, Floats, Places]:
    """The passages that may be among the k best, and their whole scores.

    With the cosines of their sentences, and where in these each passage's begin. `without` are the
    scores of all without the best sentence's part. That is at most SENTENCE times the vector's
    length, so that a passage which even that leaves behind the k best of the first few needs none
    of its sentences compared.
    """
    places = np.arange(len(without))
    if len(without) > FIRST >= k:
        first = np.argpartition(-without, FIRST)[:FIRST]
        score, *_ = _scored(shelf, vector, without, first)
        least = np.partition(score, -k)[-k] - SLACK
        most = without + SENTENCE * float(np.linalg.norm(vector))
        near = np.flatnonzero(most >= least)
        # Taking many out of their rows takes longer than comparing all.
        places = near if len(near) < len(without) // FEW else places
    return (places, *_scored(shelf, vector, without, places))


def _scored(
    shelf: Shelf, vector: Vectors, without: Floats, places: Places
) -> tuple[Floats, Floats, Places]:
    """The whole scores of some passages, with their sentences as above."""
    starts = shelf.starts
    if len(places) < len(starts):
        ends = np.append(starts[1:], len(shelf.sentence_vectors))
        counts = (ends - starts)[places]
        begins = np.cumsum(counts) - counts
        rows = np.arange(counts.sum()) + np.repeat(starts[places] - begins, counts)
        cosines, starts = shelf.sentence_vectors[rows] @ vector, begins
    else:
        cosines = shelf.sentence_vectors @ vector
    best: Floats = np.maximum.reduceat(cosines, starts)
    return without[places] + SENTENCE * best, cosines, starts
