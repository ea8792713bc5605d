"""Which texts are near to a question, by the embedder's vectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from index import make_embedder


class Nearness:
    """Orders texts; the vectors that it made are kept, as training asks for them again."""

    def __init__(self) -> None:
        self._embedder = make_embedder()
        self._vectors: dict[str, NDArray[np.float32]] = {}

    def __call__(self, question: str, texts: Sequence[str]) -> list[int]:
        """The places of the texts, nearest to the question first."""
        wanted = [text for text in dict.fromkeys((question, *texts)) if text not in self._vectors]
        if wanted:
            made = self._embedder.embed_documents(wanted).astype(np.float16)
            self._vectors.update(zip(wanted, made, strict=True))
        table = np.array([self._vectors[text] for text in texts], np.float32)
        order: list[int] = np.argsort(-(table @ self._vectors[question]), kind="stable").tolist()
        return order
