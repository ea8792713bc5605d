"""OpenAI's endpoint, asked by OpenAI's own client."""

import httpx
import openai
import pytest
from conftest import Served
from scripted import Scripted

from chatbot import Chatbot, Settings

QUESTION = "What is the Quad?"


@pytest.fixture
def official(site):
    with openai.OpenAI(base_url=f"{site.url}/v1", api_key="none", max_retries=0) as client:
        yield client


def asked(*messages):
    return [{"role": role, "content": text} for role, text in messages]


def test_an_answer_with_its_citations_as_annotations(official, bot):
    reply = official.chat.completions.create(model="ask-article", messages=asked(("user", QUESTION)))
    message = reply.choices[0].message
    assert reply.choices[0].finish_reason == "stop"
    assert message.content == bot.ask(QUESTION).text
    assert message.annotations
    for annotation in message.annotations:
        cited = annotation.url_citation
        assert message.content[cited.start_index : cited.end_index].startswith("[")
        assert cited.title
        assert cited.url.startswith("http")
        source = cited.model_extra
        assert bot.article(source["article"]).text[source["start"] : source["end"]] == source["quote"]
        assert httpx.get(cited.url, follow_redirects=True).status_code == 200
    assert reply.usage.total_tokens > 0
    assert reply.model_extra["ask_article"]["answered"]


@pytest.mark.parametrize("question", [QUESTION, "Summarise", "Who won the world cup?", "thanks!"])
def test_a_stream_gives_the_same(official, question):
    whole = official.chat.completions.create(model="ask-article", messages=asked(("user", question)))
    stream = official.chat.completions.create(model="ask-article", messages=asked(("user", question)), stream=True, stream_options={"include_usage": True})
    chunks = list(stream)
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == whole.choices[0].message.content
    last = [c for c in chunks if c.choices][-1]
    assert last.choices[0].finish_reason == "stop"
    found = (last.choices[0].delta.model_extra or {})["annotations"]
    assert [a["url_citation"]["start_index"] for a in found] == [a.url_citation.start_index for a in whole.choices[0].message.annotations]
    assert chunks[-1].usage.total_tokens == whole.usage.total_tokens


def test_a_conversation_is_understood(official):
    said = asked(("system", "Speak like a pirate."), ("user", "What did Prime Minister Ishiba say?"), ("assistant", "He spoke of Japan."), ("user", "And Modi?"))
    reply = official.chat.completions.create(model="ask-article", messages=said)
    data = reply.model_extra["ask_article"]
    assert data["question"] == "And Modi?"
    assert "Modi" in data["citations"][0]["quote"]


def test_content_in_parts(official):
    parts = [{"type": "text", "text": "What is"}, {"type": "image_url", "image_url": {"url": "http://127.0.0.1:9/x.png"}}, {"type": "text", "text": "the Quad?"}]
    reply = official.chat.completions.create(model="ask-article", messages=[{"role": "user", "content": parts}])
    assert reply.model_extra["ask_article"]["question"] == QUESTION


def test_models_are_the_articles(official, bot):
    names = [model.id for model in official.models.list()]
    assert names == ["ask-article", *(f"ask-article:{entry.id}" for entry in bot.articles())]
    reply = official.chat.completions.create(model=names[1], messages=asked(("user", QUESTION)))
    assert "Quad" in reply.choices[0].message.content


@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        ({"messages": asked(("user", " "))}, openai.UnprocessableEntityError, "empty"),
        ({"messages": asked(("assistant", "hello"))}, openai.UnprocessableEntityError, "no message of a user"),
        ({"messages": "hello"}, openai.UnprocessableEntityError, "must be a list"),
        ({"messages": asked(("user", "why?")), "model": "ask-article:nope"}, openai.NotFoundError, "not indexed"),
        ({"messages": asked(("user", "x" * 3000))}, openai.UnprocessableEntityError, "limit"),
    ],
)
def test_errors_are_the_clients_own(official, body, error, message):
    with pytest.raises(error, match=message):
        official.chat.completions.create(**{"model": "ask-article", **body})


def test_a_failure_in_the_midst_of_a_stream(seed_index):
    def broken(prepared):
        raise RuntimeError("secret path")
        yield

    served = Served(Chatbot(Chatbot.open([], seed_index).index, settings=Settings(), writer=broken))
    try:
        client = openai.OpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0)
        with pytest.raises(openai.APIError) as caught:
            list(client.chat.completions.create(model="ask-article", messages=asked(("user", "Summarise")), stream=True))
        assert "secret" not in str(caught.value)
        with pytest.raises(openai.InternalServerError) as caught:
            client.chat.completions.create(model="ask-article", messages=asked(("user", "Summarise")))
        assert "secret" not in str(caught.value)
    finally:
        served.stop()


def test_a_models_sentences_come_checked_here_too(seed_index):
    chat = Scripted("Japan and India are members of the Quad [1]. China founded it in 1999 [1].")
    served = Served(Chatbot(Chatbot.open([], seed_index).index, Settings(), model=chat))
    try:
        client = openai.OpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0)
        reply = client.chat.completions.create(model="ask-article", messages=asked(("user", QUESTION)))
        assert reply.choices[0].message.content == "Japan and India are members of the Quad. [1]"
    finally:
        served.stop()


def test_pages_of_other_origins_may_not_ask(site):
    reply = httpx.post(f"{site.url}/v1/chat/completions", json={"messages": asked(("user", QUESTION))}, headers={"Origin": "https://evil.example"})
    assert reply.status_code == 403
    assert httpx.get(f"{site.url}/v1/models", headers={"Origin": "https://evil.example"}).status_code == 403
