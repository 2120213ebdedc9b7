"""Listing: the backbones that ``build_classifier`` knows by name, found by a pattern."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch

from octlib._suggest import unknown
from octlib.models.catalogue import catalogue


@dataclass(frozen=True)
class ListedBackbone:
    """A backbone as ``list_backbones`` shows it.

    Attributes:
        name: what ``build_classifier`` takes.
        pretrained: whether there are weights of it, so that ``weights="pretrained"`` works.
        image_size: (height, width) in pixels that it was made for.
    """

    name: str
    pretrained: bool
    image_size: tuple[int, int]


def list_backbones(pattern: str = "*", *, pretrained: bool | None = None) -> tuple[ListedBackbone, ...]:
    """List the backbones whose name fits a pattern, without building any.

    Args:
        pattern: a part of the name, or a whole name with wildcards (``*``, ``?``), upper or lower case. With a dot in
            it, weights count as names of their own: ``"resnet50.*"`` lists all that timm has for ``resnet50``.
        pretrained: ``True`` for those that have weights, ``False`` for those that have none, ``None`` for all.

    Returns:
        The backbones: octlib's own first, then timm's by name. None, if none of those that fit is ``pretrained``.

    Raises:
        ValueError: if no name fits the pattern; the text says what was probably meant.

    Example:
        >>> [backbone.name for backbone in list_backbones("resnet1*t")]
        ['resnet10t', 'resnet14t']
        >>> list_backbones("octlib")[0].pretrained
        True
    """
    entries = catalogue(with_tags="." in pattern)
    fits = _matcher(pattern)
    found = [ListedBackbone(*entry) for entry in entries if fits(entry[0])]
    if not found:
        raise unknown("backbone", pattern, [name for name, *_ in entries])
    return tuple(each for each in found if pretrained is None or each.pretrained == pretrained)


def _matcher(pattern: str) -> Callable[[str], bool]:
    wanted = pattern.lower()
    wanted = wanted if set("*?[") & set(wanted) else f"*{wanted}*"
    return lambda name: fnmatch(name.lower(), wanted)
