"""Fixtures: a seed index, real servers on free ports, and a real browser."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
import uvicorn

from chatbot import Chatbot, Settings
from chatbot.web.server import create_app
from chatbot.web.warmup import Warmup

ROOT = Path(__file__).parent.parent
SEEDS = ROOT / "seeds"
SEED = SEEDS / "japan-india-alliance.txt"
DATA = Path(os.environ.get("ASK_ARTICLE_DATA", ROOT.parent / "shared" / "data"))
ARTEFACTS = Path(__file__).parent / "artefacts"
COMMAND = [sys.executable, "-m", "chatbot"]


def pytest_collection_modifyitems(items):
    if not DATA.is_dir():
        for item in items:
            if item.get_closest_marker("datasets"):
                item.add_marker(pytest.mark.skip(reason=f"no question sets in {DATA}; set ASK_ARTICLE_DATA"))


@pytest.fixture(scope="session")
def seed_index(tmp_path_factory):
    """The folder of an index that holds the seed."""
    folder = tmp_path_factory.mktemp("seed-index")
    Chatbot.open([SEEDS], folder).close()
    return folder


@pytest.fixture(scope="session")
def bot(seed_index):
    bot = Chatbot.open([SEEDS], seed_index)
    yield bot
    bot.close()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition, seconds=60.0):
    """Wait until `condition()` is true; AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def answers_ok(url):
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(url, timeout=2).status_code == 200
    return False


class Served:
    """The application on a real socket, in a thread of this process."""

    def __init__(self, bot_or_opener, settings=None, wait=True):
        opener = bot_or_opener if callable(bot_or_opener) else lambda: bot_or_opener
        self.warmup = Warmup(opener)
        # The bot is a fixture's and outlives this server.
        self.warmup.close = lambda: None
        self.start(create_app(self.warmup, settings or Settings()))
        wait_for(lambda: answers_ok(f"{self.url}/{'readyz' if wait else 'healthz'}"))

    def start(self, app):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        config = uvicorn.Config(app, port=self.port, log_level="warning", timeout_graceful_shutdown=1)
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        wait_for(lambda: self.server.started)

    def stop(self):
        self.server.should_exit = True
        self.thread.join(10)


class Raw(Served):
    """Any ASGI application on a real socket."""

    def __init__(self, app):
        self.start(app)


@pytest.fixture(scope="session")
def site(bot):
    """The seed, served."""
    served = Served(bot)
    yield served
    served.stop()


@pytest.fixture
def client(site):
    with httpx.Client(base_url=site.url, timeout=30) as client:
        yield client


@pytest.fixture
def process(tmp_path):
    """Start `ask-article serve` as a process; every one is stopped by its id."""
    started = []

    def start(*options, index=None, cwd=None, env=None):
        port = free_port()
        command = [*COMMAND, "serve", "--port", str(port), "--index", str(index or tmp_path / "ix"), *options]
        log = (tmp_path / f"serve-{port}.log").open("w+")
        running = subprocess.Popen(
            command, cwd=cwd or tmp_path, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        )
        started.append((running, log))
        running.url = f"http://127.0.0.1:{port}"
        running.log = lambda: Path(log.name).read_text()
        return running

    yield start
    for running, log in started:
        running.terminate()
        try:
            running.wait(15)
        except subprocess.TimeoutExpired:
            running.kill()
        log.close()


def chromium():
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    return None


@pytest.fixture(scope="session")
def browser():
    path = chromium()
    if path is None:
        pytest.fail("no Chromium here; on Debian and Ubuntu: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        launched = play.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield launched
        launched.close()


def run(*words, cwd, index=None, stdin=None, env=None):
    """Run the command line in a process of its own."""
    options = ["--index", str(index)] if index else []
    return subprocess.run(
        [*COMMAND, *map(str, words), *options], cwd=cwd, capture_output=True, text=True, timeout=120,
        input=stdin, env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}, check=False,
    )
