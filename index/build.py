"""Bring an index up to date with files and folders, doing only what changed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from index import load
from index.catalog import Entry
from index.errors import SourceError
from index.lexical import Lexicon
from index.opening import Index
from index.records import Article
from index.writing import Batch

LEXICAL_FROM = 2000
"""Above so many passages the lexical index is kept on disk; below, building it is as fast."""

Progress = Callable[[str, float, float], None]
"""Hears what is being worked on, how much is done, and how much there is, in bytes."""


@dataclass(slots=True)
class Report:
    """What a run did, by article id, and the files it could not take."""

    added: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    problems: list[SourceError] = field(default_factory=list)

    @property
    def articles(self) -> list[str]:
        """The ids of the articles that the sources hold, all of them indexed now."""
        return [*self.unchanged, *self.added, *self.updated]

    @property
    def changed(self) -> bool:
        """Whether the index is another than before."""
        return bool(self.added or self.updated or self.removed)


@dataclass(frozen=True, slots=True)
class _Work:
    file: load.SourceFile
    size: int
    before: Entry | None


@dataclass(slots=True)
class _Plan:
    report: Report
    work: list[_Work]
    gone: list[Entry]


def sync(index: Index, sources: Iterable[str | Path], progress: Progress | None = None) -> Report:
    """Index what is new or edited in `sources`, and forget what is gone from them.

    Articles of other sources stay. Each article is written whole, so that an interrupted run loses
    nothing and the next one does the rest. Raises IndexLockedError where there is something to
    write and another process is writing; what cannot be read is in the report.
    """
    index.check()
    sources = list(sources)
    plan = _plan(index, sources)
    if not plan.work and not plan.gone:
        return plan.report
    with index.writing():
        plan = _plan(index, sources)
        _remember(index, sources)
        try:
            _carry_out(index, plan, progress)
        finally:
            index.sweep()
            _save_lexicon(index)
    return plan.report


def rebuild(
    index: Index, sources: Iterable[str | Path], progress: Progress | None = None
) -> Report:
    """Empty an index, whatever it was made with, and index its sources and these anew."""
    with index.writing_anew():
        known = [Path(root) for root in json.loads(index.catalog.get_meta("sources") or "[]")]
        index.clear()
    return sync(index, dict.fromkeys([*known, *(Path(s).resolve() for s in sources)]), progress)


def remove(index: Index, names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Remove articles named by id, URL or file; returns the ids removed and the names not found."""
    entries = index.catalog.entries()
    gone: dict[str, Entry] = {}
    missing = []
    for name in names:
        path = str(Path(name).resolve())
        found = [e for e in entries if name in (e.id, e.url) or path in (e.source, e.root)]
        gone.update((entry.id, entry) for entry in found)
        if not found:
            missing.append(name)
    if gone:
        with index.writing():
            for entry in gone.values():
                index.catalog.drop(entry.id)
            index.sweep()
            _save_lexicon(index)
    return list(gone), missing


def add(index: Index, *articles: Article, progress: Progress | None = None) -> None:
    """Index articles that are not files of ours; only while `index.writing()`."""
    entries = {entry.id: entry for entry in index.catalog.entries()}
    batch = Batch(index)
    tell = progress or (lambda *_: None)
    written = 0
    for place, article in enumerate(articles, start=1):
        batch.put(article, "", entries.get(article.id))
        if batch.full or place == len(articles):
            report = partial(_share, tell, article.title, written, place, len(articles))
            batch.flush(report)
            written = place


def _share(tell: Progress, name: str, start: int, end: int, total: int, done: float) -> None:
    """Tell how far a batch of the articles from `start` to `end` has come."""
    tell(name, start + done * (end - start), total)


def _plan(index: Index, sources: list[str | Path]) -> _Plan:
    files, problems = load.discover(sources)
    entries = index.catalog.entries()
    by_source = {entry.source: entry for entry in entries if entry.source}
    report = Report(problems=problems)
    work = []
    for file in files:
        before = by_source.get(str(file.path))
        try:
            data = load.read_bytes(file)
        except SourceError as error:
            problems.append(error)
            continue
        if before and before.file_hash == load.file_hash(data):
            report.unchanged.append(before.id)
        else:
            work.append(_Work(file, len(data), before))
    present = {str(file.path) for file in files}
    roots = [Path(source).resolve() for source in sources]
    gone = [
        entry
        for entry in entries
        if entry.source and entry.source not in present and _was_below(entry, roots)
    ]
    return _Plan(report, work, gone)


def _was_below(entry: Entry, roots: list[Path]) -> bool:
    path = Path(entry.source)
    # A folder that is missing altogether may be unmounted; a missing file is gone.
    return any(path == root or (root.is_dir() and root in path.parents) for root in roots)


def _carry_out(index: Index, plan: _Plan, progress: Progress | None) -> None:
    report = plan.report
    for entry in plan.gone:
        index.catalog.drop(entry.id)
        report.removed.append(entry.id)
    total = float(sum(work.size for work in plan.work))
    taken = {entry.id: entry.source for entry in index.catalog.entries()}
    batch = Batch(index)
    written, waiting = 0.0, 0.0
    for place, work in enumerate(plan.work):
        name = work.file.name

        def heard(share: float, at: float, size: float, name: str = name) -> None:
            if progress:
                progress(name, at + share * size, total)

        heard(0.0, written + waiting, 0.0)
        waiting += work.size
        _take(batch, work, taken, report)
        if batch.full or place + 1 == len(plan.work):
            jobs = batch.flush(partial(heard, at=written, size=waiting))
            for job in jobs:
                (report.updated if job.before else report.added).append(job.article.id)
            written, waiting = written + waiting, 0.0
            heard(1.0, written, 0.0)


def _take(batch: Batch, work: _Work, taken: dict[str, str], report: Report) -> None:
    """Read a file into a batch; one that cannot be read is reported, and its old text goes."""
    catalog = batch.index.catalog
    try:
        data = load.read_bytes(work.file)
        article = _named(taken, load.parse(work.file, data))
    except SourceError as error:
        report.problems.append(error)
        if work.before:
            catalog.drop(work.before.id)
            report.removed.append(work.before.id)
        return
    taken[article.id] = article.source
    if work.before and work.before.id != article.id:
        catalog.drop(work.before.id)
    batch.put(article, load.file_hash(data), work.before)


def _named(taken: dict[str, str], article: Article) -> Article:
    """Keep two articles apart that would have the same id, by the name of their root."""
    if taken.get(article.id, article.source) == article.source:
        return article
    base = f"{Path(article.root).name}/{article.id}" if not article.url else article.id
    name, number = base, 2
    while taken.get(name, article.source) != article.source:
        name, number = f"{base}#{number}", number + 1
    return replace(article, id=name)


def _remember(index: Index, sources: list[str | Path]) -> None:
    known = json.loads(index.catalog.get_meta("sources") or "[]")
    named = [str(Path(source).resolve()) for source in sources if Path(source).exists()]
    index.catalog.set_meta("sources", json.dumps(list(dict.fromkeys([*known, *named]))))


def lexicon_folder(index: Index) -> Path:
    """Where the lexical index of the present version is, or would be."""
    return index.folder / f"lexical-{index.catalog.version}"


def _save_lexicon(index: Index) -> None:
    count = sum(entry.passage_count for entry in index.catalog.entries())
    folder = lexicon_folder(index)
    if count > LEXICAL_FROM and not folder.exists():
        Lexicon.build([passage.searched for passage in index.catalog.passages()]).save(folder)
    for old in index.folder.glob("lexical-*"):
        if old != folder:
            shutil.rmtree(old, ignore_errors=True)
