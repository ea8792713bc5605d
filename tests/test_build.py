"""Indexing: only what changed, nothing left behind, nothing lost, one writer at a time."""

import json
import os
import subprocess
import sys

import pytest
from conftest import COMMAND, ROOT, SEED, run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index import (
    Article,
    Index,
    IndexLockedError,
    IndexMismatchError,
    IndexUnreadableError,
    Query,
    Retriever,
    add,
    chunk,
    rebuild,
    remove,
    sync,
)
from index.catalog import article_key
from index.store import vector_ids

HARBOUR = "The harbour was rebuilt in 1921 after the great storm. Fishermen paid for half of it."
BAKERY = "The bakery opens at five. Its owner, Ada Lund, learned the trade in Vienna."


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "articles"
    made.mkdir()
    (made / "harbour.txt").write_text(HARBOUR)
    (made / "bakery.txt").write_text(BAKERY)
    return made


@pytest.fixture
def index(tmp_path):
    index = Index.open(tmp_path / "ix")
    yield index
    index.close()


def vectors(index):
    """The ids that Chroma holds, and those that should be there."""
    held = set(index.store._open().get(include=[])["ids"])
    wanted = {
        each
        for entry in index.catalog.entries()
        for each in vector_ids(entry.key, entry.passage_count, entry.sentence_count)
    }
    return held, wanted


def assert_whole(index):
    held, wanted = vectors(index)
    assert held == wanted
    assert not index.catalog.retired()


def counted(index, monkeypatch):
    """The texts that are embedded from now on."""
    texts = []
    original = index.embedder.embed_documents

    def counting(given, progress=None):
        texts.extend(given)
        return original(given, progress)

    monkeypatch.setattr(index.embedder, "embed_documents", counting)
    return texts


def test_indexing_twice_changes_nothing(index, folder, monkeypatch):
    first = sync(index, [folder])
    assert sorted(first.added) == ["bakery.txt", "harbour.txt"]
    version, before = index.catalog.version, vectors(index)
    texts = counted(index, monkeypatch)
    second = sync(index, [folder])
    assert (second.added, second.updated, second.removed) == ([], [], [])
    assert sorted(second.articles) == ["bakery.txt", "harbour.txt"]
    assert (index.catalog.version, vectors(index), texts) == (version, before, [])
    assert_whole(index)


def test_an_edit_embeds_only_what_is_new_and_leaves_nothing_of_the_old(index, folder, monkeypatch):
    sync(index, [folder])
    texts = counted(index, monkeypatch)
    (folder / "bakery.txt").write_text(BAKERY.replace("five", "seven"))
    assert sync(index, [folder]).updated == ["bakery.txt"]
    assert texts == ["Bakery\n" + BAKERY.replace("five", "seven"), "The bakery opens at seven."]
    assert_whole(index)
    hits = Retriever(index).search([Query("When does the bakery open?")])
    assert "seven" in hits[0].passage.text
    assert not any("five" in hit.passage.text for hit in hits)
    assert b"opens at five" not in b"".join(p.read_bytes() for p in index.folder.rglob("*") if p.is_file() and "wal" not in p.name)


def test_a_vanished_file_is_forgotten(index, folder):
    sync(index, [folder])
    (folder / "harbour.txt").unlink()
    assert sync(index, [folder]).removed == ["harbour.txt"]
    assert_whole(index)
    assert [e.id for e in index.catalog.entries()] == ["bakery.txt"]


def test_other_sources_stay(index, folder, tmp_path):
    sync(index, [folder])
    (tmp_path / "more.txt").write_text("A lighthouse stands on the northern cape.")
    sync(index, [tmp_path / "more.txt"])
    assert len(index.catalog.entries()) == 3
    (tmp_path / "more.txt").unlink()
    report = sync(index, [tmp_path / "more.txt"])
    assert report.removed == ["more.txt"]
    assert len(report.problems) == 1


def test_a_file_that_broke_is_named_and_its_old_text_goes(index, folder):
    sync(index, [folder])
    (folder / "harbour.txt").write_bytes(b"")
    report = sync(index, [folder])
    assert "harbour.txt: the file is empty" in str(report.problems[0])
    assert [e.id for e in index.catalog.entries()] == ["bakery.txt"]
    assert_whole(index)


def test_articles_of_one_name_are_kept_apart(index, tmp_path):
    for name in ("north", "south"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.txt").write_text(f"The {name} wind blows.")
    sync(index, [tmp_path / "north", tmp_path / "south"])
    ids = [entry.id for entry in index.catalog.entries()]
    assert ids == ["a.txt", "south/a.txt"]
    sync(index, [tmp_path / "south", tmp_path / "north"])
    assert [entry.id for entry in index.catalog.entries()] == ids


@pytest.mark.parametrize(("at", "batch"), [(0, 1), (1, 1), (2, 1), (3, 1), (4, 1), (0, 512), (2, 512)])
def test_an_interrupted_run_keeps_what_is_done_and_the_next_does_the_rest(index, folder, at, batch, tmp_path, monkeypatch):
    monkeypatch.setattr("index.writing.BATCH_TEXTS", batch)
    heard = []

    def interrupting(*step):
        heard.append(step)
        if len(heard) > at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sync(index, [folder], interrupting)
    done = [entry.id for entry in index.catalog.entries()]
    assert done == (["bakery.txt"] if batch == 1 and at > 1 else [])
    index.close()
    again = Index.open(tmp_path / "ix")
    report = sync(again, [folder])
    assert sorted(report.unchanged) == sorted(done)
    assert len(again.catalog.entries()) == 2
    assert_whole(again)
    again.close()


def test_vectors_of_a_run_that_was_killed_are_swept(index, folder):
    sync(index, [folder])
    # What a process leaves that dies between the vectors and the catalog.
    dead = Article("dead", "", "A dead text.")
    passages = chunk(dead, article_key(dead))
    index.catalog.announce([(article_key(dead), passages)])
    ids = vector_ids(article_key(dead), 1, 1)
    index.store.add(ids, index.embedder.embed_documents(["a", "b"]))
    (folder / "third.txt").write_text("A third article is short.")
    sync(index, [folder])
    assert_whole(index)


def test_remove_by_id_file_and_folder(index, folder):
    sync(index, [folder])
    assert remove(index, ["harbour.txt", "nope"]) == (["harbour.txt"], ["nope"])
    assert remove(index, [str(folder / "bakery.txt")]) == (["bakery.txt"], [])
    assert_whole(index)
    assert index.store.count() == 0


def test_another_embedder_or_chunking_is_refused_until_rebuilt(index, folder, tmp_path, monkeypatch):
    sync(index, [folder])
    monkeypatch.setattr("index.opening.CHUNKING", "sentences/0")
    for act in (lambda: index.check(), lambda: sync(index, [folder])):
        with pytest.raises(IndexMismatchError, match=r"ask-article index add --rebuild --index"):
            act()
    report = rebuild(index, [])
    assert sorted(report.added) == ["bakery.txt", "harbour.txt"]
    index.check()
    assert_whole(index)
    assert len(list(index.folder.glob("chroma*"))) == 1


def test_the_collection_is_cosine_and_stamped(index, folder):
    sync(index, [folder])
    index.refresh()
    collection = index.store._open()
    assert collection.configuration_json["hnsw"]["space"] == "cosine"
    assert collection.metadata == json.loads(index.catalog.get_meta("stamp"))
    assert collection.metadata["dimension"] == 384


MANY, SENTENCES = 60, 40
"""So many vectors that Chroma saves its graph in between, which it does every thousand."""
WRITE = """
import sys
from index import Article, Index, add
index = Index.open(sys.argv[1])
for number in range(int(sys.argv[2])):
    text = " ".join(f"Boat {number} carried {n} barrels of herring." for n in range(int(sys.argv[3])))
    with index.writing():
        add(index, Article(f"boat-{number}", f"Boat {number}", text))
"""
READ = """
import sys
from index import Index, Query, Retriever
kept = Retriever(Index.open(sys.argv[1]))
reads, found = 0, 0
while found < int(sys.argv[2]):
    for retriever in (kept, Retriever(Index.open(sys.argv[1]))):
        entries = retriever.index.catalog.entries()
        found = len(entries)
        for entry in entries[-3:]:
            (hit, *_) = retriever.search([Query(f"What did {entry.title} carry?")], 1, [entry.id])
            assert hit.dense > 0.3, hit
            reads += 1
print(reads)
"""


def test_reading_while_another_process_writes_breaks_nothing(index):
    """A reader of Chroma that another process writes crashes, or damages the files for good."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}

    def start(code, *options):
        command = [sys.executable, "-c", code, str(index.folder), *map(str, options)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env)

    running = [start(WRITE, MANY, SENTENCES), start(READ, MANY), start(READ, MANY)]
    try:
        said = [each.communicate(timeout=240)[0] for each in running]
    finally:
        for each in running:
            each.kill()
    assert [each.returncode for each in running] == [0, 0, 0], "\n".join(said)
    assert all(int(each.split()[-1]) > 10 for each in said[1:])
    index.refresh()
    assert len(index.catalog.entries()) == MANY
    assert_whole(index)


HOLD = """
import sys, time
from index import Index
with Index.open(sys.argv[1]).writing():
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_writer_is_told_who_holds_the_index(index, folder, tmp_path):
    sync(index, [folder / "bakery.txt"])
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(index.folder)], stdout=subprocess.PIPE, text=True, env=env
    )
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(IndexLockedError, match=rf"process {holder.pid} \("):
            sync(index, [folder])
        # Nothing to write, nothing to wait for.
        assert sync(index, [folder / "bakery.txt"]).unchanged == ["bakery.txt"]
        told = run("index", "add", folder, cwd=tmp_path, index=index.folder)
        assert told.returncode == 1
        assert f"process {holder.pid}" in told.stderr
        # A question is answered from what is there.
        asked = run("ask", "When does the bakery open?", folder, cwd=tmp_path, index=index.folder)
        assert asked.returncode == 0
        assert "opens at five" in asked.stdout
        assert "is being written by" in asked.stderr
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
    assert sync(index, [folder]).added == ["harbour.txt"]


def test_a_reader_notices_what_another_process_wrote(index, folder, tmp_path):
    sync(index, [folder / "bakery.txt"])
    retriever = Retriever(index)
    assert len(retriever.search([Query("harbour storm")])) == 1
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [*COMMAND, "index", "add", str(folder), str(SEED), "--index", str(index.folder)]
    subprocess.run(command, check=True, env=env, cwd=tmp_path, capture_output=True)
    assert retriever.search([Query("When was the harbour rebuilt?")])[0].passage.article_id == "harbour.txt"
    assert retriever.search([Query("What is the Quad?")])[0].passage.article_id == SEED.name
    remove(index, [SEED.name])
    assert all(h.passage.article_id != SEED.name for h in retriever.search([Query("What is the Quad?")]))


def test_a_damaged_index_is_said(tmp_path):
    (tmp_path / "ix").mkdir()
    (tmp_path / "ix" / "catalog.sqlite").write_bytes(b"this is no database" * 100)
    with pytest.raises(IndexUnreadableError, match="cannot be opened"):
        Index.open(tmp_path / "ix")
    (tmp_path / "file").write_text("x")
    with pytest.raises(IndexUnreadableError, match="cannot be used as an index"):
        Index.open(tmp_path / "file")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.one_of(st.none(), st.text(max_size=200))), max_size=6
    )
)
def test_whatever_happens_to_the_files_the_index_stays_whole(tmp_path_factory, steps):
    folder = tmp_path_factory.mktemp("any")
    (folder / "in").mkdir()
    index = Index.open(folder / "ix")
    for name, text in steps:
        path = folder / "in" / f"{name}.txt"
        if text is None:
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(text.encode("utf-8", "replace"))
        sync(index, [folder / "in"])
        assert_whole(index)
    again = sync(index, [folder / "in"])
    assert not again.changed
    index.close()


def test_an_article_that_is_no_file_can_be_added(index):
    with index.writing():
        add(index, Article("https://example.org/x", "X", "A fox lives in the old quarry.", "https://example.org/x"))
    assert_whole(index)
    assert sync(index, []).removed == []
    assert Retriever(index).search([Query("Where does the fox live?")])
