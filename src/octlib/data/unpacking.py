"""Unpacking: the images of a zip archive into a folder that is there as a whole or not at all."""

from __future__ import annotations

import errno
import shutil
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from octlib._files import PART
from octlib._progress import progress
from octlib.archives import is_link, why_outside
from octlib.data.naming import is_image, is_junk

EXPANSION = 4  # times the archive's own size is the most that its images may have: they are compressed already


def unpack_images(archive: Path, folder: Path) -> None:
    """Unpack the images of a zip archive; junk and all else stays in it.

    Args:
        archive: the file.
        folder: that is to be made, with the folders of the archive in it. It appears in one step.

    Raises:
        zipfile.BadZipFile: if the archive is damaged, or has a member that would lie outside of the folder, is a link,
            or is larger than images are.
        OSError: if there is no room, or a file can't be written.
    """
    part = folder.with_name(f".{folder.name}{PART}")
    shutil.rmtree(part, ignore_errors=True)  # of a process that was killed
    try:
        with zipfile.ZipFile(archive) as packed:
            images = _images(packed.infolist())
            _require_size(sum(image.file_size for image in images), archive)
            part.mkdir()
            for image in progress(images, title="unpacking"):
                place = part / image.filename
                place.parent.mkdir(parents=True, exist_ok=True)
                with packed.open(image) as source, place.open("xb") as target:
                    shutil.copyfileobj(source, target)
        part.rename(folder)
    except (FileExistsError, NotADirectoryError) as error:
        raise zipfile.BadZipFile(f"two of its members have one name: {image.filename!r}") from error
    except (zlib.error, EOFError, RuntimeError) as error:  # RuntimeError: encrypted, or packed in a way not known
        raise zipfile.BadZipFile(str(error)) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _images(members: list[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    for member in members:
        if why_outside(member.orig_filename) or ":" in member.filename:  # which Windows keeps for itself
            raise zipfile.BadZipFile(f"the member {member.orig_filename!r} would lie outside of the folder")
        if is_link(member):
            raise zipfile.BadZipFile(f"the member {member.filename!r} is a link")
    return [member for member in members if is_image(member.filename) and not _in_junk(member.filename)]


def _in_junk(name: str) -> bool:
    return any(is_junk(part) for part in PurePosixPath(name).parts)


def _require_size(size: int, archive: Path) -> None:
    if size > EXPANSION * archive.stat().st_size:
        raise zipfile.BadZipFile(
            f"its images would fill {size / 1e9:,.1f} GB, more than {EXPANSION} times its own size"
        )
    free = shutil.disk_usage(archive.parent).free
    if size > free:
        raise OSError(errno.ENOSPC, f"{size / 1e9:,.1f} GB are needed to unpack it, and {free / 1e9:,.1f} GB are free")
