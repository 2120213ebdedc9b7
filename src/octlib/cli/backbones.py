"""Backbones: ``octlib backbones``."""

from __future__ import annotations

from dataclasses import asdict

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
    one architecture. Parameters are counted without a head, image sizes are height x width, and weights are on this
    machine, to download, or none.
    """
    from octlib.models import list_backbones

    found = list_backbones(pattern, pretrained=pretrained or None)
    if not found:
        raise ValueError(
            f"No backbone like {pattern!r} has weights. Leave --pretrained out to see those that there are."
        )
    say(found.as_text())
    answer({"backbones": [asdict(each) for each in found]})
