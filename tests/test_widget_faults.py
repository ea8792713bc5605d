"""Bad input for the widget: whatever comes back, the panel says so in words, and a retry works."""

import asyncio
import json

import httpx
import pytest
from conftest import ROOT, Raw, Served, answers_ok, wait_for
from hosting import ID, Host, plain, script
from playwright.sync_api import expect
from test_widget import asked, opened, visit  # noqa: F401

from chatbot import Settings
from chatbot.web.widget import FOLDER

pytestmark = pytest.mark.browser
SENTENCE = 'event: sentence\ndata: {"text": "It met in Tōkyō – 東京.", "citations": []}\n\n'
ANSWER = 'event: answer\r\ndata: {"state": "answered",\r\ndata: "text": "x 😀", "sentences": [{"text": "x 😀", "citations": []}]}\r\n\r\n'


class Faulty:
    """A server between the widget and the real one, which fails in one way and then no more."""

    def __init__(self, url):
        self.url, self.fault, self.hold = url, None, 0.0

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        path = scope["path"] + ("?" + scope["query_string"].decode() if scope["query_string"] else "")
        fault, wanted = self.fault, scope["path"] == "/api/ask" and scope["method"] == "POST"
        if fault and wanted:
            self.fault = None
            return await fault(send)
        async with httpx.AsyncClient(timeout=30) as client:
            headers = [(k, v) for k, v in scope["headers"] if k not in (b"host", b"accept-encoding")]
            reply = await client.request(scope["method"], self.url + path, headers=headers, content=body)
        await respond(send, reply.status_code, reply.content, dict(reply.headers))


async def respond(send, status, body, headers, more=False):
    kept = {k: v for k, v in headers.items() if k.lower() in ("content-type", "access-control-allow-origin", "access-control-allow-headers", "access-control-allow-methods", "retry-after", "access-control-expose-headers")}
    await send({"type": "http.response.start", "status": status, "headers": [(k.lower().encode(), v.encode()) for k, v in kept.items()]})
    await send({"type": "http.response.body", "body": body, "more_body": more})


def fault(status, body, type="text/event-stream", more=False, **headers):
    async def failing(send):
        cors = {"access-control-allow-origin": "*", "access-control-expose-headers": "Retry-After", "content-type": type}
        await respond(send, status, body.encode() if isinstance(body, str) else body, {**cors, **headers}, more)
        if more == "hang":
            await asyncio.sleep(6)
        elif more:
            raise RuntimeError("the connection is broken on purpose")

    return failing


FAULTS = {
    "429": (fault(429, "{}", "application/problem+json", **{"retry-after": "7"}), "Try again in 7 seconds"),
    "429 without a time": (fault(429, "slow down", "text/plain"), "Too many questions"),
    "500": (fault(500, "<h1>Internal error at /srv/secret</h1>", "text/html"), "could not be answered"),
    "HTML": (fault(200, "<html>Please log in</html>", "text/html"), "Something else than an answer"),
    "JSON that is none": (fault(200, "event: answer\ndata: {oops\n\n"), "Something else than an answer"),
    "nothing": (fault(200, ""), "broke off"),
    "cut between events": (fault(200, SENTENCE), "broke off"),
    "cut in an event": (fault(200, SENTENCE + ANSWER[:60]), "broke off"),
    "broken connection": (fault(200, SENTENCE, more=True), "broke off"),
    "silence": (fault(200, SENTENCE, more="hang"), "No answer came in time"),
    "an error event": (fault(200, 'event: error\ndata: {"state": "model_error", "message": "x"}\n\n'), "could not be answered"),
    "limited": (fault(200, 'event: answer\ndata: {"state": "limited", "sentences": [], "text": ""}\n\n'), "Too many questions"),
    "a problem in words": (fault(422, '{"detail": "the question is too long"}', "application/problem+json"), "the question is too long"),
    "without CORS": (fault(200, SENTENCE, **{"access-control-allow-origin": "https://other.example"}), "cannot be reached"),
}  # fmt: skip


@pytest.fixture(scope="module")
def stage(bot):
    """A host's page, the real server, and the faulty one between them."""
    host = Host()
    real = Served(bot, Settings(allow_origin=(host.origin,)))
    faulty = Faulty(real.url)
    between = Raw(faulty)
    yield host, between, faulty
    between.stop()
    real.stop()
    host.stop()


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_said_and_a_retry_works(stage, visit, name):  # noqa: F811
    host, between, faulty = stage
    failing, words = FAULTS[name]
    page = opened(visit(host.add("/fault", plain(), script(between.url, patience="2" if name == "silence" else "20"))))
    faulty.fault = failing
    turn = asked(page, until=".fault")
    expect(turn.locator(".fault p")).to_contain_text(words)
    expect(page.locator("ask-article .live")).to_contain_text(words)
    assert "secret" not in page.locator("ask-article .log").inner_text()
    page.get_by_role("button", name="Try again").click()
    page.locator("ask-article .cite").first.wait_for()
    expect(page.locator("ask-article .turn")).to_have_count(1)
    expect(page.locator("ask-article .fault")).to_have_count(0)


def test_a_server_that_is_down_and_comes_back(visit, process, seed_index, bot):  # noqa: F811
    host = Host()
    try:
        server = process("--allow-origin", host.origin, index=seed_index, cwd=ROOT)
        wait_for(lambda: answers_ok(f"{server.url}/readyz"))
        page = visit(host.add("/down", plain(), script(server.url)))
        server.terminate()
        server.wait(15)
        page.click("ask-article .launcher")
        expect(page.locator("ask-article .fault")).to_contain_text("cannot be reached")
        page.fill("ask-article textarea", "What is the Quad?")
        page.press("ask-article textarea", "Enter")
        expect(page.locator("ask-article .turn .fault")).to_contain_text("cannot be reached")
        again = process("--allow-origin", host.origin, "--port", server.url.rpartition(":")[2], index=seed_index, cwd=ROOT)
        again.url = server.url
        wait_for(lambda: answers_ok(f"{server.url}/readyz"))
        page.get_by_role("button", name="Try again").click()
        page.locator("ask-article .cite").first.wait_for()
        expect(page.locator("ask-article textarea")).to_have_attribute("placeholder", "Ask a question …")
    finally:
        host.stop()


PARSE = """([bytes, cuts]) => cuts.map((cut) => {
    const found = [], decoder = new TextDecoder(), parse = eventParser((name, data) => found.push([name, data]));
    const all = Uint8Array.from(bytes);
    for (const piece of cut === "each" ? [...all].map((_, at) => all.slice(at, at + 1)) : [all.slice(0, cut), all.slice(cut)]) parse(decoder.decode(piece, { stream: true }));
    return JSON.stringify(found);
})"""


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_stream_cut_at_any_byte_is_the_same_stream(browser, end):
    stream = (": still here\n\n" + SENTENCE + ":x\n" + ANSWER.replace("\r\n", "\n") + "id: 3\ndata\ndata:two\n\n").replace("\n", end) + end
    data = stream.encode()
    page = browser.new_page()
    try:
        page.add_script_tag(path=FOLDER / "stream.js")
        found = page.evaluate(PARSE, [list(data), [*range(len(data) + 1), "each"]])
    finally:
        page.close()
    events = json.loads(found[0])
    assert [name for name, _ in events] == ["sentence", "answer", "message"]
    assert json.loads(events[0][1])["text"] == "It met in Tōkyō – 東京."
    assert json.loads(events[1][1])["text"] == "x 😀"
    assert set(found) == {found[0]}


def test_an_article_that_is_not_indexed(stage, visit):  # noqa: F811
    host, between, _ = stage
    page = visit(host.add("/unknown", plain(), script(between.url, article=None)))
    page.click("ask-article .launcher")
    expect(page.locator("ask-article .fault")).to_contain_text("not indexed yet")
    page.fill("ask-article textarea", "Why?")
    page.press("ask-article textarea", "Enter")
    expect(page.locator("ask-article .turn .fault")).to_contain_text("not indexed yet")
    assert ID not in page.locator("ask-article .log").inner_text()


def test_a_citation_pressed_while_the_answer_is_written_still_opens(stage, visit, bot):  # noqa: F811
    """The answer ends between pressing a number and letting it go; the number is the same node."""
    host, between, faulty = stage
    answer = bot.ask("What is the Quad?")
    first = json.dumps(answer.sentences[0].to_json())

    async def slowly(send):
        cors = {"access-control-allow-origin": "*", "content-type": "text/event-stream"}
        await respond(send, 200, f"event: sentence\ndata: {first}\n\n".encode(), cors, True)
        await asyncio.sleep(1.5)
        body = f"event: answer\ndata: {json.dumps(answer.to_json())}\n\n".encode()
        await send({"type": "http.response.body", "body": body, "more_body": False})

    page = opened(visit(host.add("/pressed", plain(), script(between.url))))
    faulty.fault = slowly
    turn = asked(page, until=".cite")
    expect(turn.locator(".tools")).to_have_count(0)
    turn.locator(".cite").first.hover()
    page.mouse.down()
    turn.locator(".tools").wait_for()
    page.mouse.up()
    page.wait_for_function("CSS.highlights.has('ask-article')")
