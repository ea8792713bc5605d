"""The chat page. The one door to gradio.

The page's own script (`static/page.js`) sets the article beside the chat; a citation is a button
whose class names the article, the span and the phrase in it, which is all that Gradio's sanitiser
lets through.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chatbot.answers import Answer, CitedSentence, Turn, make_request
from chatbot.errors import AskArticleError, QuestionError
from chatbot.web.api import keep_feedback
from chatbot.web.messages import answer_html, escaped, note_html, render
from chatbot.web.warmup import Warmup

if TYPE_CHECKING:
    import gradio as gr
    from fastapi import FastAPI

# Read by Gradio while it is imported: no analytics, no version check, no telemetry of the hub.
ENVIRONMENT = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": "1000000",
    "GRADIO_ANALYTICS_MAX_EVENTS": "100",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
}
STARTERS = 4
UPDATE_SECONDS = 0.1
"""No more than ten changes a second: each one renders the whole message again."""
SESSIONS = 1000
NOTHING_TYPED, FOLLOW_UP = "Type a question first …", "Ask a follow-up …"
WAITING = "One moment: the article is still being read. Your answer will follow."
EMPTY = (
    '<div class="empty"><h2>Ask this article</h2><p>Every sentence of an answer rests on the'
    " article, and carries a number that opens the place. What the article doesn’t say, you are"
    " told plainly.</p></div>"
)


@dataclass(slots=True)
class Talk:
    """One reader's conversation: what was said, and how it is shown."""

    turns: tuple[Turn, ...] = ()
    messages: list[dict[str, str]] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)


def mount_page(app: FastAPI, warmup: Warmup, path: str) -> None:
    """Build the page and mount it with Gradio's doors to files, tracking and history shut."""
    os.environ.update(ENVIRONMENT)
    import gradio as gr

    demo = build_page(warmup)
    fonts = {
        "font": ["Inter", "system-ui", "sans-serif"],
        "font_mono": ["ui-monospace", "monospace"],
    }
    gr.mount_gradio_app(
        app,
        demo,
        path,
        footer_links=[],
        run_history=False,
        show_error=False,
        enable_monitoring=False,
        max_file_size="1b",
        ssr_mode=False,
        theme=gr.themes.Base(**fonts),
    )
    # Only launch() sets this, and without it Gradio hands out any file on the machine.
    demo.has_launched = True


def build_page(warmup: Warmup) -> gr.Blocks:
    """The page's components and what they do."""
    import gradio as gr

    page = _Page(warmup)
    with gr.Blocks(title="Ask this article", analytics_enabled=False, fill_height=True) as demo:
        talk = gr.State(Talk())
        article = gr.State("")
        chat = gr.Chatbot(
            label="Conversation", show_label=False, container=False, elem_id="chat",
            placeholder=EMPTY, layout="bubble", buttons=["copy"], height=None, line_breaks=False,
            latex_delimiters=[], feedback_options=("Like", "Dislike"), allow_file_downloads=False,
            group_consecutive_messages=False, reasoning_tags=[], autoscroll=False,
        )  # fmt: skip
        with gr.Column(elem_id="starters"):
            starters = [
                gr.Button("", visible=False, elem_classes="starter") for _ in range(STARTERS)
            ]
        box = gr.Textbox(
            label="Your question", placeholder="Ask about this article …", submit_btn="Send",
            lines=1, max_lines=5, elem_id="question", autofocus=False,
        )  # fmt: skip
        new = gr.Button("New chat", elem_id="new-chat", size="sm")

        shown = [box, chat, talk, *starters]
        options: dict[str, Any] = {
            "concurrency_limit": None, "show_progress": "hidden", "api_visibility": "private",
        }  # fmt: skip
        demo.load(page.begin, None, [article, *starters], **options)
        # What is sent while an answer comes is asked after it, not lost.
        box.submit(page.respond, [box, talk, article], shown, trigger_mode="always_last", **options)
        for button in starters:
            button.click(page.respond, [button, talk, article], shown, **options)
        new.click(page.renew, [article], shown, **options)
        chat.like(page.rate, [talk], None, **options)
    # Before queue(), which reads it.
    demo.max_threads = 64
    demo.queue(api_open=False, max_size=200)
    demo.state_session_capacity = SESSIONS
    return demo


class _Page:
    """What happens on the page; every method is an event's handler."""

    def __init__(self, warmup: Warmup) -> None:
        import gradio as gr

        self._warmup = warmup
        self._gr = gr
        # Gradio tells what to hand over by these annotations.
        self.begin.__func__.__annotations__["request"] = gr.Request  # type: ignore[attr-defined]
        self.rate.__func__.__annotations__["data"] = gr.LikeData  # type: ignore[attr-defined]

    def begin(self, request: Any) -> list[Any]:
        """A new visit: which article, and what could be asked about it."""
        article = str(request.query_params.get("article") or "")
        try:
            bot = self._warmup.bot()
            known = {name for entry in bot.articles() for name in (entry.id, entry.url) if name}
            article = article if article in known else bot.articles()[0].id
            return [article, *self._offered(bot.starters(article))]
        except AskArticleError:
            return [article, *self._offered(())]

    def respond(self, question: str, talk: Talk, article: str) -> Iterator[list[Any]]:
        """Answer a question, a sentence at a time."""
        gr = self._gr
        try:
            request = make_request(str(question or ""), talk.turns, article or None)
        except QuestionError as error:
            # The question stays in the box, to be mended.
            if str(question or "").strip():
                note = [*talk.messages, _said("assistant", note_html(str(error)))]
                yield [gr.skip(), note, gr.skip(), *[gr.skip()] * STARTERS]
            else:
                # Sent twice, a question that was taken leaves an empty box behind.
                hint = gr.Textbox(
                    value="", placeholder=FOLLOW_UP if talk.questions else NOTHING_TYPED
                )
                yield [hint, gr.skip(), gr.skip(), *[gr.skip()] * STARTERS]
            return
        talk.messages.append(_said("user", f'<div class="asked">{escaped(request.question)}</div>'))
        talk.questions.append(request.question)
        box = gr.Textbox(value="", placeholder=FOLLOW_UP)
        waiting = [] if self._warmup.ready else [_said("assistant", note_html(WAITING))]
        yield [box, [*talk.messages, *waiting], talk, *self._offered(())]
        suggestions: Sequence[str] = ()
        try:
            for shown, answer in self._written(request):
                if answer is None:
                    messages = [*talk.messages, _said("assistant", shown)]
                    yield [gr.skip(), messages, gr.skip(), *[gr.skip()] * STARTERS]
                else:
                    talk.turns = (*talk.turns, Turn(request.question, answer.text))
                    suggestions = answer.suggestions
        except AskArticleError as error:
            shown = note_html(str(error))
        talk.messages.append(_said("assistant", shown))
        yield [gr.skip(), list(talk.messages), talk, *self._offered(suggestions)]

    def renew(self, article: str) -> list[Any]:
        """A new conversation about the same article."""
        box = self._gr.Textbox(value="", placeholder="Ask about this article …")
        starters = self._warmup.bot().starters(article or None) if self._warmup.ready else ()
        return [box, [], Talk(), *self._offered(starters)]

    def rate(self, talk: Talk, data: Any) -> None:
        """Keep a thumb, up or down; anything else is a thumb taken back."""
        place = data.index if isinstance(data.index, int) else data.index[0]
        if (
            data.liked in (True, False)
            and self._warmup.ready
            and 0 <= place // 2 < len(talk.questions)
        ):
            keep_feedback(self._warmup.bot(), talk.questions[place // 2], bool(data.liked))

    def _written(self, request: Any) -> Iterator[tuple[str, Answer | None]]:
        """The answer so far, at most ten times a second, then with the whole Answer."""
        sentences: list[CitedSentence] = []
        last = 0.0
        for piece in self._warmup.bot().chain.stream(request):
            if isinstance(piece, Answer):
                yield render(piece), piece
            else:
                sentences.append(piece)
                if time.monotonic() - last > UPDATE_SECONDS:
                    yield answer_html(sentences), None
                    last = time.monotonic()

    def _offered(self, questions: Sequence[str]) -> list[Any]:
        padded = [*questions, *[""] * STARTERS][:STARTERS]
        return [self._gr.Button(value=each, visible=bool(each)) for each in padded]


def _said(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}
