"""Catalogue: what there is of every backbone, read from timm once and kept, since importing timm takes seconds."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from octlib._cache import cache_folder, cache_limit
from octlib._files import written_whole
from octlib.models import octlib_backbone

# A name, whether there are weights of it, and (height, width) in pixels that it was made for.
Entry = tuple[str, bool, tuple[int, int]]
SOURCES = ("hf_hub_id", "url", "file")  # where timm says that weights are


def catalogue(*, with_tags: bool = False) -> list[Entry]:
    """List what ``build_classifier`` knows by name: octlib's own backbone, then timm's by name.

    Where timm is imported already, it is asked, so that architectures that a program has registered are there. Else a
    list in octlib's cache folder answers, which is made for each version of timm when somebody first asks.

    Args:
        with_tags: list weights, ``"resnet50.a1_in1k"``, in place of architectures, ``"resnet50"``.

    Returns:
        The entries.
    """
    kind = "weights" if with_tags else "architectures"
    return [_own(), *(_ask_timm(kind) if "timm" in sys.modules else _kept(kind))]


def _own() -> Entry:
    config = json.loads((octlib_backbone.FOLDER / "config.json").read_text(encoding="utf-8"))
    return octlib_backbone.NAME, True, _size(config["pretrained_cfg"])


def _kept(kind: str) -> list[Entry]:
    file = cache_folder() / "backbones" / f"timm-{version('timm')}.json"
    # A file that isn't there, or isn't what was written, is made anew.
    with suppress(OSError, ValueError, KeyError, TypeError):
        if found := _read(file, kind):
            return found
    entries = {each: _ask_timm(each) for each in ("architectures", "weights")}
    with suppress(OSError, ValueError):  # Where nothing is or can be kept, the next one waits again.
        if cache_limit() > 0:
            _write(file, entries)
    return entries[kind]


def _write(file: Path, entries: dict[str, list[Entry]]) -> None:
    with written_whole(file) as part:
        part.write_text(json.dumps(entries), encoding="utf-8")
    for other in file.parent.glob("timm-*.json"):
        if other != file:  # of a version that was here before
            other.unlink()


def _read(file: Path, kind: str) -> list[Entry]:
    rows = json.loads(file.read_text(encoding="utf-8"))[kind]
    return [(str(name), bool(pretrained), (int(height), int(width))) for name, pretrained, (height, width) in rows]


def _ask_timm(kind: str) -> list[Entry]:
    import timm
    from timm.models import PretrainedCfg

    names: Iterable[str] = timm.list_models() if kind == "architectures" else timm.list_pretrained()
    # What a program registers needn't have a configuration; timm's defaults stand for it.
    configs = ((name, (timm.get_pretrained_cfg(name) or PretrainedCfg()).to_dict()) for name in names)
    return [(name, any(config.get(source) for source in SOURCES), _size(config)) for name, config in configs]


def _size(config: dict[str, Any]) -> tuple[int, int]:
    _, height, width = config["input_size"]
    return height, width
