"""File format: what every format offers that may hold several scans; each is a class in ``octlib.data.formats``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from octlib.errors import MissingPackageError

MAX_FRAMES = 4096  # that a file may say it holds: the largest volumes of today have 1,024


class Contents(NamedTuple):
    """What a file says of the scans in it.

    Attributes:
        frames: how many there are; ``None`` for one that is no volume.
        patient: who was scanned, ``None`` where the file doesn't say.
        columns: what else it says of all of them, such as the eye and the size of a pixel.
        no_scan: why the file holds no B-scans, such as a photograph of the fundus; empty where it does.
        other_pages: the numbers of the pages beside the volume that are no scans, from 0 on.
        volumes: where the file holds several, such as both eyes: what it says of each, in the order of their frames.
            Patient and columns are then theirs, and ``frames`` counts those of all.
    """

    frames: int | None = None
    patient: str | None = None
    columns: Mapping[str, Any] = MappingProxyType({})
    no_scan: str = ""
    other_pages: tuple[int, ...] = ()
    volumes: tuple[Contents, ...] = ()


class FileFormat(ABC):
    """Reads one format.

    Attributes:
        suffixes: how the names of its files end, in lower case.
    """

    suffixes: ClassVar[tuple[str, ...]]

    @abstractmethod
    def describe(self, path: Path) -> Contents:
        """Say what a file holds, without decoding a pixel where the format allows it.

        Raises:
            UnreadableScanError: if the file can't be read.
            MissingPackageError: if a package for it isn't installed.
        """

    @abstractmethod
    def read(self, path: Path, frame: int, at_least: tuple[int, int] | None) -> NDArray[np.uint8]:
        """Read one scan, uint8 (height, width) in 0-255.

        Args:
            path: the file.
            frame: which one of its scans, from 0 on.
            at_least: as for ``octlib.preprocessing.read_scan``.

        Raises:
            UnreadableScanError: if it can't be read.
            MissingPackageError: if a package for it isn't installed.
        """


def require_package(module: str, *, name: str, extra: str, path: Path) -> None:
    """Refuse a file whose format needs a package that isn't installed.

    Args:
        module: that the package is imported by.
        name: of the package.
        extra: of octlib that installs it.
        path: the file.

    Raises:
        MissingPackageError: if it isn't there.
    """
    if find_spec(module) is None:
        raise MissingPackageError(
            f"Reading {path} needs {name}, which is not installed.", f"Run: pip install 'octlib[{extra}]'"
        )
