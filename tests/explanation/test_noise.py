"""Noise: the same in every run and for every scan, a tenth of a scan's range."""

from __future__ import annotations

import torch

from octlib.explanation.noise import LEVEL, noisy


def test_it_is_the_same_whoever_else_is_there_and_scaled_to_the_scan():
    scans = torch.rand(3, 1, 40, 50) * torch.tensor([1.0, 10.0, 100.0]).reshape(3, 1, 1, 1)
    together = list(noisy(scans, 4))
    assert len(together) == 4
    for alone, copy in zip(noisy(scans[1:2], 4), together, strict=True):
        assert torch.equal(alone, copy[1:2])
    spread = (together[0] - scans).std(dim=(1, 2, 3)) / (scans.amax((1, 2, 3)) - scans.amin((1, 2, 3)))
    assert torch.allclose(spread, torch.full((3,), LEVEL), rtol=0.1)
    assert torch.equal(next(noisy(torch.full((1, 1, 4, 4), 7.0), 1)), torch.full((1, 1, 4, 4), 7.0))
