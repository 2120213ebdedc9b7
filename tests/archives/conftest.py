"""Fixtures of archives: packed from what tests give, of each kind."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

Pack = Callable[[str, dict[str, bytes]], Path]


@pytest.fixture(params=["a.zip", "a.tar", "a.tar.gz", "a.TGZ"])
def name(request: pytest.FixtureRequest) -> str:
    """Give a name of each kind."""
    return str(request.param)


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    """Give a function that packs contents under their names into an archive of the kind that its name tells."""

    def packed(name: str, members: dict[str, bytes]) -> Path:
        path = tmp_path / name
        if path.suffix == ".zip":
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                for member, content in members.items():
                    archive.writestr(member, content)
            return path
        with tarfile.open(path, "w" if path.suffix == ".tar" else "w:gz") as tar:
            for member, content in members.items():
                info = tarfile.TarInfo(member)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
        return path

    return packed
