"""Parameter counts: how many parameters each of timm's architectures has, as counted once.

timm knows it of no network that isn't built, and to build all takes half an hour: so ``scripts/count_parameters.py``
writes a file that comes with the package.
"""

from __future__ import annotations

import json
from pathlib import Path

FILE = Path(__file__).with_name("parameter_counts.json")


def parameter_counts() -> dict[str, int]:
    """Read how many parameters architectures have without a head, at their own image size.

    Returns:
        The number by timm's name without a weights tag; none of architectures that this octlib doesn't know, such as
        those of a newer timm or of a program's own.

    Example:
        >>> parameter_counts()["resnet50"]
        23508032
    """
    counts: dict[str, int] = json.loads(FILE.read_text(encoding="utf-8"))["parameters"]
    return counts
