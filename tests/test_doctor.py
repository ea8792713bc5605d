"""`ask-article doctor` on real pages: each trouble is named, with what to change."""

import base64
import hashlib

import httpx
import pytest
from conftest import Raw, Served, free_port, run
from hosting import ID, Host, plain, script
from test_widget_faults import Faulty

from chatbot import Settings, csp
from chatbot.doctor import examine


@pytest.fixture(scope="module")
def host():
    host = Host()
    yield host
    host.stop()


@pytest.fixture(scope="module")
def api(bot, host):
    served = Served(bot, Settings(allow_origin=(host.origin,)))
    yield served
    served.stop()


def bad(url, api=None):
    return [(each.what, each.change) for each in examine(url, api) if each.state == "bad"]


def test_a_page_on_which_all_is_well(api, host, tmp_path):
    url = host.add("/well", plain(), script(api.url))
    assert bad(url) == []
    done = run("doctor", "--page", url, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    for words in ("the page is there", "text/javascript", "no mixed content", "lets pages of", "is indexed", "piece by piece"):
        assert words in done.stdout, words


def test_the_demo_is_well(api):
    assert bad(f"{api.url}/demo") == []


TROUBLES = {
    "no page": (lambda host, api: host.origin + "/none", "answers 404", "give the address"),
    "nobody there": (lambda host, api: f"http://127.0.0.1:{free_port()}/", "cannot be reached", "refused"),
    "not a page": (lambda host, api: api.url + "/healthz", "is application/json", "text/html"),
    "no script": (lambda host, api: host.add("/p", plain()), "has no script", "/widget.js"),
    "server down": (lambda host, api: host.add("/p", plain(), script(f"http://127.0.0.1:{free_port()}")), "/widget.js", "start the server"),
    "not indexed": (lambda host, api: host.add("/p", plain(), script(api.url, article=None)), "is not indexed", "--learn"),
    "policy": (
        lambda host, api: host.add("/p", plain(), script(api.url), headers={"Content-Security-Policy": "default-src 'self'"}),
        "blocks the widget", "script-src http://127.0.0.1",
    ),
    "policy in the page": (
        lambda host, api: host.add("/p", plain(), "<meta http-equiv='Content-Security-Policy' content='connect-src https://x.example'>" + script(api.url)),
        "blocks the widget", "connect-src http://127.0.0.1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TROUBLES)
def test_troubles(api, host, name, tmp_path):
    url, what, change = TROUBLES[name]
    found = bad(url(host, api))
    assert len(found) == 1
    assert what in found[0][0]
    assert change in found[0][1]


def test_an_origin_that_may_not_ask(api):
    other = Host()
    try:
        ((what, change),) = bad(other.add("/p", plain(), script(api.url)))
        assert "does not let" in what
        assert change == f"start it with: serve --allow-origin {other.origin}"
        done = run("doctor", "--page", f"{other.origin}/p", cwd="/")
        assert done.returncode == 1
        assert change in done.stdout
    finally:
        other.stop()


def test_a_proxy_that_holds_answers_back(api, host):
    between = Raw(Faulty(api.url))
    try:
        found = [each for each in examine(host.add("/p", plain(), script(between.url, article=ID))) if "in one piece" in each.what]
        assert "buffering" in found[0].change
    finally:
        between.stop()


def test_mixed_content(api, host):
    from chatbot.doctor import _mixed

    assert [each.state for each in _mixed("https://a.example/x", "http://ask.example")] == ["bad"]
    assert [each.state for each in _mixed("https://a.example/x", "https://ask.example")] == ["ok"]


ASK, PAGE = "https://ask.example", "https://site.example/story"


@pytest.mark.parametrize(
    ("policy", "allowed"),
    [
        ("", True), ("img-src 'none'", True), ("default-src 'none'", False), ("default-src https://ask.example", True),
        ("default-src 'none'; script-src ask.example", True), ("script-src *.example", True), ("script-src https:", True), ("script-src HTTP:", True),
        ("script-src 'self'", False), ("script-src", False), ("script-src-elem 'none'; script-src *", False), ("script-src 'none'; script-src *", False),
        ("script-src https://ask.example/widget.js", True), ("script-src https://ask.example/", True), ("script-src https://ask.example/other/", False),
        ("script-src https://ask.example.evil", False), ("script-src *.ask.example", False), ("script-src http://ask.example", True),
        ("script-src ask.example:443", True), ("script-src ask.example:8443", False), ("script-src ask.example:*", True), ("script-src data:", False),
        ("script-src 'nonce-x'", False), ("script-src 'nonce-x' ask.example", True), ("script-src 'sha256-x'", False),
        ("script-src 'strict-dynamic' 'nonce-x' https:", False), ("script-src 'strict-dynamic' ask.example", False),
    ],
)  # fmt: skip
def test_policies_and_a_plain_tag(policy, allowed):
    assert csp.runs(csp.rules(policy), {"src": f"{ASK}/widget.js"}, f"{ASK}/widget.js", PAGE) is allowed


@pytest.mark.parametrize(
    ("policy", "tag", "allowed"),
    [
        ("script-src 'nonce-x'", {"nonce": "x"}, True), ("script-src 'nonce-x'", {"nonce": "y"}, False),
        ("script-src 'strict-dynamic' 'nonce-x'", {"nonce": "x"}, True), ("script-src 'strict-dynamic'", {"nonce": ""}, False),
        ("script-src 'sha256-a='", {"integrity": "sha256-a="}, True), ("script-src 'sha256-a='", {"integrity": "sha256-a= sha384-b="}, False),
        ("script-src 'strict-dynamic' 'nonce-x'", None, True), ("script-src 'self'", None, False),
    ],
)  # fmt: skip
def test_policies_that_go_by_the_tag(policy, tag, allowed):
    assert csp.runs(csp.rules(policy), tag, f"{ASK}/widget.js", PAGE) is allowed


@pytest.mark.parametrize(
    ("policy", "allowed"),
    [
        ("", True), ("connect-src 'none'", False), ("connect-src https://ask.example/api/", True), ("connect-src https://ask.example/api", False),
        ("connect-src https://ask.example/api/ask", True), ("connect-src https://ask.example/api/about", False), ("default-src 'self'; connect-src *", True),
        ("connect-src wss://ask.example", False), ("connect-src 'nonce-x'", False),
    ],
)  # fmt: skip
def test_what_a_policy_lets_be_asked(policy, allowed):
    assert csp.reaches(csp.rules(policy), f"{ASK}/api/ask", PAGE) is allowed


def test_sandboxes():
    assert csp.missing_in_sandbox(csp.rules("default-src *")) == []
    assert csp.missing_in_sandbox(csp.rules("sandbox")) == ["allow-same-origin", "allow-scripts"]
    assert csp.missing_in_sandbox(csp.rules("sandbox allow-scripts allow-same-origin allow-forms")) == []


def digest(api):
    return base64.b64encode(hashlib.sha256(httpx.get(f"{api.url}/widget.js").content).digest()).decode()


def tagged(api, marks):
    return script(api.url).replace("<script ", f"<script {marks} ")


BLOCKED = {
    "a nonce that the tag lacks": ("script-src 'nonce-abc'", "", "nonce of the policy"),
    "strict-dynamic, a tag without a nonce": ("script-src 'strict-dynamic' 'nonce-abc' http:", "", "nonce of the policy"),
    "another nonce": ("script-src 'nonce-abc'", "nonce='xyz'", "nonce of the policy"),
    "a digest of something else": ("script-src 'sha256-AAAA='", "", "script-src http://127.0.0.1"),
    "the second of two policies": ("default-src *, script-src 'none'", "", "script-src http://127.0.0.1"),
    "a sandbox": ("sandbox allow-forms", "", "sandbox allow-same-origin allow-scripts"),
    "a path that is too narrow": ("connect-src {api}/api/ask", "", "connect-src http://127.0.0.1"),
}  # fmt: skip
FREE = {
    "the nonce on the tag": ("script-src 'nonce-abc'; connect-src {api}", "nonce='abc'"),
    "strict-dynamic and the nonce": ("script-src 'strict-dynamic' 'nonce-abc'; connect-src {api}/api/", "nonce='abc'"),
    "two policies": ("default-src *, script-src {api}", ""),
    "a sandbox with enough in it": ("sandbox allow-scripts allow-same-origin", ""),
}


@pytest.mark.parametrize("name", BLOCKED)
def test_policies_of_pages_that_block(api, host, name):
    policy, marks, change = BLOCKED[name]
    ((what, told),) = bad(host.add("/csp", plain(), tagged(api, marks), headers={"Content-Security-Policy": policy.format(api=api.url)}))
    assert "Content-Security-Policy blocks" in what
    assert change in told


@pytest.mark.parametrize("name", FREE)
def test_policies_of_pages_that_do_not_block(api, host, name):
    policy, marks = FREE[name]
    assert bad(host.add("/csp", plain(), tagged(api, marks), headers={"Content-Security-Policy": policy.format(api=api.url)})) == []


@pytest.mark.browser
@pytest.mark.parametrize("name", [*BLOCKED, *FREE])
def test_a_browser_sees_policies_the_same_way(api, host, browser, name):
    policy, marks, *_ = {**BLOCKED, **FREE}[name]
    url = host.add("/csp", plain(), tagged(api, marks), headers={"Content-Security-Policy": policy.format(api=api.url)})
    page = browser.new_page()
    try:
        page.goto(url)
        told = page.evaluate(f"""async () => customElements.get("ask-article") && document.querySelector("ask-article") ? fetch("{api.url}/api/about?article=x").then(() => true, () => false) : false""")
    except Exception:
        told = False  # a sandbox in which nothing runs
    finally:
        page.close()
    assert told is (name in FREE)


def test_integrity(api, host):
    good = f"integrity='sha256-{digest(api)}' crossorigin"
    assert bad(host.add("/sri", plain(), tagged(api, good), headers={"Content-Security-Policy": f"script-src 'sha256-{digest(api)}'; connect-src {api.url}"})) == []
    ((what, change),) = bad(host.add("/sri", plain(), tagged(api, good.replace("sha256-", "sha256-A"))))
    assert "not the one" in what
    assert "integrity" in change
    ((what, _),) = bad(host.add("/sri", plain(), tagged(api, good.replace("crossorigin", ""))))
    assert "no crossorigin" in what


ARTICLES = {
    "the page's own address": ("", {}, "{page}"),
    "a site": ("", {"site": "https://www.site.example"}, "https://www.site.example/where?x=1"),
    "a canonical link before the site": ("<link rel=canonical href=/canon>", {"site": "https://www.site.example"}, "{host}/canon"),
    "a canonical link below a base": ("<base href='https://b.example/d/'><link rel=canonical href=c>", {}, "https://b.example/d/c"),
    "a canonical link to nothing": ("<link rel=canonical href='javascript:1'>", {}, "{page}"),
}


@pytest.mark.browser
@pytest.mark.parametrize("name", ARTICLES)
def test_it_asks_about_what_the_widget_asks_about(api, host, browser, name):
    head, options, expected = ARTICLES[name]
    page = host.add("/where", plain(), head + script(api.url, article=None, **options)) + "?x=1"
    expected = expected.format(page=page, host=host.origin)
    assert [what for what, _ in bad(page)] == [f"{expected} is not indexed"]
    shown = browser.new_page()
    try:
        shown.goto(page)
        shown.wait_for_selector("ask-article .root", state="attached")
        assert shown.evaluate("document.querySelector('ask-article').article") == expected
    finally:
        shown.close()


class Stripping:
    """A proxy that leaves the header of CORS to some methods alone."""

    def __init__(self, url, methods, name=b"access-control-allow-origin"):
        self.url, self.methods, self.name = url, methods, name

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return

        async def sending(message):
            if message["type"] == "http.response.start" and scope["method"] in self.methods:
                message["headers"] = [pair for pair in message["headers"] if pair[0] != self.name]
            await send(message)

        await Faulty(self.url)(scope, receive, sending)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_proxy_that_takes_the_permission_away(api, host, method):
    between = Raw(Stripping(api.url, [method]))
    try:
        ((what, change),) = bad(host.add("/p", plain(), script(between.url)))
        assert what == f"the answer to {method} has no Access-Control-Allow-Origin"
        assert "proxy" in change
    finally:
        between.stop()


def test_a_proxy_that_answers_preflights_by_halves(api, host):
    between = Raw(Stripping(api.url, ["OPTIONS"], b"access-control-allow-headers"))
    try:
        ((what, _),) = bad(host.add("/p", plain(), script(between.url)))
        assert "Content-Type" in what
    finally:
        between.stop()
