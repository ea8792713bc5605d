"""Bad input for the widget: whatever comes back, the panel says so in words, and a retry works."""

import asyncio
import json
import threading

import httpx
import pytest
from conftest import ROOT, Raw, Served, answers_ok, wait_for
from hosting import COLUMN, ID, Host, plain, script
from playwright.sync_api import expect
from test_widget import LIT, asked, axe, in_sight, inner, lit, opened, squeezed, visit  # noqa: F401

from chatbot import Chatbot, Settings
from chatbot.web.widget import FOLDER, languages

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


def told(*events, pause=0.0, until=None, cut=False):
    """A stream of these (name, data) events, with a pause in seconds, or till an event is set, before the last, or broken off there."""

    async def telling(send):
        cors = {"access-control-allow-origin": "*", "content-type": "text/event-stream"}
        texts = [f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in events]
        await respond(send, 200, "".join(texts[:-1]).encode(), cors, True)
        await asyncio.sleep(pause)
        if until:
            await asyncio.to_thread(until.wait, 60)
        await send({"type": "http.response.body", "body": b"" if cut else texts[-1].encode(), "more_body": False})

    return telling


def said(page):
    """What a screen reader is given to say, from here on, in its order."""
    inner(page, """new MutationObserver((records) => { (globalThis.said ??= []).push(...records.flatMap((each) => [...each.addedNodes].map((node) => node.textContent.trim()))) })
        .observe(root.querySelector('.live'), { childList: true })""")
    return lambda: page.evaluate("globalThis.said ?? []")


REFUSAL = {"text": "The article doesn't say.", "citations": []}
NOT_SAID = {"state": "not_in_article", "text": REFUSAL["text"], "sentences": [REFUSAL], "citations": [], "nearest": []}
HELLO = {"text": "You are welcome.", "citations": []}
SMALLTALK = {"state": "smalltalk", "text": HELLO["text"], "sentences": [HELLO], "citations": []}


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
        # The words of these parts come from the server, too.
        names = inner(page, "[...root.querySelectorAll('[aria-label], [placeholder]')].flatMap((each) => [each.ariaLabel, each.placeholder, each.title]).filter(Boolean)")
        assert set(names) == {"Ask this article", "Close"}
        assert "…" not in page.locator("ask-article .panel").inner_text()
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


def test_a_refusal_is_said_once_in_the_panels_language(stage, visit):  # noqa: F811
    host, between, faulty = stage
    words = languages()["fr"]["nothing"]
    page = opened(visit(host.add("/refused", plain(), script(between.url), lang="fr")))
    heard = said(page)
    inner(page, "new MutationObserver(() => { globalThis.shown = (globalThis.shown ?? '') + root.querySelector('.log').textContent }).observe(root.querySelector('.log'), { childList: true, subtree: true })")
    faulty.fault = told(("sentence", REFUSAL), ("answer", NOT_SAID), pause=0.4)
    turn = asked(page)
    expect(turn.locator(".refused")).to_have_text(words)
    assert heard() == [words]
    assert "The article" not in page.evaluate("globalThis.shown")


def test_what_is_said_is_said_once_and_in_order(stage, visit, bot):  # noqa: F811
    host, between, faulty = stage
    page = opened(visit(host.add("/heard", plain(), script(between.url))))
    heard = said(page)
    faulty.fault = told(("sentence", HELLO), ("answer", SMALLTALK), pause=0.3)
    asked(page, "thanks!", until=".sentence")
    assert heard() == ["You are welcome."]
    answer = bot.ask("Summarise the article")
    assert len(answer.sentences) == 3
    events = [("sentence", each.to_json()) for each in answer.sentences]
    notice = {"kind": "budget", "message": "x"}
    faulty.fault = told(*events, ("answer", answer.to_json() | {"notice": notice}), pause=0.3)
    asked(page)
    words = languages()["en"]
    assert heard()[1:] == [*(each.text for each in answer.sentences), f"{words['model_busy']} {words['standin']}"]
    expect(page.locator("ask-article .notice")).to_have_count(1)


def test_a_model_that_takes_back_what_it_began(stage, visit, bot):  # noqa: F811
    """Sentences came, and then the answer is that the article does not say."""
    host, between, faulty = stage
    page = opened(visit(host.add("/back", plain(), script(between.url))))
    first = bot.ask("What is the Quad?").sentences[0].to_json()
    faulty.fault = told(("sentence", first), ("answer", NOT_SAID), pause=0.3)
    turn = asked(page)
    expect(turn.locator(".sentence")).to_have_text([languages()["en"]["nothing"]])


def test_another_question_stops_the_one_before(stage, visit, bot):  # noqa: F811
    host, between, faulty = stage
    page = opened(visit(host.add("/stopped", plain(), script(between.url))))
    page.evaluate("faults = []; document.querySelector('ask-article').addEventListener('error', (event) => faults.push(event.detail))")
    first = bot.ask("What is the Quad?").sentences[0].to_json()
    faulty.fault = told(("sentence", first), ("answer", {}), pause=5)
    stopped = asked(page, until=".cite")
    asked(page, "What did Prime Minister Ishiba say?")
    expect(stopped.locator(".status")).to_have_text("Stopped.")
    expect(stopped.locator(".sentence")).to_have_count(1)
    expect(page.locator("ask-article .fault")).to_have_count(0)
    assert page.evaluate("faults") == []


def test_a_slow_answer_is_told_to_be_slow(stage, visit):  # noqa: F811
    host, between, faulty = stage
    page = visit(host.add("/slow", plain(), script(between.url)), wait=None)
    page.clock.install()
    page.reload()
    page.click("ask-article .launcher")
    page.wait_for_selector("ask-article .intro")
    heard = said(page)
    # The page's time stands still but for what is said here, and the answer waits for the end of it: a busy machine changes nothing.
    done = threading.Event()
    faulty.fault = told(("answer", SMALLTALK), until=done)
    page.clock.pause_at(page.evaluate("Date.now()") + 1000)
    turn = asked(page, until=".status")
    expect(turn.locator(".status")).to_have_text("Reading the article …")
    page.clock.fast_forward(7900)
    expect(turn.locator(".status")).to_have_text("Reading the article …")
    page.clock.fast_forward(200)
    expect(turn.locator(".status")).to_have_text("This takes longer than usual …")
    assert heard() == ["This takes longer than usual …"]
    page.clock.resume()
    done.set()
    turn.locator(".sentence").wait_for()
    expect(turn.locator(".status")).to_have_count(0)


def test_a_server_that_is_restarted_in_the_midst_of_an_answer(visit, seed_index, monkeypatch):  # noqa: F811
    """A real server with a slow model is stopped after the first sentence, and another one starts in its place."""
    from scripted import Scripted

    host = Host()
    model = Scripted(lambda _: ["Both Japan and India are integral members of the Quadrilateral Security Dialogue. [1]\n", 8.0, "More. [1]"])
    bot = Chatbot(Chatbot.open([], seed_index).index, Settings(check="off"), model=model)
    served = Served(bot, Settings(allow_origin=(host.origin,)))
    again = None
    try:
        page = opened(visit(host.add("/restarted", plain(), script(served.url))))
        turn = asked(page, until=".status")
        wait_for(lambda: model.asked)
        page.wait_for_timeout(500)
        served.stop()
        expect(turn.locator(".fault")).to_contain_text("broke off")
        assert not axe(page)
        monkeypatch.setattr("conftest.free_port", lambda: served.port)
        again = Served(Chatbot.open([], seed_index), Settings(allow_origin=(host.origin,)))
        page.get_by_role("button", name="Try again").click()
        page.locator("ask-article .cite").first.click()
        page.wait_for_function(LIT)
        expect(page.locator("ask-article .turn")).to_have_count(1)
    finally:
        for each in (served, again):
            if each:
                each.stop()
        host.stop()


ARABIC = "قال رئيس الوزراء إن التحالف بين اليابان والهند سيعزز الأمن في المنطقة."


def test_a_citation_in_a_page_from_right_to_left(stage, visit):  # noqa: F811
    host, between, faulty = stage
    body = "<main><article>" + f"<p>{'كان الاجتماع في طوكيو طويلا. ' * 40}</p>" * 3 + f"<p>{ARABIC.replace('التحالف', '<a href=#x>التَّحالف</a>')} وانتهى.</p>" + f"<p>{'ثم عاد الوفد إلى بلاده. ' * 40}</p></article></main>"
    page = opened(visit(host.add("/arabic", body, COLUMN + script(between.url), lang="ar", dir="rtl"), viewport={"width": 900, "height": 700}))
    citation = {"number": 1, "article": ID, "title": "x", "url": None, "start": 0, "end": len(ARABIC), "quote": ARABIC, "before": "", "after": " وانتهى."}
    answer = {"state": "answered", "text": ARABIC, "sentences": [{"text": ARABIC, "citations": [1]}], "citations": [citation], "suggestions": ["ماذا قال رئيس الوزراء؟"]}
    faulty.fault = told(("sentence", {"text": ARABIC, "citations": [citation]}), ("answer", answer))
    turn = asked(page, "ماذا قال؟")
    turn.locator(".cite").click()
    page.wait_for_function(LIT)
    assert lit(page).replace("\u0651", "").replace("\u064e", "") == squeezed(ARABIC)
    assert in_sight(page)
    assert inner(page, "getComputedStyle(root.querySelector('.sentence')).direction") == "rtl"
    assert not axe(page)


ROUTER = """<nav><a href="/app/one">One</a> <a href="/app/two">Two</a></nav><div id="root"></div><script>
    const texts = { "/app/one": %s, "/app/two": "<main><h1>Two</h1><article><p>Another text.</p></article></main>" };
    const show = () => { const bar = document.querySelector("ask-article"); root.innerHTML = texts[location.pathname]; if (bar) root.firstElementChild.append(bar); };
    addEventListener("popstate", show);
    for (const link of document.links) link.addEventListener("click", (event) => { event.preventDefault(); history.pushState({}, "", link.href); show(); });
    show();
</script>"""


def test_an_app_of_several_pages(stage, visit, bot):  # noqa: F811
    """It moves the widget along with each page that it shows, and has no canonical link."""
    host, between, faulty = stage
    url = host.add("/app/one", ROUTER % json.dumps(plain()), script(between.url, article=None, site="https://paper.example"))
    page = visit(url)
    page.evaluate("faults = []; document.querySelector('ask-article').addEventListener('error', (event) => faults.push(event.detail.kind))")
    page.click("ask-article .launcher")
    expect(page.locator("ask-article .fault")).to_contain_text("not indexed yet")
    # This page is the seed's, whatever its address.
    page.evaluate(f"document.querySelector('ask-article').setArticle('{ID}')")
    page.wait_for_selector("ask-article .intro")
    page.evaluate("faults.length = 0")
    faulty.fault = told(("sentence", bot.ask("What is the Quad?").sentences[0].to_json()), ("answer", {}), pause=3)
    asked(page, until=".cite")
    page.evaluate("document.querySelector('ask-article').setArticle(null)")
    page.click("text=Two")
    expect(page.locator("ask-article .fault")).to_contain_text("not indexed yet")
    expect(page.locator("ask-article .turn")).to_have_count(0)
    expect(page.locator("ask-article .panel")).to_be_visible()
    assert page.evaluate("document.querySelector('ask-article').article") == "https://paper.example/app/two"
    page.go_back()
    page.wait_for_function("document.querySelector('ask-article').article.endsWith('/app/one')")
    page.evaluate(f"document.querySelector('ask-article').setArticle('{ID}')")
    page.wait_for_selector("ask-article .intro")
    asked(page).locator(".cite").first.click()
    page.wait_for_function(LIT)
    assert set(page.evaluate("faults")) <= {"unknown"}
