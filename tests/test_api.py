"""The API over a real socket."""

import json
import time

import httpx
import pytest
from conftest import Served

from chatbot import Chatbot, Settings
from chatbot.answering.answerer import extractive
from chatbot.web import api
from index import SourceError


def events(lines):
    """The (event, data) pairs and comments of a stream."""
    found, name = [], None
    for line in lines:
        if line.startswith(":"):
            found.append(("comment", line[1:].strip()))
        elif line.startswith("event: "):
            name = line[7:]
        elif line.startswith("data: "):
            found.append((name, json.loads(line[6:])))
    return found


def streamed(client, question, **more):
    body = {"question": question, "stream": True, **more}
    with client.stream("POST", "/api/ask", json=body) as response:
        return response, events(response.iter_lines())


def test_json(client):
    reply = client.post("/api/ask", json={"question": "What is the Quad?"})
    assert reply.status_code == 200
    assert reply.headers["cache-control"] == "no-store"
    answer = reply.json()
    assert answer["state"] == "answered"
    assert answer["text"].endswith("[1]")
    assert client.post("/api/ask", json={"question": "Who won the world cup?"}).json()["state"] == "not_in_article"


def test_events(client):
    response, found = streamed(client, "Summarise")
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-store, no-transform"
    assert response.headers["x-accel-buffering"] == "no"
    *sentences, (last, answer) = found
    assert last == "answer"
    assert [name for name, _ in sentences] == ["sentence"] * len(answer["sentences"])
    for (_, sentence), whole in zip(sentences, answer["sentences"], strict=True):
        assert sentence["text"] == whole["text"]
        assert [c["number"] for c in sentence["citations"]] == whole["citations"]
        assert sentence["citations"][0]["quote"]
    assert answer == {**client.post("/api/ask", json={"question": "Summarise"}).json(), "timings_ms": answer["timings_ms"]}


def test_events_when_asked_for_by_the_accept_header(client):
    reply = client.post("/api/ask", json={"question": "hi"}, headers={"Accept": "text/event-stream"})
    assert reply.headers["content-type"].startswith("text/event-stream")


def test_history_and_article(client):
    articles = client.get("/api/articles").json()
    history = [{"question": "What is the Quad?", "answer": "The Quadrilateral Security Dialogue."}]
    reply = client.post("/api/ask", json={"question": "Who else is in it?", "history": history, "article": articles[0]["id"]})
    assert any("Australia" in c["quote"] for c in reply.json()["citations"])


def test_the_article_for_the_page(client):
    article = client.get("/api/article").json()
    text = article["text"]
    assert article["id"] == "japan-india-alliance.txt"
    assert len(article["paragraphs"]) == 9
    assert all(text[start:end].strip() for start, end, _ in article["paragraphs"])
    assert article["starters"]
    for question in article["starters"]:
        assert client.post("/api/ask", json={"question": question}).json()["answered"]


BAD = {
    "not-json": (b"{", 422),
    "no-object": (b"[]", 422),
    "no-question": (b"{}", 422),
    "empty": (b'{"question": " "}', 422),
    "long": (json.dumps({"question": "x" * 2001}).encode(), 422),
    "number": (b'{"question": 7}', 422),
    "history": (b'{"question": "why?", "history": "x"}', 422),
    "turn": (b'{"question": "why?", "history": [{"question": "a"}]}', 422),
    "article": (b'{"question": "why?", "article": 7}', 422),
    "unknown": (b'{"question": "why?", "article": "nope"}', 404),
    "huge": (b'{"question": "' + b"x" * 300_000 + b'"}', 413),
    "bytes": (b"\xff\xfe\x00", 422),
}


@pytest.mark.parametrize("name", BAD)
def test_errors_are_problem_details(client, name):
    body, status = BAD[name]
    reply = client.post("/api/ask", content=body)
    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/problem+json"
    problem = reply.json()
    assert {"type", "title", "status", "detail", "request_id"} <= set(problem)
    assert problem["status"] == status


def test_an_unknown_article_in_a_stream_is_an_error_event(client):
    _, found = streamed(client, "why?", article="nope")
    ((name, data),) = found
    assert name == "error"
    assert set(data) == {"state", "message", "request_id"}


def test_feedback_is_kept_beside_the_index(client, bot):
    reply = client.post("/api/feedback", json={"question": "What is the Quad?", "helpful": True})
    assert reply.status_code == 204
    lines = (bot.index.folder / api.FEEDBACK).read_text().splitlines()
    assert json.loads(lines[-1])["helpful"] is True
    assert client.post("/api/feedback", json={"question": "x", "helpful": "yes"}).status_code == 422


def test_a_slow_answer_arrives_piece_by_piece_with_a_heartbeat(seed_index, monkeypatch):
    monkeypatch.setattr(api, "HEARTBEAT", 0.2)

    def slow(prepared):
        for draft in extractive(prepared):
            time.sleep(0.5)
            yield draft

    served = Served(Chatbot(Chatbot.open([], seed_index).index, writer=slow))
    try:
        with httpx.Client(base_url=served.url, timeout=30) as client:
            arrivals = []
            body = {"question": "Summarise", "stream": True}
            with client.stream("POST", "/api/ask", json=body) as response:
                arrivals = [(time.monotonic(), line) for line in response.iter_lines() if line]
            sentences = [at for at, line in arrivals if line == "event: sentence"]
            assert len(sentences) == 3
            assert sentences[-1] - sentences[0] > 0.7
            assert any(line.startswith(":") for _, line in arrivals)
    finally:
        served.stop()


def test_a_question_waits_for_the_articles_and_is_told_so(bot):
    ready = []

    def opener():
        while not ready:
            time.sleep(0.05)
        return bot

    served = Served(opener, wait=False)
    try:
        with httpx.Client(base_url=served.url, timeout=30) as client:
            assert client.get("/healthz").status_code == 200
            waiting = client.get("/readyz")
            assert waiting.status_code == 503
            assert waiting.headers["retry-after"]
            assert waiting.json()["state"] == "warming"
            with client.stream("POST", "/api/ask", json={"question": "What is the Quad?", "stream": True}) as response:
                lines = response.iter_lines()
                assert "still being read" in next(lines)
                ready.append(True)
                found = events(lines)
            assert found[-1][0] == "answer"
            assert client.post("/api/ask", json={"question": "hi"}).json()["state"] == "smalltalk"
    finally:
        served.stop()


@pytest.mark.parametrize("error", [SourceError("a.txt", "broken"), RuntimeError("secret path")])
def test_a_fault_is_never_shown_as_a_refusal(error):
    def opener():
        raise error

    served = Served(opener, wait=False)
    try:
        with httpx.Client(base_url=served.url, timeout=30) as client:
            reply = client.post("/api/ask", json={"question": "why?"})
            assert reply.status_code >= 500
            assert "doesn't say" not in reply.text
            assert "secret" not in reply.text
            _, found = streamed(client, "why?")
            assert found[-1][0] == "error"
    finally:
        served.stop()


def test_a_fault_while_answering_is_an_error_event(seed_index):
    def broken(prepared):
        raise RuntimeError("secret path")
        yield

    served = Served(Chatbot(Chatbot.open([], seed_index).index, settings=Settings(), writer=broken))
    try:
        with httpx.Client(base_url=served.url, timeout=30) as client:
            _, found = streamed(client, "Summarise")
            assert found[-1][0] == "error"
            assert found[-1][1]["state"] == "model_error"
            assert "secret" not in json.dumps(found)
            reply = client.post("/api/ask", json={"question": "Summarise"})
            assert reply.status_code == 500
            assert reply.headers["content-type"] == "application/problem+json"
            assert "secret" not in reply.text
    finally:
        served.stop()
