"""Questions as people type them into a box: in key words, in short forms, with slips.

Those of the training files are whole sentences, nearly all of them well spelt, and a network that
has seen nothing else takes another form for a sign of being open.
"""

from __future__ import annotations

import random
import re

SPARE = {
    "a", "an", "the", "is", "are", "was", "were", "am", "be", "been", "do", "does", "did", "has",
    "have", "had", "will", "would", "of", "to", "in", "on", "at", "for", "that", "there", "by",
    "please",
}  # fmt: skip
"""Words that who types in key words may leave out; none of them turns the sense."""
SPARED = 0.75
"""How likely each of them is left out."""
ASKING = re.compile(
    r"^((?:in|on|at|to|from|for|by|with|of)\s)?"
    r"((?:how (?:many|much|long|old|far|often|big)|which|what)\s\S+|who|whom|when|where|why|how)\s",
    re.IGNORECASE,
)
FEWEST = 3
"""Words beside the asking ones that leave a choice where those stand."""
LATE, UNSAID = 0.4, 0.4
"""How likely, in key words, the asking words come last, and a "what" is not said at all."""
SHORT = {
    "years": "yrs", "year": "yr", "months": "mths", "minutes": "mins", "hours": "hrs",
    "number": "no.", "government": "govt", "president": "pres", "minister": "min",
    "department": "dept", "company": "co", "university": "uni", "information": "info",
    "because": "bc", "between": "btw", "without": "w/o", "with": "w/", "and": "&", "you": "u",
    "are": "r", "your": "ur", "people": "ppl", "before": "b4", "about": "abt", "million": "m",
    "percent": "%", "international": "intl", "what is": "whats", "who is": "whos",
    "where is": "wheres", "approximately": "approx", "language": "lang", "maximum": "max",
    "minimum": "min", "temperature": "temp", "does not": "doesnt", "did not": "didnt",
}  # fmt: skip
"""Common short forms; "minister" and "minimum" share one, as they do in life."""
SHORTENED = re.compile(rf"\b(?:{'|'.join(sorted(SHORT, key=len, reverse=True))})\b", re.IGNORECASE)
IN_KEY_WORDS, SLIPPED = 0.45, 0.3
"""The shares of questions that are put in key words, and with a slip; the others in short forms."""
SLIPPED_TOO, SHORTENED_TOO = 0.2, 0.3
"""How likely key words have a slip as well, and what is not put in short forms has some."""
PLAIN = 0.7
"""How likely it ends without a question mark, and the s of an owner has no apostrophe."""
LEAST = 5
"""Letters of the shortest word that a slip is made in."""
AGAIN = 0.3
"""How likely a slip is followed by another."""
BESIDE = {
    "a": "sq", "b": "vn", "c": "xv", "d": "sf", "e": "wr", "f": "dg", "g": "fh", "h": "gj",
    "i": "uo", "j": "hk", "k": "jl", "l": "k", "m": "n", "n": "bm", "o": "ip", "p": "o", "q": "w",
    "r": "et", "s": "ad", "t": "ry", "u": "yi", "v": "cb", "w": "qe", "x": "zc", "y": "tu",
    "z": "x",
}  # fmt: skip
"""The keys beside each on a row of an English keyboard."""


def hurried(question: str, rng: random.Random) -> str:
    """The question as somebody in a hurry might type it; it asks for the same."""
    draw = rng.random()
    whole = draw >= IN_KEY_WORDS + SLIPPED
    if draw < IN_KEY_WORDS:
        typed = _in_key_words(question, rng)
        typed = _slipped(typed, rng) if rng.random() < SLIPPED_TOO else typed
    else:
        typed = question if whole else _slipped(question, rng)
    if whole or rng.random() < SHORTENED_TOO:
        typed = SHORTENED.sub(lambda match: SHORT[match[0].casefold()], typed)
    if rng.random() < PLAIN:
        typed = typed.rstrip("? ").replace("'s ", "s ").replace("’s ", "s ")
    return typed or question


def _in_key_words(question: str, rng: random.Random) -> str:
    """Without the words that may be spared; the asking words perhaps last, or unsaid."""
    words = question.rstrip("? ")
    asking = ASKING.match(words)
    rest = words[asking.end() :] if asking else ""
    if asking and len(rest.split()) >= FEWEST:
        before, asked = asking[1] or "", asking[2]
        if asked.casefold().startswith("what ") and rng.random() < UNSAID:
            words = f"{asked[5:]} {rest}"
        elif rng.random() < LATE:
            words = f"{rest} {before}{asked}"
    kept = [each for each in words.split() if each.casefold() not in SPARE or rng.random() > SPARED]
    return " ".join(kept)


def _slipped(question: str, rng: random.Random) -> str:
    """A letter of a word left out, doubled, exchanged with the next or with the key beside it."""
    words = question.split(" ")
    places = [at for at, word in enumerate(words) if len(word.strip("?,.'\"")) >= LEAST]
    if not places:
        return question
    at = rng.choice(places)
    word = words[at]
    # People mostly get the first letter of a word right.
    letter = rng.randrange(1, len(word.rstrip("?,.'\"")))
    head, here, tail = word[:letter], word[letter], word[letter + 1 :]
    kind = rng.randrange(4)
    if kind == 0:
        words[at] = head + tail
    elif kind == 1:
        words[at] = head + here + here + tail
    elif kind == 2:
        words[at] = head + tail[:1] + here + tail[1:]
    else:
        words[at] = head + rng.choice(BESIDE.get(here.casefold(), here)) + tail
    slipped = " ".join(words)
    return _slipped(slipped, rng) if rng.random() < AGAIN else slipped
