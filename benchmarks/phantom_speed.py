"""Phantom speed: how many phantoms a second one core draws, at the size of most real scans.

Usage: OMP_NUM_THREADS=1 python benchmarks/phantom_speed.py
"""

from __future__ import annotations

import statistics
import time

from octlib.phantoms import phantom_specs, render

ROUNDS = 5


def main() -> None:
    """Print phantoms a second: the median of several rounds over all classes, masks and boundaries included."""
    specs = phantom_specs(80, scans_per_patient=1, size=(496, 512))
    rates = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for spec in specs:
            render(spec)
        rates.append(len(specs) / (time.perf_counter() - started))
    print(f"{statistics.median(rates):.0f} phantoms a second ({min(rates):.0f} to {max(rates):.0f})")


if __name__ == "__main__":
    main()
