"""Splits: which scans go into which part, with no patient in two parts and the classes spread evenly.

Every patient draws two numbers, from the SHA-256 of ``"seed:patient"``: a place in the queue and a lottery ticket. The
queue is ordered by the number of scans, largest first. Each in turn is allotted to a part by lottery, and a part's
chance is the room that it has left in the patient's classes. So every patient has the same chance to be tested, however
many scans there are; the large ones are placed while there is room and the small ones fill the gaps; and neither the
order of the files nor the machine has a say. Where that leaves a part without a class, which takes patients of several
classes, the lottery is held anew a few times.
"""

from __future__ import annotations

import hashlib
import math
import warnings
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import ArrayLike, NDArray

from octlib._checks import as_seed, as_whole
from octlib.data.classes import NO_LABEL
from octlib.data.columns import number
from octlib.errors import SplitError, SplitWarning

Indices = NDArray[np.int64]
Group = list[tuple[int, int]]  # a patient's classes, each with the number of scans

DRAWS = 20  # lotteries before a part stays without a class
TOLERATED = 0.05  # of all scans, by which a part may be larger or smaller than asked for without a word


def split_indices(
    keys: Sequence[str],
    labels: ArrayLike,
    fractions: Sequence[float],
    *,
    seed: int = 0,
    class_names: Sequence[str] = (),
    unit: str = "patient",
) -> list[Indices]:
    """Divide scans into parts.

    Args:
        keys: for each scan what must stay together: its patient, or its own name.
        labels: for each scan its class, -1 where it has none; all equal where nothing is known.
        fractions: the share of the scans that each part gets, positive, 1 in all.
        seed: another one gives another division.
        class_names: what the errors call the classes; without, they speak of the dataset.
        unit: what the errors call a key.

    Returns:
        One int64 array of positions for each part, ascending; together every position once. Every part has every class
        if one of a few draws gives that.

    Raises:
        TypeError: if ``fractions`` aren't numbers.
        ValueError: if they are not positive or don't sum to 1, or ``seed`` is no seed.
        SplitError: if a class has fewer patients than there are parts.

    Example:
        >>> [part.tolist() for part in split_indices(["a", "a", "b", "c"], [0, 0, 0, 0], (0.5, 0.5))]
        [[2, 3], [0, 1]]
    """
    shares, seed = _check_fractions(fractions), as_seed(seed)
    group_of = number(keys)
    names = list(dict.fromkeys(keys))
    groups = _count(group_of, np.asarray(labels, dtype=np.int64), len(names))
    _check_classes(groups, len(shares), class_names, unit)
    draws = (_allot(groups, names, shares, f"{seed}/{draw}" if draw else f"{seed}") for draw in range(DRAWS))
    best, fewest = next(draws)
    for part_of, lacks in draws if fewest else ():
        if lacks < fewest:
            best, fewest = part_of, lacks
        if not fewest:
            break
    parts = np.array(best, dtype=np.int64)[group_of]
    return [np.flatnonzero(parts == part) for part in range(len(shares))]


def fold_indices(
    keys: Sequence[str],
    labels: ArrayLike,
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
        ValueError: if ``n`` is no whole number from 2 on.
        SplitError: if a class has fewer patients than there are folds.
    """
    n = as_whole("The number of folds", n, minimum=2)
    tests = split_indices(keys, labels, [1 / n] * n, seed=seed, class_names=class_names, unit=unit)
    everything = np.arange(len(keys))
    return [(np.setdiff1d(everything, test), test) for test in tests]


def warn_of_missing_classes(
    what: str, parts: Sequence[Indices], labels: NDArray[np.int64], class_names: Sequence[str]
) -> None:
    """Warn whoever asked a dataset for parts of the classes that they lack.

    Args:
        what: the warning calls a part.
        parts: as for ``missing_classes``.
        labels: likewise.
        class_names: likewise; empty where no scan has a label.

    Warns:
        SplitWarning: if a part lacks a class.
    """
    missing = missing_classes(parts, labels, class_names) if class_names else []
    if missing:
        listed = "; ".join(f"{what} {part} of {len(parts)} has no scan of {name}" for part, name in missing)
        problem = f"{listed}, and no draw was found that gives every part every class."
        warnings.warn(SplitWarning(problem, "Ask for fewer parts, or add patients of these classes."), stacklevel=3)


def warn_of_other_shares(parts: Sequence[Indices], fractions: Sequence[float], unit: str) -> None:
    """Warn whoever asked a dataset for parts whose sizes come out otherwise.

    Args:
        parts: as ``split_indices`` gives them.
        fractions: what it was asked for.
        unit: what stays together.

    Warns:
        SplitWarning: if a part's share of the scans is off by more than five points and more than one scan.
    """
    n = sum(map(len, parts))
    if all(abs(len(part) - share * n) <= max(TOLERATED * n, 1) for part, share in zip(parts, fractions, strict=True)):
        return
    came = ", ".join(f"{100 * len(part) / n:.0f} %" for part in parts)
    asked = ", ".join(f"{100 * fraction:.0f} %" for fraction in fractions)
    problem = f"The parts have {came} of the scans, not {asked}: they are divided class by class and {unit} by {unit}."
    advice = f"Ask for fewer or more equal parts, or add {unit}s; nothing else is wrong with them."
    warnings.warn(SplitWarning(problem, advice), stacklevel=3)


def missing_classes(
    parts: Sequence[Indices], labels: NDArray[np.int64], class_names: Sequence[str]
) -> list[tuple[int, str]]:
    """Find the classes that parts lack, those apart that no scan has.

    Args:
        parts: as ``split_indices`` gives them.
        labels: int64 (n,), positions in ``class_names``; -1 for none.
        class_names: the classes.

    Returns:
        For each lack the number of the part, from 1 on, and the class's name.
    """
    found = [np.bincount(labels[part][labels[part] >= 0], minlength=len(class_names)) for part in parts]
    there = np.sum(found, axis=0) > 0
    return [
        (part, name)
        for part, counts in enumerate(found, start=1)
        for name, count, exists in zip(class_names, counts, there, strict=True)
        if exists and not count
    ]


def in_turns(places: Sequence[int], labels: Sequence[int]) -> list[int]:
    """Order scans so that their classes take turns, as long as each lasts; those without a label, -1, come last.

    Example:
        >>> in_turns([0, 1, 2, 3], [0, 0, -1, 1])
        [0, 3, 1, 2]
    """
    drawn: Counter[int] = Counter()
    turns = []
    for place in places:
        turns.append((labels[place] < 0, drawn[labels[place]], labels[place], place))
        drawn[labels[place]] += 1
    return [place for *_, place in sorted(turns)]


def shuffled(keys: Sequence[str], seed: int) -> list[int]:
    """Give the positions of the keys in a random order that depends on the keys and the seed alone."""
    seed = as_seed(seed)
    return sorted(range(len(keys)), key=lambda position: (_chance(seed, keys[position])[0], keys[position]))


def distinct(names: Sequence[str]) -> list[str]:
    """Make names distinct by numbering repeated ones, so that each scan can be placed by itself.

    Example:
        >>> distinct(["0", "1", "0"]), distinct(["0", "0", "0#2"])
        (['0', '1', '0#2'], ['0', '0#3', '0#2'])
    """
    taken = set(names)
    seen: Counter[str] = Counter()
    result = []
    for name in names:
        seen[name] += 1
        new = name
        while seen[name] > 1 and new in taken:
            new = f"{name}#{seen[name]}"
            seen[name] += new in taken
        taken.add(new)
        result.append(new)
    return result


def _check_fractions(fractions: Sequence[float]) -> list[float]:
    try:
        shares = [float(fraction) for fraction in fractions]
    except (TypeError, ValueError):
        raise TypeError(f"Fractions must be a sequence of numbers, got {fractions!r}. Write (0.8, 0.2).") from None
    if not shares or not all(share > 0 for share in shares) or not math.isclose(sum(shares), 1, abs_tol=1e-6):
        raise ValueError(
            f"Fractions must be positive and sum to 1, got {tuple(fractions)} with the sum {sum(shares):g}. "
            "Write (0.7, 0.15, 0.15), for example."
        )
    return shares


def _count(group_of: Indices, labels: NDArray[np.int64], n: int) -> list[Group]:
    width = int(labels.max(initial=0)) + 2  # -1 counts from 0 on
    pairs, counts = np.unique(group_of * width + (labels + 1), return_counts=True)
    groups: list[Group] = [[] for _ in range(n)]
    for group, label, count in zip(*(each.tolist() for each in (*np.divmod(pairs, width), counts)), strict=True):
        groups[group].append((label - 1, count))
    return groups


def _check_classes(groups: Sequence[Group], parts: int, class_names: Sequence[str], unit: str) -> None:
    holders = Counter(label for group in groups for label, _ in group if label != NO_LABEL)
    for label, count in sorted(holders.items() or {0: 0}.items()):
        if count < parts:
            what = f"Class {class_names[label]}" if class_names else "The dataset"
            raise SplitError(
                f"{what} has {count} {unit}{'s' if count != 1 else ''}, {parts} parts need at least {parts}.",
                f"Ask for fewer parts, add {unit}s, or leave the class out with subset.",
            )


def _allot(groups: Sequence[Group], names: Sequence[str], shares: Sequence[float], seed: str) -> tuple[list[int], int]:
    # Gives the part of each group, and how many times a part lacks a class.
    chances = [_chance(seed, name) for name in names]
    sizes = [sum(count for _, count in group) for group in groups]
    totals: Counter[int] = Counter()
    waiting: Counter[int] = Counter()
    for group in groups:
        for label, count in group:
            totals[label] += count
            waiting[label] += 1
    room = {label: [share * total for share in shares] for label, total in totals.items()}
    everywhere = set(range(len(shares)))
    lacking = {label: set() if label == NO_LABEL else set(everywhere) for label in totals}
    part_of = [0] * len(groups)
    for place in sorted(range(len(groups)), key=lambda place: (-sizes[place], chances[place], names[place])):
        group = groups[place]
        allowed = _allowed(group, waiting, lacking) or everywhere
        part = part_of[place] = _draw(_weights(group, room, allowed), chances[place][1])
        for label, count in group:
            room[label][part] -= count
            waiting[label] -= 1
            lacking[label].discard(part)
    return part_of, sum(map(len, lacking.values()))


def _allowed(group: Group, waiting: Counter[int], lacking: dict[int, set[int]]) -> set[int]:
    # Where as many patients of a class are left as parts still lack the class, they go to those parts. Where that
    # pulls a patient of two classes both ways, either way is allowed.
    needs = [lacking[label] for label, _ in group if waiting[label] <= len(lacking[label])]
    return set.intersection(*needs) or set.union(*needs) if needs else set()


def _weights(group: Group, room: dict[int, list[float]], allowed: set[int]) -> list[float]:
    # Never all zero: the room of a class sums to the scans still to come, and a part that lacks it has all of its own.
    weights = [0.0] * len(room[group[0][0]])
    for label, count in group:
        left = [max(space, 0.0) for space in room[label]]
        total = sum(left)
        for part in allowed:
            weights[part] += count * left[part] / total
    return weights


def _draw(weights: Sequence[float], ticket: float) -> int:
    bounds = list(accumulate(weights))
    last = max(part for part, weight in enumerate(weights) if weight > 0)
    return min(bisect_right(bounds, ticket * bounds[-1]), last)


def _chance(seed: int | str, key: str) -> tuple[float, float]:
    digest = hashlib.sha256(f"{seed}:{key}".encode(errors="surrogateescape")).digest()
    return int.from_bytes(digest[:8]) / 2**64, int.from_bytes(digest[8:16]) / 2**64
