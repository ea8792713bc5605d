"""The page in a real browser: what a reader sees, clicks, hears and is not told."""

import re
import time

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import ARTEFACTS, SEED, SEEDS, Served
from playwright.sync_api import expect

from chatbot import Chatbot
from chatbot.answering.answerer import extractive
from chatbot.web.messages import _short
from index import Index, add
from index.records import Article

pytestmark = pytest.mark.browser
BOX = "#question textarea"
TEXT = SEED.read_bytes().decode()


@pytest.fixture
def visit(browser):
    """Open a page that must stay free of errors and of requests to other hosts."""
    contexts, faults = [], []

    def visiting(url, **options):
        context = browser.new_context(**{"viewport": {"width": 1360, "height": 860}, **options})
        contexts.append(context)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = context.new_page()
        host = re.match(r"https?://[^/]+", url)[0]
        page.on("pageerror", lambda error: faults.append(f"error: {error}"))
        page.on("console", lambda m: faults.append(f"console: {m.text}") if m.type == "error" else None)
        page.on("request", lambda r: None if r.url.startswith((host, "data:", "blob:")) else faults.append(r.url))
        page.goto(url)
        page.wait_for_selector(BOX)
        return page

    yield visiting
    for context in contexts:
        context.close()
    assert not faults


def ask(page, question):
    answers = page.locator("#chat .answer")
    count = answers.count()
    page.fill(BOX, question)
    page.press(BOX, "Enter")
    answer = answers.nth(count)
    answer.wait_for()
    return answer


def highlighted(page):
    """The text that is highlighted in the article."""
    return page.evaluate("[...(CSS.highlights.get('cited') ?? [])].map(String).join('')")


def wait_until(check, seconds=10):
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_empty_state_says_what_this_is_and_its_questions_are_answered(site, visit):
    page = visit(site.url)
    assert page.url.endswith("/chat/")
    expect(page.locator("#chat")).to_contain_text("Ask this article")
    starters = page.locator("button.starter:visible")
    expect(starters.first).to_be_visible()
    count = starters.count()
    assert 2 <= count <= 4
    for place in range(count):
        if place:
            page.get_by_role("button", name="New chat").click()
            expect(page.locator("#chat .asked")).to_have_count(0)
            expect(page.locator("#chat")).to_contain_text("Ask this article")
        question = starters.nth(place).inner_text()
        starters.nth(place).click()
        expect(page.locator("#chat .asked").last).to_have_text(question)
        expect(page.locator("#chat .answered .cite").first).to_be_visible()


def test_the_article_is_set_as_it_is(site, visit):
    page = visit(site.url)
    paragraphs = page.locator("#article [data-start]")
    expect(paragraphs.first).to_be_visible()
    for text, start, end in paragraphs.evaluate_all("all => all.map(p => [p.textContent, +p.dataset.start, +p.dataset.end])"):
        assert TEXT[start:end] == text
    lines = page.evaluate(
        """() => [...document.querySelectorAll('#article p[data-start]:not(.standfirst, .opening)')].flatMap(p => {
            const tops = [], range = document.createRange();
            for (let at = 0; at < p.firstChild.length; at++) {
                range.setStart(p.firstChild, at); range.setEnd(p.firstChild, at + 1);
                tops.push(Math.round(range.getBoundingClientRect().top / 10));
            }
            const counts = new Map(); tops.forEach(top => counts.set(top, (counts.get(top) ?? 0) + 1));
            return [...counts.values()].slice(0, -1) })"""
    )
    assert 65 <= sum(lines) / len(lines) <= 75, lines


def test_a_citation_opens_the_exact_words(site, visit):
    page = visit(site.url)
    answer = ask(page, "What is the Quad?")
    answer.locator(".cite").first.click()
    quote = site.warmup.bot().ask("What is the Quad?").citations[0].quote
    wait_until(lambda: highlighted(page) == quote)
    place = page.evaluate(
        "() => { const box = [...CSS.highlights.get('cited')][0].getBoundingClientRect(); return [box.top, box.bottom, innerHeight] }"
    )
    time.sleep(0.6)
    assert place[0] >= 0
    visible = page.evaluate("[...CSS.highlights.get('cited')][0].getBoundingClientRect().top")
    assert 60 < visible < 800


def test_a_citation_opens_by_keyboard(site, visit):
    page = visit(site.url)
    answer = ask(page, "What is the Quad?")
    answer.locator(".cite").first.wait_for()
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.classList.contains('cite')"):
            break
    else:
        pytest.fail("no citation is reachable by keyboard")
    page.keyboard.press("Enter")
    wait_until(lambda: "Quadrilateral" in highlighted(page))
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("Source 1")


@pytest.fixture(scope="module")
def slow_site(seed_index):
    """The seed, with an answer that takes its time between sentences."""

    def slow(prepared):
        for draft in extractive(prepared):
            yield draft
            time.sleep(1)

    served = Served(Chatbot(Chatbot.open([], seed_index).index, writer=slow))
    yield served
    served.stop()


def test_a_citation_opens_while_the_answer_streams(slow_site, visit):
    page = visit(slow_site.url)
    ask(page, "Summarise")
    cite = page.locator("#chat .cite").first
    cite.wait_for()
    box = cite.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    # The press lasts over a change, in which the button becomes another node.
    expect(page.locator("#chat .cite")).to_have_count(2)
    page.mouse.up()
    wait_until(lambda: highlighted(page) != "")
    assert page.locator("#chat .cite").count() < 3
    cite.focus()
    expect(page.locator("#chat .cite")).to_have_count(3)
    assert page.evaluate("document.activeElement.classList.contains('cite')"), "focus was lost"


def test_nothing_jumps_while_an_answer_streams(slow_site, visit):
    page = visit(slow_site.url)
    ask(page, "Summarise")
    page.locator("#chat .cite").first.wait_for()
    places = set()
    while page.locator("#chat .cite").count() < 3:
        tops = page.evaluate("['#chat .asked', '#question', '#chat .answer p'].map(s => Math.round(document.querySelector(s).getBoundingClientRect().top))")
        places.add(tuple(tops))
        time.sleep(0.05)
    assert len(places) == 1, places


def test_the_answer_is_announced_once_by_finished_sentences(slow_site, visit):
    page = visit(slow_site.url)
    page.evaluate(
        """() => { window.heard = []; const live = document.querySelector('#live');
        new MutationObserver(() => window.heard.push(live.textContent)).observe(live, {childList: true}) }"""
    )
    ask(page, "Summarise")
    expect(page.locator("#chat .cite")).to_have_count(3)
    time.sleep(1.5)
    quotes = [c.quote for c in slow_site.warmup.bot().ask("Summarise").citations]
    assert page.evaluate("window.heard") == quotes
    assert page.locator("#chat [role=log]").get_attribute("aria-live") == "off"


def test_a_question_sent_while_an_answer_comes_is_answered_after_it(slow_site, visit):
    page = visit(slow_site.url)
    ask(page, "Summarise")
    page.locator("#chat .cite").first.wait_for()
    assert page.locator("#chat .cite").count() < 3
    page.fill(BOX, "What is the Quad?")
    page.press(BOX, "Enter")
    page.press(BOX, "Enter")
    expect(page.locator("#chat .asked")).to_have_text(["Summarise", "What is the Quad?"])
    expect(page.locator("#chat .answer").nth(1).locator(".cite").first).to_be_visible()
    expect(page.locator("#chat .answer").first.locator(".cite")).to_have_count(3)
    expect(page.locator(BOX)).to_have_value("")
    expect(page.locator(BOX)).to_have_attribute("placeholder", "Ask a follow-up …")


def test_what_the_article_does_not_say(site, visit):
    page = visit(site.url)
    answer = ask(page, "Who won the football world cup?")
    expect(answer).to_contain_text("The article doesn't say.")
    expect(answer).to_contain_text("Nearest in the article")
    answer.locator(".cite").first.click()
    wait_until(lambda: highlighted(page) != "")


def test_an_empty_question_is_asked_for_again_and_a_long_one_is_kept(site, visit):
    page = visit(site.url)
    page.fill(BOX, "   ")
    page.press(BOX, "Enter")
    expect(page.locator(BOX)).to_have_attribute("placeholder", "Type a question first …")
    expect(page.locator("#chat .asked")).to_have_count(0)
    long = "why " * 600
    page.fill(BOX, long)
    page.press(BOX, "Enter")
    expect(page.locator("#chat .note")).to_contain_text("the limit is 2,000")
    expect(page.locator(BOX)).to_have_value(long)


def test_follow_ups_and_new_chat(site, visit):
    page = visit(site.url)
    ask(page, "What is the Quad?")
    answer = ask(page, "Who else is in it?")
    expect(answer).to_contain_text("Australia")
    expect(page.locator("#chat .asked")).to_have_count(2)
    page.get_by_role("button", name="New chat").click()
    expect(page.locator("#chat .asked")).to_have_count(0)
    expect(page.locator("button.starter:visible").first).to_be_visible()


def test_thumbs_are_kept(site, visit, bot):
    page = visit(site.url)
    path = bot.index.folder / "feedback.jsonl"
    before = path.read_text().count("\n") if path.exists() else 0
    ask(page, "What is the Quad?")
    page.get_by_role("button", name="Like", exact=True).last.click()
    wait_until(lambda: path.exists() and path.read_text().count("\n") > before)
    assert '"helpful": true' in path.read_text().splitlines()[-1]


def test_copying_gives_words_and_sources(site, visit):
    page = visit(site.url)
    ask(page, "What is the Quad?")
    page.get_by_role("button", name="Copy message").last.click()
    wait_until(lambda: page.evaluate("navigator.clipboard.readText()") != "")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "Quadrilateral Security Dialogue" in copied
    assert "[1]" in copied
    assert "<" not in copied


def test_hostile_words_stay_words(visit, tmp_path):
    index = Index.open(tmp_path)
    text = (
        "The visitor wrote <img src=https://evil.example/x.png onerror=alert(1)> into the guest book of the harbour."
        " A [link](https://evil.example) and ![picture](https://evil.example/y.png) followed in the guest book."
    )
    with index.writing():
        add(index, Article("a", "<b>Guest</b> book", text))
    served = Served(Chatbot(index))
    try:
        page = visit(served.url)
        answer = ask(page, "What did the visitor write into the guest book <img src=https://evil.example/z.png>?")
        expect(answer).to_contain_text("<img src=https://evil.example/x.png onerror=alert(1)>")
        assert page.locator("#chat img, #chat a, #article img, #article b").count() == 0
    finally:
        served.stop()


@pytest.mark.parametrize("width", [390, 1360])
def test_a_long_phrase_at_the_end_of_a_sentence_fits(visit, tmp_path, width):
    reason = "to protect the nests of the great northern sea birds"
    index = Index.open(tmp_path)
    with index.writing():
        add(index, Article("wick", "Wick", f"Wick is a town. Its council closed the harbour in 1921 {reason}. Boats go to Thurso."))
    served = Served(Chatbot(index))
    try:
        page = visit(served.url, viewport={"width": width, "height": 800})
        answer = ask(page, "Why did the council close the harbour of Wick?")
        expect(answer.locator(".cite").first).to_be_visible()
        marked = answer.locator("p:not(.lead)").first.locator("strong")
        assert "".join(marked.all_text_contents()) in reason  # in two parts, with their space
        assert marked.last.text_content().endswith("birds")
        assert page.evaluate("(() => { const wrap = document.querySelector('#chat .bubble-wrap'); return wrap.scrollWidth <= wrap.clientWidth; })()")
    finally:
        served.stop()


def test_a_question_waits_visibly_for_the_articles(visit, bot):
    ready = []

    def opener():
        while not ready:
            time.sleep(0.05)
        return bot

    served = Served(opener, wait=False)
    try:
        page = visit(served.url)
        page.fill(BOX, "What is the Quad?")
        page.press(BOX, "Enter")
        expect(page.locator("#chat .note")).to_contain_text("still being read")
        ready.append(True)
        expect(page.locator("#chat .answered")).to_contain_text("Quadrilateral")
        expect(page.locator("#chat .note")).to_have_count(0)
    finally:
        served.stop()


def test_several_articles_can_be_picked(visit, tmp_path):
    index = Index.open(tmp_path)
    with index.writing():
        add(index, Article("harbour.txt", "The harbour", "The harbour was rebuilt in 1921 after the great storm."))
        add(index, Article("orchard.txt", "The orchard", "The orchard has nine hundred trees. Sheep graze below them."))
    served = Served(Chatbot(index))
    try:
        page = visit(f"{served.url}/chat/?article=orchard.txt")
        expect(page.locator("#article .headline")).to_have_text("The orchard")
        expect(ask(page, "How many trees are there?")).to_contain_text("nine hundred")
        page.locator("#picker").select_option("harbour.txt")
        expect(page.locator("#article .headline")).to_have_text("The harbour")
        expect(ask(page, "When was the harbour rebuilt?")).to_contain_text("1921")
    finally:
        served.stop()


SCREENS = {
    "light": {},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True, "device_scale_factor": 2},
    "narrow": {"viewport": {"width": 320, "height": 640}},
    "contrast": {"forced_colors": "active"},
}  # fmt: skip


@pytest.mark.parametrize("name", SCREENS)
def test_looks_and_accessibility(site, visit, name):
    """Screenshots are kept as artefacts; axe finds nothing, empty or in conversation."""
    ARTEFACTS.mkdir(exist_ok=True)
    page = visit(site.url, **SCREENS[name])
    expect(page.locator("button.starter:visible").first).to_be_visible()
    expect(page.locator("#article .headline")).to_have_count(1)
    page.screenshot(path=ARTEFACTS / f"{name}-empty.png")
    found = [Axe().run(page)]
    ask(page, "What is the Quad?").locator(".cite").first.wait_for()
    ask(page, "Who won the football world cup?")
    time.sleep(0.3)
    found.append(Axe().run(page))
    page.screenshot(path=ARTEFACTS / f"{name}-chat.png")
    page.locator("#chat .answered .cite").first.click()
    wait_until(lambda: highlighted(page) != "")
    time.sleep(0.7)
    page.screenshot(path=ARTEFACTS / f"{name}-cited.png")
    problems = [
        f"{rule['id']}: {node['html'][:150]}"
        for each in found
        for rule in each.response["violations"]
        for node in rule["nodes"]
    ]
    assert not problems, "\n".join(problems)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 23, 26)"
    assert dark == (name == "dark")


def test_a_phone_goes_to_the_article_and_back(site, visit):
    page = visit(site.url, **SCREENS["phone"])
    answer = ask(page, "What is the Quad?")
    answer.locator(".cite").first.tap()
    back = page.get_by_role("button", name="Back to the answer")
    expect(back).to_be_visible()
    expect(page.locator("#article")).to_be_visible()
    back.tap()
    expect(page.locator("#chat")).to_be_visible()
    size = page.evaluate(f"parseFloat(getComputedStyle(document.querySelector('{BOX}')).fontSize)")
    assert size >= 16, "smaller text makes phones zoom in"


def test_the_colours_can_be_switched(site, visit):
    page = visit(site.url)
    page.get_by_role("button", name="Dark colours").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 23, 26)"
    page.get_by_role("button", name="Light colours").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 253, 248)"




def test_what_stands_in_for_a_model_says_so(tmp_path, visit):
    from scripted import Scripted

    from chatbot import Settings
    from chatbot.answering.faults import Fault

    def script(messages):
        if "What is the Quad?" not in messages[1].content.splitlines()[-1]:
            return "Nothing."
        before = messages[1].content.partition("Quadrilateral")[0].count("<passage")
        return f"Japan and India are members of the Quad [{before}]. China founded the Quad [{before}]."

    chat = Scripted(lambda _: Fault("unauthorized") if len(chat.asked) < 3 else script(_))
    # An index of its own: of another, the questions may have been written already.
    index = Chatbot.open([SEEDS], tmp_path / "index").index
    served = Served(Chatbot(index, Settings(check="mark"), model=chat))
    try:
        page = visit(served.url)
        wait_until(lambda: chat.asked, 30)  # the questions to start from are being written
        answer = ask(page, "What is the Quad?")
        answer.locator(".notice").wait_for()
        assert "article's own words" in answer.locator(".notice").inner_text()
        page.click("#new-chat")
        expect(page.locator("#chat .answer")).to_have_count(0)
        answer = ask(page, "What is the Quad?")
        answer.locator(".unsupported").wait_for()
        assert answer.locator("p").nth(1).locator(".cite").count() == 0
        ARTEFACTS.mkdir(exist_ok=True)
        page.screenshot(path=ARTEFACTS / "notice.png")
    finally:
        served.stop()


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("a punitive tariff", "a punitive tariff"), ("a punitive tariff on its purchase", "a punitive tariff…"),
        ("こ" * 30, "こ" * 19 + "…"), ("In " + "w" * 30, "In " + "w" * 16 + "…"),
    ],
)  # fmt: skip
def test_what_is_near_is_cut_where_a_word_ends(text, short):
    assert _short(text, 20) == short
