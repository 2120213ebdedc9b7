"""Noise: copies of scans with a little of it, over which maps become smooth."""

from __future__ import annotations

from collections.abc import Iterator

import torch

LEVEL = 0.1  # standard deviation, as a share of the range of a scan: Smilkov et al. 2017 found 0.1 to 0.2 to be best


def noisy(scans: torch.Tensor, n: int) -> Iterator[torch.Tensor]:
    """Add noise (Smilkov et al. 2017, "SmoothGrad", section 3), the same for every scan and in every run.

    Args:
        scans: float32 (scans, 1, height, width).
        n: how many copies.

    Yields:
        One copy of all scans after the other.

    Example:
        >>> copies = list(noisy(torch.tensor([[[[0.0, 100.0]]]]), 2))
        >>> len(copies), copies[0].shape, bool((copies[0] == copies[1]).any())
        (2, torch.Size([1, 1, 1, 2]), False)
    """
    ranges = scans.amax((1, 2, 3), keepdim=True) - scans.amin((1, 2, 3), keepdim=True)
    generator = torch.Generator().manual_seed(0)
    for _ in range(n):
        noise = torch.randn(1, *scans.shape[1:], generator=generator)
        yield scans + LEVEL * ranges * noise.to(scans.device)
