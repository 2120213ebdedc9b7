"""Catalogue: what timm knows, kept on disk, so that names can be had without waiting for torch."""

from __future__ import annotations

import subprocess
import sys

import pytest
import timm

import octlib
import octlib.models
from octlib.models.catalogue import FORM, catalogue

LIST_WITHOUT_TIMM = """
import sys
import octlib.models
found = octlib.models.list_backbones("resnet10t*")
assert not {"torch", "keras"} & set(sys.modules) or sys.argv[1:], sorted(sys.modules)
print(*(f"{each.name} {each.pretrained} {each.image_size}" for each in found))
"""


def listed(*arguments):
    """List in a process of its own, which has not imported timm."""
    command = [sys.executable, "-c", LIST_WITHOUT_TIMM, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip()


DAMAGED = [
    "",
    "[]",
    '{"architectures": [[1, 2]], "weights": []}',
    '{"architectures": [["resnet10t", true, [176, 176]]], "weights": []}',  # in a form of former days
    '{"architectures": [["resnet10t", [176, 176], null, [1]]], "weights": []}',
]


@pytest.mark.parametrize("damage", [None, *DAMAGED])
def test_the_kept_list_says_what_timm_says_and_is_made_anew_where_it_is_damaged(tmp_path, monkeypatch, damage):
    monkeypatch.setenv("OCTLIB_CACHE", str(tmp_path))
    if damage is not None:
        file = tmp_path / "backbones" / f"timm-{timm.__version__}-{FORM}.json"
        file.parent.mkdir()
        file.write_text(damage)
    assert listed("timm is needed") == "resnet10t True (176, 176)"
    assert listed() == "resnet10t True (176, 176)"  # by now without torch and Keras


def test_a_list_of_former_days_goes(tmp_path, monkeypatch):
    monkeypatch.setenv("OCTLIB_CACHE", str(tmp_path))
    former = tmp_path / "backbones" / f"timm-{timm.__version__}.json"
    former.parent.mkdir()
    former.write_text('{"architectures": [["resnet10t", false, [1, 1]]], "weights": []}')
    assert listed("timm is needed") == "resnet10t True (176, 176)"
    assert [file.name for file in former.parent.iterdir()] == [f"timm-{timm.__version__}-{FORM}.json"]


def test_names_can_be_had_where_nothing_can_be_kept(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("OCTLIB_CACHE", str(tmp_path / "file"))
    assert listed("timm is needed") == "resnet10t True (176, 176)"
    assert (tmp_path / "file").read_bytes() == b""


def test_a_model_that_a_program_has_registered_needs_no_configuration():
    name = "my_network_without_configuration"

    def network(pretrained=False, **kwargs):
        return timm.create_model("test_resnet", **kwargs)

    network.__name__ = name
    network.__module__ = __name__
    timm.models.register_model(network)
    (entry,) = (each for each in catalogue() if each[0] == name)
    assert entry == (name, (224, 224), None, {})
    (row,) = octlib.models.list_backbones(name)
    assert (row.pretrained, row.parameters, row.on_this_machine) == (False, None, False)
    assert octlib.build_classifier(name, weights=None, image_size=64).backbone_name == name


def test_an_architecture_that_a_program_has_registered_is_there(monkeypatch):
    known = timm.list_models()
    monkeypatch.setattr(timm, "list_models", lambda: ["resnet10t", *known[-1:]])
    assert [name for name, *_ in catalogue()] == ["octlib", "resnet10t", known[-1]]
