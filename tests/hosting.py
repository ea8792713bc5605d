"""Pages of another origin than the API's: what the widget's tests stand on."""

import html
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from conftest import SEED

TEXT = SEED.read_bytes().decode()
ID = "japan-india-alliance.txt"


class Host:
    """A site of pages by path; a page is a text, or a text and its headers."""

    def __init__(self):
        self.pages, self.asked = {}, []
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                host.asked.append(self.path)
                page = host.pages.get(self.path.split("?")[0])
                text, headers = page if isinstance(page, tuple) else (page, {})
                headers = dict(headers)
                self.send_response(headers.pop("status", 200) if text is not None else 404)
                for name, value in {"Content-Type": "text/html; charset=utf-8", **headers}.items():
                    self.send_header(name, value)
                body = (text or "").encode()
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def add(self, path, body, head="", lang="en", dir="ltr", headers=None):
        self.pages[path] = (
            f'<!doctype html><html lang="{lang}" dir="{dir}"><head><meta charset="utf-8"><title>A page</title>'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">{head}</head><body>{body}</body></html>',
            headers or {},
        )
        return self.origin + path

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def script(api, article=ID, **options):
    """The script tag that a site pastes into its pages."""
    given = {"article": article, **options}
    attributes = "".join(
        f' data-{name}="{html.escape(str(value))}"'
        for name, value in given.items()
        if value is not None
    )
    return f'<script async src="{api}/widget.js"{attributes}></script>'


def paragraphs(text):
    return [part for part in text.split("\n") if part.strip()]


def plain(text=TEXT):
    return (
        "<main><h1>A page</h1><article>"
        + "".join(f"<p>{html.escape(p)}</p>" for p in paragraphs(text))
        + "</article></main>"
    )


def marked_up(text=TEXT):
    """The same words as an editor's system prints them: links, emphasis, entities, soft hyphens."""
    made = []
    for part in paragraphs(text):
        words = []
        for number, word in enumerate(part.split(" ")):
            plain = html.escape(word, quote=False)
            if len(word) > 9 and word.isalpha():
                plain = f"{word[:4]}&shy;{word[4:]}"
            plain = (
                plain.replace("'", "&rsquo;").replace("’", "'")
                if number % 2
                else plain.replace("’", "&#39;")
            )
            if number % 7 == 3:
                plain = f'<a href="#x">{plain}</a>'
            elif number % 11 == 5:
                plain = (
                    f"<em>{plain[:1]}</em><strong>{plain[1:]}</strong>"
                    if plain[:1].isalpha()
                    else plain
                )
            words.append(plain)
        joined = "&nbsp;".join(" ".join(words[at : at + 5]) for at in range(0, len(words), 5))
        made.append(f"<p>\n  {joined.replace('“', '&quot;').replace('”', '&quot;')}\n</p>")
    return "<main><article>" + "".join(made) + "</article></main>"


COLUMN = "<style>body { font: 18px/1.6 sans-serif; margin: 0; background: #fff; color: #222 } main { max-width: 42em; margin: 0 auto; padding: 2em }</style>"
"""A page as most are: one column in the middle, which a panel at the edge reaches into on tablets."""

LEFT = "<style>main { max-width: 40em }</style>"
"""A page with room for the panel beside its text."""
