"""Tokens that a language model may use a day, counted in a file beside the index."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock

from chatbot.answering.faults import Fault


class Budget:
    """So many tokens a day (UTC), for all processes that share the file; 0 is no limit."""

    def __init__(self, path: Path | None, per_day: int) -> None:
        self._path = path
        self._per_day = per_day
        self._lock = threading.Lock()

    def check(self) -> None:
        """Raise the fault `budget` where today's tokens are used up."""
        if self._per_day and self.spent() >= self._per_day:
            raise Fault("budget")

    def spend(self, tokens: int) -> None:
        """Count tokens that were used."""
        if not self._per_day or self._path is None:
            return
        with self._lock, FileLock(f"{self._path}.lock", timeout=10):
            data = {"day": _today(), "tokens": self.spent() + tokens}
            beside = self._path.with_suffix(".part")
            beside.write_text(json.dumps(data), encoding="utf-8")
            beside.replace(self._path)

    def spent(self) -> int:
        """The tokens used today."""
        if self._path is None:
            return 0
        try:
            data = json.loads(self._path.read_text(encoding="utf-8"))
            return int(data["tokens"]) if data["day"] == _today() else 0
        except (OSError, ValueError, KeyError, TypeError):
            return 0


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
