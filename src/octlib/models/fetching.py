"""Fetching: the files of a classifier from the hub, or from its local cache where the hub does not answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub import constants, hf_hub_download, try_to_load_from_cache

from octlib.errors import HubError
from octlib.models.hub_questions import LOG_IN, ask, check_repository, is_refusal, reason_of
from octlib.models.reference import FAMILIARITY
from octlib.models.saving import CONFIG, WEIGHTS

COMMIT = re.compile("[0-9a-f]{40}")


def fetch_config(repository: str, revision: str | None, token: str | bool | None) -> Path:
    """Fetch the configuration of a classifier: the newest, or, if the hub doesn't answer, what was fetched before.

    Args:
        repository: of the form ``"owner/name"``.
        revision: a branch, a tag or a commit; ``None`` is the main branch. A commit that is in the cache never changes,
            so the hub isn't asked for it.
        token: as the hub's client takes it.

    Returns:
        The file, in the folder of its commit.

    Raises:
        ValueError: if no repository can have this name.
        HubError: if it is not to be had.
    """
    check_repository(repository)
    cached = _cached(repository, revision)
    if cached is not None and COMMIT.fullmatch(revision or ""):
        return cached
    with _advised(repository, revision):
        try:
            ask(repository, CONFIG, revision, token)
        except Exception as error:
            if cached is None or is_refusal(error):
                raise
            return cached
        return Path(hf_hub_download(repository, CONFIG, revision=revision, token=token))


def fetch_weights(repository: str, config: Path, token: str | bool | None, *, familiarity: bool) -> None:
    """Fetch the weights of a classifier, of the same commit as its configuration and beside it.

    Args:
        repository: of the form ``"owner/name"``.
        config: what ``fetch_config`` found.
        token: as the hub's client takes it.
        familiarity: fetch what familiarity is measured by, too.

    Raises:
        HubError: if they are not to be had.
    """
    commit = config.parent.name
    for name in (FAMILIARITY, WEIGHTS) if familiarity else (WEIGHTS,):  # where there are weights, all is there
        if not (config.parent / name).is_file():
            with _advised(repository, commit):
                hf_hub_download(repository, name, revision=commit, token=token)


def _cached(repository: str, revision: str | None) -> Path | None:
    """Find the configuration in the cache, if the weights are beside it."""
    found = try_to_load_from_cache(repository, CONFIG, revision=revision)
    # The cache also knows of files that do not exist.
    return Path(found) if isinstance(found, str) and (Path(found).parent / WEIGHTS).is_file() else None


@contextmanager
def _advised(repository: str, revision: str | None) -> Iterator[None]:
    """Say what to do, whatever goes wrong with a download."""
    try:
        yield
    except Exception as error:  # the hub's client raises a dozen kinds, and others with each release
        at = f" at revision {revision!r}" if revision else ""
        advice = (
            "Connect to the network once, or copy a cache and point HF_HOME to it; or copy the folder of the "
            "classifier, and load that."
        )
        if is_refusal(error):
            advice = f"Check the name and the revision. If the repository is private, {LOG_IN}."
        raise HubError(
            f"The classifier {repository!r}{at} is neither a folder here nor in the local cache, and could not be "
            f"downloaded from {constants.ENDPOINT} ({reason_of(error)}).",
            advice,
        ) from error
