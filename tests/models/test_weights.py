"""Weights: files that fit, files that don't, and files that should not be opened."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file

from octlib.models.checkpoints import read_checkpoint
from octlib.models.configs import named_config, specify
from octlib.models.networks import random_module
from octlib.models.spec import BackboneSpec
from octlib.models.weights import load_weights, weights_file


def spec_of(name: str = "test_resnet", size: int = 64) -> BackboneSpec:
    return specify(named_config(name), size, origin="a test", fixed_batchnorm=True)[0]


def loaded(file: Path, spec: BackboneSpec | None = None) -> dict[str, torch.Tensor]:
    spec = spec or spec_of()
    module = random_module(spec, seed=1)
    load_weights(module, read_checkpoint(file, module.state_dict()), spec, file)
    return dict(module.state_dict())


def equal(found: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(value, wanted[key]) for key, value in found.items())


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    """Give the weights of a whole network, head and all."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        return dict(timm.create_model("test_resnet", num_classes=10).state_dict())


def test_safetensors(weights: dict[str, torch.Tensor], tmp_path: Path) -> None:
    save_file(weights, tmp_path / "w.safetensors")
    found = loaded(tmp_path / "w.safetensors")
    assert equal(found, weights)
    assert not equal(dict(random_module(spec_of(), seed=1).state_dict()), weights)  # they did not agree before


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".bin"])
@pytest.mark.parametrize("key", [None, "state_dict", "model", "state_dict_ema", "model_ema", "teacher"])
def test_checkpoints(weights: dict[str, torch.Tensor], tmp_path: Path, suffix: str, key: str | None) -> None:
    content = weights if key is None else {key: weights, "epoch": 3}
    torch.save(content, tmp_path / f"w{suffix}")
    assert equal(loaded(tmp_path / f"w{suffix}"), weights)


def test_checkpoints_of_parallel_training(weights: dict[str, torch.Tensor], tmp_path: Path) -> None:
    torch.save({f"module.{key}": value for key, value in weights.items()}, tmp_path / "w.pth")
    assert equal(loaded(tmp_path / "w.pth"), weights)


def test_the_step_counter_of_batchnorm_may_be_missing(weights: dict[str, torch.Tensor], tmp_path: Path) -> None:
    fewer = {key: value for key, value in weights.items() if not key.endswith("num_batches_tracked")}
    assert len(fewer) < len(weights)
    save_file(fewer, tmp_path / "w.safetensors")
    assert equal({key: value for key, value in loaded(tmp_path / "w.safetensors").items() if key in fewer}, fewer)


def test_position_embeddings_are_resampled_to_the_size(tmp_path: Path) -> None:
    large = random_module(spec_of("test_vit", 160))
    save_file(large.state_dict(), tmp_path / "w.safetensors")
    found = loaded(tmp_path / "w.safetensors", spec_of("test_vit", 64))
    assert found["pos_embed"].shape[1] < large.pos_embed.shape[1]
    rest = {key: value for key, value in found.items() if key != "pos_embed"}
    assert equal(rest, large.state_dict())


def test_weights_that_do_not_fit_are_counted(weights: dict[str, torch.Tensor], tmp_path: Path) -> None:
    backbone = {key for key in weights if not key.startswith("fc.") and not key.endswith("num_batches_tracked")}
    changed = dict(weights)
    changed["strange"] = changed.pop("conv1.0.weight")
    changed["bn1.weight"] = torch.ones(7)
    save_file(changed, tmp_path / "w.safetensors")
    message = (
        rf"w\.safetensors does not fit test_resnet: {len(backbone) - 2} of {len(backbone)} weights matched.*"
        r"Missing or of another shape: conv1\.0\.weight, bn1\.weight.*not used: bn1\.weight, strange"
    )
    with pytest.raises(ValueError, match=message):
        loaded(tmp_path / "w.safetensors")


def test_weights_of_another_architecture(weights: dict[str, torch.Tensor], tmp_path: Path) -> None:
    save_file(weights, tmp_path / "w.safetensors")
    with pytest.raises(ValueError, match=r"does not fit test_vit: 0 of \d+ weights matched.* and \d+ more"):
        loaded(tmp_path / "w.safetensors", spec_of("test_vit"))


class Code:
    """What a malicious checkpoint would hold."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.target),)


def test_code_in_a_checkpoint_is_not_run(weights: dict[str, torch.Tensor], tmp_path: Path) -> None:
    torch.save({"model": weights, "args": Code(tmp_path / "was-run")}, tmp_path / "w.pth")
    with pytest.raises(ValueError, match=r"w\.pth holds more than tensors.*safetensors"):
        loaded(tmp_path / "w.pth")
    assert not (tmp_path / "was-run").exists()
    (tmp_path / "plain.bin").write_bytes(pickle.dumps(Code(tmp_path / "was-run"), protocol=2))
    with pytest.raises(ValueError, match="plain.bin"):
        loaded(tmp_path / "plain.bin")
    assert not (tmp_path / "was-run").exists()


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_truncated_files_are_named(weights: dict[str, torch.Tensor], tmp_path: Path, suffix: str, share: float) -> None:
    file = tmp_path / f"half{suffix}"
    save_file(weights, file) if suffix == ".safetensors" else torch.save(weights, file)
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match=rf"half{suffix} is damaged"):
        loaded(file)


@pytest.mark.parametrize("content", [[1, 2], {"epoch": 3}, {"model": {"a": "text"}}, torch.ones(3)])
def test_files_without_a_state_dict(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(ValueError, match=r"w\.pth must hold a dictionary of tensors"):
        loaded(tmp_path / "w.pth")


def test_where_the_weights_are(tmp_path: Path) -> None:
    for name in ("pytorch_model.bin", "model.safetensors"):
        (tmp_path / name).touch()
        assert weights_file(tmp_path) == tmp_path / name  # .safetensors comes first where there are both
        assert weights_file(tmp_path / name) == tmp_path / name


def test_no_weights_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="'pretrained', a .safetensors or .pth file, a timm folder .*None"):
        weights_file(tmp_path / "nothing.safetensors")
    with pytest.raises(FileNotFoundError, match="needs model.safetensors"):
        weights_file(tmp_path)
    (tmp_path / "weights.h5").touch()
    with pytest.raises(ValueError, match=r"\.safetensors.*timm folder, got 'weights\.h5'"):
        weights_file(tmp_path / "weights.h5")
