"""The default embedder: all-MiniLM-L6-v2 as int8 ONNX, without torch."""

from __future__ import annotations

import hashlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from index.embed import DEFAULT_EMBEDDER, Embedder, TokenVectors, Vectors, encodable, unit
from index.errors import EmbedderError

MODELS = Path(__file__).parent / "models"
MINILM = MODELS / "all-MiniLM-L6-v2-int8.onnx"
MINILM_TOKENIZER = MODELS / "all-MiniLM-L6-v2-tokenizer.json"
MINILM_SHA256 = "d490d150557108ce83bca479303d1ba78749d7bdd90900a219a1e9bce4a9ff57"

KEPT_QUESTIONS = 16
"""A question's vector and its tokens are asked for in turn, and are of one run of the model."""


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
        return tokenizer(self.max_tokens)

    @cached_property
    def _long_tokenizer(self) -> Any:
        return tokenizer(self.max_positions)

    def embed_query(self, text: str) -> Vectors:
        """Text → a unit vector (dimension,)."""
        _, states = self._asked(text)
        vector: Vectors = unit(states.mean(axis=0, keepdims=True))[0]
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
        encoded = self._long_tokenizer.encode_batch([encodable(text) for text in texts])
        run = self._threads.map if len(encoded) > 1 else map
        return list(run(lambda each: _token_vectors(each, self._states(each)), encoded))

    def _asked(self, text: str) -> tuple[Any, Vectors]:
        """A question's encoding and states; the last few are kept, since both are asked for."""
        with self._keeping:
            if text in self._kept:
                return self._kept[text]
        encoded = self._tokenizer.encode(encodable(text))
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
        encoded = self._tokenizer.encode_batch([encodable(text) for text in texts])
        run = self._threads.map if len(encoded) > 1 else map
        return unit(np.stack(list(run(self._pooled, encoded))))

    def _pooled(self, encoded: Any) -> Vectors:
        # The model's own pooling: the mean over tokens.
        mean: Vectors = self._states(encoded).mean(axis=0)
        return mean

    def _states(self, encoded: Any) -> Vectors:
        ids = np.array([encoded.ids], dtype=np.int64)
        inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        found: Vectors = self._session.run(None, inputs)[0][0]
        return found


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


def tokenizer(most: int) -> Any:
    """The default model's tokenizer, which cuts texts after `most` tokens."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(MINILM_TOKENIZER))
    tokenizer.enable_truncation(most)
    # The file pads to 128 tokens by itself, and what runs alone needs none.
    tokenizer.no_padding()
    return tokenizer


def _token_vectors(encoded: Any, states: Vectors) -> TokenVectors:
    # The first and the last token only mark the ends.
    offsets = np.array(encoded.offsets[1:-1], dtype=np.int64).reshape(-1, 2)
    return TokenVectors(unit(states[1:-1]), offsets)
