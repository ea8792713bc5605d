"""Take the README's screenshot: the real page, a real question, a citation opened.

    .venv/bin/python tests/benchmarks/screenshot.py http://127.0.0.1:7860
"""

import sys
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

TARGET = Path(__file__).resolve().parents[2] / "docs" / "screenshot.png"

with sync_playwright() as play:
    browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
    page = browser.new_page(viewport={"width": 1360, "height": 800})
    page.goto(sys.argv[1])
    page.wait_for_selector("button.starter:visible")
    for question in ("What did Prime Minister Ishiba say?", "What is the Quad?"):
        count = page.locator("#chat .answered").count()
        page.fill("#question textarea", question)
        page.press("#question textarea", "Enter")
        page.locator("#chat .answered").nth(count).wait_for()
        time.sleep(0.6)
    page.locator("#chat .answered").last.locator(".cite").first.click()
    time.sleep(1.2)
    page.screenshot(path=TARGET)
    browser.close()
