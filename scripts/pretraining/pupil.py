"""Pupil: the network that is trained, with the questions that it is asked, and how its answers are judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import timm
import torch
from torch import nn
from torch.nn import functional

from octlib.phantoms import CLASS_NAMES
from pretraining.collection import FIRST_LESION, LESIONS, N_TISSUES, OUTSIDE
from pretraining.distortion import distorted, visible

HEALTHY = CLASS_NAMES.index("NORMAL")
LESION_WEIGHT = 4.0  # of cells' lesions beside layers, of which there is so much more
SMOOTHING = 0.05
LEAST_AREA = 1e-4  # of a view: a few pixels


@dataclass(frozen=True)
class Batch:
    """Distorted scans and what is known of them.

    Args:
        views: float (n, size, size) in 0-1.
        tissues: int64 (n, size, size).
        labels: int64 (n,).
        areas: float (n, 6), the share of the view that each kind of lesion takes.
        sure: bool (n,), whether the view shows enough of the lesions to tell the class.
    """

    views: torch.Tensor
    tissues: torch.Tensor
    labels: torch.Tensor
    areas: torch.Tensor
    sure: torch.Tensor


def batch_of(scans: dict[str, torch.Tensor], size: int, noise: torch.Generator) -> Batch:
    """Distort scans; ``scans`` has ``images``, ``tissues`` and ``labels`` of a collection."""
    views, marked, shares = distorted(scans["images"], scans["tissues"], size, noise)
    areas, sure = visible(scans["tissues"], marked, shares)
    return Batch(views, marked, scans["labels"], areas, sure)


class Pupil(nn.Module):
    """The backbone with its teachers' questions: class, kinds and areas of lesions, tissues of two maps."""

    def __init__(self, architecture: str, model_args: dict[str, Any]) -> None:
        """Build it with random weights."""
        super().__init__()
        self.backbone = timm.create_model(architecture, num_classes=0, drop_path_rate=0.05, **model_args)
        self.middle = [info["reduction"] for info in self.backbone.feature_info].index(8)
        channels = (self.backbone.feature_info[self.middle]["num_chs"], self.backbone.num_features)
        self.dense = nn.ModuleList([nn.Conv2d(count, N_TISSUES, 1) for count in channels])
        features = self.backbone.head_hidden_size  # what the head takes
        self.classes, self.kinds, self.areas = (
            nn.Linear(features, count) for count in (len(CLASS_NAMES), len(LESIONS), len(LESIONS))
        )

    def maps(self, views: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Give the map of an eighth of the size and the last one, for float (n, size, size) in 0-1."""
        scans = ((views - 0.5) / 0.5)[:, None].expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)
        last, (middle,) = self.backbone.forward_intermediates(scans, indices=[self.middle])
        return middle, last

    def features(self, last: torch.Tensor) -> torch.Tensor:
        """Give the features of the last map, as timm's own forward does."""
        return self.backbone.forward_head(last, pre_logits=True)


def loss_of(pupil: Pupil, batch: Batch, stage: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Add all losses up; return them with the share of right classes."""
    maps, labels, areas, sure = pupil.maps(batch.views), batch.labels, batch.areas, batch.sure
    loss = sum(tissue_loss(question(each), batch.tissues) for question, each in zip(pupil.dense, maps, strict=True))
    last = maps[-1]
    if stage == "locate":
        # One pass through the head for all of them, so that its BatchNorm sees one batch.
        others = swapped(last, batch)
        last, labels, areas, sure = (torch.cat(pair) for pair in zip((last, labels, areas, sure), others, strict=True))
    # Without half of the features the class has to be as right: no feature may carry evidence from elsewhere.
    pooled = functional.dropout(pupil.features(last), 0.5 if stage == "locate" else 0.0)
    classes = pupil.classes(pooled)
    loss = loss + functional.cross_entropy(classes[sure], labels[sure], label_smoothing=SMOOTHING)
    loss = loss + functional.binary_cross_entropy_with_logits(pupil.kinds(pooled), (areas > LEAST_AREA).float())
    loss = loss + functional.smooth_l1_loss(pupil.areas(pooled), torch.log10(areas / LEAST_AREA + 1))
    return loss, (classes.argmax(1) == labels)[sure].float().mean()


def tissue_loss(answer: torch.Tensor, tissues: torch.Tensor) -> torch.Tensor:
    """Hold a map's answer against the shares of tissues in each of its cells."""
    weights = torch.ones(N_TISSUES)
    weights[FIRST_LESION:OUTSIDE] = LESION_WEIGHT
    # Every other pixel says the same in a quarter of the time.
    shares = functional.one_hot(tissues[:, ::2, ::2], N_TISSUES).permute(0, 3, 1, 2).float()
    wanted = functional.adaptive_avg_pool2d(shares, answer.shape[-1])
    return -(wanted * weights[:, None, None] * answer.log_softmax(1)).sum(1).mean()


def swapped(last: torch.Tensor, batch: Batch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Exchange the cells of lesions between sick scans and healthy ones.

    Args:
        last: the last map, (n, channels, height, width).
        batch: what it is the map of.

    Returns:
        Maps of sick scans with the cells of a healthy one in place of their lesions, then of healthy scans with the
        lesions' cells of sick ones; their classes; their areas of lesions; whether they show enough to tell the class.
    """
    others = (batch.labels == HEALTHY).nonzero()[:, 0]
    lesions = (batch.tissues >= FIRST_LESION) & (batch.tissues != OUTSIDE)
    cells = functional.adaptive_max_pool2d(lesions[:, None].float(), last.shape[-2:])
    sick = (batch.sure & cells.flatten(1).any(1)).nonzero()[:, 0]  # distortion can push a lesion out of the scan
    if not len(others):
        sick, others = sick[:0], sick
    partners = others[torch.arange(len(sick)) % max(len(others), 1)]
    cells = cells[sick]
    cured, infected = torch.lerp(last[sick], last[partners], cells), torch.lerp(last[partners], last[sick], cells)
    labels = torch.cat([torch.full_like(sick, HEALTHY), batch.labels[sick]])
    areas = torch.cat([torch.zeros_like(batch.areas[sick]), batch.areas[sick]])
    return torch.cat([cured, infected]), labels, areas, torch.ones_like(labels, dtype=torch.bool)
