"""What embedding costs a page: the widget, Gradio in an iframe, and Gradio's web component.

    .venv/bin/python tests/benchmarks/widget.py [RUNS]

The same article, the same answers, the same machine, each on a page of another origin, with an
empty cache each time. Medians. The component is Gradio's own `gradio-app` from the package that
is installed; Gradio serves no such script, so the host's page loads its entry module, and the browser
does not ask for CORS, which the server grants to no header of Gradio's.
"""

import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from conftest import SEEDS, Served, chromium
from hosting import ID, Host, plain, script
from playwright.sync_api import sync_playwright

from chatbot import Chatbot, Settings

QUESTION = "What is the Quad?"
BOX = "#question textarea"


def component(api):
    """The page's own entry module, and the element that it defines."""
    import httpx

    page = httpx.get(f"{api}/chat/").text
    entry = re.search(r'<script[^>]*type="module"[^>]*src="\./([^"]+)"', page)
    return f'<script type="module" crossorigin src="{api}/chat/{entry[1]}"></script>' if entry else ""


def widget(page):
    page.click("ask-article .launcher")
    page.wait_for_selector("ask-article .starter")
    return page, "ask-article textarea", "ask-article .sentence"


def iframe(page):
    frame = page.frame_locator("iframe")
    frame.locator(BOX).wait_for()
    return frame, BOX, "#chat .answer p"


def element(page):
    page.wait_for_selector(f"gradio-app {BOX}", timeout=15000)
    return page, f"gradio-app {BOX}", "#chat .answer p"


def measure(browser, url, ready, api):
    """One visit: bytes and requests before and after opening, seconds to a box, to an answer."""
    context = browser.new_context(viewport={"width": 1280, "height": 820})
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    seen = {"bytes": 0, "requests": 0}
    addresses = {}
    session.on("Network.requestWillBeSent", lambda e: addresses.update({e["requestId"]: e["request"]["url"]}))

    def finished(event):
        if addresses.get(event["requestId"], "").startswith(api):
            seen["bytes"] += event["encodedDataLength"]
            seen["requests"] += 1

    session.on("Network.loadingFinished", finished)
    if ready is iframe:
        # A frame of another site is a process of its own, with a network log of its own.
        page.on("requestfinished", lambda r: seen.update(requests=seen["requests"] + 1, bytes=seen["bytes"] + r.sizes()["responseBodySize"] + r.sizes()["responseHeadersSize"]) if r.frame != page.main_frame else None)
    started = time.perf_counter()
    page.goto(url)
    if ready is widget:
        page.wait_for_selector("ask-article .launcher")
        idle = time.perf_counter() - started
        page.wait_for_timeout(300)
        before = dict(seen)
        started = time.perf_counter() - idle
    scope, box, answer = ready(page)
    interactive = time.perf_counter() - started
    page.wait_for_timeout(700)
    opened = dict(seen)
    scope.locator(box).fill(QUESTION)
    sent = time.perf_counter()
    scope.locator(box).press("Enter")
    scope.locator(answer).first.wait_for()
    first = time.perf_counter() - sent
    if ready is not widget:
        before = opened
    context.close()
    return {"before_bytes": before["bytes"], "before_requests": before["requests"], "bytes": opened["bytes"],
            "requests": opened["requests"], "interactive": interactive, "first": first}  # fmt: skip


def say(line):
    sys.stdout.write(f"{line}\n")


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    host = Host()
    bot = Chatbot.open([SEEDS], tempfile.mkdtemp())
    api = Served(bot, Settings(allow_origin=(host.origin,)))
    ways = {
        "widget": (host.add("/widget", plain(), script(api.url)), widget),
        "iframe": (host.add("/iframe", plain() + f'<iframe src="{api.url}/embed?article={ID}" width="600" height="700"></iframe>'), iframe),
        "component": (host.add("/component", f'<gradio-app src="{api.url}/chat/"></gradio-app>' + plain(), component(api.url)), element),
    }
    say(f"{'':10} {'KB at first':>12} {'requests':>9} {'KB opened':>10} {'requests':>9} {'interactive s':>14} {'first words s':>14}")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-web-security"])
        for name, (url, ready) in ways.items():
            try:
                results = [measure(browser, url, ready, api.url) for _ in range(runs)]
            except Exception as error:
                say(f"{name:10} does not work: {str(error).splitlines()[0]}")
                continue
            m = {key: statistics.median(each[key] for each in results) for key in results[0]}
            say(f"{name:10} {m['before_bytes'] / 1000:12.1f} {m['before_requests']:9.0f} {m['bytes'] / 1000:10.1f} {m['requests']:9.0f} {m['interactive']:14.2f} {m['first']:14.2f}")
        browser.close()
    api.stop()
    bot.close()
    host.stop()


if __name__ == "__main__":
    main()
