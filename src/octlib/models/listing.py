"""Listing: the backbones that ``build_classifier`` knows by name, found by a pattern."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any

import timm

from octlib._suggest import unknown
from octlib.models import octlib_backbone
from octlib.models.configs import folder_config, named_config


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
    names = _named_like(pattern)
    listed = (_listed(name) for name in names)
    return tuple(each for each in listed if pretrained is None or each.pretrained == pretrained)


def _named_like(pattern: str) -> list[str]:
    with_tags = "." in pattern
    names = [octlib_backbone.NAME, *(timm.list_pretrained() if with_tags else timm.list_models())]
    fits = _matcher(pattern)
    found = [name for name in names if fits(name)]
    if not found:
        raise unknown("backbone", pattern, names)
    return found


def _matcher(pattern: str) -> Callable[[str], bool]:
    wanted = pattern.lower()
    wanted = wanted if set("*?[") & set(wanted) else f"*{wanted}*"
    return lambda name: fnmatch(name.lower(), wanted)


def _listed(name: str) -> ListedBackbone:
    config: dict[str, Any] = (
        folder_config(octlib_backbone.FOLDER) if name == octlib_backbone.NAME else named_config(name)
    ).pretrained_cfg
    _, height, width = config["input_size"]
    has_weights = name == octlib_backbone.NAME or any(config.get(source) for source in ("hf_hub_id", "url", "file"))
    return ListedBackbone(name, has_weights, (height, width))
