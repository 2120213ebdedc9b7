"""The hub: a server on this machine that speaks its protocol, the cache, and no network at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save

import octlib

VIT = "vit_tiny_patch16_224.augreg_in21k_ft_in1k"
OURS = "someone/tiny-oct"
HOSTILE = "someone/hostile"


@pytest.fixture(scope="module")
def networks() -> dict[str, torch.nn.Module]:
    """Give what the hub holds, all random: timm's resnet50, a ViT that timm knows as .npz too, and somebody's own."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(11)
        resnet = timm.create_model("resnet50", num_classes=1000)
        vit = timm.create_model(VIT, num_classes=1000)
        tiny = timm.create_model("test_resnet", num_classes=7, output_stride=16)
    return {"timm/resnet50.a1_in1k": resnet, f"timm/{VIT}": vit, OURS: tiny}


@pytest.fixture(scope="module")
def hub(networks: dict[str, torch.nn.Module], start_hub: Callable[[], Any]) -> Any:
    """Serve the networks on the loopback address."""
    config = {
        "architecture": "test_resnet",
        "num_classes": 7,
        "model_args": {"output_stride": 16},
        "pretrained_cfg": {"input_size": [3, 64, 64], "mean": [0.3] * 3, "std": [0.2] * 3, "classifier": "fc"},
    }
    served = start_hub()
    configs = {OURS: {"config.json": json.dumps(config).encode()}}
    for name, network in networks.items():
        served.put(name, {"model.safetensors": save(network.state_dict()), **configs.get(name, {})})
    hostile = json.dumps({**config, "model_args": {"checkpoint_path": "canary.pth"}}).encode()
    served.put(HOSTILE, {"model.safetensors": save(networks[OURS].state_dict()), "config.json": hostile})
    return served


NAMES = ("resnet50", VIT, f"hf-hub:{OURS}")

# Builds all classifiers, prints their features; then tries one that nobody has, and counts the connections to the end.
BUILD = """
import json, sys
import numpy as np
connections = []
sys.addaudithook(lambda event, arguments: connections.append(arguments[1]) if event == "socket.connect" else None)
import octlib
import octlib.errors
scans = np.load(sys.argv[1])
answer = {}
for name in sys.argv[2:]:
    classifier = octlib.build_classifier(name, freeze=True, image_size=scans.shape[1:])
    answer[name] = classifier.features(scans).detach().cpu().numpy().tolist()
answer["connections"] = len(connections)
try:
    octlib.build_classifier("hf-hub:someone/hostile", image_size=64)
except (ConnectionError, octlib.errors.WeightsError) as error:
    answer["hostile"] = str(error)
started = len(connections)
try:
    octlib.build_classifier("test_resnet", weights="pretrained")
except ConnectionError as error:
    answer["error"] = str(error)
answer["in vain"] = len(connections) - started
print(json.dumps(answer))
"""


@pytest.fixture(scope="module")
def answers(
    hub: Any, closed_port: str, start_python: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """Run octlib with the hub, then with what is left in the cache; beside it, offline with nothing in the cache."""
    folder = tmp_path_factory.mktemp("hub")
    scans = np.random.default_rng(3).integers(0, 256, (2, 224, 224), dtype=np.uint8)
    np.save(folder / "scans.npy", scans)

    def start(names: tuple[str, ...], cache: str, endpoint: str, offline: str | None = None) -> Any:
        variables = {"HF_HOME": str(folder / cache), "HF_ENDPOINT": endpoint, "HF_HUB_OFFLINE": offline}
        unset = dict.fromkeys(("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_TOKEN", "KERAS_BACKEND"))
        return start_python(BUILD, folder / "scans.npy", *names, **variables, **unset)

    def finish(run: Any) -> Any:
        out, err = run.communicate(timeout=300)
        assert run.returncode == 0, err
        return json.loads(out.strip().splitlines()[-1])

    online = start(NAMES, "cache", hub.address)
    offline = start((), "empty", closed_port, "1")
    found = {"scans": scans, "online": finish(online)}
    alone = start(NAMES, "cache", closed_port)
    return {**found, "offline": finish(offline), "alone": finish(alone)}


@pytest.mark.parametrize("run", ["online", "alone"])
def test_features_are_those_of_the_hubs_weights(
    answers: dict[str, Any], networks: dict[str, torch.nn.Module], run: str
) -> None:
    colour = torch.from_numpy(answers["scans"]).unsqueeze(1).expand(-1, 3, -1, -1) / 255
    cfgs = [timm.get_pretrained_cfg(name) for name in NAMES[:2]]
    normal = [*((cfg.mean, cfg.std) for cfg in cfgs), ([0.3], [0.2])]
    for name, network, (mean, std) in zip(NAMES, networks.values(), normal, strict=True):
        if name == VIT:
            network.reset_classifier(0, "avg")  # as octlib pools every architecture
        normalised = (colour - torch.tensor(mean).view(1, -1, 1, 1)) / torch.tensor(std).view(1, -1, 1, 1)
        with torch.inference_mode():
            wanted = network.eval().forward_head(network.forward_features(normalised), pre_logits=True).numpy()
        assert np.abs(np.array(answers[run][name]) - wanted).max() < 1e-4 * np.abs(wanted).max()


def test_the_cache_is_enough(answers: dict[str, Any]) -> None:
    assert answers["online"]["connections"] > 0
    assert answers["alone"]["connections"] == 0


@pytest.mark.parametrize("run", ["online", "alone", "offline"])
def test_what_is_neither_cached_nor_to_be_had_names_the_choices(answers: dict[str, Any], run: str) -> None:
    error = answers[run]["error"]
    for part in (
        "'test_resnet'",
        "not in the local cache",
        "http://127.0.0.1:",
        "HF_HOME",
        "weights=PATH",
        "weights=None",
    ):
        assert part in error
    assert "Three choices are left" in error


def test_without_a_hub_nothing_is_tried_again_and_again(answers: dict[str, Any]) -> None:
    assert answers["alone"]["in vain"] <= 2
    assert answers["offline"]["in vain"] == 0
    assert "HF_HUB_OFFLINE is set" in answers["offline"]["error"]


@pytest.mark.parametrize("run", ["online", "alone"])
def test_a_configuration_of_the_hub_chooses_no_files(answers: dict[str, Any], run: str) -> None:
    assert "must not pass 'checkpoint_path'='canary.pth'" in answers[run]["hostile"]


def test_misspelt_names_are_answered_without_a_hub() -> None:
    with pytest.raises(ValueError, match="Unknown backbone 'resnet5O': did you mean 'resnet50'"):
        octlib.build_classifier("resnet5O")


def test_architectures_without_weights_are_named() -> None:
    name = next(name for name in timm.list_models() if not timm.get_pretrained_cfg(name).has_weights)
    with pytest.raises(ValueError, match=f"no pretrained weights for '{name}'.*weights=PATH.*weights=None"):
        octlib.build_classifier(name)
