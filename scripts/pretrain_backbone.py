"""Pretrain octlib's own backbone on phantoms, and write it as a timm folder.

Usage: python scripts/pretrain_backbone.py [--output src/octlib/models/octlib_backbone] [--work build/pretraining]

Nothing but phantoms is trained on: of every class, each from a device of its own, distorted as eyes, devices and
programs differ. A small timm architecture learns, all at once: the class of a scan, which kinds of lesion it shows and
how large they are, and, for each cell of two of its maps, the share of every layer and lesion.

In a second stage it also learns to find the evidence for a disease where the disease is. The cells of its last map that
show the lesion are swapped for those of a healthy scan, and the class has to become that of the healthy one; with the
cells of the lesion alone the class has to stay. Without it the evidence strays from the lesion, since every cell of the
last map sees most of the scan.

The same arguments give the same weights on the same machine. --work keeps the phantoms and, after each epoch, the state
of training: the same command goes on where it was stopped. See the model card for what came of it, and how long it
takes.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from pretraining.collection import PHANTOMS, collection, digest_of
from pretraining.pupil import Batch, Pupil, batch_of, loss_of
from safetensors.torch import save_file
from torch import nn
from torch.optim import swa_utils

ARCHITECTURE = "resnet26d"
# A narrow one whose last stage keeps its resolution: 1.2 million parameters, 14 x 14 cells at 224 pixels.
MODEL_ARGS = {"channels": [16, 32, 64, 160], "stem_width": 8, "output_stride": 16}
BATCH, DECAY = 64, 0.05
RATES = {"recognise": 3e-3, "locate": 1e-3}  # the highest learning rate of each stage
SIZES = {"recognise": 192, "locate": 224}  # pixels: most is learnt from smaller views, in less time
KEPT_SIZE = 224


class Course:
    """One stage of training: all that changes in it, so that it can stop and go on."""

    def __init__(self, stage: str, settings: dict[str, Any], start: dict[str, torch.Tensor] | None) -> None:
        """Begin, at random or with the weights of the stage before.

        Args:
            stage: ``"recognise"`` or ``"locate"``.
            settings: all that the weights depend on.
            start: weights of a pupil.
        """
        seed, epochs, steps = settings["seed"], settings["epochs"][stage], settings["scans"] // BATCH
        self.settings = json.dumps(settings, indent=2)
        torch.manual_seed(seed)
        self.stage, self.epochs, self.steps, self.done = stage, epochs, steps, 0
        self.noise = torch.Generator().manual_seed(seed)
        self.pupil = Pupil(ARCHITECTURE, MODEL_ARGS).to(memory_format=torch.channels_last)
        if start is not None:
            self.pupil.load_state_dict(start)
        self.optimizer = torch.optim.AdamW(self.pupil.parameters(), RATES[stage], weight_decay=DECAY)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, RATES[stage], epochs * steps, pct_start=0.15
        )
        self.average = swa_utils.AveragedModel(
            self.pupil, multi_avg_fn=swa_utils.get_ema_multi_avg_fn(0.998), use_buffers=True
        )

    def epoch(self, data: dict[str, np.ndarray]) -> None:
        """Learn from all scans once, but for those that are left when no batch can be filled; say what came of it."""
        started, losses, rights = time.perf_counter(), [], []
        for batch in self.batches(data):
            loss, right = self.step(batch)
            losses.append(loss)
            rights.append(right)
        self.done += 1
        seconds = time.perf_counter() - started
        figures = f"loss {np.mean(losses):.3f}, accuracy {np.mean(rights):.3f}, {seconds:.0f} s"
        print(f"{self.stage}, epoch {self.done} of {self.epochs}: {figures}", flush=True)

    def batches(self, data: dict[str, np.ndarray]) -> Iterator[Batch]:
        """Give the batches of an epoch; a second thread makes the next one while one is learnt from."""
        order = torch.randperm(len(data["labels"]), generator=self.noise).numpy()

        def batch(step: int) -> Batch:
            chosen = order[step * BATCH : (step + 1) * BATCH]
            scans = {name: torch.from_numpy(np.array(values[chosen])) for name, values in data.items()}
            return batch_of(scans, SIZES[self.stage], self.noise)

        with ThreadPoolExecutor(1) as pool:
            following = pool.submit(batch, 0)
            for step in range(1, self.steps + 1):
                made = following.result()
                if step < self.steps:
                    following = pool.submit(batch, step)
                yield made

    def step(self, batch: Batch) -> tuple[float, float]:
        """Learn from a batch; return its loss and the share of right classes."""
        loss, right = loss_of(self.pupil, batch, self.stage)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.pupil.parameters(), 5.0)
        self.optimizer.step()
        self.schedule.step()
        self.average.update_parameters(self.pupil)
        return loss.item(), right.item()

    def save(self, file: Path) -> None:
        """Write all that is needed to go on, whole or not at all."""
        parts = {name: getattr(self, name).state_dict() for name in ("pupil", "optimizer", "schedule", "average")}
        random = {"noise": self.noise.get_state(), "torch": torch.get_rng_state()}
        unfinished = file.with_suffix(".part")
        torch.save(parts | random | {"done": self.done, "settings": self.settings}, unfinished)
        unfinished.replace(file)

    def restore(self, file: Path) -> None:
        """Go on from what ``save`` wrote.

        Raises:
            SystemExit: if it was written with other settings, or other code.
        """
        state = torch.load(file, weights_only=True)
        if state["settings"] != self.settings:
            raise SystemExit(
                f"{file} was written with other settings or other code:\n{state['settings']}\nnot\n{self.settings}\n"
                f"Choose another --work, or delete {file.parent}."
            )
        for name in ("pupil", "optimizer", "schedule", "average"):
            getattr(self, name).load_state_dict(state[name])
        self.noise.set_state(state["noise"])
        torch.set_rng_state(state["torch"])
        self.done = state["done"]


def train(work: Path, data: dict[str, np.ndarray], settings: dict[str, Any]) -> dict[str, torch.Tensor]:
    """Go through the stages that have epochs, from where they were stopped.

    Returns:
        The average of the last weights of the pupil.
    """
    weights: dict[str, torch.Tensor] | None = None
    for stage in (stage for stage, count in settings["epochs"].items() if count):
        course, file = Course(stage, settings, weights), work / f"{stage}.pt"
        if file.exists():
            course.restore(file)
        while course.done < course.epochs:
            course.epoch(data)
            course.save(file)
        weights = course.average.module.state_dict()
    assert weights is not None
    return weights


def write(weights: dict[str, torch.Tensor], output: Path) -> None:
    """Write a timm folder: config.json and model.safetensors."""
    output.mkdir(parents=True, exist_ok=True)
    save_file(weights, output / "model.safetensors", metadata={"format": "pt"})
    config = {
        "architecture": ARCHITECTURE,
        "num_classes": 0,
        "global_pool": "avg",
        "model_args": MODEL_ARGS,
        "pretrained_cfg": {
            "tag": "octlib",
            "input_size": [3, KEPT_SIZE, KEPT_SIZE],
            "mean": [0.5, 0.5, 0.5],
            "std": [0.5, 0.5, 0.5],
            "num_classes": 0,
            "classifier": timm.get_pretrained_cfg(ARCHITECTURE).classifier,
            "license": "apache-2.0",
        },
    }
    (output / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """Make phantoms, train, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("src/octlib/models/octlib_backbone"))
    parser.add_argument(
        "--work", type=Path, default=Path("build/pretraining"), help="phantoms, and states to go on from"
    )
    parser.add_argument("--scans", type=int, default=16_000)
    parser.add_argument("--epochs", type=int, nargs=2, default=[7, 2], help="of each stage")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--workers", type=int, default=2, help="processes that make phantoms")
    parser.add_argument("--threads", type=int, default=1, help="of training")
    arguments = parser.parse_args()
    if not any(arguments.epochs):
        parser.error("--epochs: one stage at least needs an epoch")
    torch.set_num_threads(arguments.threads)
    settings = {
        "scans": arguments.scans,
        "epochs": dict(zip(RATES, arguments.epochs, strict=True)),
        "seed": arguments.seed,
        "threads": arguments.threads,
        "architecture": [ARCHITECTURE, MODEL_ARGS],
        "versions": {name: version(name) for name in ("octlib", "timm", "torch")},
        "code": digest_of(*PHANTOMS, Path(__file__), *Path(__file__).parent.glob("pretraining/*.py")),
    }
    print(settings, flush=True)
    data = collection(arguments.work, arguments.scans, arguments.seed, arguments.workers)
    weights = train(arguments.work, data, settings)
    own = {name: value.contiguous() for name, value in weights.items() if name.startswith("backbone.")}
    write({name.removeprefix("backbone."): value for name, value in own.items()}, arguments.output)


if __name__ == "__main__":
    main()
