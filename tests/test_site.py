"""What a site embeds: origins, pages read on request, the demo and the frame, over a real socket."""

import time

import httpx
import pytest
from conftest import SEEDS, Served
from hosting import ID, TEXT, Host, plain

from chatbot import Chatbot, Settings
from chatbot.config import check_origin
from chatbot.errors import LearnError, NothingIndexedError, SettingsError
from chatbot.web import learn as learning
from chatbot.web.learn import Learner, find, origin_of

FRIEND = "https://friend.example"
EVIL = "https://evil.example"


@pytest.fixture(scope="module")
def host():
    host = Host()
    yield host
    host.stop()


@pytest.fixture(scope="module")
def served(host, tmp_path_factory):
    bot = Chatbot.open([SEEDS], tmp_path_factory.mktemp("site"))
    served = Served(bot, Settings(allow_origin=(FRIEND,), learn=(host.origin,)))
    yield served
    served.stop()
    bot.close()


@pytest.fixture
def client(served):
    with httpx.Client(base_url=served.url, timeout=30) as client:
        yield client


ROUTES = {
    "/api/ask": {"question": "What is the Quad?"}, "/api/learn": {"article": "https://nowhere.example/"},
    "/api/feedback": {"question": "q", "helpful": True}, "/api/about": None, "/api/articles": None,
}  # fmt: skip


@pytest.mark.parametrize("method", ["OPTIONS", "POST", "GET"])
@pytest.mark.parametrize("origin", [FRIEND, EVIL, "null", None])
@pytest.mark.parametrize("path", ROUTES)
def test_origins(client, path, origin, method):
    headers = {"Origin": origin} if origin else {}
    if method == "OPTIONS":
        headers["Access-Control-Request-Method"] = "POST" if ROUTES[path] else "GET"
    reply = client.request(method, path, headers=headers, json=ROUTES[path] if method == "POST" else None)
    allowed = reply.headers.get("access-control-allow-origin")
    assert allowed == (FRIEND if origin == FRIEND else None)
    assert "access-control-allow-credentials" not in reply.headers
    if origin in (EVIL, "null"):
        assert reply.status_code in ((400,) if method == "OPTIONS" else (403,))
    if origin == FRIEND:
        assert "Origin" in reply.headers["vary"]


@pytest.mark.parametrize("body", [b"{", b"[]", b"{}", b'{"question": ""}', b"x" * 300_000])
def test_errors_are_readable_by_the_page_that_asked(client, body):
    reply = client.post("/api/ask", content=body, headers={"Origin": FRIEND})
    assert reply.status_code in (413, 422)
    assert reply.headers["access-control-allow-origin"] == FRIEND


@pytest.mark.parametrize("origin", ["https://a.b; script-src *", "https://*.b.c", "https://a b", "//a.b", "https://[::1", "null", "https://a.b?x", "https://-", "https://a,b"])
def test_malformed_origins_are_refused(origin):
    with pytest.raises(SettingsError):
        Settings().but(learn=(origin,))
    with pytest.raises(SettingsError):
        Settings().but(allow_origin=(origin,))


@pytest.mark.parametrize(("given", "meant"), [("https://Bücher.example", "https://xn--bcher-kva.example"), ("http://A.B:80/", "http://a.b"), ("http://[::1]:81", "http://[::1]:81")])
def test_origins_are_as_browsers_send_them(given, meant):
    assert check_origin(given) == meant


def test_about(client):
    about = client.get("/api/about", params={"article": ID, "lang": "de-AT"}).json()
    assert about["known"] is True
    assert about["id"] == ID
    assert about["starters"]
    assert about["strings"]["send"] == "Senden"
    assert "title" not in about["strings"], "the script has it already"
    plain = client.get("/api/about", params={"article": ID, "lang": "de"}, headers={"Accept-Encoding": "identity", "Origin": FRIEND})
    assert "content-encoding" not in plain.headers
    assert plain.json() == about
    zipped = client.get("/api/about", params={"article": ID, "lang": "de"}, headers={"Origin": FRIEND})
    assert zipped.headers["content-encoding"] == "gzip"
    assert zipped.json() == about
    assert {"Accept-Encoding", "Origin"} <= set(zipped.headers["vary"].split(", "))
    unknown = client.get("/api/about", params={"article": "https://elsewhere.example/x"}).json()
    assert unknown == {"known": False, "learnable": False}


def test_a_page_is_read_once(client, host, served):
    url = host.add("/news/1", plain(TEXT.replace("Quad", "Quint")), f'<link rel="canonical" href="{host.origin}/news/1"><title>The Quint</title>')
    assert client.get("/api/about", params={"article": url}).json() == {"known": False, "learnable": True}
    assert client.post("/api/ask", json={"question": "Why?", "article": url}).status_code == 404
    for address in (url, f"{url}/", f"{url}#part"):
        reply = client.post("/api/learn", json={"article": address})
        assert reply.status_code == 200, reply.text
        assert reply.json()["id"] == url
    assert host.asked.count("/news/1") == 1
    answer = client.post("/api/ask", json={"question": "What is the Quint?", "article": url}).json()
    assert answer["state"] == "answered"
    assert answer["citations"][0]["url"] == url
    citation = answer["citations"][0]
    assert served.warmup.bot().article(url).text[citation["start"] : citation["end"]] == citation["quote"]
    assert len(client.get("/api/articles").json()) == 2


REFUSED = {
    "elsewhere": (lambda host: "https://elsewhere.example/", "not read on request"),
    "a file": (lambda host: "file:///etc/passwd", "not read on request"),
    "another port": (lambda host: host.origin + "1/x", "not read on request"),
    "a name in front": (lambda host: host.origin.replace("//", "//x@"), "not read on request"),
    "missing": (lambda host: host.origin + "/missing", "answered 404"),
    "leads away": (lambda host: host.origin + "/away", "leads to another site"),
    "leads to a file": (lambda host: host.origin + "/file", "answered 302"),
    "goes in circles": (lambda host: host.origin + "/circle", "answered 302"),
    "no page": (lambda host: host.origin + "/image", "not a page but image/png"),
    "no article": (lambda host: host.origin + "/empty", "no article text"),
    "too large": (lambda host: host.origin + "/large", "larger than"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_read(client, host, name, monkeypatch):
    monkeypatch.setattr(learning, "MAX_PAGE", 200_000)
    host.pages["/away"] = ("", {"status": 302, "Location": "http://169.254.169.254/latest"})
    host.pages["/file"] = ("", {"status": 302, "Location": "file:///etc/passwd"})
    host.pages["/circle"] = ("", {"status": 302, "Location": "/circle"})
    host.pages["/image"] = ("x", {"Content-Type": "image/png"})
    host.add("/empty", "")
    host.add("/large", "x " * 200_000)
    url, words = REFUSED[name]
    reply = client.post("/api/learn", json={"article": url(host)})
    assert reply.status_code == 422
    assert words in reply.json()["detail"]


def test_a_redirect_within_the_site_is_followed(client, host):
    host.add("/there/", plain(TEXT.replace("Quad", "Sextet")))
    host.pages["/there"] = ("", {"status": 301, "Location": "/there/"})
    assert client.post("/api/learn", json={"article": host.origin + "/there"}).json()["known"] is True


def test_a_page_does_not_speak_for_another_site(client, host):
    url = host.add("/liar", plain(TEXT.replace("Quad", "Octet")), '<link rel="canonical" href="https://bank.example/">')
    assert client.post("/api/learn", json={"article": url}).json()["id"] == url


def test_a_page_that_failed_is_left_alone_for_a_while(served, host):
    learner = Learner([host.origin])
    for _ in range(3):
        with pytest.raises(LearnError, match="answered 404"):
            learner.learn(served.warmup.bot(), host.origin + "/never")
    assert host.asked.count("/never") == 1


def test_a_page_that_comes_too_slowly_is_given_up(monkeypatch, host):
    class Drip:
        def read1(self, _):
            time.sleep(0.05)
            return b"x"

    with pytest.raises(LearnError, match="did not arrive"):
        learning._body("u", Drip(), time.monotonic() + 0.2)


def test_there_is_an_end_to_learning(served, host, monkeypatch):
    monkeypatch.setattr(learning, "MAX_PAGES", 0)
    with pytest.raises(LearnError, match="enough pages"):
        Learner([host.origin]).learn(served.warmup.bot(), host.origin + "/more")


def test_names_of_addresses():
    assert origin_of("HTTPS://A.B:443/x") == "https://a.b"
    assert origin_of("data:text/html,x") is None
    assert origin_of("not an address") is None


def test_finding_an_article(served):
    assert find(served.warmup.bot(), ID).id == ID
    assert find(served.warmup.bot(), "") is None


def test_the_frame_and_the_demo(client):
    reply = client.get("/embed", params={"article": ID})
    assert reply.status_code == 307
    assert f"frame-ancestors 'self' {FRIEND}" in reply.headers["content-security-policy"]
    shown = client.get(reply.headers["location"])
    assert f"frame-ancestors 'self' {FRIEND}" in shown.headers["content-security-policy"]
    missing = client.get("/embed", params={"article": "nothing"})
    assert missing.status_code == 404
    assert missing.headers["content-security-policy"].endswith(f"frame-ancestors 'self' {FRIEND}")
    demo = client.get("/demo")
    assert f'data-article="{ID}"' in demo.text
    assert "unsafe" not in demo.headers["content-security-policy"]
    assert "trusted-types 'none'" in demo.headers["content-security-policy"]
    assert demo.headers["content-security-policy"].endswith("frame-ancestors 'self'")


def test_a_frame_says_that_there_is_nothing_to_ask(client, served, monkeypatch):
    def nothing():
        raise NothingIndexedError("no articles here")

    monkeypatch.setattr(served.warmup, "bot", nothing)
    reply = client.get("/embed", params={"article": ID})
    assert (reply.status_code, "no articles here" in reply.text) == (503, True)
    assert reply.headers["content-security-policy"].endswith(f"frame-ancestors 'self' {FRIEND}")
    assert client.get("/demo").headers["content-security-policy"].endswith("frame-ancestors 'self'")
