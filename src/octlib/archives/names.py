"""Names: which members of archives can't be files below it, by their names and kinds."""

from __future__ import annotations

import re
import stat
import zipfile

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz")
LONGEST = 4096  # characters: no system takes a longer path
DEEPEST = 100  # folders in each other

_DRIVE = re.compile("[A-Za-z]:")


def why_outside(name: str) -> str:
    """Say why a name can't be that of a file below the archive; nothing where it can.

    Args:
        name: as the archive has it.

    Example:
        >>> why_outside("train/CNV/1.png"), why_outside("../1.png")
        ('', 'it would lie outside of the folder')
    """
    parts = name.split("/")  # of a million names, so no Path
    if name.startswith("/") or ".." in parts or "\\" in name or "\0" in name or _DRIVE.match(name):
        return "it would lie outside of the folder"
    if len(name) > LONGEST or len(parts) > DEEPEST:
        return "its name is longer than that of any file"
    return ""


def is_link(member: zipfile.ZipInfo) -> bool:
    """Say whether a member of a zip archive is a symbolic link."""
    return stat.S_ISLNK(member.external_attr >> 16)
