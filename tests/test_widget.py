"""The widget in a real browser, on pages of another origin than the API."""

import gzip
import json
import re
import time

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import ARTEFACTS, SEEDS, Served
from hosting import ID, TEXT, Host, marked_up, plain, script
from playwright.sync_api import expect

from chatbot import Chatbot, Settings
from chatbot.web.widget import (
    BEFORE_OPENING,
    BUDGET,
    BUILT,
    FOLDER,
    ZIPPED,
    languages,
    mark_of,
    source,
    tightened,
    words_for,
)
from chatbot.web.widget import script as script_as_sent

pytestmark = pytest.mark.browser
HOSTILE = """<style>* { display: block !important; color: red !important; font: 40px cursive !important;
    background: yellow !important; position: static !important; transform: rotate(1deg) !important; }
    button { display: none !important; } ask-article { visibility: hidden !important; opacity: 0 !important; }</style>"""


@pytest.fixture(scope="module")
def host():
    host = Host()
    yield host
    host.stop()


@pytest.fixture(scope="module")
def api(bot, host):
    """The seed, served to the pages of `host`."""
    served = Served(bot, Settings(allow_origin=(host.origin,)))
    yield served
    served.stop()


@pytest.fixture
def visit(browser):
    """Open a page that must stay free of script errors and of other hosts."""
    contexts, faults = [], []

    def visiting(url, wait="ask-article .root", **options):
        context = browser.new_context(**{"viewport": {"width": 1200, "height": 820}, **options})
        contexts.append(context)
        page = context.new_page()
        page.requests, page.said = [], []
        page.on("request", lambda r: page.requests.append(r.url))
        page.on("console", lambda m: page.said.append(m.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(url)
        if wait:
            page.wait_for_selector(wait, state="attached")
        return page

    yield visiting
    for context in contexts:
        context.close()
    assert not faults


def opened(page):
    page.click("ask-article .launcher")
    page.wait_for_selector("ask-article .intro")
    return page


def asked(page, question="What is the Quad?", until=".tools"):
    turns = page.locator("ask-article .turn").count()
    page.fill("ask-article textarea", question)
    page.press("ask-article textarea", "Enter")
    turn = page.locator("ask-article .turn").nth(turns)
    turn.locator(until).wait_for()
    return turn


def lit(page, name="ask-article"):
    """What is highlighted, as it is compared: spaces, soft hyphens and quotes made plain."""
    return squeezed(page.evaluate("name => [...(CSS.highlights.get(name) ?? [])].map(String).join('|')", name))


def squeezed(text):
    return re.sub(r"[\s\u00ad]+", "", text.replace("’", "'").replace("“", '"').replace("”", '"'))


def quote_of(bot, question="What is the Quad?"):
    return bot.ask(question).citations[0].quote


# ——— Small and clean


def test_one_request_until_opened_and_none_to_others(api, host, visit):
    page = visit(host.add("/requests", plain(), script(api.url)))
    time.sleep(0.5)
    ours = [url for url in page.requests if url.startswith(api.url)]
    assert ours == [f"{api.url}/widget.js"]
    opened(page)
    asked(page)
    ours = [url for url in page.requests if url.startswith(api.url)]
    assert len(ours) == 3, ours
    assert all(url.startswith((api.url, host.origin)) for url in page.requests)
    assert page.evaluate("[document.cookie, localStorage.length, sessionStorage.length].join()") == ",0,0"
    assert page.context.cookies() == []


def test_the_budget(api):
    import httpx

    reply = httpx.get(f"{api.url}/widget.js", headers={"Accept-Encoding": "gzip"})
    sent = int(reply.headers["content-length"])
    assert reply.headers["content-encoding"] == "gzip"
    rest = [json.dumps(words_for(name), ensure_ascii=False, separators=(",", ":")) for name in languages()]
    most = max(len(gzip.compress(each.encode())) for each in rest)
    assert sent + most <= BUDGET, f"{sent} bytes and {most} of strings"
    assert reply.headers["content-type"] == "text/javascript; charset=utf-8"
    assert len(httpx.get(f"{api.url}/widget.js", headers={"Accept-Encoding": "identity"}).content) > 2 * sent
    again = httpx.get(f"{api.url}/widget.js", headers={"If-None-Match": reply.headers["etag"]})
    assert again.status_code == 304


def test_the_script_was_made_of_its_parts():
    mark, _, small = BUILT.read_text(encoding="utf-8").partition("\n")
    assert mark == mark_of(source()), "run: python -m chatbot.web.widget"
    assert gzip.decompress(ZIPPED.read_bytes()) == small.encode() == script_as_sent().text
    assert script_as_sent().zipped == ZIPPED.read_bytes()


def test_a_style_sheet_made_smaller_means_the_same():
    style = "/* a: b; */\n.a > .b:hover, ::before { margin: calc(1px + 2px) 0; content: \"\"; }\n@media (max-width: 9px) { a { b: c; } }"
    assert tightened(style) == '.a>.b:hover,::before{margin:calc(1px + 2px) 0;content:""}@media (max-width:9px){a{b:c}}'


def test_every_language_says_everything():
    spoken = languages()
    assert set(spoken) == {"en", "fr", "de", "es", "hi", "ja", "ar"}
    for words in spoken.values():
        assert list(words) == list(spoken["en"])
        assert all(words.values())
        for name in words:
            assert words[name].count("{}") == spoken["en"][name].count("{}"), name
    assert set(BEFORE_OPENING) <= set(spoken["en"])


# ——— Citing in place

KINDS = {
    "plain": lambda api: (plain(), script(api.url), {}),
    "marked-up": lambda api: (marked_up(), script(api.url), {}),
    "hostile": lambda api: (plain(), HOSTILE + script(api.url), {}),
    "strict": lambda api: (
        plain(), script(api.url),
        {"Content-Security-Policy": f"default-src 'none'; script-src {api.url}; connect-src {api.url}; require-trusted-types-for 'script'; trusted-types 'none'"},
    ),
    "before-body": lambda api: (plain(), script(api.url).replace("async ", ""), {}),
    "twice": lambda api: (plain() + script(api.url), script(api.url) + script(api.url), {}),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("question", ["What is the Quad?", "What did Prime Minister Ishiba say?"])
def test_a_citation_lights_up_in_the_page(api, host, bot, visit, kind, question):
    body, head, headers = KINDS[kind](api)
    page = opened(visit(host.add(f"/{kind}", body, head, headers=headers)))
    assert page.locator("ask-article").count() == 1
    before = page.evaluate("document.body.querySelector('main').outerHTML")
    turn = asked(page, question)
    turn.locator(".cite").first.click()
    page.wait_for_function("CSS.highlights.has('ask-article')")
    assert lit(page) == squeezed(quote_of(bot, question))
    assert page.evaluate("document.body.querySelector('main').outerHTML") == before
    page.wait_for_function("(() => { const { top } = [...CSS.highlights.get('ask-article')][0].getBoundingClientRect(); return top > 0 && top < innerHeight * 0.8 })()")
    assert not [said for said in page.said if "Content Security Policy" in said or "Trusted" in said]
    page.screenshot(path=ARTEFACTS / f"widget-{kind}.png")


def test_every_sentence_of_the_article_is_found_in_its_marked_up_page(api, host, bot, visit):
    """Not only what is cited: any sentence, found by its words."""
    page = visit(host.add("/all", marked_up(), script(api.url)))
    page.add_script_tag(path=FOLDER / "locate.js")
    stored = bot.index.catalog.get(bot.articles()[0].key)
    sentences = [each for passage in stored.passages for each in passage.sentences]
    assert len(sentences) > 10
    for each in sentences:
        citation = {"quote": each.text, "start": each.start, "before": TEXT[max(0, each.start - 32) : each.start], "after": TEXT[each.end : each.end + 32]}
        found = page.evaluate("c => String(locate(document.body, c)?.sentence ?? '')", citation)
        assert squeezed(found) == squeezed(each.text)


LOCATED = {
    "repeated, told apart by its neighbours": ("<p>One stood here. It rained. Then two.</p><p>Three came. It rained. Then four left.</p>", "It rained.", "Three came. ", " Then four", "It rained."),
    "repeated, not to be told apart": ("<p>It rained.</p><p>It rained.</p>", "It rained.", "", "", None),
    "absent": ("<p>It snowed.</p>", "It rained.", "", "", None),
    "part of a word": ("<p>She left.</p>", "He left.", "", "", None),
    "in hidden words": ("<p hidden>It rained.</p><p style='display:none'>It rained.</p>", "It rained.", "", "", None),
    "beside hidden words": ("<p hidden>It rained.</p><p>It rained.</p>", "It rained.", "", "", "It rained."),
    "footnote inside": ("<p>It rained<sup>[3]</sup> all day.</p>", "It rained all day.", "", "", "It rained[3] all day."),
    "accents apart": ("<p>Un cafe\u0301 noir.</p>", "Un café noir.", "", "", "Un cafe\u0301 noir."),
    "beyond the first plane": ("<p>😀 We 😀 met 😀.</p>", "We 😀 met", "", "", "We 😀 met"),
    "over a line break": ("<p>Yes<br>It rained</p>", "It rained", "", "", "It rained"),
    "over blocks": ("<h2>Rain</h2><p>It rained.</p>", "It rained.", "Rain\n\n", "", "It rained."),
    "arabic with marks": ("<p>قَالَ الرَّجُلُ.</p>", "قال الرجل.", "", "", "قَالَ الرَّجُلُ."),
    "japanese": ("<p>雨が降った。彼は去った。</p>", "彼は去った。", "", "", "彼は去った。"),
}


@pytest.mark.parametrize("name", LOCATED)
def test_finding_a_quote(api, host, visit, name):
    body, quote, before, after, expected = LOCATED[name]
    page = visit(host.add("/locate", body), wait=None)
    page.add_script_tag(path=FOLDER / "locate.js")
    citation = {"quote": quote, "before": before, "after": after, "start": 0}
    found = page.evaluate("c => locate(document.body, c)?.sentence.toString() ?? null", citation)
    assert found == expected


def test_the_phrase_in_a_sentence_is_lit_up_more_strongly(api, host, visit):
    page = visit(host.add("/phrase", "<p>Before. The 😀 Quad is a <em>strategic fo&shy;rum</em> of four. After.</p>"), wait=None)
    for name in ("locate", "style", "panel"):
        page.add_script_tag(path=FOLDER / f"{name}.js")
    quote = "The 😀 Quad is a strategic forum of four."
    start = 100 + quote.index("strategic")
    phrase = {"start": start, "end": start + len("strategic forum"), "quote": "strategic forum"}
    citation = {"number": 1, "quote": quote, "start": 100, "before": "Before. ", "after": " After.", "phrase": phrase}
    page.evaluate("c => light(locate(document.body, c))", citation)
    assert lit(page, "ask-article-phrase") == "strategicforum"
    marked = page.evaluate("c => makeSentence(String, { text: c.quote }, [c], () => {}).querySelector('mark').textContent", citation)
    assert marked == "strategic forum"
    wrong = {**citation, "phrase": {**phrase, "end": start + 3}}
    page.evaluate("c => light(locate(document.body, c))", wrong)
    assert lit(page, "ask-article-phrase") == ""


def test_a_quote_that_the_page_does_not_hold_is_shown_in_the_panel(api, host, bot, visit):
    page = opened(visit(host.add("/absent", "<main><p>Another text.</p></main>", script(api.url))))
    turn = asked(page)
    turn.locator(".cite").first.click()
    expect(page.locator("ask-article .quote")).to_have_text(quote_of(bot))
    expect(page.locator("ask-article .found")).to_contain_text("Not found in this page")
    assert lit(page) == ""


def test_without_highlights_there_is_a_link_to_the_text(api, host, bot, visit):
    page = visit(host.add("/old", plain(), "<script>delete globalThis.Highlight</script>" + script(api.url)))
    turn = asked(opened(page))
    turn.locator(".cite").first.click()
    link = page.locator("ask-article .found a")
    expect(link).to_have_attribute("href", re.compile(re.escape(f"{host.origin}/old#:~:text=")))
    expect(page.locator("ask-article .quote")).to_have_text(quote_of(bot))
    page.evaluate("scrollTo(0, 0)")
    link.click()
    page.wait_for_function("scrollY > 0 || document.documentElement.scrollHeight <= innerHeight")


def test_a_long_real_page(api, host, bot, visit):
    """The article inside a long page of other text, among which a Debian package's own where there is one."""
    from pathlib import Path

    found = sorted(Path("/usr/share").glob("doc/**/*.html"), key=lambda path: -path.stat().st_size)
    real = next((path for path in found if path.stat().st_size < 2_000_000), None)
    other = re.sub(r"(?s)^.*?<body[^>]*>|</body>.*$|<script.*?</script>", "", real.read_text(errors="replace")) if real else ""
    filler = "".join(f"<section><h3>Part {n}</h3><p>The clerk wrote line {n} of the <i>record</i>, and the ministers went home.</p></section>" for n in range(6000))
    url = host.add("/long", filler + other + marked_up() + filler, script(api.url))
    page = opened(visit(url))
    turn = asked(page)
    started = time.monotonic()
    turn.locator(".cite").first.click()
    page.wait_for_function("CSS.highlights.has('ask-article')")
    assert time.monotonic() - started < 8
    assert lit(page) == squeezed(quote_of(bot))


# ——— The panel


def test_the_whole_conversation(api, host, visit):
    page = opened(visit(host.add("/talk", plain(), script(api.url))))
    starter = page.locator("ask-article .starters .starter").first
    question = starter.inner_text()
    starter.click()
    expect(page.locator("ask-article .asked")).to_have_text(question)
    page.locator("ask-article .tools").wait_for()
    assert page.locator("ask-article .live").inner_text().strip()
    turn = asked(page, "Who won the football world cup?")
    expect(turn.locator(".refused")).to_have_text("The article doesn’t say.")
    assert turn.locator(".near").count() >= 1
    turn.locator(".near").first.click()
    page.wait_for_function("CSS.highlights.has('ask-article')")
    page.get_by_role("button", name="New conversation").click()
    expect(page.locator("ask-article .turn")).to_have_count(0)
    expect(page.locator("ask-article .starters .starter").first).to_be_visible()
    assert lit(page) == ""


def test_a_follow_up_knows_what_was_said(api, host, visit):
    page = opened(visit(host.add("/follow", plain(), script(api.url))))
    asked(page)
    with page.expect_request("**/api/ask") as caught:
        asked(page, "Who else is in it?")
    sent = json.loads(caught.value.post_data)
    assert [turn["question"] for turn in sent["history"]] == ["What is the Quad?"]
    assert sent["article"] == ID


def test_thumbs_and_copying(api, host, bot, visit):
    page = visit(host.add("/tools", plain(), script(api.url)))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    turn = asked(opened(page))
    with page.expect_response("**/api/feedback") as caught:
        turn.get_by_role("button", name="Helpful", exact=True).click()
    assert caught.value.status == 204
    expect(turn.get_by_role("button", name="Helpful", exact=True)).to_have_attribute("aria-pressed", "true")
    turn.get_by_role("button", name="Copy").click()
    expect(turn.locator(".tools")).to_contain_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(bot.ask("What is the Quad?").text)
    assert f"“{quote_of(bot)}”" in copied


def test_keyboard_alone(api, host, visit):
    page = visit(host.add("/keys", '<a id="first" href="#x">A link</a>' + plain(), script(api.url)))
    page.focus("#first")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    for _ in range(5):
        if page.evaluate("document.activeElement?.shadowRoot?.activeElement?.className") == "launcher":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    inner = "document.activeElement?.shadowRoot?.activeElement?.className"
    page.wait_for_function(f"{inner} === 'input'")
    page.wait_for_selector("ask-article .intro")
    page.keyboard.type("What is the Quad?")
    page.keyboard.press("Enter")
    page.locator("ask-article .tools").wait_for()
    for _ in range(12):
        page.keyboard.press("Shift+Tab")
        if page.evaluate(inner) == "cite":
            break
    page.keyboard.press("Enter")
    page.wait_for_function("CSS.highlights.has('ask-article')")
    assert page.evaluate(inner) == "cite"
    page.keyboard.press("Escape")
    expect(page.locator("ask-article .panel")).to_be_hidden()
    assert page.evaluate(inner) == "launcher"


def test_focus_goes_back_to_where_it_was_and_shortcuts_stay_the_hosts(api, host, visit):
    body = plain() + '<button id="mine" onclick="document.querySelector(\'ask-article\').open()">Ask</button><script>keys = []; addEventListener("keydown", e => keys.push(e.key))</script>'
    page = visit(host.add("/focus", body, script(api.url)))
    page.click("#mine")
    page.wait_for_selector("ask-article .intro")
    page.keyboard.type("sj/")
    assert page.evaluate("keys") == []
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") == "mine"


def test_a_phone(api, host, visit):
    page = visit(host.add("/phone", plain(), script(api.url)), viewport={"width": 390, "height": 780}, has_touch=True, is_mobile=True)
    page.tap("ask-article .launcher")
    page.wait_for_selector("ask-article .intro")
    assert page.evaluate("getComputedStyle(document.querySelector('ask-article').shadowRoot.querySelector('textarea')).fontSize") == "16px"
    turn = asked(page)
    turn.locator(".cite").first.tap()
    page.wait_for_function("CSS.highlights.has('ask-article')")
    expect(page.locator("ask-article .panel")).to_be_hidden()
    back = page.get_by_role("button", name="Back to the answer")
    back.tap()
    expect(turn.locator(".cite").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


# ——— Options, methods and events


def test_methods_and_events(api, host, visit):
    body = plain() + f"""<ask-article api="{api.url}" article="{ID}"></ask-article><script>
        heard = []; for (const name of ["ready", "answer", "citation", "refusal", "error"])
            document.querySelector("ask-article").addEventListener(name, (event) => heard.push([name, event.detail?.state ?? ""]));</script>"""
    page = visit(host.add("/methods", body, f'<script async src="{api.url}/widget.js"></script>'))
    run = "document.querySelector('ask-article')."
    answer = page.evaluate(f"{run}ask('What is the Quad?')")
    assert answer["state"] == "answered"
    page.locator("ask-article .cite").first.click()
    page.evaluate(f"{run}ask('Who won the football world cup?')")
    page.evaluate(f"{run}close()")
    expect(page.locator("ask-article .panel")).to_be_hidden()
    page.evaluate(f"{run}open()")
    page.evaluate(f"{run}reset()")
    expect(page.locator("ask-article .turn")).to_have_count(0)
    page.evaluate(f"{run}setArticle('nowhere.txt')")
    expect(page.locator("ask-article .fault")).to_contain_text("not indexed yet")
    assert page.evaluate(f"{run}ask('Why?')") is None
    names = [name for name, _ in page.evaluate("heard")]
    assert names == ["ready", "answer", "citation", "refusal", "error"]


def test_options_of_looks(api, host, visit):
    style = "<style>ask-article::part(title) { letter-spacing: 7px; }</style>"
    url = host.add("/looks", plain(), style + script(
        api.url, theme="dark", accent="#ffcc00", title="Ask the Times", placeholder="Go on", starters="One?|Two?",
        disclaimer="Made by a machine.", position="bottom-left", open="",
    ))  # fmt: skip
    page = visit(url)
    page.wait_for_selector("ask-article .intro")
    part = "document.querySelector('ask-article').shadowRoot.querySelector"
    assert page.evaluate(f"getComputedStyle({part}('.panel')).backgroundColor") == "rgb(28, 30, 34)"
    assert page.evaluate(f"getComputedStyle({part}('.send')).backgroundColor") == "rgb(255, 204, 0)"
    assert page.evaluate(f"getComputedStyle({part}('.send')).color") == "rgb(0, 0, 0)"
    assert page.evaluate(f"getComputedStyle({part}('.title')).letterSpacing") == "7px"
    assert page.locator("ask-article .starter").all_inner_texts() == ["One?", "Two?"]
    expect(page.locator("ask-article .title")).to_have_text("Ask the Times")
    expect(page.locator("ask-article .disclaimer")).to_have_text("Made by a machine.")
    expect(page.locator("ask-article textarea")).to_have_attribute("placeholder", "Go on")
    assert page.evaluate(f"{part}('.panel').getBoundingClientRect().left") < 40
    page.evaluate("document.querySelector('ask-article').setAttribute('theme', 'light')")
    page.wait_for_function(f"getComputedStyle({part}('.panel')).backgroundColor === 'rgb(251, 248, 241)'")


@pytest.mark.parametrize("background", ["#101014", "#fff"])
def test_the_hosts_theme(api, host, visit, background):
    style = f"<style>body {{ background: {background}; font-family: Courier; }}</style>"
    page = visit(host.add("/themed", plain(), style + script(api.url, theme="host")))
    root = "document.querySelector('ask-article').shadowRoot.querySelector('.root')"
    assert page.evaluate(f"{root}.dataset.theme") == ("light" if background == "#fff" else "dark")
    assert page.evaluate(f"getComputedStyle({root}).fontFamily") == "Courier"


@pytest.mark.parametrize("language", languages())
def test_languages(api, host, visit, language):
    page = visit(host.add("/spoken", plain(), script(api.url), lang=f"{language}-XX"))
    words = languages()[language]
    expect(page.locator("ask-article .launcher")).to_have_text(words["title"])
    opened(page)
    expect(page.locator("ask-article .intro")).to_have_text(words["intro"])
    expect(page.locator("ask-article textarea")).to_have_attribute("placeholder", words["placeholder"])
    page.wait_for_function("document.activeElement?.shadowRoot?.activeElement?.className === 'input'")
    assert page.locator("ask-article .root").get_attribute("dir") == ("rtl" if language == "ar" else "ltr")
    turn = asked(page, "Who won the football world cup?")
    expect(turn.locator(".refused")).to_have_text(words["nothing"])


def test_inline(api, host, visit):
    page = visit(host.add("/inline", "<main><p>x</p>" + script(api.url, mode="inline") + "</main>" + plain()))
    page.wait_for_selector("ask-article .intro")
    assert page.locator("ask-article .launcher").count() == 0
    assert page.evaluate("document.querySelector('ask-article').parentElement.localName") == "main"
    asked(page).locator(".cite").first.click()
    page.wait_for_function("CSS.highlights.has('ask-article')")


def test_asking_about_the_selection(api, host, visit):
    page = visit(host.add("/select", plain(), script(api.url, mode="selection")))
    expect(page.locator("ask-article .launcher")).to_be_hidden()
    page.evaluate("""() => { const text = [...document.querySelectorAll('article p')].find(p => p.textContent.includes('Quad,')).firstChild;
        const at = text.data.indexOf('Quadrilateral'); getSelection().setBaseAndExtent(text, at, text, at + 'Quadrilateral Security Dialogue'.length); }""")
    page.locator("ask-article .ask-selection").click()
    expect(page.locator("ask-article .asked")).to_have_text("What does the article say about “Quadrilateral Security Dialogue”?")
    expect(page.locator("ask-article .sentence").first).to_contain_text("Quadrilateral")


def test_storage_for_the_session(api, host, visit):
    page = opened(visit(host.add("/stored", plain(), script(api.url, storage="session"))))
    asked(page)
    page.reload()
    page.click("ask-article .launcher")
    expect(page.locator("ask-article .asked")).to_have_text("What is the Quad?")
    page.locator("ask-article .cite").first.click()
    page.wait_for_function("CSS.highlights.has('ask-article')")
    page.get_by_role("button", name="New conversation").click()
    assert page.evaluate("sessionStorage.length") == 0


def test_storage_that_throws(api, host, visit):
    broken = "<script>Object.defineProperty(globalThis, 'sessionStorage', { get() { throw new DOMException('no', 'SecurityError') } })</script>"
    page = opened(visit(host.add("/nostore", plain(), broken + script(api.url, storage="session"))))
    expect(asked(page).locator(".cite").first).to_be_visible()


# ——— Pages that change


def test_a_single_page_app(api, host, visit):
    head = f"<link rel=canonical href='{host.origin}/one'>" + script(api.url, article=None)
    page = opened_unknown(visit(host.add("/one", plain(), head)))
    page.evaluate("history.pushState({}, '', '/two'); document.querySelector('link[rel=canonical]').href = '/two'")
    page.wait_for_function("document.querySelector('ask-article').article.endsWith('/two')")
    asked_urls = lambda: [url for url in page.requests if "/api/about" in url]  # noqa: E731
    page.wait_for_function("() => true")
    expect(page.locator("ask-article .fault")).to_be_visible()
    assert "%2Ftwo" in asked_urls()[-1]
    page.evaluate(f"document.querySelector('ask-article').setArticle('{ID}')")
    page.wait_for_selector("ask-article .intro")
    asked(page)
    page.evaluate("e = document.querySelector('ask-article'); e.remove()")
    time.sleep(0.1)
    page.evaluate("document.querySelector('main').append(e)")
    expect(page.locator("ask-article .cite").first).to_be_visible()
    page.locator("ask-article .cite").first.click()
    page.wait_for_function("CSS.highlights.has('ask-article')")
    page.evaluate("document.querySelector('ask-article').setArticle(null)")
    expect(page.locator("ask-article .turn")).to_have_count(0)
    assert lit(page) == ""


def opened_unknown(page):
    page.click("ask-article .launcher")
    expect(page.locator("ask-article .fault")).to_contain_text("not indexed yet")
    return page


def test_two_on_one_page(api, host, visit):
    element = f'<ask-article api="{api.url}" article="{ID}"'
    body = plain() + f'{element} id="a"></ask-article>{element} id="b" mode="inline"></ask-article>{element} id="c"></ask-article>'
    page = visit(host.add("/two-here", body, f'<script async src="{api.url}/widget.js"></script>'))
    boxes = [page.locator(f"#{name} .launcher").bounding_box() for name in "ac"]
    assert abs(boxes[0]["y"] - boxes[1]["y"]) >= boxes[0]["height"]
    page.click("#c .launcher")
    page.wait_for_selector("#c .intro")
    page.fill("#c textarea", "What is the Quad?")
    page.press("#c textarea", "Enter")
    page.locator("#c .tools").wait_for()
    assert page.locator("#a .turn, #b .turn").count() == 0


# ——— Accessible

LOOKS = {
    "light": {}, "dark": {"color_scheme": "dark"}, "forced": {"forced_colors": "active"}, "narrow": {"viewport": {"width": 320, "height": 640}}, "rtl": {},
}  # fmt: skip


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing(api, host, visit, look):
    rtl = {"lang": "ar", "dir": "rtl"} if look == "rtl" else {}
    url = host.add(f"/axe-{look}", plain(), script(api.url), **rtl)
    page = visit(url, **LOOKS[look])
    found = [Axe().run(page)]
    opened(page)
    found.append(Axe().run(page))
    asked(page)
    asked(page, "Who won the football world cup?")
    found.append(Axe().run(page))
    page.screenshot(path=ARTEFACTS / f"widget-axe-{look}.png")
    problems = [f"{rule['id']}: {node['html'][:150]}" for each in found for rule in each.response["violations"] for node in rule["nodes"]]
    assert not problems, "\n".join(problems)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


# ——— The other pages


def test_the_demo(api, visit):
    page = opened(visit(f"{api.url}/demo"))
    asked(page).locator(".cite").first.click()
    page.wait_for_function("CSS.highlights.has('ask-article')")
    assert not [said for said in page.said if "Policy" in said]


def test_the_frame(api, host, visit):
    page = visit(host.add("/framed", f'<iframe src="{api.url}/embed?article={ID}" width="600" height="700" title="Ask"></iframe>'), wait=None)
    frame = page.frame_locator("iframe")
    frame.locator("#question textarea").fill("What is the Quad?", timeout=30000)
    frame.locator("#question textarea").press("Enter")
    frame.locator("#chat .cite").first.wait_for()
    expect(frame.locator(".brand")).to_be_hidden()


def test_a_foreign_page_cannot_frame_it(api, visit):
    other = Host()
    try:
        page = visit(other.add("/framed", f'<iframe src="{api.url}/embed?article={ID}" title="Ask"></iframe>'), wait=None)
        time.sleep(1)
        assert [said for said in page.said if "frame-ancestors" in said]
    finally:
        other.stop()


def test_a_reader_can_have_a_page_read(host, visit, tmp_path):
    """Not indexed yet; the button has the server fetch it; then it is asked, and cited in place."""
    bot = Chatbot.open([SEEDS], tmp_path)
    served = Served(bot, Settings(allow_origin=(host.origin,), learn=(host.origin,)))
    try:
        address = f"{host.origin}/story"
        body = marked_up(TEXT.replace("Quad", "Quint"))
        page = opened_unknown(visit(host.add("/story", body, f'<link rel="canonical" href="{address}">' + script(served.url, article=None))))
        page.fill("ask-article textarea", "What is the Quint?")
        page.press("ask-article textarea", "Enter")
        page.locator("ask-article .turn").get_by_role("button", name="Have this page read").click()
        page.locator("ask-article .cite").first.click()
        page.wait_for_function("CSS.highlights.has('ask-article')")
        assert "Quint" in lit(page)
        assert bot.answerer.entries(address)[0].id == address
    finally:
        served.stop()
        bot.close()


@pytest.mark.parametrize(("lang", "told"), [("en", "These are the article’s own words."), ("de", "Dies sind die Worte des Artikels selbst."), ("ar", "هذه كلمات المقال نفسها.")])
def test_what_stands_in_for_a_model_says_so(seed_index, host, visit, lang, told):
    from scripted import Scripted

    from chatbot.answering.faults import Fault

    bot = Chatbot(Chatbot.open([], seed_index).index, Settings(), model=Scripted(Fault("unauthorized")))
    served = Served(bot, Settings(allow_origin=(host.origin,)))
    try:
        page = visit(host.add(f"/model-{lang}", plain() + script(served.url, lang=lang)))
        panel = opened(page)
        asked(panel, "What is the Quad?")
        expect(panel.locator(".notice")).to_contain_text(told)
        assert panel.locator(".sentence").count() >= 1
    finally:
        served.stop()
