"""Hub cache: which files of weights lie on this machine, without a question to any network."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlparse

NAMES_IN_FOLDER = ("model.safetensors", "pytorch_model.bin")


def cached_file(repository: str, names: Sequence[str]) -> Path | None:
    """Find a file of a repository in the cache of the Hugging Face hub.

    Args:
        repository: ``"owner/name"``, perhaps with ``"@revision"``.
        names: of the file; the first that is there counts.

    Returns:
        The file, or ``None``.
    """
    # Its client takes a third of a second to import, and few of a thousand repositories are there.
    from huggingface_hub import constants

    identifier, _, revision = repository.partition("@")
    if not (Path(constants.HF_HUB_CACHE) / f"models--{identifier.replace('/', '--')}").is_dir():
        return None
    from huggingface_hub import try_to_load_from_cache

    # Not hf_hub_download(local_files_only=True): that asks the hub about other things.
    found = (try_to_load_from_cache(identifier, name, revision=revision or None) for name in names)
    return next((Path(path) for path in found if isinstance(path, str)), None)  # it knows of files that don't exist too


def on_this_machine(sources: Mapping[str, str]) -> bool:
    """Tell whether weights can be had without a network.

    Args:
        sources: what timm says of where they are, by its own names: ``hf_hub_id`` and perhaps ``hf_hub_filename``,
            ``url``, ``file``; of several, the first counts, as it does for ``build_classifier``.

    Returns:
        Whether the file is there; ``False`` where there are no weights.

    Example:
        >>> on_this_machine({}), on_this_machine({"file": __file__})
        (False, True)
    """
    if repository := sources.get("hf_hub_id"):
        name = sources.get("hf_hub_filename")
        return cached_file(repository, [name] if name else NAMES_IN_FOLDER) is not None
    if file := sources.get("file"):
        return Path(file).is_file()
    return "url" in sources and (_torch_cache() / Path(urlparse(sources["url"]).path).name).is_file()


def _torch_cache() -> Path:
    """Return where torch keeps what it has downloaded, as torch itself finds it, without importing torch."""
    if "torch" in sys.modules:
        return Path(sys.modules["torch"].hub.get_dir()) / "checkpoints"
    home = os.environ.get("TORCH_HOME") or Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "torch"
    return Path(home).expanduser() / "hub" / "checkpoints"
