"""Listing: the backbones that ``build_classifier`` knows by name, found by a pattern."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import SupportsIndex, overload

from octlib._suggest import unknown
from octlib.models.catalogue import Entry, catalogue
from octlib.models.hub_cache import on_this_machine
from octlib.models.parameter_counts import parameter_counts

TITLES = ("name", "parameters", "image size", "weights", "licence")
SHOWN = 60  # rows of a list that nobody has narrowed down


@dataclass(frozen=True)
class ListedBackbone:
    """A backbone as ``list_backbones`` shows it.

    Attributes:
        name: what ``build_classifier`` takes.
        pretrained: whether there are weights of it, so that ``weights="pretrained"`` works.
        image_size: (height, width) in pixels that it was made for.
        parameters: how many it has without a head; ``None`` if it is of a newer timm, or of a program's own.
        license: of the weights, such as ``"apache-2.0"``, as timm has it; ``None`` where timm doesn't know, or there
            are no weights.
        on_this_machine: whether the weights can be had without a network: they come with octlib, or lie in the cache of
            the Hugging Face hub or of torch.
    """

    name: str
    pretrained: bool
    image_size: tuple[int, int]
    parameters: int | None
    license: str | None
    on_this_machine: bool


class BackboneList(tuple[ListedBackbone, ...]):
    """Backbones in a row, which show themselves as a table; a tuple in all else."""

    __slots__ = ()

    @overload
    def __getitem__(self, place: SupportsIndex) -> ListedBackbone: ...
    @overload
    def __getitem__(self, place: slice) -> BackboneList: ...
    def __getitem__(self, place: SupportsIndex | slice) -> ListedBackbone | BackboneList:
        """Return one, or some as a table of their own."""
        return BackboneList(super().__getitem__(place)) if isinstance(place, slice) else super().__getitem__(place)

    def as_text(self) -> str:
        """Return all rows as text: columns below their titles."""
        rows = [TITLES, *map(_cells, self)]
        name, parameters, size, weights, _ = (max(map(len, column)) for column in zip(*rows, strict=True))
        return "\n".join(
            f"{row[0]:<{name}}  {row[1]:>{parameters}}  {row[2]:>{size}}  {row[3]:<{weights}}  {row[4]}".rstrip()
            for row in rows
        )

    def __repr__(self) -> str:
        """Show a table; of a long list, its beginning."""
        return "\n".join([self[:SHOWN].as_text(), *self._rest()])

    def _repr_html_(self) -> str:
        from html import escape

        head, *body = (
            "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells)
            for tag, cells in [("th", TITLES), *(("td", _cells(each)) for each in self[:SHOWN])]
        )
        rows = "".join(f"<tr>{row}</tr>" for row in body)
        rest = "".join(f"<p>{escape(line)}</p>" for line in self._rest())
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{rest}"

    def _rest(self) -> list[str]:
        hidden = len(self) - SHOWN
        return [f"and {hidden:,} more, which a narrower pattern shows"] if hidden > 0 else []


def list_backbones(pattern: str = "*", *, pretrained: bool | None = None) -> BackboneList:
    """List the backbones whose name fits a pattern, without building any.

    Args:
        pattern: a part of the name, or a whole name with wildcards (``*``, ``?``), upper or lower case. With a dot in
            it, weights count as names of their own: ``"resnet50.*"`` lists all that timm has for ``resnet50``.
        pretrained: ``True`` for those that have weights, ``False`` for those that have none, ``None`` for all.

    Returns:
        The backbones, a tuple that shows itself as a table: octlib's own first, then timm's by name. None, if none of
        those that fit is ``pretrained``.

    Raises:
        ValueError: if no name fits the pattern; the text says what was probably meant.

    Example:
        >>> list_backbones("octlib")
        name    parameters  image size  weights          licence
        octlib       1.2 M   224 x 224  on this machine  apache-2.0
        >>> [backbone.name for backbone in list_backbones("resnet1*t")]
        ['resnet10t', 'resnet14t']
    """
    entries = catalogue(with_tags="." in pattern)
    fits = _matcher(pattern)
    found = [entry for entry in entries if fits(entry.name)]
    if not found:
        raise unknown("backbone", pattern, [entry.name for entry in entries])
    counts = parameter_counts()
    wanted = (entry for entry in found if pretrained is None or bool(entry.sources) == pretrained)
    return BackboneList(_listed(entry, counts) for entry in wanted)


def _listed(entry: Entry, counts: dict[str, int]) -> ListedBackbone:
    return ListedBackbone(
        name=entry.name,
        pretrained=bool(entry.sources),
        image_size=entry.image_size,
        parameters=counts.get(entry.name.partition(".")[0]),
        license=entry.license,
        on_this_machine=on_this_machine(entry.sources),
    )


def _matcher(pattern: str) -> Callable[[str], bool]:
    wanted = pattern.lower()
    wanted = wanted if set("*?[") & set(wanted) else f"*{wanted}*"
    return lambda name: fnmatch(name.lower(), wanted)


def _cells(backbone: ListedBackbone) -> tuple[str, ...]:
    """Write a backbone as a row of a table."""
    weights = "on this machine" if backbone.on_this_machine else "to download" if backbone.pretrained else "none"
    return (
        backbone.name,
        "unknown" if backbone.parameters is None else f"{backbone.parameters / 1e6:,.1f} M",
        f"{backbone.image_size[0]} x {backbone.image_size[1]}",
        weights,
        backbone.license or ("unknown" if backbone.pretrained else ""),
    )
