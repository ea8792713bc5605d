"""Train the reader on files in SQuAD's format.

    pip install "ask-article[models]"
    python -m chatbot.reader.train --articles squadshifts-new_wiki.json \\
        --others squadshifts-reddit.json squadshifts-amazon_reviews.json \\
        --aside tests/gold_wiki.jsonl --checkpoint reading.pt
    python -m chatbot.reader.train --open squad2-dev.json --without Huguenot … --from reading.pt \\
        --written chatbot/reader/written.jsonl --invented chatbot/reader/invented.jsonl \\
        --articles … --others … --aside tests/gold_wiki.jsonl --checkpoint reader.pt
    python -m chatbot.reader.export reader.pt

It goes in steps. The first learns to find answers, and to refuse by the questions that are made
open by rule; it takes three hours on two cores. Others go on from there (`--from`) with questions
that were written to look answerable, those of SQuAD 2.0 (`--open`) and ours (`--written`, and
`--invented` with its texts), which an epoch takes more than once, and round weights and states as
they will be in the model that ships. A part of the examples is shown as a closer look shows them
(`looks`). With `--share` the weights then go only so much of the way from where they began, which
keeps what either end knows better (WiSE-FT, Wortsman et al. 2022,
https://arxiv.org/abs/2109.01903). With other titles kept apart (`--without`) it gives another
network, whose figures on these are honest. What is asked about the texts that a gold set was
written about (`--aside`) is left out: the confidence is fitted there. A run that is stopped goes on
from its checkpoint when it is started anew. `--from` takes the model that ships (`.onnx`) as well
as a checkpoint.

Several runs with other seeds, each without one part of the articles (`--fold 0/9 --seed 100` and so
on), make `--teachers` for another (`teachers`). On a GPU, which is taken where there is one, with
`--batch 64` a run takes minutes.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from pathlib import Path

import torch
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from chatbot.answering.fit import gold_articles
from chatbot.answering.reader import Pairs
from chatbot.reader import rounding
from chatbot.reader.batches import tensors
from chatbot.reader.examples import Example, Part, drawn, in_passages, read
from chatbot.reader.led_in import led_in
from chatbot.reader.looks import looks
from chatbot.reader.losses import missed, strayed, untaught
from chatbot.reader.nearness import Nearness
from chatbot.reader.network import Network
from chatbot.reader.teachers import Fold, Teachers
from chatbot.reader.weights import weights_of
from chatbot.reader.written import read_invented, read_written

BATCH = 32
RATE, WARM, DECAY = 1.6e-4, 0.06, 0.01
ON_RATE = 0.8e-4
"""The rate of a run that goes on from another's weights."""
EPOCHS = 4
SQUAD = ("articles", "others", "open")
"""The options that name files in SQuAD's format."""
TIMES = {"articles": 1.0, "others": 0.6, "open": 3.0, "written": 2.0, "invented": 2.0}
"""How often an epoch takes the files of each option; `--times` changes that."""
ON_TIMES = {"articles": 0.4, "others": 0.2, "open": 1.5, "written": 2.0, "invented": 2.0}
ON_EPOCHS = 2
LOOKS = 0.25
"""The share of examples that a run which goes on shows as a closer look shows them."""
ANSWERS_WEIGHT = 0.7
KEPT_WEIGHT = 1.0
"""How much a run that goes on, and has no teachers, is held to the phrases chosen before; `--kept`
holds one that has some to theirs."""
TAUGHT = 0.5
"""The part of what a student learns that its teachers say, instead of the labels; `--taught`
changes that."""
AVERAGED, ON_AVERAGED = 0.998, 0.995
"""How much of the averaged weights stays at a step; a short run must forget what it began with."""
EVERY = 100


def main() -> None:
    """Read the files, train, and keep a checkpoint."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for option in SQUAD:
        parser.add_argument(f"--{option}", nargs="*", type=Path, default=[], metavar="FILE")
    parser.add_argument("--written", nargs="*", type=Path, default=[], metavar="FILE")
    parser.add_argument("--invented", nargs="*", type=Path, default=[], metavar="FILE")
    parser.add_argument("--times", nargs="*", type=_times, default=[], metavar="OPTION=TIMES")
    parser.add_argument("--without", nargs="*", default=[], metavar="TITLE")
    parser.add_argument("--aside", type=Path, metavar="FILE")
    parser.add_argument("--from", dest="start", type=Path, metavar="FILE")
    parser.add_argument("--checkpoint", type=Path, required=True, metavar="FILE")
    parser.add_argument("--fold", type=Fold.parse, metavar="PLACE/OF")
    parser.add_argument("--teachers", nargs="*", type=Path, default=[], metavar="FILE")
    parser.add_argument("--taught", type=float, default=TAUGHT, metavar="PART")
    parser.add_argument("--kept", type=float, metavar="WEIGHT")
    parser.add_argument("--share", type=float, default=1.0, metavar="PART")
    parser.add_argument("--looks", type=float, metavar="PART")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--batch", type=int, default=BATCH)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    options.epochs = options.epochs or (ON_EPOCHS if options.start else EPOCHS)
    by_itself = options.start and not options.teachers
    if by_itself:
        options.teachers, options.taught = [options.start], 0.0
    if options.kept is None:
        options.kept = KEPT_WEIGHT if by_itself else 0.0
    if options.looks is None:
        options.looks = LOOKS if options.start else 0.0
    options.times = (ON_TIMES if options.start else TIMES) | dict(options.times)
    torch.manual_seed(options.seed)
    parts = _parts(options)
    Training(parts, Nearness(), options).run()


def _times(words: str) -> tuple[str, float]:
    option, _, times = words.partition("=")
    if option not in TIMES:
        raise ValueError
    return option, float(times)


def _parts(options: argparse.Namespace) -> list[tuple[Part, float]]:
    """The articles to train on, and how often an epoch takes each."""
    skipped: set[str] = set()
    if options.aside:
        lines = options.aside.read_text(encoding="utf-8").splitlines()
        names = {json.loads(line)["article"] for line in lines}
        for file in options.articles:
            for article in gold_articles(file, names):
                skipped.update(article.text.strip().split("\n\n"))
    parts = [
        (part, options.times[option])
        for option in SQUAD
        for part in read(getattr(options, option), skipped)
        if part.title not in options.without
    ]
    files = [*options.articles, *options.others, *options.open]
    for file in options.written:
        written = read_written(file, files, skipped)
        if not written:
            sys.exit(f"none of the questions in {file} is about a file that is named")
        times = options.times["written"]
        parts += [(part, times) for part in written if part.title not in options.without]
    for file in options.invented:
        parts += [(part, options.times["invented"]) for part in read_invented(file)]
    return [
        (in_passages(part), times)
        for part, times in parts
        if not (options.fold and options.fold.holds(part.title))
    ]


class Training:
    """The loop, its schedule, and what a checkpoint holds."""

    def __init__(
        self, parts: list[tuple[Part, float]], nearness: Nearness, options: argparse.Namespace
    ) -> None:
        self.parts, self.nearness, self.options = parts, nearness, options
        self.pairs = Pairs()
        self.network = Network()
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.teachers = Teachers(options.teachers, self.device) if options.teachers else None
        if options.start:
            self.network.load_state_dict(weights_of(options.start))
            rounding.prepare(self.network)
        self.network.to(self.device)
        self.rate = options.rate or (ON_RATE if options.start else RATE)
        self.averaged = torch.optim.swa_utils.AveragedModel(
            self.network,
            multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(
                ON_AVERAGED if options.start else AVERAGED
            ),
        )
        learnt = [p for p in self.network.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(
            [
                {"params": [p for p in learnt if p.ndim >= 2], "weight_decay": DECAY},
                {"params": [p for p in learnt if p.ndim < 2], "weight_decay": 0.0},
            ],
            lr=self.rate,
            fused=True,
        )
        self.step = 0

    def run(self) -> None:
        """Train to the end, from the checkpoint where there is one."""
        counts = [len(self._epoch(epoch)) for epoch in range(self.options.epochs)]
        total = sum(counts)
        self._resume()
        if self.step >= total:
            return
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
        if self.options.start:
            self._go_part_of_the_way()
        self._save()
        sys.stderr.write("\n")

    def _epoch(self, epoch: int) -> list[list[Example]]:
        """The epoch's batches, the same at every start; texts of like length share one."""
        rng = random.Random(f"{self.options.seed} {epoch}")
        examples: list[Example] = []
        for part, times in self.parts:
            left = times
            while left > 0:
                found = drawn(part, self.nearness, rng)
                found = rng.sample(found, round(len(found) * min(left, 1.0)))
                found = led_in(part, found, rng)
                looked = self.options.looks * len(found)
                examples += found[round(looked) :]
                examples += looks(part.title, found[: round(looked)], rng)
                left -= 1
        rng.shuffle(examples)
        batches, size = [], self.options.batch
        for start in range(0, len(examples), size * 24):
            some = sorted(examples[start : start + size * 24], key=lambda each: len(each.passage))
            batches += [some[at : at + size] for at in range(0, len(some), size)]
        rng.shuffle(batches)
        return batches

    def _learn(self, batch: list[Example], progress: float) -> tuple[float, float]:
        rate = self.rate * min(progress / WARM, (1 - progress) / (1 - WARM))
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        ids, segments, mask, begins, ends = (
            each.to(self.device) for each in tensors(batch, self.pairs)
        )
        answered = torch.tensor([1.0 if each.spans else 0.0 for each in batch], device=self.device)
        with self._casting():
            spans, answers = self.network(ids, segments, mask)
        spans, answers = spans.float(), answers.float()
        span, answering = missed(spans, begins, ends), cross_entropy(answers, answered)
        loss = span + ANSWERS_WEIGHT * answering
        if self.teachers is not None:
            lesson = self.teachers(ids, segments, mask, [each.title for each in batch])
            said = untaught(spans, lesson) + ANSWERS_WEIGHT * cross_entropy(answers, lesson.answers)
            taught = self.options.taught
            held = strayed(spans, lesson.spans.clamp(min=1e-9).log(), (segments * mask).bool())
            loss = (1 - taught) * loss + taught * said + self.options.kept * held
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self.averaged.update_parameters(self.network)
        return float(span.detach()), float(answering.detach())

    def _casting(self) -> torch.autocast:
        return torch.autocast(self.device.type, dtype=torch.bfloat16)

    def _go_part_of_the_way(self) -> None:
        share, begun = self.options.share, weights_of(self.options.start)
        with torch.no_grad():
            for name, weight in self.averaged.module.named_parameters():
                weight.mul_(share).add_(begun[name].to(self.device), alpha=1 - share)

    def _save(self) -> None:
        data = {
            "step": self.step,
            "fold": str(self.options.fold or ""),
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        beside = self.options.checkpoint.with_suffix(".part")
        torch.save(data, beside)
        beside.replace(self.options.checkpoint)

    def _resume(self) -> None:
        if self.options.checkpoint.exists():
            data = torch.load(self.options.checkpoint, map_location=self.device)
            self.step = data["step"]
            self.network.load_state_dict(data["network"])
            self.averaged.load_state_dict(data["averaged"])
            self.optimizer.load_state_dict(data["optimizer"])


if __name__ == "__main__":
    main()
