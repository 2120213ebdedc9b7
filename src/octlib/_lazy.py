"""Lazy packages: names are imported when they are first asked for, and nobody waits for what they don't use."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy(package: str, places: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make the ``__getattr__`` and the ``__dir__`` of a package.

    Args:
        package: its name.
        places: of each public name, the module inside the package that defines it.

    Returns:
        Both functions.
    """
    contents = vars(sys.modules[package])

    def find(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        keep_triton_out()
        contents[name] = getattr(import_module(f"{package}.{places[name]}"), name)
        return contents[name]

    return find, lambda: sorted({*contents, *places})


def keep_triton_out() -> None:
    """Let torch do without triton, its compiler for GPUs, where Keras runs, or is to run, on TensorFlow.

    Both bring an LLVM of their own, and the process is aborted where triton's is loaded second. Whoever imports timm or
    pytorch-grad-cam imports it too, by way of torchvision: so this comes before any module of octlib is imported.
    """
    if "tensorflow" in sys.modules or os.environ.get("KERAS_BACKEND") == "tensorflow":
        sys.modules.setdefault("triton", None)  # type: ignore[arg-type]
        logging.getLogger("torch.utils.flop_counter").setLevel(logging.ERROR)  # which would warn that it is missing
