"""Tracing is LangChain's own, by its variables, and off without them."""

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from conftest import ROOT, SEEDS

ASK = """
import sys
sys.path.insert(0, sys.argv[2])
from scripted import Scripted
from chatbot import Chatbot
bot = Chatbot.open([sys.argv[1]], sys.argv[3], model=Scripted("India is a member of the Quad [1]."))
print(bot.runnable.invoke("What is the Quad?").text)
from langchain_core.tracers.langchain import wait_for_all_tracers
wait_for_all_tracers()
if "LANGSMITH_OTEL_ENABLED" in __import__("os").environ:
    from opentelemetry import trace
    trace.get_tracer_provider().force_flush()
"""


@pytest.fixture
def collector():
    """A server that keeps the paths and bodies it is sent."""
    sent = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            sent.append((self.path, self.rfile.read(int(self.headers.get("Content-Length") or 0))))
            self.send_response(202)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_PATCH = do_POST

        def do_GET(self):
            self.do_POST()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.sent, server.url = sent, f"http://127.0.0.1:{server.server_port}"
    yield server
    server.shutdown()
    server.server_close()


def ask(tmp_path, **variables):
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("LANGSMITH", "LANGCHAIN", "OTEL"))}
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(SEEDS), str(ROOT / "tests"), str(tmp_path / "ix")], cwd=tmp_path, capture_output=True, text=True, timeout=120,
        env={**bare, "PYTHONPATH": str(ROOT), **variables}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Quad" in done.stdout


def test_nothing_is_traced_without_the_variables(tmp_path, collector):
    ask(tmp_path, LANGSMITH_ENDPOINT=collector.url, LANGSMITH_API_KEY="key")
    assert collector.sent == []


def test_langsmith(tmp_path, collector):
    ask(tmp_path, LANGSMITH_TRACING="true", LANGSMITH_ENDPOINT=collector.url, LANGSMITH_API_KEY="key")
    runs = [body for path, body in collector.sent if "runs" in path]
    assert runs
    # The model's own run is part of it.
    assert any(b"Scripted" in body or b"scripted" in body for body in runs) or any(path.endswith("multipart") for path, _ in collector.sent)


def test_opentelemetry(tmp_path, collector):
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    ask(
        tmp_path, LANGSMITH_TRACING="true", LANGSMITH_OTEL_ENABLED="true", LANGSMITH_OTEL_ONLY="true", LANGSMITH_ENDPOINT=collector.url, LANGSMITH_API_KEY="key",
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
    )  # fmt: skip
    assert any("traces" in path for path, _ in collector.sent)
