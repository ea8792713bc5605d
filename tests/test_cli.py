"""The command line as a user runs it: a process, its output and its exit code."""

import json
import os
import pty
import re
import signal
import subprocess

import pytest
from conftest import COMMAND, ROOT, SEED, SEEDS, answers_ok, free_port, run, wait_for

from index.catalog import Catalog

HARBOUR = "The harbour was rebuilt in 1921 after the great storm. Fishermen paid for half of it."


@pytest.fixture
def ask(tmp_path, seed_index):
    def asking(*words, **more):
        return run("ask", *words, cwd=tmp_path, index=seed_index, **more)

    return asking


def test_an_answer_has_numbered_footnotes(ask):
    done = ask("What is the Quad?")
    assert done.returncode == 0, done.stderr
    assert "Quadrilateral Security Dialogue, or Quad" in done.stdout
    assert re.search(r"^\[1\] Japan India Alliance \(.*characters \d+–\d+\)$", done.stdout, re.M)
    assert done.stderr == ""


def test_what_is_not_there_is_said_with_the_nearest_and_exit_code_3(ask):
    done = ask("Who won the football world cup?")
    assert done.returncode == 3
    assert done.stdout.startswith("The article doesn't say.")
    assert "Nearest in the article:" in done.stdout


def test_json_has_the_documented_shape(ask):
    done = ask("What is the Quad?", "--json")
    answer = json.loads(done.stdout)
    phrase, within = answer.pop("phrase"), answer["citations"][0].pop("phrase")
    assert list(answer) == [
        "question", "answered", "state", "confidence", "text", "sentences", "citations", "nearest",
        "suggestions", "revision", "timings_ms",
    ]  # fmt: skip
    assert list(answer["citations"][0]) == [
        "number", "article", "title", "url", "start", "end", "quote", "before", "after",
    ]  # fmt: skip
    assert list(answer["timings_ms"]) == ["search", "answer", "total"]
    citation = answer["citations"][0]
    text = SEED.read_bytes().decode()
    assert text[citation["start"] : citation["end"]] == citation["quote"]
    assert text[within["start"] : within["end"]] == within["quote"] == phrase
    assert answer["text"].startswith(f"{phrase} — {citation['quote']}")
    assert answer["sentences"][0] == {"text": citation["quote"], "citations": [1]}


def test_json_without_a_phrase_has_none(ask):
    answer = json.loads(ask("How do the two countries work together on energy?", "--json", "--no-reader").stdout)
    assert answer["answered"]
    assert "phrase" not in answer
    assert "phrase" not in answer["citations"][0]


def test_history_makes_a_follow_up(ask, tmp_path):
    path = tmp_path / "turns.json"
    path.write_text(json.dumps([{"question": "What is the Quad?", "answer": "The Quadrilateral Security Dialogue."}]))
    done = ask("Which other countries belong to it?", "--history", path, "--json")
    assert done.returncode == 0
    assert any("Australia" in c["quote"] for c in json.loads(done.stdout)["citations"])


WRONG_USE = {
    "empty": (["", "--json"], "the question is empty"),
    "blank": (["  \n "], "the question is empty"),
    "long": (["why " * 600], "the limit is 2,000"),
    "history-missing": (["why?", "--history", "nope.json"], "nope.json: No such file"),
    "embedder": (["why?", "--embedder", "nope"], "unknown embedder"),
    "option": (["why?", "--nope"], "No such option"),
}


@pytest.mark.parametrize("name", WRONG_USE)
def test_wrong_use_is_exit_code_2_and_says_why(ask, name):
    words, reason = WRONG_USE[name]
    done = ask(*words)
    assert done.returncode == 2
    assert reason in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("text", ["nonsense", "{}", '[{"question": 1}]', '["a"]', "[[1, 2]]"])
def test_a_bad_history_says_what_was_expected(ask, tmp_path, text):
    (tmp_path / "turns.json").write_text(text)
    done = ask("why?", "--history", tmp_path / "turns.json")
    assert done.returncode == 2
    assert "turns.json" in done.stderr
    assert "JSON" in done.stderr or "question" in done.stderr


def test_bad_files_are_named_and_the_rest_is_indexed(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "harbour.txt").write_text(HARBOUR)
    (tmp_path / "in" / "empty.txt").write_text("")
    (tmp_path / "in" / "sheet.xlsx").write_bytes(b"PK")
    (tmp_path / "in" / "image.txt").write_bytes(bytes(range(256)) * 9)
    done = run("index", "add", "in", "gone.pdf", cwd=tmp_path)
    assert done.returncode == 1
    assert "added harbour.txt" in done.stdout
    for name in ("empty.txt", "sheet.xlsx", "image.txt", "gone.pdf"):
        assert name in done.stderr
    assert "accepted: .txt, .md" in done.stderr
    assert (tmp_path / ".ask-article").is_dir()
    asked = run("ask", "When was the harbour rebuilt?", "in", cwd=tmp_path)
    assert "1921" in asked.stdout
    assert asked.returncode == 1
    assert run("ask", "When was the harbour rebuilt?", cwd=tmp_path).returncode == 0


def test_list_and_remove(tmp_path):
    (tmp_path / "harbour.txt").write_text(HARBOUR)
    assert "Nothing is indexed yet" in run("index", "list", cwd=tmp_path).stderr
    run("index", "add", "harbour.txt", cwd=tmp_path)
    assert "harbour.txt" in run("index", "list", cwd=tmp_path).stdout
    (entry,) = json.loads(run("index", "list", "--json", cwd=tmp_path).stdout)
    assert (entry["id"], entry["passage_count"]) == ("harbour.txt", 1)
    assert run("index", "remove", "nope", cwd=tmp_path).returncode == 1
    assert run("index", "remove", "harbour.txt", cwd=tmp_path).stdout == "removed harbour.txt\n"
    assert run("index", "list", "--json", cwd=tmp_path).stdout == "[]\n"


def test_nothing_to_ask_says_what_to_do(tmp_path):
    done = run("ask", "why?", cwd=tmp_path)
    assert done.returncode == 1
    assert "ask-article index add" in done.stderr
    assert run("ask", "why?", "gone.txt", cwd=tmp_path).returncode == 1


def test_only_the_sources_named_are_asked(tmp_path):
    (tmp_path / "harbour.txt").write_text(HARBOUR)
    (tmp_path / "other.txt").write_text("The orchard has nine hundred trees.")
    run("index", "add", "harbour.txt", "other.txt", cwd=tmp_path)
    done = run("ask", "When was the harbour rebuilt?", "other.txt", "--json", cwd=tmp_path)
    answer = json.loads(done.stdout)
    assert {c["article"] for c in answer["citations"] + answer["nearest"]} == {"other.txt"}
    wide = run("ask", "When was the harbour rebuilt?", "--json", cwd=tmp_path)
    assert json.loads(wide.stdout)["citations"][0]["article"] == "harbour.txt"


def test_seeds_are_asked_where_nothing_is_named(tmp_path):
    done = run("ask", "What is the Quad?", cwd=ROOT, index=tmp_path / "ix")
    assert done.returncode == 0
    assert "Quad" in done.stdout


def test_another_embedder_is_refused_with_the_command_that_rebuilds(ask, tmp_path, seed_index):
    # The port is a free one, as whoever runs the tests may be serving on the usual one.
    for command in (["ask", "why?"], ["serve", "--port", str(free_port())]):
        done = run(*command, "--embedder", "sentence-transformers:x", cwd=tmp_path, index=seed_index)
        assert done.returncode == 1
        assert f"ask-article index add --rebuild --index {seed_index}" in done.stderr


def test_settings_come_from_the_environment(tmp_path):
    (tmp_path / "harbour.txt").write_text(HARBOUR)
    env = {"ASK_ARTICLE_INDEX": str(tmp_path / "elsewhere")}
    assert run("index", "add", "harbour.txt", cwd=tmp_path, env=env).returncode == 0
    assert (tmp_path / "elsewhere").is_dir()
    bad = run("serve", cwd=tmp_path, env={"ASK_ARTICLE_PORT": "many"})
    assert bad.returncode == 2
    assert "ASK_ARTICLE_PORT='many' is not a number" in bad.stderr


@pytest.mark.parametrize("origin", ["example.org", "https://", "ftp://a.b", "https://a.b/path", "*", "http://a:99999"])
def test_a_malformed_origin_stops_the_start(tmp_path, origin):
    done = run("serve", "--allow-origin", origin, cwd=tmp_path)
    assert done.returncode == 2
    assert "is not an origin" in done.stderr


def test_a_port_in_use_is_said(process, tmp_path, seed_index):
    first = process("--index", str(seed_index), cwd=ROOT)
    wait_for(lambda: answers_ok(f"{first.url}/healthz"))
    port = first.url.rpartition(":")[2]
    done = run("serve", "--port", port, cwd=tmp_path, index=seed_index)
    assert done.returncode == 1
    assert f"--port {int(port) + 1}" in done.stderr


def test_serving_nothing_is_a_failure(tmp_path):
    done = run("serve", "--port", free_port(), cwd=tmp_path)
    assert done.returncode == 1
    assert "no article to ask" in done.stderr


@pytest.mark.parametrize("words", [[], ["ask"], ["serve"], ["index"], ["index", "add"], ["index", "list"], ["index", "remove"]])
def test_help_teaches(tmp_path, words):
    done = run(*words, "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert "Usage:" in done.stdout


def on_a_terminal(words, cwd):
    """Run on a pseudo-terminal; the exit code and what was shown."""
    master, slave = pty.openpty()
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "COLUMNS": "100"}
    running = subprocess.Popen([*COMMAND, *words], stdin=slave, stdout=slave, stderr=slave, cwd=cwd, env=env)
    os.close(slave)
    shown = b""
    while True:
        try:
            part = os.read(master, 4096)
        except OSError:
            break
        if not part:
            break
        shown += part
    os.close(master)
    return running.wait(60), shown.decode("utf-8", "replace")


def test_ctrl_c_while_indexing_keeps_what_is_done(tmp_path):
    (tmp_path / "in").mkdir()
    text = SEED.read_text(encoding="utf-8")
    for number in range(80):
        words = text.replace("Japan", f"Japan {number}").replace("India", f"India {number}")
        (tmp_path / "in" / f"{number:02}.txt").write_text(words, encoding="utf-8")
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [*COMMAND, "index", "add", "in"]
    # What runs in a shell's background is started with this signal ignored.
    heeding = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # noqa: E731
    running = subprocess.Popen(command, cwd=tmp_path, env=env, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=heeding)
    listed = []

    def some_are_done():
        catalog = Catalog(tmp_path / ".ask-article")
        listed[:] = catalog.entries()
        catalog.close()
        return listed

    wait_for((tmp_path / ".ask-article" / "catalog.sqlite").exists)
    wait_for(some_are_done, 90)
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=60)
    assert running.returncode == 1
    assert "what was indexed is kept" in told
    assert "Traceback" not in told
    done = run("index", "add", "in", cwd=tmp_path)
    assert done.returncode == 0
    kept = int(re.search(r"80 articles indexed in .* \((\d+) unchanged\)", done.stdout)[1])
    assert len(listed) <= kept < 80


def test_progress_is_shown_on_a_terminal_only(tmp_path):
    (tmp_path / "harbour.txt").write_text(HARBOUR)
    code, shown = on_a_terminal(["index", "add", "harbour.txt"], tmp_path)
    assert code == 0
    assert "Opening the index" in shown or "Indexing harbour.txt" in shown
    (tmp_path / "other.txt").write_text(HARBOUR)
    quiet = run("index", "add", "other.txt", cwd=tmp_path)
    assert quiet.stderr == ""
    assert "Indexing" not in quiet.stdout


def test_ask_works_beside_a_running_server(process, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "harbour.txt").write_text(HARBOUR)
    server = process("a", index=tmp_path / "ix")
    wait_for(lambda: answers_ok(f"{server.url}/readyz"))
    (tmp_path / "a" / "orchard.txt").write_text("The orchard has nine hundred trees. Sheep graze below them.")
    done = run("ask", "How many trees does the orchard have?", "a", cwd=tmp_path, index=tmp_path / "ix")
    assert done.returncode == 0, done.stderr
    assert "nine hundred" in done.stdout
    assert run("ask", "How many trees?", "a/orchard.txt", cwd=tmp_path, index=tmp_path / "ix").returncode == 0


def test_one_answer_of_the_seed_directory(ask):
    done = ask("Which summit did Modi and Ishiba hold in Tokyo?", SEEDS)
    assert done.returncode == 0
    assert "high-level summit in Tokyo" in done.stdout
