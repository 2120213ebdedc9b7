"""Downloading: published data sets, brought once, checked by their hashes, and kept in the cache folder."""

from __future__ import annotations

import shutil
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pooch
import requests
from filelock import FileLock, Timeout

from octlib._cache import datasets_folder
from octlib._files import PART
from octlib.data.checked import is_as_published, note_checked
from octlib.data.inventory import LOCK
from octlib.data.published import PUBLISHED, Published
from octlib.data.transfer import Transfer
from octlib.data.unpacking import unpack_images
from octlib.errors import DownloadError


def download(name: str) -> Path:
    """Give a published data set, downloaded where it isn't there yet.

    What breaks off stays, and the next call goes on from there. A file takes its place in one step, once its hash is
    the published one; one process at a time downloads it, and others wait for it. What is there already is used as long
    as it is what was published.

    Args:
        name: of ``octlib.data.published.PUBLISHED``.

    Returns:
        The file or, of an archive, the folder of its images, in octlib's cache folder.

    Raises:
        DownloadError: if it can't be had, or isn't what was published or no more so, or there is no room for it.
    """
    published = PUBLISHED[name]
    if not published.url:
        raise DownloadError(
            f"{published.title} can't be downloaded by its name: no hash is known by which to check it.",
            _by_hand(published),
        )
    folder = datasets_folder() / name
    target = folder / ("scans" if published.packed else published.file)
    if not _is_there(published, target):
        _fetch(published, target)
    if not is_as_published(target, published.known_hash):
        differs = "its images are not those that were unpacked" if published.packed else "its hash differs"
        raise DownloadError(
            f"{target} is not {published.title} as it was published ({published.known_hash}): {differs}.",
            f"Remove {folder}, or all data sets by 'octlib cache clear --data-sets', and load it again: it is then "
            "downloaded anew.",
        )
    return target


def _is_there(published: Published, target: Path) -> bool:
    """Say whether it has come: of an archive that is still there, not all of it may have been unpacked and noted."""
    return target.exists() and not (published.packed and target.with_name(published.file).exists())


def _fetch(published: Published, target: Path) -> None:
    folder = target.parent
    try:
        with _worded(published, folder):
            folder.mkdir(parents=True, exist_ok=True)
            with _alone(folder, published):
                if not _is_there(published, target):
                    _bring(published, target)
    except OSError as error:
        if isinstance(error, DownloadError):
            raise
        raise DownloadError(
            f"{published.title} could not be written to {folder} ({error.strerror or error}).",
            "Make room, or let OCTLIB_CACHE name a folder on another disk.",
        ) from error


def _bring(published: Published, target: Path) -> None:
    folder, part = target.parent, target.with_name(f"{published.file}{PART}")
    for left in folder.glob("tmp*"):  # by pooch, in a process that was killed
        left.unlink()
    file = folder / published.file
    if not file.exists():
        _say(f"{published.title}. Licence: {published.licence}. Please cite: {published.citation}.")
    try:
        pooch.retrieve(
            published.url,
            published.known_hash,
            fname=published.file,
            path=folder,
            downloader=Transfer(part, published.file),
        )
    except ValueError as error:
        if isinstance(error, requests.RequestException):
            raise
        part.unlink(missing_ok=True)
        raise DownloadError(
            f"What came from {published.url} is not {published.title} as it was published: its hash differs from "
            f"{published.known_hash}. It was removed.",
            f"Try again; if it stays so: {_by_hand(published)}",
        ) from error
    part.unlink(missing_ok=True)
    if published.packed:
        if target.exists():
            shutil.rmtree(target)
        unpack_images(file, target)
    note_checked(target, published.known_hash)
    if published.packed:
        file.unlink()


@contextmanager
def _alone(folder: Path, published: Published) -> Iterator[None]:
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        _say(f"Another process is downloading {published.title}; waiting for it.")
        lock.acquire()
    except NotImplementedError:  # A file system without locks: the hash tells if two have written to one file.
        yield
        return
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _worded(published: Published, folder: Path) -> Iterator[None]:
    """Say in a line what was tried, why it failed, and what to do."""
    try:
        yield
    except requests.RequestException as error:
        kept = (folder / f"{published.file}{PART}").exists()
        again = "What has come is kept, and the next call goes on from there. If it fails again: " if kept else ""
        raise DownloadError(
            f"{published.title} could not be downloaded from {published.url} ({_reason(error)}).",
            f"{again}{_by_hand(published)}",
        ) from error
    except zipfile.BadZipFile as error:
        raise DownloadError(f"{folder / published.file} can't be unpacked ({error}).", _by_hand(published)) from error


def _reason(error: requests.RequestException) -> str:
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"the server answers {error.response.status_code} {error.response.reason}".rstrip()
    if "timed out" in str(error):
        return "the server is silent"
    if isinstance(error, requests.exceptions.SSLError):
        return "the server's certificate is not trusted"
    if isinstance(error, requests.exceptions.ChunkedEncodingError) or "broke off" in str(error):
        return "the connection broke off"
    host = urlsplit(error.request.url).hostname if error.request is not None else None
    return f"there is no connection to {host or 'the server'}"


def _by_hand(published: Published) -> str:
    one_file = published.file and not published.packed
    load = "and load it by its path" if one_file else "unpack it, and load the folder by its path"
    return f"Download {published.file or published.title} from {published.page} with a browser, {load}."


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
