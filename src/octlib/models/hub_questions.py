"""Questions to the hub: names it can have, whether it answers, and in a few words why not."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url
from huggingface_hub.errors import EntryNotFoundError, RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.utils import validate_repo_id

HUB_PREFIX = "hf-hub:"
PATIENCE = 10  # seconds
LOG_IN = "log in with `hf auth login`, or pass token="


def is_repository(name: Any) -> bool:
    """Tell whether a repository of the hub can have this name, which is of the form ``"owner/name"``.

    Example:
        >>> is_repository("someone/oct"), is_repository("oct"), is_repository("../oct")
        (True, False, False)
    """
    try:
        validate_repo_id(name)
    except ValueError:
        return False
    return isinstance(name, str) and name.count("/") == 1


def check_repository(name: Any) -> None:
    """Refuse a name that no repository can have.

    Raises:
        ValueError: if it isn't of the form ``"owner/name"``.
    """
    if not is_repository(name):
        raise ValueError(
            f"A repository on the hub has a name like 'owner/name', of letters, digits, '-', '_' and '.', got {name!r}."
        )


def ask(repo_id: str, filename: str, revision: str | None = None, token: str | bool | None = None) -> None:
    """Ask for a file once, which fails at once where the hub is out of reach: a download asks for half a minute.

    Args:
        repo_id: of the form ``"owner/name"``.
        filename: in the repository.
        revision: a branch, a tag or a commit; ``None`` is the main branch.
        token: of the hub's client, as it takes it.

    Raises:
        Exception: of the hub's client, if the file isn't to be had.
    """
    get_hf_file_metadata(hf_hub_url(repo_id, filename, revision=revision), token=token, timeout=PATIENCE)


def status_of(error: BaseException) -> int | None:
    """Give the status that the hub answered with; ``None`` where no answer came."""
    return getattr(getattr(error, "response", None), "status_code", None)


def is_refusal(error: BaseException) -> bool:
    """Tell whether the hub answered, and would answer the same again."""
    status = status_of(error)
    return status is not None and status < 500 and status != HTTPStatus.TOO_MANY_REQUESTS


def reason_of(error: BaseException) -> str:
    """Say in a few words why the hub gave nothing.

    Args:
        error: of its client.

    Returns:
        A clause.
    """
    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE is set"
    if isinstance(error, RevisionNotFoundError):
        return "it has no such revision"
    if isinstance(error, RepositoryNotFoundError):
        return "it has no such repository, or shows it to others alone"
    if status_of(error) == HTTPStatus.UNAUTHORIZED:
        return "it answers 401: nobody is logged in, or the token is not valid"
    if status_of(error) == HTTPStatus.FORBIDDEN:
        return "it answers 403: the token does not allow it"
    # The first line of an answer gives its status alone.
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return " ".join(lines[:2] if isinstance(error, EntryNotFoundError) else lines[:1])
