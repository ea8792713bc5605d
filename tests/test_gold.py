"""A first gold set: questions about the seed, nothing fitted on them.

The gates stand below what was measured (see the README), so that a change for the worse fails.
"""

import json
from pathlib import Path

import pytest

from chatbot import Turn

GOLD = [json.loads(line) for line in Path(__file__).with_name("gold_seed.jsonl").read_text().splitlines()]
ASKED = [line for line in GOLD if line["answerable"]]
OPEN = [line for line in GOLD if not line["answerable"]]


@pytest.fixture(scope="module")
def answers(bot):
    return {
        line["id"]: bot.ask(line["question"], [Turn(*turn) for turn in line.get("history", [])])
        for line in GOLD
    }


def test_the_gold_set_quotes_the_article(bot):
    text = bot.article(bot.articles()[0].id).text
    assert len(GOLD) >= 20
    for line in GOLD:
        assert bool(line["evidence"]) == line["answerable"]
        assert all(quote in text for quote in line["evidence"]), line["id"]


def right(line, citations):
    return any(quote in citation.quote for quote in line["evidence"] for citation in citations)


def test_the_first_sentence_rests_on_the_evidence(answers):
    share = sum(right(line, answers[line["id"]].citations[:1]) for line in ASKED) / len(ASKED)
    assert share >= 0.8


def test_the_answer_rests_on_the_evidence(answers):
    share = sum(right(line, answers[line["id"]].citations) for line in ASKED) / len(ASKED)
    assert share >= 0.9


def test_refusals(answers):
    refused = [line["id"] for line in ASKED if not answers[line["id"]].answered]
    wrong = [line["id"] for line in OPEN if answers[line["id"]].answered]
    assert len(refused) / len(ASKED) <= 0.1, refused
    assert len(wrong) / len(OPEN) <= 0.4, wrong
    off_topic = [line["id"] for line in OPEN if line["kind"] == "off-topic"]
    assert not set(off_topic) & set(wrong)
