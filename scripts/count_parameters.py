"""Count the parameters of timm's architectures, for the file that list_backbones reads them from.

Usage: python scripts/count_parameters.py ['resnet*'] [--output src/octlib/models/parameter_counts.json]

Networks are built without a head on torch's meta device, which needs no memory; about a second each, so half an hour
for all of them. Without a pattern, those are counted that the file doesn't know yet, as after a new version of timm or
a run that was broken off; with one, all that fit are counted anew. What is no longer in timm stays: octlib takes older
ones too.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
from pathlib import Path

import timm
import torch

from octlib._files import written_whole
from octlib.models.configs import named_config, specify
from octlib.models.networks import MISFITS, random_module
from octlib.models.octlib_backbone import NAME
from octlib.models.parameter_counts import FILE


def names(pattern: str) -> list[str]:
    """List octlib's own backbone and timm's architectures, as far as their names fit."""
    return [*fnmatch.filter([NAME], pattern), *timm.list_models(pattern)]


def count(name: str) -> int:
    """Count the parameters of an architecture at its own image size."""
    spec, _ = specify(named_config(name), None, origin="random", fixed_batchnorm=False)
    with torch.device("meta"):
        return sum(map(torch.Tensor.numel, random_module(spec).parameters()))


def write(file: Path, counts: dict[str, int]) -> None:
    """Write the file, a line for each architecture in this order and then those that only older versions have."""
    known = {name: counts[name] for name in names("*") if name in counts}
    content = {
        "made_by": "scripts/count_parameters.py",
        "timm": timm.__version__,
        "parameters": {**known, **{name: counts[name] for name in sorted(counts.keys() - known.keys())}},
    }
    with written_whole(file) as part:
        part.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Count, and write after each architecture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pattern", nargs="?")
    parser.add_argument("--output", type=Path, default=FILE)
    arguments = parser.parse_args()
    file = arguments.output
    counts = json.loads(file.read_text(encoding="utf-8"))["parameters"] if file.exists() else {}
    for name in names(arguments.pattern or "*"):
        if arguments.pattern or name not in counts:
            try:
                counts[name] = count(name)
            except MISFITS as error:
                print(f"{name} can't be built: {error}")
            else:
                write(file, counts)
                print(f"{name} {counts[name]:,}", flush=True)


if __name__ == "__main__":
    main()
