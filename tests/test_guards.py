"""The web's way in: each trap of mounting Gradio on a public page, and what shuts it."""

import asyncio
import re
import signal
import threading
import time

import httpx
import pytest
from conftest import ROOT, Raw, Served, answers_ok, wait_for
from fastapi import FastAPI

from chatbot import Answer, Settings
from chatbot.answers import Citation, CitedSentence
from chatbot.web import page as page_module
from chatbot.web.guards import Guard
from chatbot.web.messages import cite_button, render

FRIEND = "https://friend.example"
EVIL = "https://evil.example"


@pytest.fixture(scope="module")
def open_site(bot):
    """The seed, served with one origin allowed."""
    served = Served(bot, Settings(allow_origin=(FRIEND,)))
    yield served
    served.stop()


def test_gradio_is_mounted_with_its_doors_shut(client):
    config = client.get("/chat/config").json()
    assert config["show_error"] is False
    assert config["run_history"] is False
    assert config["analytics_enabled"] is False
    assert config["max_file_size"] == 1
    assert not config["footer_links"]
    types = {part["id"]: part["type"] for part in config["components"]}
    for event in config["dependencies"]:
        given = {types[part] for part in event["inputs"]}
        assert given <= {"state", "textbox", "button"}, "a client could forge messages or files"
        assert event["api_visibility"] == "private"


CHAT_NEEDS = ["/chat/", "/chat/config", "/chat/theme.css", "/chat/gradio_api/info", "/chat/gradio_api/startup-events"]


@pytest.mark.parametrize("path", CHAT_NEEDS)
def test_what_the_chat_needs_is_there(client, path):
    assert client.get(path).status_code == 200


def test_no_other_route_of_gradio_is_reachable(client):
    """Every route that Gradio has is tried; those that the chat does not need are not found."""
    from gradio.routes import App

    needed = re.compile(
        r"/|/config/?|/theme\.css|/manifest\.json|/(assets|static|svelte)/x|/gradio_api/"
        r"(info/?|startup-events|queue/(join|data)|cancel|reset/?|heartbeat/x|(run|api)/x/?)"
    )
    import gradio as gr

    with gr.Blocks() as demo:
        pass
    routes = set()
    for outer in App.create_app(demo).routes:
        # What is included with a prefix stands in a router of its own.
        inner = getattr(outer, "original_router", None)
        for route in inner.routes if inner else [outer]:
            for prefix in ("", "/gradio_api") if inner else ("",):
                path = re.sub(r"\{[^}]*\}", "x", prefix + route.path)
                routes |= {(path, method) for method in getattr(route, "methods", None) or ()}
    assert len(routes) > 60
    tried = 0
    for path, method in sorted(routes):
        if method in ("GET", "POST") and not needed.fullmatch(path):
            reply = client.request(method, f"/chat{path}", content=b"{}" if method == "POST" else None)
            assert reply.status_code == 404, f"{method} {path}"
            tried += 1
    assert tried > 40


@pytest.mark.parametrize(
    "path",
    [
        "/chat/gradio_api/file=/etc/passwd",
        "/chat/file=/etc/passwd",
        "/chat/gradio_api/file%3D/etc/passwd",
        "/chat//gradio_api/file=/etc/passwd",
        "/chat/static/../../../../etc/passwd",
        "/chat/static/%2e%2e/%2e%2e/etc/passwd",
        "/chat/assets/..%2f..%2fetc/passwd",
        "/static/..%2f..%2fcli.py",
        "/chat/gradio_api/deep_link?session_hash=x",
        "/chat/?deep_link=x",
        "/chat/config?Deep_Link=x",
        "/chat/monitoring/summary",
        "/chat/gradio_api/upload_progress?upload_id=x",
        "/chat/runs",
        "/openapi.json/../chat/runs",
    ],
)
def test_files_deep_links_and_monitoring_are_not_found(client, path):
    reply = client.get(path)
    assert reply.status_code == 404
    assert "root:" not in reply.text


def test_uploads_are_not_found(client):
    assert client.post("/chat/gradio_api/upload", files={"files": b"x"}).status_code == 404


def chat_interface(launched):
    """A stock ChatInterface, mounted as its documentation says."""
    import gradio as gr

    demo = gr.ChatInterface(lambda message, history: "ok")
    app = FastAPI()
    gr.mount_gradio_app(app, demo, "/chat")
    demo.has_launched = launched
    config = demo.config
    types = {part["id"]: part["type"] for part in config["components"]}
    event = next(d for d in config["dependencies"] if [types[i] for i in d["inputs"]] == ["chatbot"])
    return app, event["id"]


@pytest.mark.parametrize("launched", [False, True])
def test_a_forged_message_cannot_name_a_file(launched, tmp_path):
    """Gradio checks paths only once `has_launched` is set, which mounting does not do."""
    secret = ROOT / "LICENSE"
    forged = {"path": str(secret), "meta": {"_type": "gradio.FileData"}}
    history = [{"role": "user", "content": [{"type": "file", "file": forged}], "metadata": None, "options": None}]
    app, event = chat_interface(launched)
    served = Raw(app)
    try:
        body = {"fn_index": event, "data": [history], "session_hash": "x"}
        reply = httpx.post(f"{served.url}/chat/gradio_api/run/predict", json=body)
        # The trap is real: without the flag, the file is taken in.
        assert (reply.status_code == 200) is not launched
    finally:
        served.stop()


def test_our_page_sets_the_flag(bot, monkeypatch):
    built = []
    original = page_module.build_page
    monkeypatch.setattr(page_module, "build_page", lambda warmup: built.append(original(warmup)) or built[-1])
    served = Served(bot)
    served.stop()
    (demo,) = built
    assert demo.has_launched is True
    assert demo.max_threads == 64
    assert demo.state_session_capacity == page_module.SESSIONS
    assert all(fn.concurrency_limit is None for fn in demo.fns.values())


HOSTILE = [
    "<img src=x onerror=alert(1)>",
    '<svg><a href="javascript:alert(1)">x</a></svg>',
    "<script>alert(1)</script>",
    '"><form action="https://evil.example"><button>x</button></form>',
    "![x](https://evil.example/leak.png)",
    "\n\n# not a heading\n\n<b>bold</b>",
    "</p></div><iframe src=//evil.example>",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_is_never_markup(text):
    citation = Citation(1, 'a"><b>', text, None, 0, 3, text, "", "")
    for answer in (
        Answer("q", "answered", (CitedSentence(text, (citation,)),)),
        Answer("q", "not_in_article", (CitedSentence(text),), nearest=(citation,)),
    ):
        shown = render(answer)
        assert "\n" not in shown
        outside = re.sub(r'</?(?:div|p|ul|li|span|button)(?: (?:class|title|type)="[^"<>]*")*>', "", shown)
        assert "<" not in outside
        assert ">" not in outside
    assert re.search(r'class="cite c--[0-9a-f]{10}-0-3"', cite_button(citation))


def test_the_page_has_a_policy_without_unsafe_scripts(client):
    first, second = client.get("/chat/"), client.get("/chat/")
    policy = first.headers["content-security-policy"]
    scripts = re.search(r"script-src ([^;]*)", policy)[1]
    assert "unsafe" not in scripts
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    nonce = re.search(r"'nonce-([^']+)'", scripts)[1]
    assert nonce not in second.text
    inline = re.findall(r"<script(?![^>]*src=)([^>]*)>", first.text)
    assert inline
    assert all(f'nonce="{nonce}"' in attributes for attributes in inline)
    assert 'property="og:' not in first.text
    assert first.headers["x-content-type-options"] == "nosniff"


METHODS = {
    "OPTIONS": lambda c, headers: c.options("/api/ask", headers={**headers, "Access-Control-Request-Method": "POST"}),
    "GET": lambda c, headers: c.get("/api/articles", headers=headers),
    "POST": lambda c, headers: c.post("/api/ask", json={"question": "hi"}, headers=headers),
    "POST-error": lambda c, headers: c.post("/api/ask", json={"question": ""}, headers=headers),
}  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("origin", [FRIEND, EVIL, "null", None, "own"])
def test_origins(open_site, method, origin):
    with httpx.Client(base_url=open_site.url) as client:
        value = open_site.url if origin == "own" else origin
        reply = METHODS[method](client, {"Origin": value} if value else {})
    allowed = reply.headers.get("access-control-allow-origin")
    assert allowed == (FRIEND if origin == FRIEND else None)
    assert "access-control-allow-credentials" not in reply.headers
    if method.startswith("POST"):
        ok = 422 if method == "POST-error" else 200
        assert reply.status_code == (403 if origin in (EVIL, "null") else ok)


@pytest.mark.parametrize("host", ["ask.example", "127.0.0.1"])
@pytest.mark.parametrize("path", ["/chat/config", "/chat/gradio_api/info", "/chat/"])
def test_gradio_does_not_reflect_an_origin(open_site, host, path):
    reply = httpx.get(f"{open_site.url}{path}", headers={"Origin": EVIL, "Host": host})
    assert reply.status_code == 200
    assert "access-control-allow-origin" not in reply.headers


def test_gradio_reflects_any_origin_without_the_plain_middleware():
    """The trap itself, so that this test tells when it is gone."""
    app, _ = chat_interface(True)
    served = Raw(app)
    try:
        reply = httpx.get(f"{served.url}/chat/config", headers={"Origin": EVIL, "Host": "ask.example"})
        assert reply.headers.get("access-control-allow-origin") == EVIL
    finally:
        served.stop()


def test_a_foreign_page_cannot_start_an_event_in_the_chat(client):
    body = {"fn_index": 1, "data": ["why?", None, None], "session_hash": "x"}
    for origin, status in ((EVIL, 403), ("null", 403)):
        reply = client.post("/chat/gradio_api/queue/join", json=body, headers={"Origin": origin})
        assert reply.status_code == status


def test_forwarded_hosts_are_not_believed(client):
    for header in ("X-Forwarded-Host", "X-Gradio-Server", "X-Forwarded-Prefix"):
        for path in ("/chat/", "/chat/config", "/chat/gradio_api/info"):
            assert "evil.example" not in client.get(path, headers={header: "evil.example"}).text
    assert "evil.example" not in client.get("/chat/config").text


def test_a_body_without_a_length_is_cut_off(site):
    def chunks():
        for _ in range(40):
            yield b"x" * 10_000

    with httpx.Client(timeout=20) as client:
        reply = client.post(f"{site.url}/api/ask", content=chunks())
    assert reply.status_code >= 400


def test_an_open_tab_does_not_hold_up_the_end(process, seed_index):
    server = process(index=seed_index, cwd=ROOT)
    wait_for(lambda: answers_ok(f"{server.url}/readyz"))
    opened = threading.Event()

    def tab():
        try:
            with httpx.stream("GET", f"{server.url}/chat/gradio_api/heartbeat/abc", timeout=60) as stream:
                for _ in stream.iter_raw():
                    opened.set()
        except httpx.HTTPError:
            pass

    thread = threading.Thread(target=tab, daemon=True)
    thread.start()
    assert opened.wait(30)
    started = time.monotonic()
    server.send_signal(signal.SIGTERM)
    server.wait(20)
    assert time.monotonic() - started < 10
    thread.join(10)


def test_health_comes_first_and_ctrl_c_ends_it_without_a_complaint(process, seed_index):
    started = time.monotonic()
    server = process(index=seed_index, cwd=ROOT)
    wait_for(lambda: answers_ok(f"{server.url}/healthz"))
    assert time.monotonic() - started < 8, "two seconds on a quiet machine; this one may be busy"
    assert httpx.get(f"{server.url}/readyz").status_code in (200, 503)
    wait_for(lambda: answers_ok(f"{server.url}/readyz"))
    server.send_signal(signal.SIGINT)
    assert server.wait(20) == 0
    assert "Traceback" not in server.log()
    assert "stopped" not in server.log()


def test_the_page_that_waits_is_plain():
    from chatbot.web.guards import dressed
    from chatbot.web.server import WAITING

    assert dressed(WAITING, "n") == WAITING
    assert "<script" not in WAITING


def test_web_sockets_are_refused():
    sent = []

    async def inner(scope, receive, send):
        raise AssertionError("reached")

    async def send(message):
        sent.append(message)

    guard = Guard(inner, [], 10)
    # In a thread, since the browser's tests keep a loop of their own in this one.
    thread = threading.Thread(target=lambda: asyncio.run(guard({"type": "websocket"}, None, send)))
    thread.start()
    thread.join(10)
    assert sent == [{"type": "websocket.close", "code": 1008}]
