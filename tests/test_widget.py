"""The widget in a real browser, on pages of another origin than the API."""

import gzip
import json
import re
import time

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import ARTEFACTS, SEEDS, Served
from hosting import COLUMN, ID, LEFT, TEXT, Host, marked_up, plain, script
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


def inner(page, script):
    """What a script finds in the shadow of the (first) widget."""
    return page.evaluate(f"(({{ shadowRoot: root }}) => {script})(document.querySelector('ask-article'))")


LIT = "CSS.highlights.has('ask-article')"
BOXES = """() => [...CSS.highlights.get('ask-article')].flatMap((range) => [...range.getClientRects()]).map(({ left, top, right, bottom }) => [left, top, right, bottom])"""


def rested(page):
    """Where what is lit lies, once the page has scrolled to where it goes."""
    before, boxes = None, page.evaluate(BOXES)
    while before != boxes:
        page.wait_for_timeout(250)
        before, boxes = boxes, page.evaluate(BOXES)
    return boxes


def quote_of_seed():
    return next(part for part in TEXT.replace("\n", " ").split(". ") if "Quadrilateral" in part) + "."


def in_sight(page):
    """Whether all that is lit is in the window, and nothing of the panel's lies on it."""
    boxes = rested(page)
    size = page.viewport_size
    assert boxes
    assert all(top >= 0 and bottom <= size["height"] and left >= 0 and right <= size["width"] for left, top, right, bottom in boxes), boxes
    panel = page.locator("ask-article .panel").bounding_box()
    if panel is None:
        return True
    sides = panel["x"], panel["y"], panel["x"] + panel["width"], panel["y"] + panel["height"]
    return not any(left < sides[2] and right > sides[0] and top < sides[3] and bottom > sides[1] for left, top, right, bottom in boxes)


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


@pytest.mark.parametrize("size", [(768, 1024), (900, 700), (1024, 768), (1280, 820), (780, 360), (390, 780)], ids=str)
@pytest.mark.parametrize("position", ["bottom-end", "bottom-start"])
def test_the_panel_does_not_lie_on_the_cited_words(api, host, visit, size, position):
    page = opened(visit(host.add("/beside", plain(), COLUMN + script(api.url, position=position)), viewport={"width": size[0], "height": size[1]}))
    turn = asked(page, "What did Prime Minister Ishiba say?")
    turn.locator(".cite").first.click()
    page.wait_for_function(LIT)
    assert in_sight(page)
    page.screenshot(path=ARTEFACTS / f"widget-beside-{size[0]}.png")
    if size[1] > 500 and size[0] > 480:
        # There is room for both: the number that was pressed is still there, and in sight.
        cite, panel = turn.locator(".cite").first, page.locator("ask-article .panel").bounding_box()
        assert panel["y"] < cite.bounding_box()["y"] < panel["y"] + panel["height"]
        page.focus("ask-article textarea")
        assert page.locator("ask-article .dock[data-low]").count() == 0
    else:
        page.get_by_role("button", name="Back to the answer").click()
        expect(turn.locator(".cite").first).to_be_visible()


BOX = "<style>html, body { margin: 0; height: 100%%; overflow: hidden } .box { height: 100vh; overflow-y: scroll; scroll-behavior: smooth; %s }</style>"
SCROLLERS = {
    "a smooth box": (BOX % "", '<div class="box">{}</div>'),
    "a smooth box in a smooth box": (BOX % "", '<div class="box"><p style="height: 1500px">x</p><div class="box" style="height: 400px">{}</div><p style="height: 900px">x</p></div>'),
    "a body that scrolls": ("<style>html { overflow: hidden; height: 100% } body { overflow: auto; height: 100%; margin: 0; scroll-behavior: smooth }</style>", "<p style='height: 2000px'>x</p>{}"),
    "what grows on the way": ("<style>html { scroll-behavior: smooth } p.late { height: 300px } section { content-visibility: auto; contain-intrinsic-size: 20px }</style>", "<section><p style='height: 4000px'>x</p></section>" * 3 + "{}" + "<p style='height: 3000px'>x</p>"),
}  # fmt: skip


@pytest.mark.parametrize("name", SCROLLERS)
def test_pages_that_scroll_in_their_own_way(api, host, visit, name):
    head, body = SCROLLERS[name]
    page = opened(visit(host.add("/scroller", body.replace("{}", plain()), head + script(api.url))))
    asked(page).locator(".cite").first.click()
    page.wait_for_function(LIT)
    assert in_sight(page)


def test_what_is_lit_goes_out_with_the_panel_and_with_the_next_question(api, host, visit):
    page = opened(visit(host.add("/goes", plain(), LEFT + script(api.url))))
    turn = asked(page)
    for end in (lambda: asked(page, "Who won the football world cup?"), lambda: page.keyboard.press("Escape")):
        turn.locator(".cite").first.click()
        page.wait_for_function(LIT)
        expect(turn.locator(".cite").first).to_have_attribute("aria-pressed", "true")
        end()
        assert lit(page) == ""
        expect(turn.locator(".cite").first).to_have_attribute("aria-pressed", "false")


@pytest.mark.parametrize(("background", "dark"), [("#fff", False), ("#16171a", True), ("lab(10 0 0)", True), ("", False)])
def test_what_is_lit_suits_the_page(api, host, visit, background, dark):
    page = opened(visit(host.add("/ground", plain(), f"<style>body {{ background: {background} }}</style>" + script(api.url, theme="light"))))
    asked(page).locator(".cite").first.click()
    page.wait_for_function(LIT)
    ink = page.evaluate("getComputedStyle(document.querySelector('article p'), '::highlight(ask-article)').color")
    assert ink == ("rgb(255, 243, 214)" if dark else "rgb(29, 27, 22)")


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


def test_a_long_question_leaves_the_answer_in_sight(api, host, visit):
    page = opened(visit(host.add("/long-question", plain(), script(api.url))))
    question = ("What is the Quad? " * 120).strip()[:1990]
    turn = asked(page, question)
    log, first = page.locator("ask-article .log").bounding_box(), turn.locator(".sentence").first.bounding_box()
    bubble = turn.locator(".asked")
    assert log["y"] <= first["y"] < log["y"] + log["height"] / 2
    expect(bubble).to_have_text(question)
    small = bubble.bounding_box()["height"]
    bubble.click()
    assert bubble.bounding_box()["height"] > 3 * small


def test_what_was_answered_stays_as_it_is(api, host, visit):
    """Another question adds to the conversation and changes nothing of it."""
    page = visit(host.add("/stays", "<main><p>Another text.</p></main>", script(api.url)))
    turn = asked(opened(page))
    turn.get_by_role("button", name="Helpful", exact=True).click()
    turn.locator(".cite").first.click()
    expect(turn.locator(".found")).to_be_visible()
    inner(page, "root.querySelector('.turn').mine = true")
    asked(page, "Who won the football world cup?")
    assert inner(page, "root.querySelector('.turn').mine") is True
    expect(turn.get_by_role("button", name="Helpful", exact=True)).to_have_attribute("aria-pressed", "true")
    expect(turn.locator(".found")).to_be_visible()
    expect(turn.locator(".cite").first).to_have_attribute("aria-pressed", "true")
    page.evaluate("document.querySelector('ask-article').setAttribute('theme', 'dark')")
    assert inner(page, "root.querySelector('.turn').mine") is True


def test_a_question_that_is_too_long_is_told_in_the_panels_language(api, host, visit):
    page = opened(visit(host.add("/too-long", plain(), script(api.url), lang="fr")))
    page.evaluate("document.querySelector('ask-article').addEventListener('error', (event) => { fault = event.detail.kind })")
    page.evaluate("document.querySelector('ask-article').ask('é'.repeat(2001))")
    expect(page.locator("ask-article .fault")).to_have_text("La question est trop longue.")
    assert page.evaluate("fault") == "long"
    assert not [url for url in page.requests if url.endswith("/api/ask")]
    assert inner(page, "root.querySelector('textarea').maxLength") == 2000


def test_copying_without_a_clipboard_keeps_the_focus(api, host, visit):
    page = visit(host.add("/no-clipboard", plain(), "<script>Object.defineProperty(navigator, 'clipboard', { value: undefined })</script>" + script(api.url)))
    turn = asked(opened(page))
    turn.get_by_role("button", name="Copy").focus()
    page.keyboard.press("Enter")
    expect(turn.locator(".tools")).to_contain_text("Copied")
    assert "copy" in inner(page, "root.activeElement.className")


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
    page = visit(host.add("/keys", '<a id="first" href="#x">A link</a>' + plain(), LEFT + script(api.url)))
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


GROUNDS = {
    "#101014": "dark", "#fff": "light", "oklch(0.98 0 0)": "light", "oklch(0.2 0.02 250)": "dark", "color(srgb 1 1 1)": "light", "lab(98 0 0)": "light",
    "lab(8 0 0)": "dark", "color-mix(in oklab, black 90%, white)": "dark", "transparent; color-scheme: dark; color: #eee": "dark", "transparent": "light",
}  # fmt: skip


@pytest.mark.parametrize("background", GROUNDS)
def test_the_hosts_theme(api, host, visit, background):
    style = f"<style>body {{ background: {background}; font-family: Courier; }}</style>"
    page = visit(host.add("/themed", plain(), style + script(api.url, theme="host")))
    assert inner(page, "root.querySelector('.root').dataset.theme") == GROUNDS[background]
    assert inner(page, "getComputedStyle(root.querySelector('.root')).fontFamily") == "Courier"


def test_the_hosts_colours_are_followed_while_it_is_open(api, host, visit):
    style = """<style>body { background: oklch(0.95 0.04 85); color: #2a1a08; transition: background .3s, color .3s }
        html[data-theme=night] body { background: rgb(20, 24, 40); color: rgb(230, 230, 240) }</style>"""
    page = opened(visit(host.add("/night", plain(), style + script(api.url, theme="host"))))
    look = lambda: inner(page, "(({ backgroundColor, color }) => [backgroundColor, color])(getComputedStyle(root.querySelector('.panel')))")  # noqa: E731
    ground, ink = look()
    assert ground == page.evaluate("(() => { const probe = new OffscreenCanvas(1, 1).getContext('2d'); probe.fillStyle = 'oklch(0.95 0.04 85)'; probe.fillRect(0, 0, 1, 1); return `rgb(${probe.getImageData(0, 0, 1, 1).data.slice(0, 3).join(', ')})` })()")
    assert ink == "rgb(42, 26, 8)"
    page.evaluate("document.documentElement.dataset.theme = 'night'")
    page.wait_for_function("document.querySelector('ask-article').shadowRoot.querySelector('.root').dataset.theme === 'dark'")
    page.wait_for_timeout(700)
    assert look() == ["rgb(20, 24, 40)", "rgb(230, 230, 240)"]
    assert not axe(page)
    page.screenshot(path=ARTEFACTS / "widget-host-dark.png")


def test_the_hosts_colours_are_left_where_they_cannot_be_read(api, host, visit):
    page = opened(visit(host.add("/pale", plain(), "<style>body { background: #ddd; color: #888 }</style>" + script(api.url, theme="host"))))
    assert inner(page, "getComputedStyle(root.querySelector('.panel')).backgroundColor") == "rgb(251, 248, 241)"


HOSTILE_VALUES = ":root { --shift: 400px; --seen: 100px; --keyboard: 300px; --panel: red; --ink: red; --accent: red; --sans: fantasy }"


@pytest.mark.parametrize("size", [(1200, 820), (390, 780)])
@pytest.mark.parametrize("style", [HOSTILE_VALUES, "html { zoom: 1.5 }", "html { zoom: .6 }"])
def test_the_hosts_values_and_zoom_do_not_move_it(api, host, visit, style, size):
    page = opened(visit(host.add("/values", plain(), f"<style>{style}</style>" + script(api.url)), viewport={"width": size[0], "height": size[1]}))
    asked(page)
    box = inner(page, "(({ left, top, right, bottom }) => [left, top, right, bottom].map((each) => each * (document.documentElement.currentCSSZoom ?? 1) / (document.querySelector('ask-article').currentCSSZoom ?? 1)))(root.querySelector('.panel').getBoundingClientRect())")
    assert box[0] >= 0
    assert box[1] >= 0
    assert box[2] <= size[0]
    assert size[1] - 40 <= box[3] <= size[1]
    assert box[3] - box[1] > (200 if "zoom: .6" in style else 300)
    if "zoom" not in style:
        assert inner(page, "getComputedStyle(root.querySelector('.panel')).backgroundColor") == "rgb(251, 248, 241)"


def test_small_windows(api, host, visit):
    """Header, conversation and box stand below each other, and leave the answer most of it."""
    for width, height in ((320, 256), (780, 360)):
        page = opened(visit(host.add("/small", plain(), script(api.url)), viewport={"width": width, "height": height}))
        asked(page)
        head, log, form = (page.locator(f"ask-article .{name}").bounding_box() for name in ("head", "log", "form"))
        assert head["y"] >= 0
        assert head["y"] + head["height"] <= log["y"] + 1
        assert log["y"] + log["height"] <= form["y"] + 1
        assert form["y"] + form["height"] <= height
        assert log["height"] >= 110
        expect(page.locator("ask-article .next")).to_be_hidden()
        page.screenshot(path=ARTEFACTS / f"widget-small-{width}.png")


def test_it_is_not_printed(api, host, visit):
    page = opened(visit(host.add("/print", plain(), LEFT + script(api.url))))
    asked(page).locator(".cite").first.click()
    page.emulate_media(media="print")
    expect(page.locator("ask-article .panel")).to_be_hidden()
    page.emulate_media(media="screen")
    expect(page.locator("ask-article .panel")).to_be_visible()


CORNERS = {
    ("ltr", "bottom-end"): "right", ("ltr", "bottom-start"): "left", ("ltr", "bottom-left"): "left", ("ltr", "bottom-right"): "right",
    ("rtl", "bottom-end"): "left", ("rtl", "bottom-start"): "right", ("rtl", "bottom-left"): "left", ("rtl", "bottom-right"): "right",
}  # fmt: skip


@pytest.mark.parametrize(("dir", "position"), CORNERS)
def test_positions(api, host, visit, dir, position):
    page = visit(host.add("/corner", plain(), script(api.url, dir=dir, position=position)))
    for name in ("launcher", "panel"):
        if name == "panel":
            opened(page)
        box = page.locator(f"ask-article .{name}").bounding_box()
        assert abs((box["x"] if CORNERS[dir, position] == "left" else 1200 - box["x"] - box["width"]) - 20) < 2
        assert abs(820 - box["y"] - box["height"] - 20) < 2


def test_language_and_direction_of_ones_own(api, host, visit):
    page = opened(visit(host.add("/own", plain(), script(api.url, lang="de", dir="rtl", starters="none"), lang="fr")))
    expect(page.locator("ask-article .title")).to_have_text(languages()["de"]["title"])
    expect(page.locator("ask-article .root")).to_have_attribute("lang", "de")
    expect(page.locator("ask-article .root")).to_have_attribute("dir", "rtl")
    assert page.locator("ask-article .starter").count() == 0
    asked(page)
    expect(page.locator("ask-article .next")).to_be_hidden()
    assert page.locator("ask-article .starter").count() == 0
    page = opened(visit(host.add("/own", plain(), script(api.url, lang="xx"), lang="pt")))
    expect(page.locator("ask-article .title")).to_have_text("Ask this article")


def test_an_empty_box_is_written_from_the_side_of_its_language(api, host, visit):
    page = opened(visit(host.add("/side", plain(), script(api.url), lang="ar", dir="rtl")))
    side = "getComputedStyle(root.querySelector('textarea')).direction"
    assert inner(page, side) == "rtl"
    page.fill("ask-article textarea", "What is the Quad?")
    assert inner(page, side) == "ltr"
    page.fill("ask-article textarea", "ما هو الرباعي؟")
    assert inner(page, side) == "rtl"
    asked(page)
    assert inner(page, "[...root.querySelectorAll('.sentence, .tools')].map((each) => getComputedStyle(each).direction).join()").replace("ltr", "").strip(",") == ""


def test_the_words_that_answer_begin_like_a_sentence(api, host, visit):
    page = visit(host.add("/lead", "x"), wait=None)
    for name in ("style", "panel"):
        page.add_script_tag(path=FOLDER / f"{name}.js")
    page.add_style_tag(path=FOLDER / "style.css")
    page.evaluate("document.body.append(makeSentence(String, { text: 'Met in a strategic forum.', phrase: 'a strategic forum' }, [], () => {}))")
    assert page.evaluate("getComputedStyle(document.querySelector('.lead'), '::first-letter').textTransform") == "uppercase"
    assert page.evaluate("document.querySelector('.lead').innerText").startswith("A strategic")


def test_the_site_and_where_the_article_stands(api, host, visit):
    """Without a canonical link the article is the path below the site's address; a selector says where to look."""
    body = "<div id=teaser><p>{0}</p></div><div id=story><p>{0}</p></div>".format(quote_of_seed())
    page = visit(host.add("/path/story", body, script(api.url, article=None, site="https://www.paper.example", selector="#story")))
    assert page.evaluate("document.querySelector('ask-article').article") == "https://www.paper.example/path/story"
    page.evaluate(f"document.querySelector('ask-article').setArticle('{ID}')")
    for selector, expected in (("#story", "story"), ("#teaser", "teaser"), ("#neither", None), ("[", None)):
        page.evaluate("selector => document.querySelector('ask-article').setAttribute('selector', selector)", selector)
        page.evaluate("document.querySelector('ask-article').open()")
        page.wait_for_selector("ask-article .log")
        asked(page).locator(".cite").first.click()
        expect(page.locator("ask-article .cite[aria-pressed=true]").last).to_be_visible()
        assert page.evaluate("[...(CSS.highlights.get('ask-article') ?? [])].map((range) => range.startContainer.parentElement.closest('div').id).join()") == (expected or "")
        page.get_by_role("button", name="New conversation").click()


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
    turn = asked(page, "Who is in the Quad and when was it formed?")
    expect(turn.locator(".sentence").last).to_have_text(f"When was it formed? {words['nothing']}")
    assert turn.locator(".sentence").first.locator(".cite").count() == 1


def test_inline(api, host, visit):
    page = visit(host.add("/inline", "<main><p>x</p>" + script(api.url, mode="inline") + "</main>" + plain()))
    page.wait_for_selector("ask-article .intro")
    assert page.locator("ask-article .launcher").count() == 0
    assert page.evaluate("document.querySelector('ask-article').parentElement.localName") == "main"
    asked(page).locator(".cite").first.click()
    page.wait_for_function("CSS.highlights.has('ask-article')")


SELECT = """() => { const text = [...document.querySelectorAll('article p')].find(p => p.textContent.includes('Quad,')).firstChild;
    const at = text.data.indexOf('Quadrilateral'); getSelection().setBaseAndExtent(text, at, text, at + 'Quadrilateral Security Dialogue'.length); }"""
ABOUT = "What does the article say about “Quadrilateral Security Dialogue”?"


def test_asking_about_the_selection(api, host, visit):
    page = visit(host.add("/select", plain(), script(api.url, mode="selection")))
    expect(page.locator("ask-article .launcher")).to_be_hidden()
    page.evaluate(SELECT)
    button = page.locator("ask-article .ask-selection")
    expect(button).to_be_visible()
    assert not axe(page)
    button.click()
    expect(page.locator("ask-article .asked")).to_have_text(ABOUT)
    expect(page.locator("ask-article .sentence").first).to_contain_text("Quadrilateral")
    # What was said is not lost with the panel.
    page.locator("ask-article .tools").wait_for()
    page.keyboard.press("Escape")
    expect(page.locator("ask-article .launcher")).to_be_visible()
    assert inner(page, "root.activeElement.className") == "launcher"
    page.keyboard.press("Enter")
    expect(page.locator("ask-article .asked")).to_be_visible()
    page.get_by_role("button", name="New conversation").click()
    page.keyboard.press("Escape")
    expect(page.locator("ask-article .launcher")).to_be_hidden()


def test_asking_about_the_selection_by_keyboard(api, host, visit):
    links = "".join(f"<p style='margin-top: 600px'><a href='#{n}'>Link {n}</a></p>" for n in range(3))
    page = visit(host.add("/select-keys", plain() + links, script(api.url, mode="selection")))
    page.evaluate(SELECT)
    expect(page.locator("ask-article .ask-selection")).to_be_visible()
    for _ in range(6):
        page.keyboard.press("Tab")
        page.wait_for_timeout(100)
        if page.evaluate("document.activeElement?.shadowRoot?.activeElement?.className") == "ask-selection":
            break
    box = page.locator("ask-article .ask-selection").bounding_box()
    assert 0 <= box["y"] <= 820 - box["height"]
    page.keyboard.press("Enter")
    expect(page.locator("ask-article .asked")).to_have_text(ABOUT)


def test_the_selection_beside_a_panel_in_its_place(api, host, visit):
    place = "<div style='overflow: hidden; transform: translateX(0); height: 700px'>%s</div>"
    page = visit(host.add("/select-inline", plain() + place % script(api.url, mode="inline selection")))
    page.evaluate(SELECT)
    page.locator("ask-article .ask-selection").click()
    expect(page.locator("ask-article .asked")).to_have_text(ABOUT)
    expect(page.locator("ask-article .panel")).to_be_in_viewport()


def test_storage_for_the_session(api, host, visit):
    page = opened(visit(host.add("/stored", plain(), LEFT + script(api.url, storage="session"))))
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


MOVES = {
    "append": "document.querySelector('main').append(e)", "remove, append": "e.remove(); document.querySelector('main').append(e)",
    "before": "document.querySelector('h1').before(e)", "another body": "const b = document.createElement('body'); b.append(...document.body.childNodes); document.body.replaceWith(b)",
}  # fmt: skip


@pytest.mark.parametrize("move", MOVES)
def test_moved_in_the_page(api, host, visit, move):
    page = visit(host.add("/moved", plain(), script(api.url)))
    page.evaluate(f"() => {{ const e = document.querySelector('ask-article'); {MOVES[move]} }}")
    expect(page.locator("ask-article .launcher")).to_be_visible()
    turn = asked(opened(page))
    page.evaluate(f"() => {{ const e = document.querySelector('ask-article'); {MOVES[move]} }}")
    expect(turn.locator(".cite").first).to_be_visible()
    turn.locator(".cite").first.click()
    page.wait_for_function(LIT)


SWAPS = {
    "another body": "document.body.replaceWith(body)", "other contents": "document.body.innerHTML = body.innerHTML",
    "one by one": "while (document.body.firstChild) document.body.firstChild.remove(); document.body.append(...body.childNodes)",
}  # fmt: skip
SWAP = "html => {{ const body = document.createElement('body'); body.innerHTML = html; {} }}"


@pytest.mark.parametrize("swap", SWAPS)
def test_a_framework_that_changes_the_whole_page(api, host, visit, swap):
    page = visit(host.add("/swap", plain(), script(api.url)))
    asked(opened(page))
    for _ in range(2):
        page.evaluate(SWAP.format(SWAPS[swap]), plain())
        expect(page.locator("ask-article .cite").first).to_be_visible()
        assert page.locator("ask-article").count() == 1
    page.locator("ask-article .cite").first.click()
    page.wait_for_function(LIT)
    page.evaluate("document.querySelector('ask-article').remove()")
    page.wait_for_timeout(100)
    assert page.locator("ask-article").count() == 0, "a page that takes it away means it"


def test_a_changed_page_says_anew_where_and_about_what(api, host, visit):
    """The tag of the new page counts, and an element of the page's own does without."""
    body = plain() + script(api.url, mode="inline", article="one.txt")
    page = visit(host.add("/swap-tag", body))
    page.evaluate(SWAP.format(SWAPS["another body"]), f"<section>{script(api.url, mode='inline', article='two.txt')}</section>{plain()}")
    page.wait_for_selector("section ask-article[article='two.txt'] .root")
    assert page.locator("ask-article").count() == 1
    page.evaluate(SWAP.format(SWAPS["another body"]), f"<ask-article article='three.txt'></ask-article>{plain()}")
    page.wait_for_selector("ask-article[article='three.txt'] .root", state="attached")
    assert page.locator("ask-article").count() == 1


def test_pages_that_place_it_themselves_are_left_to_it(api, host, visit):
    page = visit(host.add("/swap-manual", plain() + f"<ask-article article='{ID}'></ask-article>", script(api.url).replace("<script", "<script data-manual")))
    page.evaluate(SWAP.format(SWAPS["another body"]), plain())
    page.wait_for_timeout(100)
    assert page.locator("ask-article").count() == 0


def test_a_new_address_is_seen_without_the_browsers_help(api, host, visit):
    """No Navigation API, no canonical link: the address is looked at when something is asked or opened."""
    old = "<script>Object.defineProperty(globalThis, 'navigation', { value: undefined })</script>"
    page = opened_unknown(visit(host.add("/first", plain(), old + script(api.url, article=None))))
    page.evaluate("history.pushState({}, '', '/second')")
    page.evaluate("document.querySelector('ask-article').close()")
    page.click("ask-article .launcher")
    page.wait_for_function("document.querySelector('ask-article').shadowRoot.querySelector('.fault')")
    assert "%2Fsecond" in [url for url in page.requests if "/api/about" in url][-1]
    page.evaluate("history.pushState({}, '', '/third')")
    page.fill("ask-article textarea", "What is the Quad?")
    page.press("ask-article textarea", "Enter")
    expect(page.locator("ask-article .turn .fault")).to_contain_text("not indexed yet")
    assert "%2Fthird" in [url for url in page.requests if "/api/about" in url][-1]


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


def test_two_of_them_keep_out_of_each_others_way(api, host, visit):
    element = f'<ask-article api="{api.url}" article="{ID}"'
    page = visit(host.add("/pair", plain() + f'{element} id="a"></ask-article>{element} id="b"></ask-article>', LEFT + f'<script async src="{api.url}/widget.js"></script>'))
    ask = lambda name: page.evaluate(f"document.getElementById('{name}').ask('What is the Quad?')")  # noqa: E731
    ask("a")
    page.locator("#a .cite").first.click()
    page.wait_for_function(LIT)
    ask("b")
    expect(page.locator("#b .panel")).to_be_visible()
    expect(page.locator("#a .panel")).to_be_hidden()
    expect(page.locator("#a .cite").first).to_have_attribute("aria-pressed", "false")
    page.locator("#b .cite").first.click()
    page.wait_for_function(LIT)
    page.evaluate("document.getElementById('a').reset()")
    assert lit(page), "what the other has lit"
    page.evaluate("document.getElementById('b').reset()")
    assert lit(page) == ""
    page.evaluate("document.getElementById('b').close(); document.getElementById('a').remove()")
    page.evaluate(f"""document.body.insertAdjacentHTML("beforeend", '{element} id="c"></ask-article>')""")
    boxes = [page.locator(f"#{name} .launcher").bounding_box() for name in "bc"]
    assert abs(boxes[0]["y"] - boxes[1]["y"]) >= boxes[0]["height"]


def test_two_in_line_share_one_light(api, host, visit):
    element = f'<ask-article api="{api.url}" article="{ID}" mode="inline"'
    page = visit(host.add("/pair-inline", f'{element} id="a"></ask-article>{element} id="b"></ask-article>' + plain(), f'<script async src="{api.url}/widget.js"></script>'))
    for name in "ab":
        page.evaluate(f"document.getElementById('{name}').ask('What is the Quad?')")
        page.locator(f"#{name} .cite").first.click()
        page.wait_for_function(LIT)
    expect(page.locator("#a .cite").first).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#b .cite").first).to_have_attribute("aria-pressed", "true")


# ——— Accessible


def axe(page):
    return [f"{rule['id']}: {node['html'][:150]}" for rule in Axe().run(page).response["violations"] for node in rule["nodes"]]


LOOKS = {
    "light": {}, "dark": {"color_scheme": "dark"}, "forced": {"forced_colors": "active"}, "narrow": {"viewport": {"width": 320, "height": 640}}, "rtl": {},
}  # fmt: skip


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing(api, host, visit, look):
    rtl = {"lang": "ar", "dir": "rtl"} if look == "rtl" else {}
    url = host.add(f"/axe-{look}", plain(), script(api.url), **rtl)
    page = visit(url, **LOOKS[look])
    problems = axe(page)
    opened(page)
    problems += axe(page)
    asked(page)
    asked(page, "Who won the football world cup?")
    problems += axe(page)
    page.evaluate("document.querySelector('ask-article').ask('x'.repeat(2001))")
    page.locator("ask-article .fault").wait_for()
    problems += axe(page)
    page.screenshot(path=ARTEFACTS / f"widget-axe-{look}.png")
    assert not problems, "\n".join(problems)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("look", ["light", "dark", "forced"])
def test_axe_finds_nothing_in_other_states(api, host, visit, look):
    page = visit(host.add("/axe-inline", "<main><h1>A page</h1><p>Another text.</p>" + script(api.url, mode="inline") + "</main>"), **LOOKS[look])
    page.wait_for_selector("ask-article .intro")
    problems = axe(page)
    asked(page).locator(".cite").first.click()
    page.locator("ask-article .found").wait_for()
    problems += axe(page)
    page.evaluate("document.querySelector('ask-article').setArticle('nowhere.txt')")
    page.locator("ask-article .fault").wait_for()
    problems += axe(page)
    assert not problems, "\n".join(problems)


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


def test_a_frame_says_what_is_missing(api, host, visit):
    page = visit(host.add("/framed-404", f'<iframe src="{api.url}/embed?article=nothing" width="600" height="300" title="Ask"></iframe>'), wait=None)
    expect(page.frame_locator("iframe").locator(".note")).to_have_text("This page is not indexed yet.")
    assert not [said for said in page.said if "frame-ancestors" in said]


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
