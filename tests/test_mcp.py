"""The MCP server, asked by the official SDK's own client over standard input and output."""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest
from conftest import ROOT, SEEDS
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


def tools_of(work, index, *options):
    """Start `ask-article mcp`, and do some work with a client of it."""

    async def talk():
        server = StdioServerParameters(
            command=sys.executable, args=["-m", "chatbot", "mcp", str(SEEDS), "--index", str(index), *options], env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        with anyio.fail_after(90):
            async with stdio_client(server) as (reading, writing), ClientSession(reading, writing) as client:
                await client.initialize()
                return await work(client)

    # A browser of another test's may have an event loop running in this thread.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(anyio.run, talk).result()


def content(result):
    assert not result.isError, result.content
    return result.structuredContent


@pytest.mark.timeout(120)
def test_the_tools_ask_search_and_quote(tmp_path):
    async def work(client):
        names = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(names) == {"ask_article", "search_article", "get_passage"}
        assert all(tool.description for tool in names.values())

        answer = content(await client.call_tool("ask_article", {"question": "What is the Quad?"}))
        assert answer["answered"]
        (citation, *_) = answer["citations"]
        place = {"article": citation["article"], "start": citation["start"], "end": citation["end"]}
        passage = content(await client.call_tool("get_passage", place))
        assert passage["text"] == citation["quote"]

        history = [{"question": "What did Prime Minister Ishiba say?", "answer": "He spoke."}]
        more = content(await client.call_tool("ask_article", {"question": "And Modi?", "history": history}))
        assert "Modi" in more["text"]
        refused = content(await client.call_tool("ask_article", {"question": "Who won the world cup?"}))
        assert refused["state"] == "not_in_article"

        found = content(await client.call_tool("search_article", {"query": "Quad", "count": 2}))["result"]
        assert len(found) == 2
        assert found[0]["score"] >= found[1]["score"]
        whole = content(await client.call_tool("get_passage", {"article": citation["article"]}))
        assert whole["text"][found[0]["start"] : found[0]["end"]] == found[0]["text"]

        for name, arguments, message in (
            ("ask_article", {"question": " "}, "empty"),
            ("ask_article", {"question": "why?", "article": "nope"}, "not indexed"),
            ("ask_article", {"question": "why?", "history": [{"x": "y"}]}, "turn 1"),
            ("get_passage", {"article": citation["article"], "start": 5, "end": 2}, "no span"),
            ("get_passage", {"article": citation["article"], "end": 10**9}, "no span"),
            ("search_article", {"query": ""}, "empty"),
        ):
            result = await client.call_tool(name, arguments)
            assert result.isError, name
            assert message in json.dumps([part.text for part in result.content]), name

    tools_of(work, tmp_path / "ix")


def test_without_the_sdk_it_says_what_to_install(monkeypatch, bot):
    from chatbot.errors import ModelError
    from chatbot.mcp_server import make_server

    monkeypatch.setitem(sys.modules, "mcp.server.fastmcp", None)
    with pytest.raises(ModelError, match=r"pip install .*mcp"):
        make_server(bot)
