"""Distortion: phantoms as other eyes, devices and programs would show them. All randomness comes from one generator."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch.nn import functional

from pretraining.collection import FIRST_LESION, LESIONS, N_TISSUES, OUTSIDE

CLOSE = 0.5  # share of views that are cropped close to the retina
Uniform = Callable[[float, float], torch.Tensor]


def distorted(
    images: torch.Tensor, tissues: torch.Tensor, size: int, noise: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Crop, turn, bend, scale and mirror scans with their maps of tissues, then change their light.

    Args:
        images: uint8 (n, height, width).
        tissues: uint8 (n, height, width).
        size: of the views, in pixels each way; a multiple of 8.
        noise: where the randomness comes from.

    Returns:
        Views, float (n, size, size) in 0-1; their tissues, int64 (n, size, size); the share of the scan's area that
        each view has, float (n,).
    """

    def uniform(low: float, high: float) -> torch.Tensor:
        return torch.empty(len(images), 1, 1).uniform_(low, high, generator=noise)

    places, shares = _places(tissues, size, uniform)
    views = functional.grid_sample(images[:, None].float() / 255, places, align_corners=False)[:, 0]
    # One more than the tissue, so that 0 is what lies beyond the border.
    marked = functional.grid_sample(tissues[:, None].float() + 1, places, mode="nearest", align_corners=False)[:, 0]
    marked = torch.where(marked == 0, OUTSIDE, marked - 1).long()
    views = _contrasted(views, marked, uniform, noise)
    views = _exposed(views, uniform, noise)
    views = _processed(views, uniform)
    outside = marked == OUTSIDE
    views = torch.where(outside, _border(uniform).expand_as(views), views)
    return _compressed(views.clamp(0, 1), uniform).clamp(0, 1), marked, shares


def visible(tissues: torch.Tensor, marked: torch.Tensor, shares: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Say what views show of the lesions.

    Args:
        tissues: of the whole scans, (n, height, width).
        marked: of the views, (n, size, size).
        shares: of the scans' area that the views have, (n,).

    Returns:
        The share of each view that each kind of lesion takes, float (n, 6), and whether a view shows half of all
        lesions of the scan, or more: bool (n,). It is true where there are none.
    """
    areas = torch.stack([(marked == FIRST_LESION + kind).flatten(1).float().mean(1) for kind in range(len(LESIONS))], 1)
    whole = ((tissues >= FIRST_LESION) & (tissues != OUTSIDE)).flatten(1).float().mean(1)
    return areas, areas.sum(1) * shares >= 0.5 * whole


def _places(tissues: torch.Tensor, size: int, uniform: Uniform) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw where every pixel of a view is taken from.

    Returns:
        Places, (n, size, size, 2) in -1 to 1 as grid_sample wants them, and the share of the scan's area, (n,).
    """
    line = (torch.arange(size) + 0.5) / size * 2 - 1
    x, y = line[None, None, :], line[None, :, None]
    close = uniform(0, 1) < CLOSE
    wide = torch.where(close, uniform(0.5, 1.1), uniform(0.65, 1.1))
    high = torch.where(close, uniform(0.3, 0.75), uniform(0.65, 1.1))
    right = torch.where(close, uniform(-0.3, 0.3), uniform(-0.15, 0.15))
    down = torch.where(close, _retina(tissues) + uniform(-0.15, 0.15) * high, uniform(-0.15, 0.15))
    mirror = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)
    turn, shear, bow = uniform(-0.15, 0.15), uniform(-0.1, 0.1), uniform(-0.12, 0.12)
    from_x = mirror * (wide * x + shear * high * y) + right
    from_y = high * y + (turn * x + bow * (x * x - 1 / 3)) * wide + down
    places = torch.stack([from_x.expand(-1, size, size), from_y.expand(-1, size, size)], 3)
    return places, (wide * high).flatten()


def _retina(tissues: torch.Tensor) -> torch.Tensor:
    """Find the middle row of the retina, lesions included: (n, 1, 1) in -1 to 1."""
    retina = ((tissues > 0) & (tissues != OUTSIDE) & (tissues != FIRST_LESION - 1)).float().sum(2)
    rows = (torch.arange(retina.shape[1]) + 0.5) / retina.shape[1] * 2 - 1
    return ((retina * rows).sum(1) / retina.sum(1).clamp(min=1))[:, None, None]


def _contrasted(views: torch.Tensor, marked: torch.Tensor, uniform: Uniform, noise: torch.Generator) -> torch.Tensor:
    """Make each tissue brighter or darker than the others, differently in each scan."""
    gains = torch.exp(torch.randn(len(views), N_TISSUES, generator=noise) * uniform(0, 0.2)[:, :, 0])
    gains = gains.gather(1, marked.flatten(1)).view_as(views)
    return views * functional.avg_pool2d(gains[:, None], 3, 1, 1, count_include_pad=False)[:, 0]


def _exposed(views: torch.Tensor, uniform: Uniform, noise: torch.Generator) -> torch.Tensor:
    """Change gamma, gain, offset and shading; add speckle, which multiplies, and noise."""
    views = views.clamp(1e-4, 1) ** uniform(0.6, 1.7) * uniform(0.7, 1.4) + uniform(-0.06, 0.08)
    shade = torch.empty(len(views), 1, 4, 4).uniform_(0.75, 1.25, generator=noise)
    views = views * functional.interpolate(shade, views.shape[-1], mode="bilinear")[:, 0]
    grain = torch.randn(views.shape, generator=noise)
    coarse = 3 * functional.avg_pool2d(grain[:, None], 3, 1, 1)[:, 0]  # of about the same spread
    grain = torch.lerp(grain, coarse, (uniform(0, 1) < 0.4).float())
    return views * (1 + grain * uniform(-0.1, 0.25).clamp(min=0)) + grain * uniform(-0.03, 0.06).clamp(min=0)


def _processed(views: torch.Tensor, uniform: Uniform) -> torch.Tensor:
    """Smooth or sharpen, as programs do: along both axes, or across the scan alone as averaging does."""
    across = (uniform(0, 1) < 0.3)[:, :, 0, None, None]
    even = functional.avg_pool2d(views[:, None], 3, 1, 1)
    wide = functional.avg_pool2d(views[:, None], (1, 5), 1, (0, 2))
    smooth = torch.where(across, wide, even)[:, 0]
    twice = functional.avg_pool2d(smooth[:, None], 3, 1, 1)[:, 0]
    # Below 0 it sharpens, and above 1 it smooths once more.
    amount = uniform(-0.8, 1.7)
    return torch.lerp(torch.lerp(views, smooth, amount.clamp(max=1)), twice, (amount - 1).clamp(min=0))


def _border(uniform: Uniform) -> torch.Tensor:
    """Draw what lies beyond a scan: mostly black, as octlib makes it; else white, or a grey."""
    kind = uniform(0, 1)
    return torch.where(kind < 0.7, 0.0, torch.where(kind < 0.8, 1.0, uniform(0, 0.4)))


def _compressed(views: torch.Tensor, uniform: Uniform) -> torch.Tensor:
    """Round the cosine transform of 8 x 8 blocks, the more the faster the wave, as JPEG does; half of the views."""
    rank = torch.arange(8.0)
    cosines = torch.cos(math.pi / 8 * rank[:, None] * (rank + 0.5)) * 0.5
    cosines[0] /= math.sqrt(2)
    n, size, _ = views.shape
    blocks = views.view(n, size // 8, 8, size // 8, 8).transpose(2, 3)
    step = (1 + rank[:, None] + rank) * uniform(-0.03, 0.03).clamp(min=1e-5)[:, :, :, None, None]
    waves = torch.round(cosines @ blocks @ cosines.T / step) * step
    return (cosines.T @ waves @ cosines).transpose(2, 3).reshape(n, size, size)
