"""Requests for a summary: known by their words, and by what they mean."""

import json
import random
from pathlib import Path

import numpy as np
import pytest

from chatbot.answering import summaries
from chatbot.answering.fit_summaries import fit
from chatbot.answering.summaries import asks_for_all, means_all

MESSAGES = Path(__file__).with_name("requests.jsonl")
INVENTED = Path(__file__).parents[1] / "chatbot" / "reader" / "invented.jsonl"


def test_most_requests_are_known_and_few_other_messages_taken_for_them(bot):
    lines = [json.loads(line) for line in MESSAGES.read_text(encoding="utf-8").splitlines()]
    texts = [json.loads(line) for line in INVENTED.read_text(encoding="utf-8").splitlines()]
    asked = [each["question"] for text in texts for each in text["asked"]]
    embedder = bot.retriever.index.embedder
    vectors = embedder.embed_documents([line["message"] for line in lines])
    ordinary = embedder.embed_documents(random.Random(1).sample(asked, 2000))
    wanted = np.array([line["summary"] for line in lines])
    test = np.array([line["part"] == "test" for line in lines])
    model = fit(vectors[~test], wanted[~test], ordinary[:1000], embedder.name)
    words = np.array([asks_for_all(line["message"]) for line in lines])
    told = (words | (model.score(vectors) > model.threshold))[test]
    assert told[wanted[test]].mean() > 0.9
    assert told[~wanted[test]].mean() < 0.04
    assert (model.score(ordinary[1000:]) > model.threshold).mean() < 0.005


@pytest.mark.parametrize(
    "message",
    [
        "no time to read, just the essentials please",
        "My eyes are not what they were. Could you tell me briefly what this page says?",
        "I have two minutes before class, what does it say?",
        "Could you break the article down for me?",
    ],
)
def test_a_request_put_freely_gets_the_summary(bot, message):
    assert not asks_for_all(message)
    assert bot.ask(message).sentences == bot.ask("tl;dr").sentences


def test_the_model_is_for_the_embedder_that_it_was_fitted_on(bot, monkeypatch):
    embedder = bot.retriever.index.embedder
    message = "no time to read, just the essentials please"
    assert means_all(message, embedder)
    assert not means_all(message * 10, embedder)
    monkeypatch.setattr(type(embedder), "name", "another")
    assert not means_all(message, embedder)
    assert summaries.fitted().weights.shape == (embedder.dimension,)
