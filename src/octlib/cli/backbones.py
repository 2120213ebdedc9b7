"""Backbones: ``octlib backbones``."""

from __future__ import annotations

import click

from octlib.cli.console import answer, say
from octlib.cli.option_types import complete_backbones
from octlib.cli.options import json_option


@click.command(short_help="List what --backbone takes.")
@click.argument("pattern", default="*", shell_complete=complete_backbones)
@click.option("--pretrained", is_flag=True, help="Only those that have weights.")
@json_option
def backbones(pattern: str, pretrained: bool) -> None:
    """List what --backbone takes: octlib's own, then timm's architectures.

    PATTERN is a part of the name, or a name with wildcards: 'resnet*'. With a dot, 'resnet50.*' lists the weights of
    one architecture. The columns are the name, whether there are weights, and the image size (height x width).
    """
    from octlib.models import list_backbones

    found = list_backbones(pattern, pretrained=pretrained or None)
    if not found:
        raise ValueError(
            f"No backbone like {pattern!r} has weights. Leave --pretrained out to see those that there are."
        )
    width = max(len(each.name) for each in found)
    for each in found:
        weights = "pretrained" if each.pretrained else "no weights"
        say(f"{each.name:<{width}}  {weights}  {each.image_size[0]} x {each.image_size[1]}")
    answer(
        {
            "backbones": [
                {"name": each.name, "pretrained": each.pretrained, "image_size": each.image_size} for each in found
            ]
        }
    )
