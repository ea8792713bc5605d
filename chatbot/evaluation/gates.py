"""Requirements: `success@1=0.9` and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chatbot.errors import DatasetError
from chatbot.evaluation.metrics import LOWER_IS_BETTER
from chatbot.evaluation.result import FIGURES, Result, places


@dataclass(frozen=True, slots=True)
class Requirement:
    """A figure's name and the value it must reach, or for rates of errors must not pass."""

    name: str
    value: float

    @property
    def at_most(self) -> bool:
        """Whether less is better."""
        return self.name.rpartition(".")[2] in LOWER_IS_BETTER

    def missed(self, result: Result) -> str:
        """Why it is missed; empty where it is met. A figure that is not known is missed."""
        got = result.figure(self.name)
        if got is None:
            return f"{self.name}: this data set cannot give it; required {self}"
        good = got <= self.value if self.at_most else got >= self.value
        return "" if good else f"{self.name} is {got:.3f}; required {self}"

    def __str__(self) -> str:
        """ "at least 0.9"."""
        return f"{'at most' if self.at_most else 'at least'} {self.value:g}"


def requirements(texts: Sequence[str]) -> list[Requirement]:
    """Read `METRIC=VALUE`; DatasetError says what is accepted, before anything runs."""
    found = []
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if not equals or number != number:
            raise DatasetError(f"--require {text!r}: expected METRIC=VALUE, such as success@1=0.9")
        if not places(name):
            every = ", ".join(n for group in FIGURES.values() for n in dict.fromkeys(group))
            raise DatasetError(
                f"--require {text!r}: there is no figure {name!r}; there are {every}"
            )
        found.append(Requirement(name, number))
    return found
