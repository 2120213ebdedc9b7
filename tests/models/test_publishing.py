"""Publishing: to a hub of this machine, from it again, and what is said where that cannot be."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from huggingface_hub import ModelCard

import octlib
from octlib.evaluation import score

Build = Callable[..., Any]
NAMES = ("AMD", "DME", "NORMAL")

# Pushes the classifiers that it is given, each twice, then what must be refused.
PUSH = """
import json, sys
import numpy as np
import octlib
from octlib.evaluation import score
folder, first, second = sys.argv[1:]
truth = np.arange(60) % 3
probabilities = 0.1 + 0.7 * np.eye(3)[np.where(np.arange(60) < 50, truth, 0)]
names = ("AMD", "DME", "NORMAL")
result = score(truth, probabilities, np.arange(60) // 2, names)
classifiers = [octlib.load_classifier(name) for name in (first, second)]
answer = {"commits": [each.push_to_hub("someone/oct", token="hf_of-a-test", evaluation=result) for each in classifiers]}
answer["branch"] = classifiers[0].push_to_hub(
    "someone/oct", token="hf_of-a-test", revision="try", commit_message="As it was", private=True)
classifiers[0].push_to_hub("someone/hidden", token="hf_of-a-test", private=True)
answer["accuracy"] = result.accuracy
for name, arguments in {
    "no token": {"repo_id": "someone/oct"},
    "not mine": {"repo_id": "others/oct", "token": "hf_of-a-test"},
}.items():
    try:
        classifiers[0].push_to_hub(**arguments)
    except ConnectionError as error:
        answer[name] = str(error)
print(json.dumps(answer))
"""

# Loads from the hub what it is asked for, and says what came, the requests counted.
LOAD = """
import json, sys
import numpy as np
connections = []
sys.addaudithook(lambda event, arguments: connections.append(arguments[1]) if event == "socket.connect" else None)
import octlib
import octlib.errors
answer = {}
scans = np.load(sys.argv[1])
for key, (name, arguments) in json.loads(sys.argv[2]).items():
    started = len(connections)
    try:
        if name.startswith("hf-hub:"):
            classifier = octlib.load_classifier(name)
        else:
            classifier = octlib.OctClassifier.from_pretrained(name, **arguments)
        answer[key] = classifier(scans).detach().cpu().numpy().tolist()
        answer[key + " learned"] = classifier.reference is not None
    except (ConnectionError, ValueError) as error:
        answer[key] = [type(error).__name__, str(error)]
    answer[key + " connections"] = len(connections) - started
if sys.argv[3:] == ["push"]:
    try:
        classifier.push_to_hub("someone/oct", token="hf_of-a-test")
    except ConnectionError as error:
        answer["push"] = str(error)
print(json.dumps(answer))
"""


def probabilities(classifier: Any, scans: np.ndarray) -> np.ndarray:
    return classifier(scans).detach().cpu().numpy()


@pytest.fixture(scope="module")
def scans() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (4, 64, 48), dtype=np.uint8)


@pytest.fixture(scope="module")
def classifiers() -> list[Any]:
    arguments = {"weights": None, "class_names": NAMES, "image_size": (64, 48), "dropout": 0.25}
    found = [octlib.build_classifier("test_resnet", seed=seed, **arguments) for seed in (1, 2)]
    noise = np.random.default_rng(1).integers(0, 256, (12, 64, 48), dtype=np.uint8)
    octlib.learn_familiarity(found[0], octlib.load_oct_dataset((noise, None, list("abcdefghijkl"))), cache=False)
    return found


@pytest.fixture(scope="module")
def served(
    classifiers: list[Any],
    scans: np.ndarray,
    start_hub: Callable[[], Any],
    closed_port: str,
    run_python: Callable[..., Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Any]:
    """Push over HTTP, load into an empty cache, and load again with no hub; each in a process of its own."""
    folder = tmp_path_factory.mktemp("pushed")
    paths = [folder / "first", folder / "second"]
    for classifier, path in zip(classifiers, paths, strict=True):
        classifier.save(path)
    np.save(folder / "scans.npy", scans)
    hub = start_hub()

    def run(code: str, *arguments: object, cache: str, address: str, offline: str | None = None) -> Any:
        unset = dict.fromkeys(("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_TOKEN", "HF_TOKEN_PATH", "KERAS_BACKEND"))
        # Without Xet, whose servers a loopback hub has none of, files go the way of LFS.
        variables = {"HF_HOME": str(folder / cache), "HF_ENDPOINT": address, "HF_HUB_OFFLINE": offline}
        return run_python(code, *arguments, HF_HUB_DISABLE_XET="1", **variables, **unset)

    pushed = run(PUSH, folder, *paths, cache="cache-of-who-pushes", address=hub.address)
    newest, former = hub.branches["someone/oct"]["main"][-1], hub.branches["someone/oct"]["main"][-2]
    # Of the one that has learned no familiarity, or its file would be missed first.
    own_config = (paths[1] / "config.json").read_bytes()
    config = json.loads(own_config)
    config["classifier"]["backbone"]["model_args"] = {"checkpoint_path": "canary.pth"}
    weights = (paths[0] / "model.safetensors").read_bytes()
    hub.put("someone/hostile", {"config.json": json.dumps(config).encode(), "model.safetensors": weights})
    hub.put("someone/pickled", {"config.json": own_config, "model.safetensors": b"\x80\x04"})
    hub.put("timm/plain", {"config.json": b'{"architecture": "resnet18"}', "model.safetensors": weights})
    hub.put("someone/half", {"config.json": own_config})
    asked = {
        "newest": ("someone/oct", {}),
        "prefixed": ("hf-hub:someone/oct", {}),
        "branch": ("someone/oct", {"revision": "try"}),
        "former": (f"hf-hub:someone/oct@{former}", {}),
        "no revision": ("someone/oct", {"revision": "v9"}),
        "no repository": ("someone/nothing", {}),
        "hostile": ("someone/hostile", {}),
        "pickled": ("someone/pickled", {}),
        "plain": ("timm/plain", {}),
        "half": ("someone/half", {}),
    }
    loaded = run(LOAD, folder / "scans.npy", json.dumps(asked), cache="cache", address=hub.address)
    kept = {path.name: list(path.rglob("model.safetensors")) for path in (folder / "cache" / "hub").iterdir()}
    found = {"hub": hub, "pushed": pushed, "loaded": loaded, "newest": newest, "kept": kept}
    found["alone"] = run(LOAD, folder / "scans.npy", json.dumps(asked), "push", cache="cache", address=closed_port)
    offline = json.dumps({key: asked[key] for key in ("newest", "no repository")})
    found["offline"] = run(LOAD, folder / "scans.npy", offline, "push", cache="cache", address=closed_port, offline="1")
    # Somebody pushes again: who asks for the newest gets it.
    hub.put("someone/oct", {path.name: path.read_bytes() for path in paths[0].iterdir()})
    found["later"] = run(
        LOAD, folder / "scans.npy", json.dumps({"newest": asked["newest"]}), cache="cache", address=hub.address
    )
    return found


def test_each_push_is_one_commit_of_all_files(served: dict[str, Any]) -> None:
    hub = served["hub"]
    history = [name for name in hub.branches["someone/oct"]["main"] if "config.json" in hub.commits[name]]
    addresses = [f"{hub.address}/someone/oct/commit/{name}" for name in history[:2]]
    assert served["pushed"]["commits"] == addresses
    files = {".gitattributes", "README.md", "config.json", "model.safetensors"}
    assert all(set(hub.commits[name]) - {"familiarity.safetensors"} == files for name in history)
    assert hub.messages == ["Upload an OCT classifier"] * 2 + ["As it was", "Upload an OCT classifier"]


def test_a_new_repository_is_private_if_that_is_asked(served: dict[str, Any]) -> None:
    assert served["hub"].private["someone/oct"] is None
    assert served["hub"].private["someone/hidden"] in ("private", True)


@pytest.mark.parametrize(("key", "place"), [("newest", 1), ("prefixed", 1), ("branch", 0), ("former", 0)])
@pytest.mark.parametrize("run", ["loaded", "alone"])
def test_what_was_pushed_comes_back(
    served: dict[str, Any], classifiers: list[Any], scans: np.ndarray, run: str, key: str, place: int
) -> None:
    wanted = [probabilities(classifier, scans) for classifier in classifiers]
    # Another process may spread the sums over its threads in another way.
    np.testing.assert_allclose(np.array(served[run][key], np.float32), wanted[place], rtol=1e-5)
    assert np.abs(wanted[0] - wanted[1]).max() > 1e-4


@pytest.mark.parametrize("run", ["loaded", "alone"])
def test_what_was_learned_comes_back_with_its_own_weights_alone(served: dict[str, Any], run: str) -> None:
    learned = {key: served[run][f"{key} learned"] for key in ("newest", "prefixed", "branch", "former")}
    assert learned == {"newest": False, "prefixed": False, "branch": True, "former": True}


def test_the_newest_is_loaded_whatever_is_in_the_cache(
    served: dict[str, Any], classifiers: list[Any], scans: np.ndarray
) -> None:
    found = np.array(served["later"]["newest"], np.float32)
    np.testing.assert_allclose(found, probabilities(classifiers[0], scans), rtol=1e-5)


def test_a_commit_that_is_in_the_cache_is_not_asked_for(served: dict[str, Any]) -> None:
    assert served["loaded"]["former connections"] > 0
    assert served["alone"]["former connections"] == 0


def test_without_a_hub_nothing_is_asked_again_and_again(served: dict[str, Any]) -> None:
    assert 1 <= served["alone"]["newest connections"] <= 2
    assert 1 <= served["alone"]["no repository connections"] <= 2
    assert served["offline"]["newest connections"] == 0


def test_without_a_hub_the_cache_is_enough(served: dict[str, Any]) -> None:
    assert served["offline"]["newest"] == served["alone"]["newest"]
    kind, text = served["offline"]["no repository"]
    assert kind == "HubError"
    assert "HF_HUB_OFFLINE is set" in text


@pytest.mark.parametrize(
    ("key", "parts"),
    [
        ("no revision", ["'someone/oct' at revision 'v9'", "no such revision", "Check the name and the revision"]),
        ("no repository", ["'someone/nothing' is neither a folder here", "no such repository", "`hf auth login`"]),
        ("half", ["'someone/half'", "Entry Not Found", "model.safetensors"]),
    ],
)
def test_what_the_hub_has_not_is_said_to_be_missing(served: dict[str, Any], key: str, parts: list[str]) -> None:
    kind, text = served["loaded"][key]
    assert kind == "HubError"
    for part in parts:
        assert part in text


def test_without_a_hub_the_choices_are_named(served: dict[str, Any]) -> None:
    kind, text = served["alone"]["no repository"]
    assert kind == "HubError"
    for part in ("'someone/nothing'", "http://127.0.0.1:", "HF_HOME", "copy the folder of the classifier"):
        assert part in text


@pytest.mark.parametrize("run", ["loaded", "alone"])
def test_nothing_hostile_is_loaded(served: dict[str, Any], run: str) -> None:
    kind, text = served[run]["hostile"]
    assert kind == "WeightsError"
    assert "must not pass 'checkpoint_path'='canary.pth'" in text
    kind, text = served[run]["pickled"]
    assert kind == "WeightsError"
    assert "model.safetensors is damaged" in text


def test_what_is_no_classifier_of_octlib_is_known_before_its_weights_are_fetched(served: dict[str, Any]) -> None:
    kind, text = served["loaded"]["plain"]
    assert kind == "WeightsError"
    assert "not the configuration of an octlib classifier" in text
    assert served["kept"]["models--timm--plain"] == []
    assert served["kept"]["models--someone--oct"] != []


@pytest.mark.parametrize(
    ("key", "parts"),
    [
        ("no token", ["'someone/oct'", "answers 401", "log in with `hf auth login`, or pass token="]),
        ("not mine", ["'others/oct'", "answers 403", "allow writing to what 'others' owns"]),
    ],
)
def test_who_may_not_write_is_told_what_to_do(served: dict[str, Any], key: str, parts: list[str]) -> None:
    for part in parts:
        assert part in served["pushed"][key]


def test_without_a_hub_nothing_is_pushed(served: dict[str, Any]) -> None:
    for part in ("could not be uploaded to 'someone/oct'", "http://127.0.0.1:", "save the classifier to a folder"):
        assert part in served["alone"]["push"]
    assert "HF_HUB_OFFLINE is set). Unset it" in served["offline"]["push"]


def test_the_card_on_the_hub_has_the_figures(served: dict[str, Any]) -> None:
    hub = served["hub"]
    card = ModelCard(hub.commits[served["newest"]]["README.md"].decode())
    assert 'load_classifier("hf-hub:someone/oct")' in card.text
    figures = {each.metric_name: each.metric_value for each in card.data.eval_results}
    assert figures["accuracy"] == served["pushed"]["accuracy"]
    branch = hub.commits[hub.branches["someone/oct"]["try"][-1]]["README.md"].decode()
    assert 'load_classifier("hf-hub:someone/oct@try")' in branch
    assert ModelCard(branch).data.eval_results is None


# What needs no hub


@pytest.mark.parametrize("name", ["oct", "a/b/c", "../oct", "someone/", "someone/o ct", "someone/oct.git", None, 3])
def test_a_repository_has_an_owner_and_a_name(classifier: Any, name: Any) -> None:
    with pytest.raises(ValueError, match="has a name like 'owner/name'"):
        classifier.push_to_hub(name)


@pytest.mark.parametrize("name", ["oct", "a/b/c", "../oct"])
def test_what_no_repository_can_be_named_is_a_folder(name: str) -> None:
    with pytest.raises(FileNotFoundError, match="No classifier at"):
        octlib.OctClassifier.from_pretrained(name)
    with pytest.raises(ValueError, match="has a name like 'owner/name'"):
        octlib.load_classifier(f"hf-hub:{name}")


def test_a_folder_wins_over_a_repository_of_its_name(
    classifier: Any, scans: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier.save(tmp_path / "someone" / "oct")
    monkeypatch.chdir(tmp_path)
    for name in ("someone/oct", Path("someone/oct"), tmp_path / "someone" / "oct"):
        loaded = octlib.OctClassifier.from_pretrained(name)
        np.testing.assert_array_equal(probabilities(loaded, scans), probabilities(classifier, scans))
    with pytest.raises(ValueError, match=r"revision='v1' is for repositories of the hub, and 'someone/oct' is here"):
        octlib.OctClassifier.from_pretrained("someone/oct", revision="v1")
    shutil.rmtree(tmp_path / "someone")
    with pytest.raises(FileNotFoundError, match="No classifier at"):
        octlib.OctClassifier.from_pretrained(Path("someone/oct"))


def test_two_revisions_are_one_too_many() -> None:
    with pytest.raises(ValueError, match=r"names the revision 'v1', and revision='v2' another"):
        octlib.OctClassifier.from_pretrained("hf-hub:someone/oct@v1", revision="v2")


def test_an_evaluation_of_something_else_is_refused(classifier: Any, tmp_path: Path) -> None:
    result = score([0, 1] * 20, np.eye(2)[[0, 1] * 20], np.arange(40), ["x", "y"])
    for refuse in (
        lambda evaluation: classifier.push_to_hub("someone/oct", evaluation=evaluation),
        lambda evaluation: classifier.save(tmp_path / "classifier", evaluation=evaluation),
    ):
        with pytest.raises(ValueError, match=r"of the classes x, y, and the classifier knows AMD, DME, NORMAL"):
            refuse(result)
        with pytest.raises(TypeError, match=r"evaluation must be what octlib.evaluate returns, got float"):
            refuse(0.93)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match=r"no model card"):
        classifier.save(tmp_path / "classifier.keras", evaluation=result)
