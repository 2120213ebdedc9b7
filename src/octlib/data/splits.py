"""Splits: which scans go into which part, with no patient in two parts and the classes spread evenly.

Every patient draws two numbers, from the SHA-256 of ``"seed:patient"``: a place in the queue and a lottery ticket. The
queue is ordered by the number of scans, largest first. Each in turn is allotted to a part by lottery, and a part's
chance is the room that it has left in the patient's classes. So every patient has the same chance to be tested, however
many scans there are; the large ones are placed while there is room and the small ones fill the gaps; and neither the
order of the files nor the machine has a say.
"""

from __future__ import annotations

import hashlib
import math
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from octlib._checks import as_seed, as_whole

Indices = NDArray[np.int64]


def split_indices(
    keys: Sequence[str],
    labels: Sequence[int],
    fractions: Sequence[float],
    *,
    seed: int = 0,
    class_names: Sequence[str] = (),
    unit: str = "patient",
) -> list[Indices]:
    """Divide scans into parts.

    Args:
        keys: for each scan what must stay together: its patient, or its own name.
        labels: for each scan its class; all equal where nothing is known.
        fractions: the share of the scans that each part gets, positive, 1 in all.
        seed: another one gives another division.
        class_names: what the errors call the classes; without, they speak of the dataset.
        unit: what the errors call a key.

    Returns:
        One int64 array of positions for each part, ascending; together every position once.

    Raises:
        TypeError: where ``fractions`` aren't numbers.
        ValueError: if they are not positive or don't sum to 1, ``seed`` is no seed, or a class has fewer patients than
            there are parts.

    Example:
        >>> [part.tolist() for part in split_indices(["a", "a", "b", "c"], [0, 0, 0, 0], (0.5, 0.5))]
        [[2, 3], [0, 1]]
    """
    shares, seed = _check_fractions(fractions), as_seed(seed)
    groups: dict[str, Counter[int]] = defaultdict(Counter)
    for key, label in zip(keys, labels, strict=True):
        groups[key][int(label)] += 1
    _check_classes(groups, len(shares), class_names, unit)
    part_of = _allot(groups, shares, seed)
    parts = np.array([part_of[key] for key in keys], dtype=np.int64)
    return [np.flatnonzero(parts == part) for part in range(len(shares))]


def fold_indices(
    keys: Sequence[str],
    labels: Sequence[int],
    n: int,
    *,
    seed: int = 0,
    class_names: Sequence[str] = (),
    unit: str = "patient",
) -> list[tuple[Indices, Indices]]:
    """Divide scans into folds for cross-validation: each scan is tested once.

    Args:
        keys: as for ``split_indices``.
        labels: as for ``split_indices``.
        n: how many folds, at least 2.
        seed: another one gives other folds.
        class_names: as for ``split_indices``.
        unit: as for ``split_indices``.

    Returns:
        For each fold the positions to train on and those to test on, int64, ascending.

    Raises:
        ValueError: if ``n`` is no whole number from 2 on, or a class has fewer patients than there are folds.
    """
    n = as_whole("The number of folds", n, minimum=2)
    tests = split_indices(keys, labels, [1 / n] * n, seed=seed, class_names=class_names, unit=unit)
    everything = np.arange(len(keys))
    return [(np.setdiff1d(everything, test), test) for test in tests]


def shuffled(keys: Sequence[str], seed: int) -> list[int]:
    """Give the positions of the keys in a random order that depends on the keys and the seed alone."""
    seed = as_seed(seed)
    return sorted(range(len(keys)), key=lambda position: (_chance(seed, keys[position])[0], keys[position]))


def distinct(names: Sequence[str]) -> list[str]:
    """Make names distinct by numbering repeated ones, so that each scan can be placed by itself.

    Example:
        >>> distinct(["0", "1", "0"])
        ['0', '1', '0#2']
    """
    seen: Counter[str] = Counter()
    result = []
    for name in names:
        seen[name] += 1
        result.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return result


def _check_fractions(fractions: Sequence[float]) -> list[float]:
    try:
        shares = [float(fraction) for fraction in fractions]
    except TypeError:
        raise TypeError(f"Fractions must be a sequence of numbers, got {fractions!r}. Write (0.8, 0.2).") from None
    if not shares or not all(share > 0 for share in shares) or not math.isclose(sum(shares), 1, abs_tol=1e-6):
        raise ValueError(
            f"Fractions must be positive and sum to 1, got {tuple(fractions)} with the sum {sum(shares):g}. "
            "Write (0.7, 0.15, 0.15), for example."
        )
    return shares


def _check_classes(groups: dict[str, Counter[int]], parts: int, class_names: Sequence[str], unit: str) -> None:
    holders = Counter(label for counts in groups.values() for label in counts)
    for label, count in sorted(holders.items() or {0: 0}.items()):
        if count < parts:
            what = f"Class {class_names[label]}" if class_names else "The dataset"
            raise ValueError(
                f"{what} has {count} {unit}{'s' if count != 1 else ''}, {parts} parts need at least {parts}: "
                f"ask for fewer parts, add {unit}s, or leave the class out with subset."
            )


def _allot(groups: dict[str, Counter[int]], shares: Sequence[float], seed: int) -> dict[str, int]:
    chances = {key: _chance(seed, key) for key in groups}
    queue = sorted(groups, key=lambda key: (-groups[key].total(), chances[key], key))
    totals = sum(groups.values(), Counter[int]())
    room = {label: [share * total for share in shares] for label, total in totals.items()}
    waiting = Counter(label for counts in groups.values() for label in counts)
    lacking = {label: set(range(len(shares))) for label in totals}
    part_of = {}
    for key in queue:
        counts = groups[key]
        allowed = _allowed(counts, waiting, lacking) or set(range(len(shares)))
        part = part_of[key] = _draw(_weights(counts, room, allowed), chances[key][1])
        for label, count in counts.items():
            room[label][part] -= count
            waiting[label] -= 1
            lacking[label].discard(part)
    return part_of


def _allowed(counts: Counter[int], waiting: Counter[int], lacking: dict[int, set[int]]) -> set[int]:
    # Where as many patients of a class are left as parts still lack the class, they go to those parts. Where that
    # pulls a patient of two classes both ways, either way is allowed.
    needs = [lacking[label] for label in counts if waiting[label] <= len(lacking[label])]
    return set.intersection(*needs) or set.union(*needs) if needs else set()


def _weights(counts: Counter[int], room: dict[int, list[float]], allowed: set[int]) -> list[float]:
    # Never all zero: the room of a class sums to the scans still to come, and a part that lacks it has all of its own.
    weights = [0.0] * len(next(iter(room.values())))
    for label, count in counts.items():
        left = [max(space, 0.0) for space in room[label]]
        for part in allowed:
            weights[part] += count * left[part] / sum(left)
    return weights


def _draw(weights: Sequence[float], ticket: float) -> int:
    bounds = list(accumulate(weights))
    last = max(part for part, weight in enumerate(weights) if weight > 0)
    return min(bisect_right(bounds, ticket * bounds[-1]), last)


def _chance(seed: int, key: str) -> tuple[float, float]:
    digest = hashlib.sha256(f"{seed}:{key}".encode(errors="surrogateescape")).digest()
    return int.from_bytes(digest[:8]) / 2**64, int.from_bytes(digest[8:16]) / 2**64
