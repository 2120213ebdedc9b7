"""Hub cache: weights that lie on this machine, in either cache, and such as only seem to."""

from __future__ import annotations

import sys

import pytest

from octlib.models import list_backbones
from octlib.models.hub_cache import cached_file, on_this_machine

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Give the folder of the hub's cache, which is empty."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def put(hub, repository, name, revision="main"):
    """Put a file where the hub's client does."""
    folder = hub / f"models--{repository.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True, exist_ok=True)
    (folder / "refs" / revision).write_text(COMMIT)
    file = folder / "snapshots" / COMMIT / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    return file


def test_a_file_is_found_by_the_first_of_its_names(hub):
    names = ("model.safetensors", "pytorch_model.bin")
    assert cached_file("someone/net", names) is None
    second = put(hub, "someone/net", "pytorch_model.bin")
    assert cached_file("someone/net", names) == second
    assert cached_file("someone/net", names) != put(hub, "someone/net", "model.safetensors")
    assert cached_file("someone/net@v2", names) is None
    put(hub, "someone/net", "model.safetensors", revision="v2")
    assert cached_file("someone/net@v2", names) is not None


def test_a_list_says_which_weights_are_there(hub):
    here = lambda: [each.name for each in list_backbones("resnet10t*.*") if each.on_this_machine]  # noqa: E731
    assert here() == []
    put(hub, "timm/resnet10t.c3_in1k", "config.json")  # which is not enough
    assert here() == []
    put(hub, "timm/resnet10t.c3_in1k", "model.safetensors")
    assert here() == ["resnet10t.c3_in1k"]  # the kept list holds nothing of it


@pytest.mark.parametrize("imported", [True, False])
def test_weights_of_an_address_are_where_torch_keeps_them(tmp_path, monkeypatch, imported):
    if not imported:
        monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    sources = {"url": "https://example.org/weights/net-1234.pth?download=1"}
    assert not on_this_machine(sources)
    file = tmp_path / "hub" / "checkpoints" / "net-1234.pth"
    file.parent.mkdir(parents=True)
    file.touch()
    assert on_this_machine(sources)


def test_a_repository_comes_before_an_address(hub, tmp_path):
    both = {"hf_hub_id": "someone/net", "url": (tmp_path / "net.pth").as_uri()}
    assert not on_this_machine(both)
    put(hub, "someone/net", "other.npz")
    assert not on_this_machine(both)
    assert on_this_machine({**both, "hf_hub_filename": "other.npz"})


def test_octlibs_own_is_always_here(hub):
    assert list_backbones("octlib")[0].on_this_machine
