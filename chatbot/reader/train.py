"""Train the reader on files in SQuAD's format.

    pip install "ask-article[models]"
    python -m chatbot.reader.train --articles squadshifts-new_wiki.json \\
        --others squadshifts-reddit.json squadshifts-amazon_reviews.json \\
        --open squad2-dev.json --without Normans Yuan_dynasty … --aside tests/gold_wiki.jsonl \\
        --checkpoint reader.pt
    python -m chatbot.reader.export reader.pt

`--articles` are files whose questions are all answered, `--others` such as are less like articles,
a third of which an epoch takes, `--open` such as hold unanswerable questions, which are few, so
that an epoch takes them twice. `--without` are titles to keep apart for the figures. What is asked
about the texts that a gold set was written about (`--aside`) is left out as well: the confidence
is fitted there. A run that is stopped goes on from its checkpoint when it is started anew. On two
cores it takes an hour or two.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from chatbot.answering.fit import gold_articles
from chatbot.reader.examples import Example, Part, read, with_open_ones
from chatbot.reader.network import Network
from index import make_embedder
from index.embed import Embedder

BATCH = 32
RATE, WARM, DECAY = 2.0e-4, 0.06, 0.01
EPOCHS = 4
TIMES = {"articles": 1.0, "others": 0.3, "open": 2.0}
"""How often an epoch takes the files of each option."""
ANSWERS_WEIGHT = 0.5
AVERAGED = 0.998
LONGEST = 400
EVERY = 200


@dataclass(frozen=True, slots=True)
class Text:
    """A text's states (n, 384), half bits, and its tokens' places without the marks (n - 2, 2)."""

    states: NDArray[np.float16]
    offsets: NDArray[np.int64]


class States:
    """The lower layers' states of every text, made once; and which passages are near."""

    def __init__(self, embedder: Embedder, texts: Iterable[str]) -> None:
        self._texts: dict[str, Text] = {}
        self._vectors: dict[str, NDArray[np.float32]] = {}
        self._tables: dict[Sequence[str], NDArray[np.float32]] = {}
        wanted = sorted(set(texts))
        for start in range(0, len(wanted), 64):
            some = wanted[start : start + 64]
            for text, made in zip(some, embedder.embed_tokens(some) or [], strict=True):
                assert made.lower is not None
                self._texts[text] = Text(made.lower.astype(np.float16), made.offsets)
                mean = made.vectors.mean(axis=0)
                self._vectors[text] = mean / max(float(np.linalg.norm(mean)), 1e-9)
            sys.stderr.write(f"\rread {start + len(some):,} of {len(wanted):,} texts")
        sys.stderr.write("\n")

    def __getitem__(self, text: str) -> Text:
        return self._texts[text]

    def add(self, embedder: Embedder, texts: Iterable[str]) -> None:
        """Texts that came later, such as questions made by rule."""
        for text in texts:
            if text not in self._texts:
                made = embedder.embed_query_tokens(text)
                assert made is not None
                assert made.lower is not None
                self._texts[text] = Text(made.lower.astype(np.float16), made.offsets)

    def nearest(self, question: str, passages: Sequence[str]) -> list[int]:
        """The places of the passages, nearest to the question first."""
        if passages not in self._tables:
            self._tables[passages] = np.stack([self._vectors[passage] for passage in passages])
        order: list[int] = np.argsort(-(self._tables[passages] @ self._vectors[question])).tolist()
        return order


def main() -> None:
    """Read the files, train, and keep a checkpoint."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for option in TIMES:
        parser.add_argument(f"--{option}", nargs="*", type=Path, default=[], metavar="FILE")
    parser.add_argument("--without", nargs="*", default=[], metavar="TITLE")
    parser.add_argument("--aside", type=Path, metavar="FILE")
    parser.add_argument("--checkpoint", type=Path, required=True, metavar="FILE")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    parts = _parts(options)
    embedder = make_embedder()
    texts = {text for part, _ in parts for text in part.paragraphs}
    texts |= {each.question for part, _ in parts for each in part.examples}
    Training(parts, States(embedder, texts), embedder, options).run()


def _parts(options: argparse.Namespace) -> list[tuple[Part, float]]:
    """The articles to train on, and how often an epoch takes each."""
    skipped: set[str] = set()
    if options.aside:
        lines = options.aside.read_text(encoding="utf-8").splitlines()
        names = {json.loads(line)["article"] for line in lines}
        for file in options.articles:
            for article in gold_articles(file, names):
                skipped.update(article.text.strip().split("\n\n"))
    return [
        (part, times)
        for option, times in TIMES.items()
        for part in read(getattr(options, option), skipped)
        if part.title not in options.without
    ]


class Training:
    """The loop, its schedule, and what a checkpoint holds."""

    def __init__(
        self,
        parts: list[tuple[Part, float]],
        states: States,
        embedder: Embedder,
        options: argparse.Namespace,
    ) -> None:
        self.parts, self.states = parts, states
        self.embedder, self.options = embedder, options
        self.network = Network()
        self.averaged = torch.optim.swa_utils.AveragedModel(
            self.network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(AVERAGED)
        )
        plain = [p for p in self.network.parameters() if p.ndim < 2]
        matrices = [p for p in self.network.parameters() if p.ndim >= 2]
        self.optimizer = torch.optim.AdamW(
            [{"params": matrices, "weight_decay": DECAY}, {"params": plain, "weight_decay": 0.0}],
            lr=RATE,
        )
        self.step = 0

    def run(self) -> None:
        """Train to the end, from the checkpoint where there is one."""
        counts = [len(self._epoch(epoch)) for epoch in range(self.options.epochs)]
        total = sum(counts)
        self._resume()
        started, done, recent = time.monotonic(), self.step, [0.0, 0.0]
        passed = 0
        for epoch, count in enumerate(counts):
            if passed + count <= self.step:
                passed += count
                continue
            for batch in self._epoch(epoch)[self.step - passed :]:
                losses = self._learn(batch, self.step / total)
                recent = [0.98 * old + 0.02 * new for old, new in zip(recent, losses, strict=True)]
                self.step += 1
                if self.step % 10 == 0:
                    pace = (time.monotonic() - started) / (self.step - done)
                    left = (total - self.step) * pace / 60
                    sys.stderr.write(
                        f"\rstep {self.step:,} of {total:,}, span loss {recent[0]:.3f}, answering"
                        f" {recent[1]:.3f}, {pace:.2f} s a step, {left:.0f} minutes left   "
                    )
                if self.step % EVERY == 0:
                    self._save()
            passed += count
        self._save()
        sys.stderr.write("\n")

    def _epoch(self, epoch: int) -> list[list[Example]]:
        """The epoch's batches, the same at every start; texts of like length share one."""
        rng = random.Random(f"{self.options.seed} {epoch}")
        examples: list[Example] = []
        for part, times in self.parts:
            left = times
            while left > 0:
                found = with_open_ones(part, self.states.nearest, rng)
                examples += rng.sample(found, round(len(found) * min(left, 1.0)))
                left -= 1
        rng.shuffle(examples)
        batches = []
        for start in range(0, len(examples), BATCH * 24):
            some = sorted(examples[start : start + BATCH * 24], key=lambda each: len(each.passage))
            batches += [some[at : at + BATCH] for at in range(0, len(some), BATCH)]
        rng.shuffle(batches)
        return batches

    def _learn(self, batch: list[Example], progress: float) -> tuple[float, float]:
        rate = RATE * min(progress / WARM, (1 - progress) / (1 - WARM))
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.states.add(self.embedder, (each.question for each in batch))
        states, segments, mask, begins, ends = tensors(batch, self.states)
        answered = torch.tensor([1.0 if each.spans else 0.0 for each in batch])
        with torch.autocast("cpu", dtype=torch.bfloat16):
            spans, answers = self.network(states, segments, mask)
        spans, answers = spans.float(), answers.float()
        # The question's own tokens are no answer, but for the first, which stands for "nowhere".
        barred = (mask == 0) | (segments == 0)
        barred[:, 0] = False
        logits = spans.masked_fill(barred[..., None], -1e4).log_softmax(dim=1)
        # Any of the answers that people gave counts, so their probabilities add up.
        span = -(
            torch.logsumexp(logits[..., 0].masked_fill(~begins, -1e4), dim=1)
            + torch.logsumexp(logits[..., 1].masked_fill(~ends, -1e4), dim=1)
        )
        answering = functional.binary_cross_entropy_with_logits(answers, answered)
        loss = span.mean() / 2 + ANSWERS_WEIGHT * answering
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self.averaged.update_parameters(self.network)
        return float(span.mean().detach()) / 2, float(answering.detach())

    def _save(self) -> None:
        data = {
            "step": self.step,
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        beside = self.options.checkpoint.with_suffix(".part")
        torch.save(data, beside)
        beside.replace(self.options.checkpoint)

    def _resume(self) -> None:
        if self.options.checkpoint.exists():
            data = torch.load(self.options.checkpoint)
            self.step = data["step"]
            self.network.load_state_dict(data["network"])
            self.averaged.load_state_dict(data["averaged"])
            self.optimizer.load_state_dict(data["optimizer"])


def tensors(batch: Sequence[Example], states: States) -> tuple[Any, ...]:
    """Examples → states (b, n, 384), segments, mask (b, n), and where answers begin and end."""
    pairs = [(states[each.question], states[each.passage]) for each in batch]
    longest = min(LONGEST, max(len(q.states) + len(p.states) for q, p in pairs))
    table = np.zeros((len(batch), longest, pairs[0][0].states.shape[1]), np.float32)
    segments = np.zeros((len(batch), longest), np.int64)
    mask = np.zeros((len(batch), longest), np.int64)
    begins = np.zeros((len(batch), longest), bool)
    ends = np.zeros((len(batch), longest), bool)
    for row, (example, (question, passage)) in enumerate(zip(batch, pairs, strict=True)):
        asked = len(question.states)
        joined = np.concatenate([question.states, passage.states])[:longest]
        table[row, : len(joined)] = joined
        segments[row, asked : len(joined)] = 1
        mask[row, : len(joined)] = 1
        for start, end in example.spans:
            # The passage's first state is its mark.
            first = int(np.searchsorted(passage.offsets[:, 1], start, side="right")) + asked + 1
            last = int(np.searchsorted(passage.offsets[:, 0], end)) - 1 + asked + 1
            if first <= last < longest:
                begins[row, first] = ends[row, last] = True
        if not begins[row].any():
            begins[row, 0] = ends[row, 0] = True
    return tuple(torch.from_numpy(each) for each in (table, segments, mask, begins, ends))


if __name__ == "__main__":
    main()
