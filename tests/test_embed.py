import numpy as np
import pytest

from index import EmbedderError, make_embedder
from index import minilm as minilm_module

TEXTS = [
    "Japan and India are joining forces.",
    "The harbour was rebuilt in 1921 after the great storm.",
    "A cat sleeps on the warm roof of the bakery, while below the first customers are waiting.",
    "Interest rates rose by a quarter of a point.",
    "Wie spät ist es?",
]


def test_vectors_are_unit_and_in_order():
    embedder = make_embedder()
    together = embedder.embed_documents(TEXTS)
    assert together.shape == (len(TEXTS), 384)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    for text, vector in zip(TEXTS, together, strict=True):
        # Alone or among others, a text has the same vector.
        assert np.allclose(embedder.embed_query(text), vector, atol=1e-6)


def test_progress_counts_every_text():
    heard = []
    make_embedder().embed_documents(TEXTS * 3, heard.append)
    assert sum(heard) == 3 * len(TEXTS)


def test_agrees_with_sentence_transformers():
    ours = make_embedder()
    original = make_embedder("sentence-transformers:all-MiniLM-L6-v2")
    assert original.dimension == ours.dimension
    cosines = (ours.embed_documents(TEXTS) * original.embed_documents(TEXTS)).sum(axis=1)
    assert cosines.min() > 0.98
    assert ours.embed_query(TEXTS[0]) @ original.embed_query(TEXTS[0]) > 0.98


@pytest.mark.parametrize("text", ["", " ", "\ud800", "😀" * 2000, "\x00", "a" * 100_000])
def test_any_text_has_a_vector(text):
    assert np.isfinite(make_embedder().embed_query(text)).all()


@pytest.mark.parametrize("name", ["nope", "sentence-transformers", "all-MiniLM-L6-v2:x", ""])
def test_unknown_names_are_refused_with_the_known(name):
    with pytest.raises(EmbedderError, match="sentence-transformers:MODEL"):
        make_embedder(name)


def test_a_model_that_is_not_there_is_said(tmp_path):
    with pytest.raises(EmbedderError, match="cannot load"):
        make_embedder(f"sentence-transformers:{tmp_path}/none").embed_query("x")


def test_a_damaged_model_is_refused(tmp_path, monkeypatch):
    damaged = tmp_path / "model.onnx"
    damaged.write_bytes(minilm_module.MINILM.read_bytes()[:-1] + b"?")
    monkeypatch.setattr(minilm_module, "MINILM", damaged)
    with pytest.raises(EmbedderError, match="damaged"):
        make_embedder().embed_query("x")
    monkeypatch.setattr(minilm_module, "MINILM", tmp_path / "gone.onnx")
    with pytest.raises(EmbedderError, match="missing"):
        make_embedder().embed_query("x")
