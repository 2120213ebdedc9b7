"""Option types: the names and sizes that options take, checked and completed without loading anything heavy."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from octlib._suggest import unknown

# The same as in the rooms, which would take seconds to import for a help page; a test compares them.
METHODS = (
    "gradcam", "gradcam++", "hirescam", "xgradcam", "layercam", "elementwisecam", "shapleycam", "smoothgradcam++",
    "eigencam", "eigengradcam", "kpcacam", "fem", "scorecam", "sscam", "iscam", "ablationcam", "occlusion",
    "integrated_gradients",
)  # fmt: skip
DEVICES = ("spectralis", "spectralis-wide", "spectralis-fine", "cirrus", "topcon")
SPLITS = ("train", "val", "test")
LEVELS = ("scan", "volume", "eye", "patient")
CACHE = {"on": True, "off": False, "float16": "float16"}
POOLINGS = ("average", "flatten")
STEPS = ("blank_wedges", "normalise_contrast", "flatten_retina", "crop_retina")
POLICIES = ("stretch", "pad", "crop")
CLASS_WEIGHTS = ("balanced", "logit_adjustment", "none")
FORMATS = {"onnx": ".onnx", "torch": ".pt2"}
_READERS = Path(__file__).parents[1] / "data" / "readers"  # whose sources are read: to import them would take too long
_TEXT = "\n".join(path.read_text(encoding="utf-8") for path in _READERS.glob("*.py"))
LAYOUTS = ("auto", *sorted(re.findall(r'^    layout = "(\w+)"', _TEXT, re.MULTILINE)))


class OneOf(click.Choice):  # type: ignore[type-arg] # generic since click 8.2 alone
    """One of a few names; a misspelt one is a mistake that says what was probably meant."""

    def __init__(self, kind: str, names: tuple[str, ...]) -> None:
        super().__init__(names)
        self._kind = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Give the name, or raise the ``ValueError`` that the shell shows in one line."""
        if value not in self.choices:
            raise unknown(self._kind, value, self.choices)
        return str(value)


class NamedPath(click.Path):
    """A path; an empty one, as a shell variable gives that is not set, is a mistake and not the working directory."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Give the path."""
        if value == "":
            self.fail("a path must be named, got an empty text. Write . for the working directory.", param, ctx)
        return super().convert(value, param, ctx)


class Size(click.ParamType):  # type: ignore[type-arg]
    """An image size in pixels: ``224``, or height and width as ``496x512``."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | tuple[int, int]:
        """Give the number, or (height, width)."""
        found = re.fullmatch(r"([1-9]\d*)(?:x([1-9]\d*))?", str(value).lower())
        if found is None:
            self.fail(f"{value!r} is no size in pixels, such as 224, or 496x512 (HEIGHTxWIDTH).", param, ctx)
        height, width = found.groups()
        return (int(height), int(width)) if width else int(height)


class Steps(click.ParamType):  # type: ignore[type-arg]
    """Steps of preprocessing in their order, joined by commas; ``none`` for none."""

    name = "step,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Give their names, or raise the ``ValueError`` that the shell shows in one line."""
        if str(value).strip().lower() == "none":
            return ()
        steps = tuple(step.strip() for step in str(value).split(","))
        for step in steps:
            if step not in STEPS:
                raise unknown("preprocessing step", step, ("none", *STEPS))
        return steps


class Columns(click.ParamType):  # type: ignore[type-arg]
    """What the columns of a table mean: ``label=grade,patient=subject``."""

    name = "name=column,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, str]:
        """Give the columns by their names."""
        pairs = [pair.partition("=") for pair in str(value).split(",")]
        if not all(name.strip() and column.strip() for name, _, column in pairs):
            self.fail(f"{value!r} names no columns; write NAME=COLUMN, as in label=grade,patient=subject.", param, ctx)
        return {name.strip(): column.strip() for name, _, column in pairs}


def complete_backbones(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the name of a backbone, from timm's sources: importing timm would keep the prompt waiting."""
    return [CompletionItem(name) for name in ["octlib", *timm_names()] if name.startswith(incomplete)]


def timm_names() -> list[str]:
    """Read the names of timm's architectures off its sources."""
    timm = find_spec("timm")
    if timm is None or timm.origin is None:
        return []
    texts = (path.read_text(encoding="utf-8") for path in (Path(timm.origin).parent / "models").glob("*.py"))
    return sorted({name for text in texts for name in re.findall(r"^@register_model\ndef (\w+)", text, re.MULTILINE)})
