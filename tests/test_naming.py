"""People's names as a text has them."""

import pytest

from chatbot.answering.naming import as_named, introduced
from chatbot.answering.reader import load

TOLD = "Prime Minister Ada Lund opened the harbour of Wick on Monday."
SHORT = "Speaking there, Lund said: “The harbour will feed this town for a century to come.”"


@pytest.mark.parametrize(
    ("question", "texts", "as_read"),
    [
        ("What did Ada Lund say?", [TOLD, SHORT], "What did Lund say?"),
        ("What did Prime Minister Ada Lund's town need?", [TOLD, SHORT], "What did Prime Minister Lund's town need?"),
        ("When did Ada Lund speak?", [TOLD, SHORT], "When did Lund speak?"),
        ("Ada Lund said what?", [TOLD, SHORT], "Lund said what?"),
        ("What did Ada Lund say?", [TOLD, "She came to Wick. Lund said: “No.”"], "What did Lund say?"),
        # In full there, of somebody else, of a place, never introduced, or asked for by the last name alone.
        ("What did Ada Lund say?", [TOLD, f"{TOLD} {SHORT}"], None),
        ("What did Ada Lund say?", [TOLD, "Her brother Nils Lund said: “No.”"], None),
        ("What did Nils Lund say?", [f"{TOLD} Her brother Nils Lund came too.", SHORT], None),
        ("What did Ada Lund say?", [TOLD, "N. Lund said: “No.”"], None),
        ("Who founded the Nutmeg State?", ["Mayor Hill of the Nutmeg State", "The State makes pins."], None),
        ("What does General Motors make?", ["General Motors grew.", "The Motors of the firm are made in Wick."], None),
        ("What did Olga Lund say?", [TOLD, SHORT], None),
        ("What did Lund say?", [TOLD, SHORT], None),
    ],
)
def test_a_name_is_shortened_as_the_text_shortens_it(question, texts, as_read):
    assert as_named(question, texts[-1], introduced(question, texts)) == (as_read or question)


def test_a_whole_name_is_read_as_the_last_name_that_the_passage_has():
    names = introduced("What did Ada Lund say?", [TOLD, SHORT])
    (whole,), (last,) = load().read("What did Ada Lund say?", [SHORT], names), load().read("What did Lund say?", [SHORT])
    assert whole.answers == last.answers
    (stranger,) = load().read("What did Ada Lund say?", [SHORT])
    assert whole.answers > stranger.answers
