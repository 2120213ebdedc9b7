"""Inventory: what the store holds, whether it is sound, and how to clear it."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from octlib._cache import features_folder
from octlib._progress import progress as progress_bar
from octlib._suggest import unknown
from octlib.errors import CacheWarning
from octlib.features.room import StoredFile, remove, stored_files
from octlib.features.shards import open_shard

DAY = 86_400.0  # seconds


@dataclass(frozen=True)
class StoredBackbone:
    """The features of one backbone.

    Args:
        name: the backbone, its image size (height x width), the precision, and the beginning of a digest of its
            weights and its preprocessing, joined by ``-``.
        rows: how many scans have features; damaged files count as none.
        bytes: size on disk.
        last_used: when some of them were last written or read, in UTC.
    """

    name: str
    rows: int
    bytes: int
    last_used: datetime

    @property
    def backbone(self) -> str:
        """The backbone's name alone."""
        return _backbone_of(self.name)


@dataclass(frozen=True)
class CheckedShard:
    """A file of features that was checked.

    Args:
        path: where it lies.
        rows: how many it has; 0 if it can't be read at all.
        damaged: how many of them are not what was written.
    """

    path: Path
    rows: int
    damaged: int

    @property
    def sound(self) -> bool:
        """Whether every row is as it was written."""
        return self.rows > 0 and self.damaged == 0


def cache_contents() -> tuple[StoredBackbone, ...]:
    """List the backbones whose features are kept.

    Returns:
        One entry for each set of weights, image size and precision, most recently used first.

    Example:
        >>> import octlib
        >>> scans = octlib.load_oct_dataset("phantoms").sample(4)
        >>> classifier = octlib.build_classifier("resnet10t", weights=None, image_size=64)
        >>> features = octlib.features.extract_features(classifier, scans)
        >>> newest = cache_contents()[0]
        >>> newest.backbone, newest.rows >= 4
        ('resnet10t', True)
    """
    files: dict[str, list[StoredFile]] = {}
    for file in reversed(stored_files(features_folder())):
        files.setdefault(file.path.parent.name, []).append(file)
    return tuple(_summary(name, group) for name, group in files.items())


def verify_cache(*, remove_damaged: bool = False, progress: bool | None = None) -> tuple[CheckedShard, ...]:
    """Compare every row with the digest that was written with it.

    A damaged row does no harm: it is noticed when it is looked for, and computed again.

    Args:
        remove_damaged: remove files that have damaged rows; their sound rows are computed again too.
        progress: show a bar; ``None`` shows one where somebody can watch.

    Returns:
        All files.
    """
    files = [file.path for file in stored_files(features_folder()) if file.whole]
    checked = [
        shard for file in progress_bar(files, title="checking", show=progress) if (shard := _checked(file)) is not None
    ]
    if remove_damaged:
        _remove([shard.path for shard in checked if not shard.sound])
    return tuple(checked)


def clear_cache(backbone: str | None = None, *, older_than: float | None = None, dry_run: bool = False) -> int:
    """Remove stored features; nothing that octlib hasn't written is touched.

    Args:
        backbone: of this one alone, by its name or by that of an entry of ``cache_contents``; ``None`` is all.
        older_than: those alone that were not used for so many days, at least 0; ``None`` is all.
        dry_run: remove nothing.

    Returns:
        How many bytes were removed, or would be.

    Raises:
        ValueError: if there are no features of the backbone, or ``older_than`` is negative.

    Example:
        >>> clear_cache(older_than=30, dry_run=True)
        0
    """
    if older_than is not None and not older_than >= 0:
        raise ValueError(f"older_than must be a number of days, at least 0, got {older_than!r}.")
    files = [file for file in _files_of(backbone) if older_than is None or _age(file) > older_than * DAY]
    if dry_run:
        return sum(file.bytes for file in files)
    kept = _remove([file.path for file in files])
    return sum(file.bytes for file in files if file.path not in kept)


def _summary(name: str, files: list[StoredFile]) -> StoredBackbone:
    shards = [open_shard(file.path) for file in files if file.whole]
    return StoredBackbone(
        name=name,
        rows=sum(len(shard) for shard in shards if shard is not None),
        bytes=sum(file.bytes for file in files),
        last_used=datetime.fromtimestamp(max(file.last_used for file in files), UTC),
    )


def _checked(file: Path) -> CheckedShard | None:
    """Check a shard; one that is removed meanwhile is none."""
    shard = open_shard(file)
    if shard is None:
        return CheckedShard(file, 0, 0) if file.exists() else None
    try:
        return CheckedShard(file, len(shard), len(shard) - len(shard.sound_rows()))
    except OSError:
        return None


def _files_of(backbone: str | None) -> Iterator[StoredFile]:
    files = [file for file in stored_files(features_folder()) if file.whole or file.abandoned]
    names = {file.path.parent.name for file in files}
    choices = names | {_backbone_of(name) for name in names}
    if backbone is not None and backbone not in choices:
        raise unknown("backbone", backbone, sorted(choices))
    for file in files:
        name = file.path.parent.name
        if backbone in (None, name, _backbone_of(name)):
            yield file


def _backbone_of(name: str) -> str:
    return name.rsplit("-", 3)[0]


def _age(file: StoredFile) -> float:
    return time.time() - file.last_used


def _remove(files: list[Path]) -> set[Path]:
    """Remove files and the folders that are empty then; warn of those that stay, and return them."""
    kept = {file for file in files if not remove(file)}
    for folder in {file.parent for file in files}:
        with suppress(OSError):  # what isn't empty stays
            folder.rmdir()
    if kept:
        warnings.warn(
            f"{len(kept):,} of {len(files):,} files could not be removed, such as {min(kept)}: they are in use, or "
            "belong to another user.",
            CacheWarning,
            stacklevel=3,
        )
    return kept
