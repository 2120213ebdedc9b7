"""Volume format: what the formats of devices share, whose libraries decode whole volumes and not one slice."""

from __future__ import annotations

import math
import os
import re
import threading
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from octlib.archives import locate
from octlib.data.eyes import eye_of
from octlib.data.file_format import MAX_FRAMES, Contents, FileFormat, require_package
from octlib.preprocessing import as_grey, errors_of_scan
from octlib.preprocessing.reading import MAX_PIXELS

Volume = Sequence[NDArray[np.uint8]]

MAX_VOLUME = 2**31  # pixels: the largest volumes of today have half as many
KEPT = 2  # volumes that stay in memory: slices are read in their order, some of the next file ahead

# By process, since a fork copies a lock that another thread may hold; filled at first use.
_kept: dict[int, KeptVolumes] = {}


class VolumeFormat(FileFormat):
    """Reads one format through a library that decodes all slices at once.

    Attributes:
        module: that the library is imported by.
        package: the library's name.
        extra: of octlib that installs it.
    """

    module: ClassVar[str]
    package: ClassVar[str]
    extra: ClassVar[str]

    @abstractmethod
    def look(self, path: Path) -> Contents:
        """Say what a file holds, and refuse one that claims more than it can hold; any error is one of the file."""

    @abstractmethod
    def decode(self, path: Path) -> Volume:
        """Decode all slices, uint8 (height, width) each; any error is one of the file."""

    def describe(self, path: Path) -> Contents:
        """Say what a file holds."""
        with self._opened(path):
            return self.look(path)

    def read(self, path: Path, frame: int, at_least: tuple[int, int] | None) -> NDArray[np.uint8]:
        """Read one slice; the volume is kept for the next."""
        with self._opened(path):
            volume = _kept.setdefault(os.getpid(), KeptVolumes()).get(path, self.decode)
            if frame >= len(volume):
                raise ValueError(f"it has no slice {frame:,}, but {len(volume):,} from 0 on")
            return volume[frame]

    @contextmanager
    def _opened(self, path: Path) -> Iterator[None]:
        require_package(self.module, name=self.package, extra=self.extra, path=path)
        with errors_of_scan(path), np.errstate(all="ignore"):
            if locate(path) is not None:
                raise ValueError(f"it lies in an archive, which {self.package} can't read: unpack it")
            yield


class KeptVolumes:
    """The volumes that were decoded last; whoever asks for one that is being decoded waits for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._volumes: dict[tuple[str, int, int], Volume] = {}

    def get(self, path: Path, decode: Callable[[Path], Volume]) -> Volume:
        """Give the volume of a file, decoded anew if the file has changed.

        Raises:
            Exception: whatever ``decode`` raises; nothing is kept then.
        """
        with self._lock:
            status = path.stat()
            key = (str(path.absolute()), status.st_size, status.st_mtime_ns)
            volume = self._volumes.pop(key, None)
            if volume is None:
                while len(self._volumes) >= KEPT:  # before the next one takes its memory
                    del self._volumes[next(iter(self._volumes))]
                volume = decode(path)
                for each in volume:
                    each.flags.writeable = False
            self._volumes[key] = volume
            return volume


def require_size(slices: int, height: int, width: int) -> None:
    """Refuse what no volume of a device has, before memory is asked for.

    Raises:
        ValueError: if there is nothing, or too much.

    Example:
        >>> require_size(49, 496, 0)
        Traceback (most recent call last):
        ...
        ValueError: it says that it has 49 slices of 496 x 0 pixels, which no scan has
    """
    pixels = height * width
    if not (1 <= slices <= MAX_FRAMES and 1 <= pixels <= MAX_PIXELS and slices * pixels <= MAX_VOLUME):
        raise ValueError(f"it says that it has {slices:,} slices of {height:,} x {width:,} pixels, which no scan has")


def require_bytes(needed: int, there: int) -> None:
    """Refuse a file that is shorter than what it says it holds.

    Raises:
        ValueError: if it is cut off.
    """
    if needed > there:
        raise ValueError(f"it is cut off: it says that it holds {needed:,} bytes, and has {there:,}")


def as_8_bit(slices: Sequence[NDArray[Any]]) -> list[NDArray[np.uint8]]:
    """Scale a volume as oct-converter's own export does: its largest value becomes 255, 0 stays 0.

    Args:
        slices: (height, width[, 3]) of any numbers; uint8 stay as they are. Values below 0, NaN and infinite ones
            become 0.

    Returns:
        uint8 (height, width) each, all by the same rule.

    Example:
        >>> as_8_bit([np.array([[0, 1000]]), np.array([[500, 2000]])])
        [array([[  0, 128]], dtype=uint8), array([[ 64, 255]], dtype=uint8)]
    """
    if all(each.dtype == np.uint8 for each in slices):
        return [as_grey(each).copy() for each in slices]
    highest = max(float(_usable(each).max()) for each in slices)
    factor = 255 / highest if highest else 0.0
    return [as_grey(np.rint(_usable(each) * factor).astype(np.uint8)) for each in slices]


def _usable(values: NDArray[Any]) -> NDArray[np.float32]:
    return np.maximum(np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0), 0)


def eye_in(name: str) -> str | None:
    """Read the eye off a file's name, where it has OD or OS by itself.

    Example:
        >>> eye_in("P7_Cube 512x128_OD_sn1.img"), eye_in("eye-os.img"), eye_in("MODEL.OCT")
        ('right', 'left', None)
    """
    found = re.search(r"(?<![A-Za-z])(OD|OS)(?![A-Za-z])", name, re.IGNORECASE)
    return None if found is None else eye_of(found.group(1))


def columns_of(*, eye: str | None = None, height_mm: float = math.nan, width_mm: float = math.nan) -> dict[str, Any]:
    """Name what is known of a volume: the eye, and the size of a pixel in micrometres.

    Example:
        >>> columns_of(eye="left", height_mm=0.0039, width_mm=0)
        {'eye': 'left', 'pixel_height_um': 3.9}
    """
    columns: dict[str, Any] = {} if eye is None else {"eye": eye}
    sizes = {"pixel_height_um": height_mm, "pixel_width_um": width_mm}
    return columns | {name: round(1000 * float(size), 6) for name, size in sizes.items() if 0 < size < math.inf}


def contents_of(slices: int, patient: str | None, columns: dict[str, Any]) -> Contents:
    """Say what a file with one volume holds; a single slice is no volume."""
    return Contents(slices if slices > 1 else None, patient, columns)


def texts(structure: Any, raw: bytes) -> dict[str, str]:
    """Read the texts at the beginning of a structure, whatever letters they have.

    Structures of oct-converter know ASCII alone, and a name with an umlaut would be no name.

    Args:
        structure: of construct; its fields have fixed sizes.
        raw: what it describes.

    Returns:
        Each field by its name, up to the first zero byte.
    """
    found = {}
    for field in structure.subcons:
        size = field.sizeof()
        part, raw = raw[:size], raw[size:]
        found[field.name] = part.split(b"\0")[0].decode("latin-1").strip()
    return found


def own_copy(name: str, **replaced: Any) -> Any:
    """Import a module once more, as a copy in which some names mean something else; all others keep theirs.

    Args:
        name: of the module.
        replaced: what stands for what.

    Returns:
        The module, which nobody else sees.
    """
    spec = find_spec(name)
    if spec is None or spec.loader is None:
        raise ImportError(f"No module named {name!r}")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    vars(module).update(replaced)
    return module


def refuse(said: object, *_: object) -> None:
    """Raise what a library only prints or warns of, and goes on without the slice.

    Raises:
        ValueError: always.
    """
    raise ValueError(str(said))


def numpy_with(**functions: Callable[..., Any]) -> ModuleType:
    """Make a numpy in which some functions are others, for ``own_copy``."""
    module = ModuleType("numpy")
    vars(module).update(vars(np) | functions)
    return module
