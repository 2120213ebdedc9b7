"""Publishing: a classifier on the Hugging Face hub, put there and taken from there in the hub's own words."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from huggingface_hub import CommitOperationAdd, HfApi, constants

from octlib.errors import HubError
from octlib.models.card import check_evaluation
from octlib.models.hub_questions import HUB_PREFIX, LOG_IN, ask, check_repository, is_refusal, is_repository, reason_of
from octlib.models.reading import read_classifier
from octlib.models.saving import CONFIG, FILES, save_folder
from octlib.models.state import state_dict


class Published:
    """What a classifier has to do with the hub."""

    def push_to_hub(
        self,
        repo_id: str,
        *,
        evaluation: Any = None,
        private: bool | None = None,
        token: str | bool | None = None,
        revision: str | None = None,
        commit_message: str = "Upload an OCT classifier",
    ) -> str:
        """Upload the classifier to the Hugging Face hub: what ``save`` writes, in one commit.

        The repository is made if there is none. What an earlier upload has left there is replaced, the model card too;
        other files stay.

        Args:
            repo_id: of the form ``"owner/name"``.
            evaluation: what ``octlib.evaluate`` returned, for the model card and for the hub's index of results;
                ``None`` leaves figures out.
            private: whether a new repository is private; ``None`` is what its owner has set, else public.
            token: one that may write; ``None`` takes the one that ``hf auth login`` has stored, or ``HF_TOKEN``.
            revision: the branch, which is made if there is none; ``None`` is the main one.
            commit_message: of the commit.

        Returns:
            The address of the commit.

        Raises:
            TypeError: if ``evaluation`` is none.
            ValueError: if the evaluation is of other classes, or no repository can have this name.
            HubError: if the hub is out of reach, or refuses; a ``ConnectionError`` too.
        """
        classifier: Any = self
        check_repository(repo_id)
        settings = classifier.get_config()
        check_evaluation(evaluation, settings["class_names"])
        with _advised(repo_id):
            _require_hub(repo_id, token)
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "classifier"
            place = HUB_PREFIX + repo_id + (f"@{revision}" if revision else "")
            save_folder(
                folder, settings, state_dict(classifier), evaluation, reference=classifier.reference, place=place
            )
            with _advised(repo_id):
                api = HfApi(token=token)
                api.create_repo(repo_id, private=private, exist_ok=True)
                if revision:
                    api.create_branch(repo_id, branch=revision, exist_ok=True)
                files = [CommitOperationAdd(name, folder / name) for name in FILES if (folder / name).exists()]
                # Not upload_folder, which may divide its files among several commits.
                commit = api.create_commit(repo_id, files, commit_message=commit_message, revision=revision)
        return str(commit.commit_url)

    @classmethod
    def from_pretrained(
        cls, source: str | Path, *, revision: str | None = None, token: str | bool | None = None
    ) -> Self:
        """Load a classifier from the Hugging Face hub, or from a folder.

        The hub is asked once for the newest. If it doesn't answer within ten seconds, what was downloaded before is
        loaded. Nothing is unpickled, whoever has written it.

        Args:
            source: a folder that ``save`` has written, if there is one of this name; else a repository that
                ``push_to_hub`` has written, ``"owner/name"``.
            revision: of the repository: a branch, a tag or a commit; ``None`` is the main branch.
            token: for a private repository; ``None`` takes the one that ``hf auth login`` has stored, or ``HF_TOKEN``.

        Returns:
            The classifier, with the same probabilities as when it was saved.

        Raises:
            FileNotFoundError: if there is no folder of this name, and no repository can have it.
            ValueError: if the classifier is damaged, or written by a newer octlib.
            WeightsError: if its settings would choose files or places; nothing of theirs is opened.
            HubError: if the hub doesn't give it, and it isn't in the local cache; a ``ConnectionError`` too.

        Example:
            >>> import octlib, tempfile
            >>> folder = tempfile.mkdtemp() + "/classifier"
            >>> octlib.build_classifier("resnet10t", weights=None, image_size=64).save(folder)
            >>> octlib.OctClassifier.from_pretrained(folder).backbone_name
            'resnet10t'
        """
        if isinstance(source, str) and is_repository(source.partition("@")[0]) and not Path(source).exists():
            source = HUB_PREFIX + source
        classifier: Self = read_classifier(cls, source, revision=revision, token=token)
        return classifier


def _require_hub(repository: str, token: str | bool | None) -> None:
    """Ask the hub anything, before work that would be lost: uploads wait for it without an end."""
    try:
        ask(repository, CONFIG, token=token)
    except Exception as error:
        if not is_refusal(error):  # that there is no such file, or no repository yet, is an answer
            raise


@contextmanager
def _advised(repository: str) -> Iterator[None]:
    """Say what to do, whatever goes wrong with an upload."""
    try:
        yield
    except Exception as error:  # the hub's client raises a dozen kinds, and others with each release
        owner = repository.partition("/")[0]
        advice = "Connect to the network, or save the classifier to a folder and push it from elsewhere."
        if constants.HF_HUB_OFFLINE:
            advice = "Unset it, or save the classifier to a folder and push it from elsewhere."
        elif is_refusal(error):
            advice = f"To write there, {LOG_IN}; the token has to allow writing to what {owner!r} owns."
        raise HubError(
            f"The classifier could not be uploaded to {repository!r} at {constants.ENDPOINT} ({reason_of(error)}).",
            advice,
        ) from error
