"""A test of an article without labels: questions made from its sentences by rule.

A question's sentence is its evidence. The same rules make questions about other subjects, which
the article must refuse. It shows that things work together, and says little of how well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from chatbot.answering.kinds import NAME
from chatbot.answering.suggest import candidates
from chatbot.bot import Chatbot
from chatbot.config import Settings
from chatbot.errors import DatasetError
from chatbot.evaluation.corpus import open_sources
from chatbot.evaluation.datasets import Dataset, Question
from index import Article, chunk
from index.build import Progress

OTHERS = Path(__file__).parent / "others"
"""Short articles on subjects far apart, whose questions no other article answers."""
MOST = 60
"""So many questions of an article at most."""

_STATES = re.compile(
    rf"^({NAME}) ((?:is|was|are|were|has|have|had|will|can|could|may|must|should) "
    rf"[^,;:“”\"]{{15,140}})[.,;]"
)


def auto_dataset(
    path: Path, settings: Settings, progress: Progress | None = None
) -> tuple[Chatbot, Dataset]:
    """The article or articles at `path`, indexed, and questions made from them.

    Raises SourceError where it cannot be read, DatasetError where no rule fits its sentences.
    """
    bot = open_sources([path], settings, progress)
    articles = [bot.article(entry.id) for entry in bot.articles()]
    made = {article.id: list(_asked(article))[:MOST] for article in articles}
    foreign = [each for article in _others() for each in _asked(article)]
    questions: list[Question] = []
    for article in articles:
        own = made[article.id]
        for place, (question, quotes) in enumerate(own, start=1):
            identity = f"{article.id}-made-{place}"
            questions.append(
                Question(identity, question, evidence=quotes, article=article.id, kind="made")
            )
        strange = [each for each, _ in foreign]
        strange += [q for other in articles if other is not article for q, _ in made[other.id]]
        asked = {question for question, _ in own}
        strange = [each for each in dict.fromkeys(strange) if each not in asked]
        for place, question in enumerate(strange[: max(10, len(own))], start=1):
            identity = f"{article.id}-other-{place}"
            questions.append(
                Question(identity, question, answerable=False, article=article.id, kind="off-topic")
            )
    if not any(made.values()):
        raise DatasetError(f"{path}: no sentence in it that a question could be made from by rule")
    return bot, Dataset(f"{path.stem} (questions made by rule)", tuple(questions))


def _asked(article: Article) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each question that a rule makes, with the sentences that answer it."""
    sentences = [each.text for passage in chunk(article) for each in passage.sentences]
    seen = set()
    for candidate in candidates(article):
        if candidate.question not in seen:
            seen.add(candidate.question)
            # Whatever names a thing says something about it.
            about = [text for text in sentences if candidate.about and candidate.about in text]
            yield candidate.question, tuple(about or [candidate.sentence.text])
    for text in sentences:
        match = _STATES.match(" ".join(text.split()))
        if match:
            yield f"Who or what {match[2]}?", (text,)


def _others() -> Iterator[Article]:
    for path in sorted(OTHERS.glob("*.txt")):
        yield Article(path.stem, path.stem, path.read_text(encoding="utf-8"))
