"""The project as a whole: public names, doors, lint and types, and documents that cannot drift."""

import ast
import dataclasses
import itertools
import re
import subprocess
import sys

import pytest
import typer.main
from conftest import ROOT, SEED

import chatbot
import index
from chatbot.cli import app
from chatbot.config import PREFIX, Settings
from chatbot.web.server import create_app
from chatbot.web.warmup import Warmup

README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("package", [index, chatbot])
def test_public_names_are_there_and_documented(package):
    assert len(set(package.__all__)) == len(package.__all__)
    for name in package.__all__:
        value = getattr(package, name)
        if isinstance(value, type) or callable(value):
            assert (value.__doc__ or "").strip(), name


def test_lint():
    done = subprocess.run([sys.executable, "-m", "ruff", "check", "."], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    done = subprocess.run([sys.executable, "-m", "ruff", "format", "--check", "index", "chatbot"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_types():
    done = subprocess.run([sys.executable, "-m", "mypy"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def test_there_is_one_way_through():
    """`index` knows nothing of chat, and langchain and gradio have one door each."""
    for path in (ROOT / "index").glob("*.py"):
        assert not {"chatbot", "langchain", "langchain_core", "gradio", "fastapi"} & set(imported(path)), path


HEAVY = ["torch", "sentence_transformers", "transformers", "gradio", "langchain_core", "pandas"]


def test_asking_imports_nothing_heavy(tmp_path, seed_index):
    code = (
        "import sys\nfrom chatbot import Chatbot\n"
        f"bot = Chatbot.open([], {str(seed_index)!r})\nassert bot.ask('What is the Quad?').answered\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"})
    assert done.stdout.strip() == "[]"


def commands(group, path=()):
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


def test_the_readme_names_every_command_and_no_other():
    known = dict(commands(typer.main.get_command(app)))
    for name in known:
        assert f"ask-article {name}" in README, name
    mentioned = set(re.findall(r"ask-article ((?:index )?[a-z]+)", README))
    assert mentioned <= {*known, "index"}, mentioned - set(known)


def test_the_readme_names_every_option():
    for name, command in commands(typer.main.get_command(app)):
        for parameter in command.params:
            for option in getattr(parameter, "opts", []):
                if option.startswith("--") and option != "--help":
                    assert option in README, f"{name} {option}"


def test_the_readme_names_every_setting():
    for field in dataclasses.fields(Settings):
        assert f"{PREFIX}{field.name.upper()}" in README


def test_the_readme_names_every_route():
    def never():
        raise AssertionError

    paths = set(create_app(Warmup(never), Settings()).openapi()["paths"])
    assert {"/api/ask", "/healthz", "/readyz"} <= paths
    for path in paths:
        assert f"`{path}`" in README or f" {path}`" in README, path


def test_the_readme_answers_what_it_says_it_answers(bot):
    """Each line of the table of examples is asked, and answered as it says."""
    rows = re.findall(r"^\| ([^|]+\?|[^|]+) \| (yes|no|small talk) \|", README, re.M)
    assert len(rows) >= 6
    expected = {"yes": "answered", "no": "not_in_article", "small talk": "smalltalk"}
    for question, wanted in rows:
        assert bot.ask(question.strip()).state == expected[wanted], question


def test_every_file_that_the_readme_names_exists():
    for name in re.findall(r"`((?:index|chatbot|tests|seeds|docs)/[\w./-]*)`", README):
        assert (ROOT / name).exists(), name
    for target in re.findall(r"\]\(((?!http)[^)#]+)\)", README):
        assert (ROOT / target).exists(), target


@pytest.mark.parametrize("document", ["README.md", "chatbot/answering/models/reader-card.md"])
def test_every_row_of_a_table_has_the_cells_of_its_head(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    # Bars within code end no cell.
    rows = [re.sub(r"`[^`]*`", "", line) for line in text.splitlines()]
    for before, row in itertools.pairwise(rows):
        if before.startswith("|") and row.startswith("|"):
            assert row.rstrip().endswith("|"), row
            assert row.count("|") == before.count("|"), row


def test_the_seed_is_as_it_was_given():
    data = SEED.read_bytes()
    assert len(data) == 3724
    assert data.decode("utf-8").startswith("Global alliances are shifting!")


def test_the_wheel_has_everything(tmp_path):
    """A wheel, unpacked, answers from its own files."""
    import zipfile

    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q", "-w", tmp_path, str(ROOT)],
        check=True, capture_output=True, cwd=tmp_path,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for name in ("index/models/all-MiniLM-L6-v2-int8.onnx", "chatbot/answering/confidence.json", "chatbot/web/static/page.js", "chatbot/evaluation/report.html", "chatbot/evaluation/others/octopus.txt"):
        assert name in names
    assert not [name for name in names if name.startswith(("tests/", "seeds/"))]


