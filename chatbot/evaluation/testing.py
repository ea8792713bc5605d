"""Retrieval-accuracy tests in your own pytest suite.

from chatbot.evaluation.testing import assert_figures, evaluated

def test_my_articles(evaluated):
    result = evaluated("gold.jsonl", "articles/")
    assert_figures(result, "success@1=0.9", "false_answer_rate=0.2")
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from chatbot.config import Settings
from chatbot.evaluation.corpus import open_corpus, open_sources
from chatbot.evaluation.datasets import read_dataset
from chatbot.evaluation.gates import requirements
from chatbot.evaluation.result import Result
from chatbot.evaluation.run import evaluate_bot

SHOWN = 10

Evaluated = Callable[..., Result]


@pytest.fixture(scope="session")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Evaluated:
    """A function from a data set, and the articles it asks about, to a Result.

    `evaluated(dataset, *sources, format=None, passages=None, oracle=False)`; data sets that bring
    their own texts need no sources. Indexes live in a folder of this test run.
    """
    cache = tmp_path_factory.mktemp("evaluated")

    def evaluate(
        dataset: str | Path,
        *sources: str | Path,
        format: str | None = None,
        passages: str | Path | None = None,
        oracle: bool = False,
    ) -> Result:
        settings = replace(Settings.from_environment(), cache=cache)
        questions = read_dataset(Path(dataset), format, Path(passages) if passages else None)
        if questions.corpus:
            bot = open_corpus(questions.corpus, settings)
        else:
            bot = open_sources([Path(source) for source in sources], settings)
        try:
            return evaluate_bot(bot, questions, oracle)
        finally:
            bot.close()

    return evaluate


def assert_figures(result: Result, *required: str) -> None:
    """Fail unless every figure is as required, such as "success@1=0.9"; say which questions failed.

    Rates of errors must be at most what is required, everything else at least.
    """
    missed = [why for each in requirements(required) if (why := each.missed(result))]
    if missed:
        failures = [f"{o.question.id}: {o.question.text} ({o.failure})" for o in result.failures]
        more = [f"and {len(failures) - SHOWN} more"] if len(failures) > SHOWN else []
        raise AssertionError("\n".join([*missed, *failures[:SHOWN], *more]))
