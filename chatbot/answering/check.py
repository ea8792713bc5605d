"""Whether a source supports a sentence that a language model wrote, told before a reader sees it.

A sentence must cite passages that it was given. Every number, date, name, quotation and address in
it must stand in what it cites, where the cited sentence has it and not merely somewhere near;
negations and directions must agree; and its meaning must be near, by boosted trees over vectors
and words that `chatbot.answering.fit_check` fits. What is kept is cited anew: the exact sentences
that support it.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chatbot.answering import facts
from chatbot.answering.boosted import Boosted
from chatbot.answering.facts import Word
from chatbot.answering.opposites import OPPOSITES
from chatbot.answering.orders import is_order
from index import Passage, Sentence
from index.embed import TokenVectors, Vectors, unit

WEIGHTS = Path(__file__).with_name("check.json")
FEATURES = ("cosine", "coverage", "words", "late", "least", "unheld", "worst", "in_order")
NEGATIONS = frozenset(
    "not no never none neither nor without nobody nothing nowhere cannot hardly".split()  # noqa: SIM905
)
_NEGATED = re.compile(r"n't$")
_OPENING = re.compile(
    r"^(?:yes|no|sure|sorry|also|additionally|however|moreover|furthermore|in addition|overall|"
    r"in summary|in short|for (?:example|instance)|specifically|similarly|therefore|thus)[,:] +",
    re.IGNORECASE,
)
"""How a sentence hangs together with others; it states nothing itself."""
_YEAR = re.compile(r"1\d{3}|20\d\d")
PRONOUNS = frozenset(
    "he him his she her hers it its they them their theirs this that these those who which".split()  # noqa: SIM905
)
SCOPE = 6
"""A negation reaches so many words."""
SECOND = 0.25
"""A second sentence must add at least this share of the words that carry the claim."""
BEFORE = 3
"""So many sentences before one may hold the name that its pronoun stands for."""
ALIKE = 0.8
"""An opposite turns a statement round where so much of the rest is the same."""
NEAR = 2
"""A fact was exchanged where so many words beside it, at most, are the same."""

Embed = Callable[[str], TokenVectors | None]


@dataclass(frozen=True, slots=True)
class SourceSentence:
    """A sentence that may support a claim: where it stands, its words, its tokens' vectors."""

    passage: Passage
    sentence: Sentence
    words: tuple[Word, ...]
    keys: frozenset[str]
    vectors: Vectors


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a claim is supported, by which sentences, how surely, and else why not."""

    supported: bool
    sentences: tuple[SourceSentence, ...] = ()
    probability: float = 0.0
    reason: str = ""
    row: tuple[float, ...] = ()
    """The FEATURES that the probability was made of."""


class Source:
    """The passages that a model was given, numbered from 1, made ready to be compared with."""

    def __init__(self, passages: Sequence[Passage], tokens: Sequence[TokenVectors]) -> None:
        self.passages = tuple(passages)
        self._sentences = [
            _sentences(passage, each) for passage, each in zip(passages, tokens, strict=True)
        ]

    def cited(self, numbers: Iterable[int]) -> list[list[SourceSentence]]:
        """The sentences of each passage that these numbers name; others name nothing."""
        wanted = dict.fromkeys(numbers)
        return [self._sentences[n - 1] for n in wanted if 1 <= n <= len(self._sentences)]


def _sentences(passage: Passage, tokens: TokenVectors) -> list[SourceSentence]:
    starts = [each.start - passage.start for each in passage.sentences]
    places = [*np.searchsorted(tokens.offsets[:, 0], starts), len(tokens.offsets)]
    found = []
    for place, sentence in enumerate(passage.sentences):
        words = tuple(facts.words(sentence.text))
        keys = frozenset(word.key for word in words)
        vectors = tokens.vectors[places[place] : places[place + 1]].astype(np.float32)
        if not is_order(sentence.text):
            found.append(SourceSentence(passage, sentence, words, keys, vectors))
    return found


def check(
    claim: str,
    numbers: Sequence[int],
    source: Source,
    embed: Embed,
    meaning: Boosted | None = None,
) -> Verdict:
    """Whether the cited passages of a source support a claim (its text without the numbers).

    `embed` gives a text's token vectors, or None where the embedder keeps them. `meaning`
    stands in for the fitted model.
    """
    cited = source.cited(numbers)
    if not cited or len(set(numbers)) != len(cited):
        return Verdict(False, reason="it cites nothing that was given")
    claim = _OPENING.sub("", claim)
    words = facts.words(claim)
    text = "\n".join(_plain(some) for some in cited)
    for quoted in (*facts.quotations(claim), *facts.addresses(claim)):
        if facts.plain(quoted) not in text:
            return Verdict(False, reason="it quotes what the source does not hold")
    vectors = embed(claim)
    best = _best(words, vectors, [each for some in cited for each in some])
    if best is None:
        return Verdict(False, reason="nothing that it cites is near")
    if facts.plain(claim) == facts.plain(best.sentence.text):
        return Verdict(True, (best,), 1.0)  # word for word
    window = _window(words, best, cited)
    reason = (
        _unstated(words, window, cited)
        or _contradicted(words, window[0])
        or _miscounted(words, cited)
    )
    row = features(words, vectors, window, cited)
    meaning = meaning or model()
    probability = meaning.probability(row)
    if not reason and probability < meaning.threshold:
        reason = "what it cites means something else"
    return Verdict(not reason, tuple(window), probability, reason, tuple(row))


def _plain(some: Sequence[SourceSentence]) -> str:
    parts = [some[0].passage.title] if some else []
    return facts.plain(" ".join([*parts, *(each.sentence.text for each in some)]))


def nearest(
    claim: str, numbers: Sequence[int], source: Source, embed: Embed
) -> tuple[SourceSentence, ...]:
    """The cited sentence nearest to a claim, whether it supports it or not; none without one."""
    offered = [each for some in source.cited(numbers) for each in some]
    best = _best(facts.words(claim), embed(claim), offered)
    return (best,) if best else ()


# ——— Which sentences support it


def _best(
    words: Sequence[Word], vectors: TokenVectors | None, offered: Sequence[SourceSentence]
) -> SourceSentence | None:
    """The sentence nearest to a claim, by its words and its meaning."""
    wanted = carrying(words)
    near = [
        (_share(wanted, each.keys) + _cosine(vectors, [each]), -place)
        for place, each in enumerate(offered)
        if not each.sentence.heading
    ]
    return offered[-max(near)[1]] if near else None


def _window(
    words: Sequence[Word], best: SourceSentence, cited: Sequence[Sequence[SourceSentence]]
) -> list[SourceSentence]:
    """The best sentence, and another where it adds much of what the claim says."""
    wanted = carrying(words)
    missing = {key: share for key, share in wanted.items() if not _holds(best.keys, key)}
    added = [
        (_share(missing, each.keys), -abs(place - some.index(best)) if best in some else -99, each)
        for some in cited
        for place, each in enumerate(some)
        if each is not best and not each.sentence.heading
    ]
    if not added or not missing:
        return [best]
    # Shares of all that carries the claim: what a second sentence adds must not be one word.
    share, _, second = max(added, key=lambda each: each[:2])
    held = [key for key in missing if _holds(second.keys, key)]
    return [best, second] if share >= SECOND and len(held) >= 2 else [best]


def carrying(words: Sequence[Word]) -> dict[str, float]:
    """The words that carry a claim and their shares: facts count double."""
    weights: dict[str, float] = {}
    for word in words:
        if word.kind != "form":
            weights[word.key] = 2.0 if word.kind in ("name", "number") else 1.0
    total = sum(weights.values())
    return {key: weight / total for key, weight in weights.items()} if total else {}


def _share(wanted: dict[str, float], keys: frozenset[str]) -> float:
    return sum(share for key, share in wanted.items() if _holds(keys, key))


def _holds(keys: frozenset[str], key: str) -> bool:
    return key in keys or facts.same_name(key, keys)


# ——— What it states and they do not


def _unstated(
    words: Sequence[Word],
    window: Sequence[SourceSentence],
    cited: Sequence[Sequence[SourceSentence]],
) -> str:
    """Why a fact of the claim is not one of its source; empty where all are."""
    keys = frozenset(key for each in window for key in each.keys)
    short = set().union(*(facts.initials(each.words) for each in window))
    around = _around(window, cited)
    for word in words:
        if word.kind not in ("name", "number", "initial"):
            continue
        if word.key in keys or word.key in short:
            continue
        if word.key in around and (_YEAR.fullmatch(word.key) or _refers(window)):
            continue
        if word.kind == "number":
            return f"“{word.text}” is not in what it cites"
        if facts.same_name(word.key, keys) or _stands_for(word, words, window):
            continue
        if word.kind == "name" or word.key in _named(cited):
            return f"“{word.text}” is not in what it cites"
    return ""


def _around(
    window: Sequence[SourceSentence], cited: Sequence[Sequence[SourceSentence]]
) -> frozenset[str]:
    """The names of the title and of the sentences before, which a pronoun may stand for."""
    found: set[str] = set()
    for each in window:
        found.update(word.key for word in facts.words(each.passage.title))
        for some in cited:
            if each in some:
                place = some.index(each)
                for before in some[max(0, place - BEFORE) : place]:
                    found |= before.keys
    return frozenset(found)


def _refers(window: Sequence[SourceSentence]) -> bool:
    """Whether a sentence refers to something named before it."""
    return any(word.text.casefold() in PRONOUNS for each in window for word in each.words)


def _stands_for(word: Word, words: Sequence[Word], window: Sequence[SourceSentence]) -> bool:
    """Whether capital letters are the short form of what the source spells out, or its long one."""
    upper = {other.key for each in window for other in each.words if other.text.isupper()}
    return bool(upper & facts.initials(words)) and word.text[:1].isupper()


def _named(cited: Sequence[Sequence[SourceSentence]]) -> frozenset[str]:
    return frozenset(
        word.key for some in cited for each in some for word in each.words if word.kind == "name"
    )


# ——— What it turns round


def _contradicted(words: Sequence[Word], best: SourceSentence) -> str:
    """Why a claim says something else in the same words; empty where it does not."""
    ours, theirs = [word.key for word in words], [word.key for word in best.words]
    blocks = SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes()
    for place, (kind, a, b, c, d) in enumerate(blocks):
        if kind != "replace":
            continue
        before = blocks[place - 1][2] - blocks[place - 1][1] if place else 0
        after = blocks[place + 1][2] - blocks[place + 1][1] if place + 1 < len(blocks) else 0
        # What stands right beside the same words was put in the other's place.
        if (before >= NEAR and _exchanged(words[a:b], best.words[c:d])) or (
            after >= NEAR and _exchanged(words[a:b][::-1], best.words[c:d][::-1])
        ):
            return f"“{words[a].text}” stands where the source says something else"
        opposites = {other for key in ours[a:b] for other in OPPOSITES.get(key, ())}
        if opposites & set(theirs[c:d]):
            return f"“{words[a].text}” turns round what the source says"
    turned = {key for key in set(ours) - set(theirs) if OPPOSITES.get(key, frozenset()) & best.keys}
    rest = carrying([word for word in words if word.key not in turned])
    if turned and _share(rest, best.keys) >= ALIKE:
        return f"“{turned.pop()}” turns round what the source says"
    same = [block for block in blocks if block[0] == "equal"]
    if same and _share(carrying(words), best.keys) >= ALIKE:
        # Nearly the same words: they must be denied as often.
        inside = best.words[max(0, same[0][3] - 2) : same[-1][4]]
        denies = negations(words) % 2 != negations(inside) % 2
    else:
        denies = _denied(words, best.words) or _denied(best.words, words)
    return "it denies what the source says, or the other way round" if denies else ""


def negations(words: Sequence[Word]) -> int:
    """How many of the words deny what follows."""
    return sum(_negates(words, place) for place in range(len(words)))


def _exchanged(ours: Sequence[Word], theirs: Sequence[Word]) -> bool:
    """Whether two runs of words begin with different facts of one kind."""
    for kind in ("number", "name"):
        mine = list(takewhile(_is_number if kind == "number" else _is_name, ours))
        other = list(takewhile(_is_number if kind == "number" else _is_named, theirs))
        keys = frozenset(word.key for word in other)
        same = any(_holds(keys, word.key) for word in mine) or _short_of(mine, other)
        if mine and other and not same:
            return True
    return False


def _short_of(some: Sequence[Word], others: Sequence[Word]) -> bool:
    """Whether one is the short form of the other, read forwards or backwards."""
    return any(
        {word.key for word in one} & facts.initials(sorted(other, key=lambda word: word.start))
        for one, other in ((some, others), (others, some))
    )


def _is_number(word: Word) -> bool:
    return word.kind == "number"


def _is_name(word: Word) -> bool:
    return word.kind == "name"


def _is_named(word: Word) -> bool:
    # The name of a month is a number elsewhere, as it is compared like one.
    month = word.kind == "number" and not word.key[0].isdigit()
    return month or word.kind in ("name", "initial")


def _miscounted(words: Sequence[Word], cited: Sequence[Sequence[SourceSentence]]) -> str:
    """Why a number does not count what it counts in the source; empty where all do."""
    theirs = [each.words for some in cited for each in some]
    counted: dict[str, set[str]] = {}
    for some in theirs:
        for number, thing in pairwise(some):
            if number.kind == "number" and thing.kind != "form":
                counted.setdefault(thing.key, set()).add(number.key)
    often = Counter(word.key for some in theirs for word in some if word.kind == "number")
    for number, thing in pairwise(words):
        dated = thing.kind == "number" and thing.key[0].isdigit()
        if (
            number.kind == "number"
            and not dated
            and number.key not in counted.get(thing.key, {number.key})
        ):
            return f"“{number.text} {thing.text}” is not what it counts"
    mine = Counter(word.key for word in words if word.kind == "number")
    for key, count in mine.items():
        if count > max(1, often[key]):
            return f"“{key}” is said once too often"
    return ""


def _denied(some: Sequence[Word], others: Sequence[Word]) -> bool:
    """Whether what is denied in one sentence is said in the other without a negation."""
    for place in range(len(some)):
        if not _negates(some, place):
            continue
        scope = [each.key for each in some[place + 1 : place + 1 + SCOPE] if each.kind != "form"]
        for key in scope[:2]:
            at = [n for n, each in enumerate(others) if each.key == key]
            if at:
                if not any(_negated(others, n) for n in at):
                    return True
                break
    return False


def _negated(words: Sequence[Word], place: int) -> bool:
    """Whether a negation stands shortly before a word."""
    return any(_negates(words, n) for n in range(max(0, place - SCOPE), place))


def _negates(words: Sequence[Word], place: int) -> bool:
    word = words[place].text.casefold().replace("’", "'")
    if (
        word == "not"
        and place + 1 < len(words)
        and words[place + 1].key in ("only", "just", "mere")
    ):
        return False
    return word in NEGATIONS or bool(_NEGATED.search(word))


# ——— Whether it means the same


def features(
    words: Sequence[Word],
    vectors: TokenVectors | None,
    window: Sequence[SourceSentence],
    cited: Sequence[Sequence[SourceSentence]],
) -> list[float]:
    """What speaks for a claim, in the order of FEATURES; NaN where it is not known."""
    keys = frozenset(key for each in window for key in each.keys)
    if _refers(window):
        # A name that a pronoun stands for is said by the pronoun.
        meant = _around(window, cited)
        names = {word.key for word in words if word.kind in ("name", "initial")} & meant - keys
        words = [word for word in words if word.key not in names]
    plain = [word for word in words if word.kind in ("word", "initial")]
    unheld = [word for word in plain if not _holds(keys, word.key)]
    late, least = _late(words, vectors, window)
    _, worst = _late(unheld, vectors, window) if unheld else (0.0, 1.0)
    ours = [word.key for word in words if word.kind != "form"]
    theirs = [word.key for each in window for word in each.words if word.kind != "form"]
    match = SequenceMatcher(None, ours, theirs, autojunk=False).find_longest_match()
    return [
        _cosine(vectors, window),
        _share(carrying(words), keys),
        _share(carrying(plain), keys),
        late,
        least,
        math.log1p(len(unheld)),
        worst,
        match.size / max(1, len(ours)),
    ]


def _cosine(vectors: TokenVectors | None, window: Sequence[SourceSentence]) -> float:
    if vectors is None or not len(vectors.vectors):
        return 0.0
    theirs = np.concatenate([each.vectors for each in window])
    if not len(theirs):
        return 0.0
    pair = unit(np.stack([vectors.vectors.mean(axis=0), theirs.mean(axis=0)]))
    return float(pair[0] @ pair[1])


def _late(
    words: Sequence[Word], vectors: TokenVectors | None, window: Sequence[SourceSentence]
) -> tuple[float, float]:
    """The claim's tokens against their nearest: on average, and the worst of its content."""
    theirs = np.concatenate([each.vectors for each in window])
    if vectors is None or not len(theirs) or not len(vectors.vectors):
        return math.nan, math.nan
    nearest: NDArray[np.float32] = (vectors.vectors @ theirs.T).max(axis=1)
    starts = {word.start for word in words if word.kind != "form"}
    content = [n for n, offset in enumerate(vectors.offsets[:, 0]) if int(offset) in starts]
    return float(nearest.mean()), float(nearest[content].min() if content else nearest.min())


ANYTHING = Boosted((0.0,) * len(FEATURES), 0.0, (), 0.0)
"""A model that lets every meaning pass, so that the rules alone decide."""


@cache
def model(path: Path = WEIGHTS) -> Boosted:
    """The model that the project ships: whether what a claim cites means the same."""
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if tuple(data["features"]) != FEATURES:
        raise ValueError(f"{path.name} was fitted on other features; run fit_check anew")
    return Boosted.of(data)
