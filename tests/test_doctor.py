"""`ask-article doctor` on real pages: each trouble is named, with what to change."""

import pytest
from conftest import Raw, Served, free_port, run
from hosting import ID, Host, plain, script

from chatbot import Settings
from chatbot.doctor import _allows, examine


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
    from test_widget_faults import Faulty

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


@pytest.mark.parametrize(
    ("policy", "allowed"),
    [
        ("", True), ("img-src 'none'", True), ("default-src 'none'", False), ("default-src https://ask.example", True),
        ("default-src 'none'; script-src ask.example", True), ("script-src *.example", True), ("script-src https:", True),
        ("script-src 'self'", False), ("script-src 'nonce-x'", True), ("script-src-elem 'none'; script-src *", False),
        ("script-src https://ask.example/widget.js", True), ("script-src https://ask.example.evil", False),
    ],
)  # fmt: skip
def test_policies(policy, allowed):
    assert _allows(policy, "script-src", "https://ask.example", "https://site.example") is allowed
