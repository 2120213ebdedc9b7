"""Transfer: brings a file over HTTP, and goes on where an earlier attempt broke off."""

from __future__ import annotations

import errno
import os
import re
import shutil
import time
from pathlib import Path

import requests

from octlib._progress import progress_of_bytes

TIMEOUT = (10.0, 30.0)  # seconds to connect, and seconds in which nothing comes
TRIES = 5
PAUSE = 1.0  # seconds between them
CHUNK = 2**16  # bytes
HEADERS = {"User-Agent": "octlib", "Accept-Encoding": "identity"}  # the bytes as they were published


class Transfer:
    """Downloads for pooch, which checks and places what it brings.

    Args:
        part: where the file grows; it stays there when the transfer ends early, and the next one goes on from it.
        title: what stands before the progress bar.
    """

    def __init__(self, part: Path, title: str) -> None:
        self._part, self._title = part, title

    def __call__(self, url: str, output_file: str, pooch: object) -> None:
        """Bring all of the file; try again where a connection broke, as long as each brings something.

        Raises:
            requests.RequestException: if the server can't be reached, refuses, stalls, or breaks off.
            OSError: if there is no room, or the file can't be written.
        """
        for tries_left in reversed(range(TRIES)):
            before = self._size()
            try:
                self._go_on(url)
                break
            except requests.RequestException:
                if not tries_left or self._size() <= before:
                    raise
                time.sleep(PAUSE)
        self._hand_over(Path(output_file))

    def _go_on(self, url: str) -> None:
        done = self._size()
        wanted = {"Range": f"bytes={done}-"} if done else {}
        with requests.get(url, headers=HEADERS | wanted, stream=True, timeout=TIMEOUT) as answer:
            start, total = _extent(answer)
            if done and answer.status_code == requests.codes.requested_range_not_satisfiable and total == done:
                return
            if done and (
                answer.status_code == requests.codes.requested_range_not_satisfiable or start not in (0, done)
            ):
                self._part.unlink()  # it belongs to another file
                self._go_on(url)
                return
            answer.raise_for_status()
            if total is not None:
                _require_room(self._part.parent, total - start)
            with self._part.open("ab" if start else "wb") as file:
                chunks = answer.iter_content(CHUNK)
                for chunk in progress_of_bytes(chunks, done=start, total=total, title=self._title):
                    file.write(chunk)
        if total is not None and self._size() != total:
            raise requests.ConnectionError(f"it broke off after {self._size():,} of {total:,} bytes")

    def _size(self) -> int:
        return self._part.stat().st_size if self._part.exists() else 0

    def _hand_over(self, place: Path) -> None:
        # pooch removes its file when it is interrupted while it computes the hash; the part must outlive that.
        place.unlink()
        try:
            os.link(self._part, place)
        except OSError:  # a file system without links
            self._part.replace(place)


def _extent(answer: requests.Response) -> tuple[int, int | None]:
    """Read off an answer with which byte it begins, and how many the whole file has, if it says so."""
    found = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", answer.headers.get("Content-Range", ""))
    if found is not None:
        start, total = found.groups()
        return int(start or 0), None if total == "*" else int(total)
    length = answer.headers.get("Content-Length", "")
    return 0, int(length) if length.isdecimal() else None


def _require_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OSError(errno.ENOSPC, f"{needed / 1e9:,.1f} GB are needed, and {free / 1e9:,.1f} GB are free")
