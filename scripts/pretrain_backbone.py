"""Pretrain octlib's own backbone on phantoms, and write it as a timm folder.

Usage: OMP_NUM_THREADS=1 python scripts/pretrain_backbone.py [--output src/octlib/models/octlib_backbone]

Nothing but phantoms is trained on. A small timm architecture learns, all at once: the class of a scan, which kinds of
lesion it shows and how large they are, and, for each cell of its last two maps, the share of every layer and lesion.
Scans are distorted as devices and eyes differ: turned, moved, scaled, mirrored, brightened, blurred, made noisy.

In a second stage it also learns to find the evidence for a disease where the disease is. The cells of its last map that
show the lesion are swapped for those of a healthy scan, and the class has to become that of the healthy one; with the
cells of the lesion alone the class has to stay. Without it the evidence strays from the lesion, since every cell of the
last map sees most of the scan.

The same arguments give the same weights on the same machine. See the model card for what came of it. One core takes
three quarters of an hour.
"""

from __future__ import annotations

import argparse
import json
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional

from octlib.phantoms import CLASS_NAMES, Phantom, PhantomSpec, render

ARCHITECTURE = "mobilenetv4_conv_small_050"
MADE_AT, SEEN_AT = 256, 224  # pixels: the border of a phantom is room for turning and moving it
DEVICES = (("spectralis", 0.6), ("spectralis-wide", 0.2), ("cirrus", 0.1), ("topcon", 0.1))
KINDS = ("drusen", "PED", "SHRM", "SRF", "IRF", "exudates")
# The label map: what lies below each of these surfaces, then the lesions, then what a scan doesn't cover.
TISSUES = (
    "top of ILM",
    "top of GCL",
    "top of INL",
    "top of OPL",
    "top of ONL",
    "top of ELM",
    "top of RPE",
    "BM",
    "CSI",
)
OUTSIDE = len(TISSUES) + len(KINDS) + 1
N_TISSUES = OUTSIDE + 1
LESION_WEIGHT = 4.0  # of cells' lesions beside layers, of which there is so much more
BATCH, DECAY, SMOOTHING = 64, 0.05, 0.05
RATES = {"recognise": 4e-3, "locate": 1e-3}  # the highest learning rate of each stage


def specification(number: int, seed: int) -> PhantomSpec:
    """Choose what the phantom of a number is: every class in turn, of any device, more or less averaged."""
    rng = np.random.default_rng((seed, number))
    device = rng.choice([name for name, _ in DEVICES], p=[share for _, share in DEVICES])
    # A small scan averages over the pixels of a large one.
    averaging = int(rng.integers(2, 12))
    label = CLASS_NAMES[number % len(CLASS_NAMES)]
    return PhantomSpec(
        label, number + 1, scan=1, seed=seed, device=str(device), size=(MADE_AT, MADE_AT), averaging=averaging
    )


def tissues(phantom: Phantom) -> np.ndarray:
    """Draw the label map: uint8 (height, width), 0 for the vitreous."""
    rows = np.arange(phantom.image.shape[0])[:, None] + 0.5
    labels = sum((rows >= phantom.boundaries[name]).astype(np.uint8) for name in TISSUES)
    for number, kind in enumerate(KINDS):
        if kind in phantom.masks:
            labels[phantom.masks[kind]] = len(TISSUES) + 1 + number
    return np.asarray(labels, dtype=np.uint8)


def example(number: int, seed: int) -> tuple[np.ndarray, np.ndarray, int, np.ndarray]:
    """Make a phantom: image, label map at a quarter of the size, class, the share that each lesion has."""
    phantom = render(specification(number, seed))
    image, labels = phantom.image.copy(), tissues(phantom)
    outside = image == 255
    if outside.mean() > 0.01:  # saturated specks are no wedge
        labels[outside] = OUTSIDE
        image[outside] = 0 if number % 5 else 255  # octlib blanks wedges; some stay, should it miss one
    areas = [phantom.masks[kind].mean() if kind in phantom.masks else 0.0 for kind in KINDS]
    return image, labels[::4, ::4], CLASS_NAMES.index(phantom.label), np.array(areas, dtype=np.float32)


def collection(count: int, seed: int, workers: int) -> dict[str, torch.Tensor]:
    """Make all phantoms, in worker processes; uint8 images and label maps."""
    with ProcessPoolExecutor(workers) as pool:
        made = list(pool.map(partial(example, seed=seed), range(count), chunksize=64))
    names = ("images", "tissues", "labels", "areas")
    return {name: torch.from_numpy(np.stack(part)) for name, part in zip(names, zip(*made, strict=True), strict=True)}


def distorted(images: torch.Tensor, maps: torch.Tensor, noise: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Turn, move, scale and mirror scans with their label maps, then change their light.

    Args:
        images: uint8 (n, MADE_AT, MADE_AT).
        maps: uint8 (n, MADE_AT / 4, MADE_AT / 4).
        noise: where the randomness comes from.

    Returns:
        float (n, SEEN_AT, SEEN_AT) in 0-1, and int64 (n, SEEN_AT / 4, SEEN_AT / 4).
    """

    def uniform(low: float, high: float) -> torch.Tensor:
        return torch.empty(len(images)).uniform_(low, high, generator=noise)

    turn, shear = uniform(-0.12, 0.12), uniform(-0.1, 0.1)
    mirror = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)
    wide, high = uniform(0.65, 1.1), uniform(0.65, 1.1)
    rows = [
        torch.stack([mirror * wide, -turn * high, uniform(-0.15, 0.15)], 1),
        torch.stack([(turn + shear) * wide, high, uniform(-0.15, 0.15)], 1),
    ]
    grid = functional.affine_grid(torch.stack(rows, 1), [len(images), 1, SEEN_AT, SEEN_AT], align_corners=False)
    seen = functional.grid_sample(images[:, None].float() / 255, grid, align_corners=False)[:, 0]
    marked = functional.grid_sample(maps[:, None].float() + 1, grid[:, ::4, ::4], mode="nearest", align_corners=False)[
        :, 0
    ]
    marked = torch.where(marked == 0, OUTSIDE, marked - 1).long()
    return relit(seen, noise, uniform), marked


def relit(seen: torch.Tensor, noise: torch.Generator, uniform: Any) -> torch.Tensor:
    """Change gamma, gain, offset, shading, sharpness and noise of scans."""

    def each(low: float, high: float) -> torch.Tensor:
        return uniform(low, high)[:, None, None]

    seen = seen.clamp(1e-4, 1) ** each(0.65, 1.6) * each(0.75, 1.3) + each(-0.04, 0.06)
    shade = torch.empty(len(seen), 1, 4, 4).uniform_(0.8, 1.2, generator=noise)
    seen = seen * functional.interpolate(shade, SEEN_AT, mode="bilinear")[:, 0]
    blurred = functional.avg_pool2d(seen[:, None], 3, 1, 1)[:, 0]
    seen = torch.lerp(seen, blurred, (each(-0.6, 1)).clamp(min=0))
    grain = torch.randn(seen.shape, generator=noise)
    return (seen + grain * each(-0.03, 0.06).clamp(min=0)).clamp(0, 1)


class Pupil(nn.Module):
    """The backbone with its teachers' questions: class, kinds and areas of lesions, tissues of two maps."""

    def __init__(self, weights: dict[str, torch.Tensor] | None) -> None:
        """Build it, with a backbone at random or with these weights."""
        super().__init__()
        self.backbone = timm.create_model(ARCHITECTURE, num_classes=0, drop_path_rate=0.05)
        if weights is not None:
            self.backbone.load_state_dict(weights)
        self.scales = (16, 32)
        channels = {info["reduction"]: info["num_chs"] for info in self.backbone.feature_info}
        channels[32] = self.backbone.num_features
        self.dense = nn.ModuleList([nn.Conv2d(channels[scale], N_TISSUES, 1) for scale in self.scales])
        features = self.backbone(torch.zeros(2, 3, 64, 64)).shape[1]
        self.classes, self.kinds, self.areas = (
            nn.Linear(features, count) for count in (len(CLASS_NAMES), len(KINDS), len(KINDS))
        )

    def maps(self, images: torch.Tensor) -> dict[int, torch.Tensor]:
        """Give the maps of float (n, SEEN_AT, SEEN_AT) in 0-1 by their scale."""
        pictures = ((images - 0.5) / 0.5)[:, None].expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)
        last, maps = self.backbone.forward_intermediates(pictures)
        return {SEEN_AT // each.shape[-1]: each for each in maps} | {32: last}

    def features(self, last: torch.Tensor) -> torch.Tensor:
        """Give the features of the last map, as timm's own forward does."""
        return self.backbone.forward_head(last, pre_logits=True)


def tissue_loss(answer: torch.Tensor, maps: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Hold a map's answer against the shares of tissues in each of its cells."""
    shares = functional.one_hot(maps, N_TISSUES).permute(0, 3, 1, 2).float()
    wanted = functional.adaptive_avg_pool2d(shares, answer.shape[-1])
    return -(wanted * weights[:, None, None] * answer.log_softmax(1)).sum(1).mean()


def swapped(last: torch.Tensor, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Exchange the cells of lesions between sick scans and healthy ones.

    Args:
        last: the last map, (n, channels, height, width).
        batch: its ``labels``, ``areas`` and ``tissues`` are used.

    Returns:
        Maps of sick scans with the cells of a healthy one in place of their lesions, then of healthy scans with the
        lesions' cells of sick ones; their classes; their areas of lesions.
    """
    healthy = CLASS_NAMES.index("NORMAL")
    sick = (batch["labels"] != healthy).nonzero()[:, 0]
    others = (batch["labels"] == healthy).nonzero()[:, 0]
    lesions = (batch["tissues"][sick] > len(TISSUES)) & (batch["tissues"][sick] != OUTSIDE)
    cells = functional.adaptive_max_pool2d(lesions[:, None].float(), last.shape[-2:])
    seen = cells.flatten(1).any(1)  # distortion can push a lesion out of the scan
    if not len(others):
        seen = torch.zeros_like(seen)
        others = sick
    sick, cells, partners = sick[seen], cells[seen], others[torch.arange(len(sick)) % len(others)][seen]
    cured, infected = (
        torch.lerp(*pair, cells) for pair in ((last[sick], last[partners]), (last[partners], last[sick]))
    )
    labels = torch.cat([torch.full_like(sick, healthy), batch["labels"][sick]])
    areas = torch.cat([torch.zeros_like(batch["areas"][sick]), batch["areas"][sick]])
    return torch.cat([cured, infected]), labels, areas


def loss_of(
    pupil: Pupil, batch: dict[str, torch.Tensor], weights: torch.Tensor, stage: str
) -> tuple[torch.Tensor, torch.Tensor]:
    """Add all losses up; return them with the share of right classes."""
    maps, labels, areas = pupil.maps(batch["images"]), batch["labels"], batch["areas"]
    last = maps[32]
    if stage == "locate":
        # One pass through the head for all of them, so that its BatchNorm sees one batch.
        others = swapped(last, batch)
        last, labels, areas = (torch.cat(pair) for pair in zip((last, labels, areas), others, strict=True))
    # Without half of the features the class has to be as right: no feature may carry evidence from elsewhere.
    pooled = functional.dropout(pupil.features(last), 0.5 if stage == "locate" else 0.0)
    classes = pupil.classes(pooled)
    loss = functional.cross_entropy(classes, labels, label_smoothing=SMOOTHING)
    loss = loss + functional.binary_cross_entropy_with_logits(pupil.kinds(pooled), (areas > 0).float())
    loss = loss + functional.smooth_l1_loss(pupil.areas(pooled), torch.log10(areas * 1e4 + 1))
    for question, scale in zip(pupil.dense, pupil.scales, strict=True):
        loss = loss + tissue_loss(question(maps[scale]), batch["tissues"], weights)
    return loss, (classes.argmax(1) == labels).float().mean()


def train(
    data: dict[str, torch.Tensor], stage: str, epochs: int, seed: int, weights_so_far: dict[str, torch.Tensor] | None
) -> dict[str, torch.Tensor]:
    """Train for some epochs, one cycle of the learning rate; return the average of the last weights of the backbone."""
    torch.manual_seed(seed)
    noise = torch.Generator().manual_seed(seed)
    pupil = Pupil(weights_so_far).to(memory_format=torch.channels_last)
    steps = len(data["images"]) // BATCH
    rate = RATES[stage]
    optimizer = torch.optim.AdamW(pupil.parameters(), rate, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, epochs * steps, pct_start=0.15)
    average = torch.optim.swa_utils.AveragedModel(
        pupil, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.998), use_buffers=True
    )
    weights = torch.ones(N_TISSUES)
    weights[len(TISSUES) + 1 : OUTSIDE] = LESION_WEIGHT
    for epoch in range(epochs):
        started, losses, rights = time.perf_counter(), [], []
        order = torch.randperm(len(data["images"]), generator=noise)
        for step in range(steps):
            chosen = order[step * BATCH : (step + 1) * BATCH]
            batch = {name: values[chosen] for name, values in data.items()}
            batch["images"], batch["tissues"] = distorted(batch["images"], batch["tissues"], noise)
            loss, right = loss_of(pupil, batch, weights, stage)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(pupil.parameters(), 5.0)
            optimizer.step()
            schedule.step()
            average.update_parameters(pupil)
            losses.append(loss.item())
            rights.append(right.item())
        seconds = time.perf_counter() - started
        figures = f"loss {np.mean(losses):.3f}, accuracy {np.mean(rights):.3f}, {seconds:.0f} s"
        print(f"{stage}, epoch {epoch + 1}: {figures}", flush=True)
    return {name: value.contiguous() for name, value in average.module.backbone.state_dict().items()}


def write(weights: dict[str, torch.Tensor], output: Path) -> None:
    """Write a timm folder: config.json and model.safetensors."""
    output.mkdir(parents=True, exist_ok=True)
    save_file(weights, output / "model.safetensors", metadata={"format": "pt"})
    config = {
        "architecture": ARCHITECTURE,
        "num_classes": 0,
        "global_pool": "avg",
        "pretrained_cfg": {
            "tag": "octlib",
            "input_size": [3, SEEN_AT, SEEN_AT],
            "mean": [0.5, 0.5, 0.5],
            "std": [0.5, 0.5, 0.5],
            "num_classes": 0,
            "classifier": "classifier",
            "license": "apache-2.0",
        },
    }
    (output / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """Make phantoms, train, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("src/octlib/models/octlib_backbone"))
    parser.add_argument("--scans", type=int, default=12000)
    parser.add_argument("--epochs", type=int, nargs=2, default=(10, 4), metavar=("RECOGNISE", "LOCATE"))
    parser.add_argument("--start", type=Path, help="a folder that this script wrote: only the second stage is run")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    print({name: version(name) for name in ("octlib", "timm", "torch")}, torch.get_num_threads(), "threads")
    data = collection(arguments.scans, arguments.seed, arguments.workers)
    if arguments.start:
        weights = load_file(arguments.start / "model.safetensors")
    else:
        weights = train(data, "recognise", arguments.epochs[0], arguments.seed, None)
    if arguments.epochs[1]:
        weights = train(data, "locate", arguments.epochs[1], arguments.seed, weights)
    write(weights, arguments.output)


if __name__ == "__main__":
    main()
