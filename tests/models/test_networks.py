"""Networks: timm modules from a specification, at random or from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from octlib.errors import WeightsError
from octlib.models.networks import loaded_module, random_module
from octlib.models.spec import BackboneSpec


def spec(architecture: str = "test_resnet", **model_args: Any) -> BackboneSpec:
    return BackboneSpec(architecture, (0.5,) * 3, (0.5,) * 3, "fc", model_args)


def test_random_weights_follow_the_seed_and_nothing_else() -> None:
    torch.manual_seed(0)
    first = random_module(spec(), seed=1)
    assert torch.equal(first.conv1[0].weight, random_module(spec(), seed=1).conv1[0].weight)
    assert not torch.equal(first.conv1[0].weight, random_module(spec(), seed=2).conv1[0].weight)
    found = torch.rand(1)
    torch.manual_seed(0)
    assert torch.equal(found, torch.rand(1))


@pytest.mark.parametrize(
    ("architecture", "model_args"),
    [
        ("no_such_network", {}),
        ("test_resnet", {"embed_dim": 3}),
        ("test_vit", {"num_heads": 0}),
        ("test_vit", {"embed_dim": 7}),
        ("test_vit", {"patch_size": [[3]]}),
        ("test_vit", {"depth": -1.5}),
        ("test_resnet", {"channels": []}),
    ],
)
def test_what_timm_cannot_build_is_named(architecture: str, model_args: dict[str, Any]) -> None:
    with pytest.raises(WeightsError, match=f"timm can't build '{architecture}' with the arguments"):
        random_module(spec(architecture, **model_args))


def test_weights_of_a_file(tmp_path: Path) -> None:
    wanted = random_module(spec(), seed=5)
    save_file(wanted.state_dict(), tmp_path / "w.safetensors")
    found = loaded_module(spec(), tmp_path / "w.safetensors")[1].state_dict()
    assert all(torch.equal(value, found[name]) for name, value in wanted.state_dict().items())
