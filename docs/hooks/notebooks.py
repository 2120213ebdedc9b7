"""Notebooks: brings notebooks/ into the site, where they are the tutorials."""

from __future__ import annotations

import json
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files

FOLDER = "notebooks"


def on_config(config: MkDocsConfig) -> None:
    """Put the tutorials into the navigation, after the front page."""
    pages = [{_title(path): f"{FOLDER}/{path.name}"} for path in _notebooks(config)]
    if pages and config.nav is not None:
        config.nav.insert(1, {"Tutorials": pages})


@event_priority(100)  # before mkdocs-jupyter looks for notebooks among the files
def on_files(files: Files, config: MkDocsConfig) -> None:
    """Add the notebooks to the files of docs/."""
    for path in _notebooks(config):
        files.append(File(f"{FOLDER}/{path.name}", str(_root(config)), config.site_dir, config.use_directory_urls))


def _notebooks(config: MkDocsConfig) -> list[Path]:
    return sorted((_root(config) / FOLDER).glob("*.ipynb"))


def _title(path: Path) -> str:
    """Read the heading that a notebook begins with."""
    first = json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"]
    return "".join(first).splitlines()[0].removeprefix("# ")


def _root(config: MkDocsConfig) -> Path:
    return Path(config.docs_dir).parent
