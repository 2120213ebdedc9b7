"""Reading: a scan from a file or from an array, as 8-bit grey values."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from octlib.archives import open_binary, size_of
from octlib.errors import MissingScanError, UnreadableScanError
from octlib.preprocessing.pillow_warnings import pillow_warnings_ignored

# A B-scan has about half a million pixels. Pillow itself only warns above 89 million and raises above twice that.
MAX_PIXELS = 2**26

# What the operating system says of one file. All else, such as too many open files or a disk that fails, it says of the
# machine: the scan may be sound.
MISSING = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR}
OF_THE_FILE = {errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENAMETOOLONG}
# Where damage makes Pillow look for data; its own errors of damage have no number at all.
OF_THE_CONTENT = {None, errno.EINVAL, errno.EOVERFLOW}


def as_grey(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Turn one image array into a grey scan.

    Args:
        image: uint8 (height, width), (height, width, 1) or (height, width, 3) in 0-255; three channels are red, green
            and blue and become their luminance (ITU-R BT.601), as in Pillow.

    Returns:
        uint8 (height, width); the input itself where it has that shape already.

    Raises:
        TypeError: if the values aren't uint8.
        ValueError: if the shape is another one or the image is empty.

    Example:
        >>> as_grey(np.full((2, 3, 3), 7, dtype=np.uint8))
        array([[7, 7, 7],
               [7, 7, 7]], dtype=uint8)
    """
    image = np.asarray(image)
    if image.dtype != np.uint8:
        raise TypeError(
            f"A scan must hold uint8 grey values in 0-255, got {_dtype(image)}. "
            "Scale it to 0-255 and write scan.astype('uint8')."
        )
    if image.ndim not in (2, 3) or image.shape[2:] not in ((), (1,), (3,)) or image.size == 0:
        raise ValueError(
            f"A scan must have the shape (height, width), (height, width, 1) or (height, width, 3), got {image.shape}. "
            "Give one scan at a time, with channels last."
        )
    if image.shape[2:] == (3,):
        return np.asarray(Image.fromarray(image).convert("L"))
    return image.reshape(image.shape[:2])


def check_images(images: NDArray[Any] | Sequence[NDArray[Any]]) -> None:
    """Check the type and shape of many images without touching all of their pixels.

    Args:
        images: an array of them, or a list.

    Raises:
        TypeError: if they aren't uint8.
        ValueError: if the shape is another one.
    """
    if not isinstance(images, np.ndarray):
        for image in images:
            as_grey(image)
        return
    if images.dtype != np.uint8:
        raise TypeError(
            f"Scans must be uint8 grey values in 0-255, got {_dtype(images)}. Scale them and write .astype('uint8')."
        )
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[3] not in (1, 3)):
        raise ValueError(
            "Scans must have the shape (n, height, width), (n, height, width, 1) or (n, height, width, 3), got "
            f"{images.shape}. Write image[None] for one scan."
        )
    if images.ndim == 3 and images.shape[2] in (1, 3):
        # One colour image is far likelier than many that are 3 pixels wide.
        raise ValueError(
            f"Scans must have the shape (n, height, width), got {images.shape}, which looks like one image with "
            "channels. Write image[None]."
        )


def read_scan(
    path: str | os.PathLike[str], at_least: tuple[int, int] | None = None, frame: int = 0
) -> NDArray[np.uint8]:
    """Read one scan from an image file.

    Colours become their luminance, transparency becomes black, and 16-bit values are scaled from 0-65535 to 0-255. What
    Pillow would warn of, such as damaged EXIF data, is no warning here.

    Args:
        path: a file of any format that Pillow reads (JPEG, PNG, TIFF, BMP, ...), also inside of an archive.
        at_least: (height, width) that is enough for the caller: a JPEG is then decoded at 1/2, 1/4 or 1/8 of its size,
            several times faster, as long as it stays at least that large both ways.
        frame: which page of a stack, from 0 on.

    Returns:
        uint8 (height, width) in 0-255: the file's own size, or a reduced one with ``at_least``.

    Raises:
        MissingScanError: if there is no such file.
        UnreadableScanError: if the file may not be read, isn't a readable image, is cut off or too large, or has
            floating-point or 32-bit values, whose range no file states.
        MemoryError: if there is no memory for it.
        OSError: if the operating system fails in another way, such as by too many open files.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "scan.png"
        >>> Image.fromarray(np.full((496, 512), 40, dtype=np.uint8)).save(file)
        >>> read_scan(file).shape
        (496, 512)
    """
    path = Path(path)
    with errors_of_scan(path), open_binary(path) as file, pillow_warnings_ignored(), Image.open(file) as image:
        _check_pixels(image)
        if frame:
            image.seek(frame)
            _check_pixels(image)
        # Pillow counts (width, height). A JPEG decodes straight to luminance; other formats ignore the draft.
        image.draft("L", at_least[::-1] if at_least else image.size)
        return _to_grey(image)


@contextmanager
def errors_of_scan(path: Path) -> Iterator[None]:
    """Turn what goes wrong with one file in this block into an error of that scan; what ails the machine comes through.

    Args:
        path: the file that is read in the block.

    Raises:
        MissingScanError: if there is no such file.
        UnreadableScanError: if it may not be read, is empty, or the block raises what damaged files cause.
    """
    try:
        if size_of(path) == 0:
            raise ValueError("the file is empty")
        yield
    except (MemoryError, UnreadableScanError):
        raise
    except Exception as error:  # Pillow's decoders raise nearly anything on damaged files
        code = error.errno if isinstance(error, OSError) else None
        if code in MISSING:
            raise MissingScanError(
                f"A scan must be an image file, and there is none at {path}.", "Check the path."
            ) from error
        if code not in OF_THE_FILE | OF_THE_CONTENT:
            raise
        raise UnreadableScanError(
            f"{path} can't be read as a scan ({_reason(error)}).",
            "Replace it by an intact 8- or 16-bit image, or leave it out.",
        ) from error


def why_unreadable(error: UnreadableScanError) -> str:
    """Say in a few words why a scan can't be read.

    Args:
        error: what ``read_scan`` raised.

    Returns:
        The reason alone, without the path and without advice.

    Example:
        >>> why_unreadable(MissingScanError("A scan must be an image file, and there is none at scan.png."))
        'no such file'
    """
    if isinstance(error, MissingScanError):
        return "no such file"
    return _reason(error.__cause__ if isinstance(error.__cause__, Exception) else error)


def _check_pixels(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise ValueError(f"{image.width} x {image.height} pixels are more than the {MAX_PIXELS:,} of the largest scan")


def _to_grey(image: Image.Image) -> NDArray[np.uint8]:
    if image.mode == "F":
        raise ValueError("it has floating-point values, whose range is unknown")
    if image.mode.startswith("I"):
        return _from_16_bit(np.asarray(image))
    if image.has_transparency_data:
        seen = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "black"), seen)
    if image.mode not in ("1", "L"):
        image = image.convert("RGB")
    return np.asarray(image.convert("L"))


def _from_16_bit(values: NDArray[Any]) -> NDArray[np.uint8]:
    # Pillow hands 16-bit files on as 32-bit integers in some formats (PGM), so the values decide and not the mode.
    if values.min() < 0 or values.max() > 65535:
        raise ValueError("it has 32-bit values, whose range is unknown")
    return ((values.astype(np.int64) + 128) // 257).astype(np.uint8)


def _dtype(values: NDArray[Any]) -> str:
    # Whoever follows the advice to scale and to convert would make some grey value or other of NaN, in silence.
    invalid = int((~np.isfinite(values)).sum()) if values.dtype.kind == "f" else 0
    remark = f" with {invalid:,} NaN or infinite values, to be replaced first" if invalid else ""
    return f"{values.dtype}{remark}"


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "not an image"
    # The operating system's own words, without the path, which the caller says already; in one line for the shell.
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split()) or type(error).__name__
