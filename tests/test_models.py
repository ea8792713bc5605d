"""Language models behind real protocols: a server with every fault, and Hugging Face's own server."""

import asyncio
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
from conftest import Raw, Served, free_port, wait_for
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, StreamingResponse

from chatbot import Chatbot, Settings
from chatbot.answering import faults, models
from chatbot.answering.faults import Fault, fault_of
from chatbot.answering.models import make_model
from chatbot.errors import ModelError

QUESTION = "What is the Quad?"
TRUE = "Japan and India are members of the Quadrilateral Security Dialogue, or Quad [1]."
KEY = "sk-this-must-stay-secret"


# ——— A server that speaks OpenAI's protocol, and every way in which it can fail


def chunk(text, reason=None):
    delta = {"role": "assistant", "content": text} if text is not None else {}
    return "data: " + json.dumps({
        "id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": reason}],
    }) + "\n\n"  # fmt: skip


class Faulty:
    """An OpenAI-compatible server whose answer the test chooses by the model's name."""

    def __init__(self):
        self.app = FastAPI()
        self.calls = []
        self.gone = threading.Event()

        @self.app.get("/v1/models")
        async def listed():
            return {"object": "list", "data": [{"id": "good", "object": "model"}]}

        @self.app.post("/v1/chat/completions")
        async def complete(request: Request):
            body = await request.json()
            self.calls.append((body, dict(request.headers)))
            kind = body["model"]
            if kind == "twice" and len([c for c in self.calls if c[0]["model"] == "twice"]) == 1:
                return JSONResponse({"error": {"message": "busy"}}, 429, {"Retry-After": "0"})
            if kind in ERRORS:
                status, message, headers = ERRORS[kind]
                return JSONResponse({"error": {"message": message, "code": "x"}}, status, headers)
            if kind == "html":
                return HTMLResponse("<html><body>It works!</body></html>")
            return StreamingResponse(self.stream(kind, request), media_type="text/event-stream")

    async def stream(self, kind, request):
        if kind == "hangs":
            yield chunk("Japan ")
            await asyncio.sleep(20)
        if kind == "endless":
            try:
                for _ in range(400):
                    yield chunk(f"{TRUE} ")
                    await asyncio.sleep(0.02)
            finally:
                self.gone.set()
            return
        if kind == "empty":
            yield chunk("", "stop")
            yield "data: [DONE]\n\n"
            return
        for word in TRUE.split(" "):
            yield chunk(f"{word} ")
        if kind == "malformed":
            yield 'data: {"id": "c", "choices": [{"del\n\n'
        if kind == "shapeless":
            yield 'data: {"id": "c", "choices": [{"delta": {"content": {"a": 1}}}]}\n\n'
        if kind == "cut":
            yield chunk("Both Japan and ")
            raise RuntimeError("the line is cut")
        if kind == "stops":
            yield chunk("Both Japan and ")
            return
        yield chunk(None, "stop")
        yield "data: [DONE]\n\n"


ERRORS = {
    "unauthorized": (401, f"Incorrect API key provided: {KEY}", {}),
    "forbidden": (403, "no", {}),
    "missing": (404, "The model does not exist", {}),
    "limited": (429, "slow down", {"Retry-After": "30"}),
    "broken": (500, "oops", {}),
    "busy": (503, "overloaded", {}),
    "gateway": (504, "upstream", {}),
    "long": (400, "This model's maximum context length is 10 tokens", {}),
    "refused": (400, "no such parameter", {}),
}


@pytest.fixture(scope="module")
def faulty():
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    server = Faulty()
    raw = Raw(server.app)
    server.url = f"{raw.url}/v1"
    yield server
    raw.stop()


@pytest.fixture
def asking(faulty, seed_index, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setattr(models, "WAITS", (0.05, 0.05))

    def make(name, **settings):
        settings = Settings(model=name, model_url=faulty.url, **settings)
        return Chatbot(Chatbot.open([], seed_index).index, settings)

    return make


def test_a_server_of_ones_own_answers(asking, faulty):
    answer = asking("good").ask(QUESTION)
    assert answer.model == "good"
    assert answer.text.startswith("Japan and India are members")
    assert answer.citations[0].quote.startswith("Both Japan and India")
    assert faulty.calls[-1][1]["authorization"] == f"Bearer {KEY}"


def test_without_a_name_the_servers_first_model_is_taken(asking):
    assert asking("extractive").ask(QUESTION).model == "good"


@pytest.mark.parametrize(
    ("name", "kind", "calls"),
    [
        ("unauthorized", "unauthorized", 1), ("forbidden", "unauthorized", 1), ("missing", "unavailable", 3), ("limited", "rate_limited", 1),
        ("broken", "overloaded", 3), ("busy", "overloaded", 3), ("gateway", "timeout", 1), ("long", "too_long", 3), ("refused", "failed", 1),
        ("empty", "empty", 3), ("hangs", "timeout", 1), ("html", "malformed", 3),
    ],
)  # fmt: skip
def test_each_fault_is_told_apart_and_the_article_stands_in(asking, faulty, caplog, name, kind, calls):
    before = len(faulty.calls)
    bot = asking(name, model_timeout=0.5 if name == "hangs" else 20.0)
    answer = bot.ask(QUESTION)
    assert answer.state == "answered"
    assert answer.model is None
    assert answer.citations
    assert answer.notice.kind == kind
    assert len(faulty.calls) - before == calls
    assert KEY not in json.dumps(answer.to_json()) + caplog.text


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
@pytest.mark.parametrize(("name", "kind"), [("cut", "interrupted"), ("stops", "interrupted"), ("malformed", "malformed"), ("shapeless", "malformed")])
def test_a_stream_that_fails_keeps_what_was_whole(asking, name, kind):
    answer = asking(name).ask(QUESTION)
    assert answer.answered
    assert answer.notice.kind == kind
    if answer.model:
        assert answer.text.startswith("Japan and India are members")
    assert "Both Japan and" not in answer.sentences[-1].text or answer.model is None


def test_retry_after_is_heeded_where_it_is_short(asking):
    answer = asking("twice").ask(QUESTION)
    assert answer.model == "twice"
    assert answer.notice is None


def test_nobody_there(seed_index, monkeypatch):
    monkeypatch.setattr(models, "WAITS", (0.01, 0.01))
    settings = Settings(model="m", model_url=f"http://127.0.0.1:{free_port()}/v1")
    answer = Chatbot(Chatbot.open([], seed_index).index, settings).ask(QUESTION)
    assert answer.notice.kind == "unavailable"
    assert answer.citations


def test_a_reader_who_hangs_up_stops_the_server(asking, faulty):
    served = Served(asking("endless"))
    try:
        faulty.gone.clear()
        with httpx.Client(base_url=served.url, timeout=30) as client, client.stream("POST", "/api/ask", json={"question": QUESTION, "stream": True}) as reply:
            for line in reply.iter_lines():
                if line == "event: sentence":
                    break
        assert faulty.gone.wait(5)
    finally:
        served.stop()


def test_the_api_tells_a_fault_beside_the_answer(asking):
    served = Served(asking("busy"))
    try:
        reply = httpx.post(f"{served.url}/api/ask", json={"question": QUESTION}, timeout=30)
        data = reply.json()
        assert reply.status_code == 200
        assert data["answered"]
        assert data["notice"]["kind"] == "overloaded"
        assert "model" not in data
    finally:
        served.stop()


# ——— Setting up


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "gpt-5-mini"}, "PROVIDER:MODEL"), ({"model": "nonsense:x"}, "no provider that LangChain knows"),
        ({"model": "openai:gpt-5-mini"}, "set OPENAI_API_KEY"), ({"model": "anthropic:claude-x"}, "pip install langchain-anthropic"),
        ({"model": "ollama:qwen3"}, "pip install langchain-ollama"), ({"model_url": "http://127.0.0.1:9/v1"}, "--model NAME"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named(settings, message, monkeypatch, tmp_path):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ModelError, match=message):
        make_model(Settings(index=tmp_path, **settings))


def test_langchain_itself_may_be_missing(monkeypatch):
    monkeypatch.setattr(models.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ModelError, match="pip install langchain"):
        make_model(Settings(model="openai:x"))
    with pytest.raises(ModelError, match="pip install langchain-openai"):
        make_model(Settings(model="m", model_url="http://127.0.0.1:9/v1"))


def test_without_a_setting_there_is_no_model(monkeypatch):
    assert make_model(Settings()) is None


def test_the_command_line_names_what_is_missing(tmp_path):
    from conftest import SEEDS, run

    done = run("ask", QUESTION, SEEDS, "--model", "anthropic:claude-x", cwd=tmp_path, index=tmp_path / "ix")
    assert done.returncode == 2
    assert "pip install langchain-anthropic" in done.stderr
    done = run("ask", QUESTION, SEEDS, "--check", "maybe", cwd=tmp_path, index=tmp_path / "ix")
    assert done.returncode == 2
    assert "drop, mark, off" in done.stderr


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TimeoutError(), "timeout"), (httpx.ReadTimeout("x"), "timeout"), (httpx.ConnectError("x"), "unavailable"),
        (httpx.RemoteProtocolError("x"), "interrupted"), (json.JSONDecodeError("x", "y", 0), "malformed"), (KeyError("choices"), "malformed"),
        (RuntimeError("x"), "failed"), (RuntimeError("prompt is too long for the context window"), "too_long"), (Fault("budget"), "budget"),
    ],
)  # fmt: skip
def test_errors_of_any_provider_are_told_apart(error, kind):
    assert fault_of(error).kind == kind


@pytest.mark.parametrize(("value", "seconds"), [("7", 7.0), ("", None), ("soon", None), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0)])
def test_retry_after_holds_seconds_or_a_date(value, seconds):
    error = httpx.HTTPStatusError("x", request=httpx.Request("GET", "http://x"), response=httpx.Response(429, headers={"retry-after": value}))
    assert fault_of(error).retry_after == seconds


def test_every_kind_has_its_message():
    assert set(faults.MESSAGES) >= faults.RETRIED
    assert len(set(faults.MESSAGES.values())) == len(faults.MESSAGES)


# ——— Hugging Face's own server, with a tiny model that talks nonsense


@pytest.fixture(scope="module")
def nonsense(tmp_path_factory):
    """`transformers serve` with a randomly initialised model, made here."""
    from tokenizers import Tokenizer, decoders, pre_tokenizers
    from tokenizers.models import BPE
    from tokenizers.trainers import BpeTrainer
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny")
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    texts = [Path(__file__).read_text(encoding="utf-8"), TRUE * 20]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(texts, BpeTrainer(vocab_size=600, special_tokens=["<s>", "</s>"], initial_alphabet=alphabet, show_progress=False))
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="</s>")
    fast.chat_template = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant: "
    fast.save_pretrained(folder)
    config = LlamaConfig(vocab_size=600, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, max_position_embeddings=4096, bos_token_id=0, eos_token_id=1, pad_token_id=1)
    model = LlamaForCausalLM(config)
    # Chance weights may choose the end, or blanks, at once: a model that says nothing proves nothing.
    model.generation_config.suppress_tokens = [n for n in range(len(fast)) if not re.search(r"[!-~]", fast.decode([n], skip_special_tokens=True))]
    model.save_pretrained(folder)
    port = free_port()
    command = shutil.which("transformers", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    log = (folder / "log").open("w")
    running = subprocess.Popen(
        [command, "serve", str(folder), "--port", str(port), "--host", "127.0.0.1", "--device", "cpu"], stdout=log, stderr=log,
        # Threads that wait for each other take minutes on a busy machine.
        env={**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"

    def up():
        assert running.poll() is None, (folder / "log").read_text()[-2000:]
        try:
            return httpx.get(f"{url}/health", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    try:
        wait_for(up, 120)
        yield f"{url}/v1", str(folder)
    finally:
        running.terminate()
        try:
            running.wait(15)
        except subprocess.TimeoutExpired:
            running.kill()
        log.close()


@pytest.mark.timeout(300)
def test_the_nonsense_of_a_real_server_never_reaches_a_reader(nonsense, seed_index, monkeypatch):
    url, name = nonsense
    monkeypatch.setattr(models, "WAITS", (0.05, 0.05))
    bot = Chatbot(Chatbot.open([], seed_index).index, Settings(model=name, model_url=url, model_timeout=60.0))
    said = "".join(bot.model.stream([("human", "Say something.")]))
    assert said.strip(), "the server must say something for the test to mean anything"
    for _ in range(2):
        started = time.monotonic()
        answer = bot.ask(QUESTION)
        assert answer.answered
        assert answer.model is None
        assert answer.notice.kind in ("unsupported", "empty", "interrupted")
        for sentence in answer.sentences:
            assert sentence.text == " ".join(sentence.citations[0].quote.split())
        assert time.monotonic() - started < 120
