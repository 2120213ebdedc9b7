"""Catalogue: what there is of every backbone, read from timm once and kept, since importing timm takes seconds."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from octlib._cache import cache_folder, cache_limit
from octlib._files import written_whole
from octlib.models import octlib_backbone

SOURCES = ("hf_hub_id", "url", "file")  # where timm says that weights are
FORM = 2  # of the kept list; another one needs another number


class Entry(NamedTuple):
    """What there is of a backbone, as it is kept.

    Attributes:
        name: what ``build_classifier`` takes.
        image_size: (height, width) in pixels that it was made for.
        license: of the weights, as timm has it; ``None`` where it isn't known.
        sources: where the weights are, by timm's own names (``SOURCES``, ``hf_hub_filename``); none without weights.
    """

    name: str
    image_size: tuple[int, int]
    license: str | None
    sources: dict[str, str]


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
    file = octlib_backbone.FOLDER / "model.safetensors"
    return _entry(octlib_backbone.NAME, {**config["pretrained_cfg"], "file": str(file)})


def _kept(kind: str) -> list[Entry]:
    file = cache_folder() / "backbones" / f"timm-{version('timm')}-{FORM}.json"
    # A file that isn't there, or isn't what was written, is made anew.
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
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
        if other != file:  # of a version of timm, or in a form, that was here before
            other.unlink()


def _read(file: Path, kind: str) -> list[Entry]:
    rows = json.loads(file.read_text(encoding="utf-8"))[kind]
    return [
        Entry(
            str(name),
            (int(height), int(width)),
            None if licence is None else str(licence),
            {str(source): str(place) for source, place in sources.items()},
        )
        for name, (height, width), licence, sources in rows
    ]


def _ask_timm(kind: str) -> list[Entry]:
    import timm
    from timm.models import PretrainedCfg

    names: Iterable[str] = timm.list_models() if kind == "architectures" else timm.list_pretrained()
    # What a program registers needn't have a configuration; timm's defaults stand for it.
    return [_entry(name, (timm.get_pretrained_cfg(name) or PretrainedCfg()).to_dict()) for name in names]


def _entry(name: str, config: dict[str, Any]) -> Entry:
    _, height, width = config["input_size"]
    places = {source: str(config[source]) for source in SOURCES if config.get(source)}
    if places and config.get("hf_hub_filename"):
        places["hf_hub_filename"] = str(config["hf_hub_filename"])
    licence = config.get("license") if places else None  # timm names one where there are no weights, too
    return Entry(name, (height, width), None if licence == "unknown" else licence, places)
