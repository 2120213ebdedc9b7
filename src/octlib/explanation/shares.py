"""Shares: how much each of several backbones counts in their common map."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from octlib.explanation.last_map import LastMap, look


def shares(
    seen: Sequence[LastMap], scans: torch.Tensor, classes: np.ndarray, against: np.ndarray | None = None
) -> np.ndarray:
    """Weigh backbones by what each adds to the logit of a class.

    What counts is what a scan makes it add beyond an even scan of the same brightness, and beyond what it adds to the
    mean of all logits.

    Args:
        seen: what each backbone made of the scans.
        scans: float32 (n, 1, height, width) in 0-255.
        classes: int (n,): the index of the class of each scan.
        against: int (n,): of the class that it is to be told from, whose logit is taken off.

    Returns:
        float (backbones, n) in [0, 1], with sums of 1; the same for all where none speaks for the class.
    """
    even = scans.mean((2, 3), keepdim=True).expand_as(scans)
    added = np.stack([(each.logits - look(each.classifier, even).logits).cpu().numpy() for each in seen])
    # (backbones, n, classes); what all classes get decides nothing.
    more, rows = added - added.mean(axis=2, keepdims=True), np.arange(len(classes))
    more = more[:, rows, classes] - (0 if against is None else more[:, rows, against])
    found = np.maximum(more, 0)
    total = found.sum(axis=0)
    return np.where(total > 0, found / np.where(total > 0, total, 1), 1 / len(seen))
