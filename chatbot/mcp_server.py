"""A server of the Model Context Protocol: tools to ask, search and quote the articles.

It speaks over standard input and output through the official SDK, the one door to which is here.
"""

from __future__ import annotations

from typing import Any

from chatbot.answers import read_history
from chatbot.bot import Chatbot
from chatbot.errors import AskArticleError, ModelError, QuestionError
from index import Query

INSTRUCTIONS = (
    "Ask about the indexed articles. Every sentence of an answer cites the exact words it rests on;"
    " answered is false where the article does not say. Quote only what a tool returned."
)
MOST = 20


def make_server(bot: Chatbot) -> Any:
    """The server and its tools.

    Raises ModelError where the SDK is not installed.
    """
    try:
        from mcp.server.fastmcp import FastMCP
        from mcp.server.fastmcp.exceptions import ToolError
    except ImportError as error:
        raise ModelError(
            'the MCP server needs a package: pip install "ask-article[mcp]"'
        ) from error

    server = FastMCP("ask-article", instructions=INSTRUCTIONS, log_level="WARNING")
    tools = Tools(bot)

    @server.tool()
    def ask_article(
        question: str,
        article: str | None = None,
        history: list[dict[str, str]] | None = None,
    ) -> dict[str, Any]:
        """Ask a question about the articles, or about one of them (its id or URL).

        `history` holds earlier turns as {"question", "answer"}. The result has `answered`, `text`,
        and `citations` with `quote`, `start` and `end` in the article's text.
        """
        try:
            return tools.ask(question, article, history)
        except AskArticleError as error:
            raise ToolError(str(error)) from error

    @server.tool()
    def search_article(
        query: str, article: str | None = None, count: int = 5
    ) -> list[dict[str, Any]]:
        """Find the passages nearest to a query, best first, in all articles or in one."""
        try:
            return tools.search(query, article, count)
        except AskArticleError as error:
            raise ToolError(str(error)) from error

    @server.tool()
    def get_passage(article: str, start: int = 0, end: int | None = None) -> dict[str, Any]:
        """The exact words of an article between two places, such as a citation's start and end."""
        try:
            return tools.passage(article, start, end)
        except AskArticleError as error:
            raise ToolError(str(error)) from error

    return server


class Tools:
    """What the tools do."""

    def __init__(self, bot: Chatbot) -> None:
        self._bot = bot

    def ask(self, question: str, article: str | None, history: Any) -> dict[str, Any]:
        """An answer's JSON."""
        return self._bot.ask(question, read_history(history or []), article).to_json()

    def search(self, query: str, article: str | None, count: int) -> list[dict[str, Any]]:
        """Passages with their places and scores."""
        if not query.strip():
            raise QuestionError("the query is empty; name what to search for")
        ids = self._bot.answerer.view(article).ids
        hits = self._bot.retriever.search([Query(query)], max(1, min(count, MOST)), ids)
        return [
            {
                "article": hit.passage.article_id,
                "title": hit.passage.title,
                "start": hit.passage.start,
                "end": hit.passage.end,
                "text": hit.passage.text,
                "score": round(hit.score, 4),
            }
            for hit in hits
        ]

    def passage(self, article: str, start: int, end: int | None) -> dict[str, Any]:
        """A span of an article's text."""
        found = self._bot.article(article)
        last = len(found.text) if end is None else end
        if not 0 <= start <= last <= len(found.text):
            raise QuestionError(
                f"{start} to {last} is no span of {article}, which has"
                f" {len(found.text):,} characters"
            )
        return {
            "article": found.id,
            "title": found.title,
            "url": found.url,
            "start": start,
            "end": last,
            "text": found.text[start:last],
        }
