"""Copies: scans of one picture, put together by the pairs that look alike, and the ways between them."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import heapify, heappop, heappush

from octlib.data.near_pairs import NearPair

Groups = Mapping[int, Sequence[int]]
Near = Iterable[tuple[int, int, NearPair]]  # the positions of two scans, and what is known of the pair
Values = Sequence[str | None]
Tree = dict[int, tuple[int, NearPair] | None]  # of each scan the one that it hangs on; of the first none


class Copies:
    """All copies of a dataset.

    Args:
        groups: by the position of the first scan with certain pixels those of all that have them, in their order.
        near: pairs of such first scans that look alike.

    Attributes:
        groups: as given.
        trees: of the first scans that look alike, one pair leading to the next; each hangs on the very first by the
            likest pairs that lead there. Those that look like no other are in none.
    """

    def __init__(self, groups: Groups, near: Near) -> None:
        self.groups = groups
        self._neighbours: dict[int, list[tuple[int, NearPair]]] = defaultdict(list)
        for one, other, pair in sorted(near, key=lambda each: -each[2].likeness):
            self._neighbours[one].append((other, pair))
            self._neighbours[other].append((one, pair))
        self.trees = list(self._grown())

    def alike(self) -> Iterator[list[int]]:
        """Give the first scans of each picture: those of every tree, and each that is in none."""
        yield from (sorted(tree) for tree in self.trees)
        yield from ([first] for first in self.groups if first not in self._neighbours)

    def members(self, firsts: Iterable[int]) -> list[int]:
        """Give all scans with the pixels of some first ones, in their order."""
        return sorted(place for first in firsts for place in self.groups[first])

    def ways(self, firsts: Sequence[int], values: Values) -> dict[int, dict[str, list[int]]]:
        """Find for each scan of a picture the shortest ways to others, by pairs that look alike.

        Args:
            firsts: of one picture.
            values: what is known of each scan of the dataset, such as its label.

        Returns:
            For each first scan the one or two values that are nearest to it, the nearest first: each with the scan that
            has it, after those between (first scans, beginning with the one itself).
        """
        held: dict[int, dict[str, int]] = {first: {} for first in firsts}
        for first in firsts:
            for place in self.groups[first]:
                value = values[place]
                if value is not None:
                    held[first].setdefault(value, place)
        before: dict[int, dict[str, int | None]] = {}
        for first in firsts:
            before[first] = dict.fromkeys(list(held[first])[:2])  # whoever has one of them looks for the other
        queue = deque((first, value) for first in firsts for value in before[first])
        while queue:
            place, value = queue.popleft()
            for other, _ in self._neighbours.get(place, ()):
                if value not in before[other] and len(before[other]) < 2:
                    before[other][value] = place
                    queue.append((other, value))
        return {
            first: {value: _way(first, value, before, held) for value in values_there}
            for first, values_there in before.items()
        }

    def _grown(self) -> Iterator[Tree]:
        done: set[int] = set()
        for first in sorted(self._neighbours):
            if first in done:
                continue
            tree: Tree = {first: None}
            open_ends = self._ends(first)
            heapify(open_ends)
            while open_ends:
                _, place, other, pair = heappop(open_ends)
                if other not in tree:
                    tree[other] = place, pair
                    for end in self._ends(other):
                        heappush(open_ends, end)
            done |= tree.keys()
            yield tree

    def _ends(self, place: int) -> list[tuple[float, int, int, NearPair]]:
        return [(-pair.likeness, place, other, pair) for other, pair in self._neighbours[place]]


def _way(
    first: int, value: str, before: Mapping[int, Mapping[str, int | None]], held: Mapping[int, Mapping[str, int]]
) -> list[int]:
    way = [first]
    while (previous := before[way[-1]][value]) is not None:
        way.append(previous)
    return [*way, held[way[-1]][value]]
