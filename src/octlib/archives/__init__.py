"""Archives: files opened by their paths, those inside of ``.zip``, ``.tar``, ``.tar.gz`` and ``.tgz`` archives too."""

from __future__ import annotations

from octlib.archives.archive import Archive
from octlib.archives.known import archives_kept, locate
from octlib.archives.names import SUFFIXES, is_link, why_outside
from octlib.archives.opening import exists, is_file, is_folder, open_binary, open_text, size_of

__all__ = [
    "SUFFIXES",
    "Archive",
    "archives_kept",
    "exists",
    "is_file",
    "is_folder",
    "is_link",
    "locate",
    "open_binary",
    "open_text",
    "size_of",
    "why_outside",
]
