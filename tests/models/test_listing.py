"""Listing: names by pattern, what there is of each, suggestions for misspelt ones."""

from __future__ import annotations

import subprocess
import sys

import pytest
import timm

import octlib.models
from octlib.models import list_backbones


def names(pattern="*", **options):
    return [backbone.name for backbone in list_backbones(pattern, **options)]


def test_all_are_octlibs_own_and_then_timms():
    assert names() == ["octlib", *timm.list_models()]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("resnet1*t", ["resnet10t", "resnet14t"]),
        ("RESNET10T", ["resnet10t"]),
        ("octlib", ["octlib"]),
        ("mobilenetv2_05?", ["mobilenetv2_050"]),
        ("resnet10t.*", ["resnet10t.c3_in1k"]),
    ],
)
def test_a_pattern_has_wildcards_or_is_a_part(pattern, expected):
    assert names(pattern) == expected


def test_those_with_weights_and_those_without_are_all():
    with_weights, without = names(pretrained=True), names(pretrained=False)
    assert sorted([*with_weights, *without]) == sorted(names())
    assert with_weights[0] == "octlib"
    assert {name for name in with_weights if timm.is_model_pretrained(name)} == {*with_weights} - {"octlib"}
    assert without
    assert not any(map(timm.is_model_pretrained, without))


def test_the_size_is_the_backbones_own():
    (inception,) = (each for each in list_backbones("inception_v3") if each.name == "inception_v3")
    assert (inception.image_size, inception.pretrained) == ((299, 299), True)


def test_nothing_is_built(monkeypatch):
    monkeypatch.setattr(timm, "create_model", lambda *_, **__: pytest.fail("a model was built"))
    assert names("resnet10t") == ["resnet10t"]


@pytest.mark.parametrize(
    ("pattern", "meant"), [("resnt50", "resnet50"), ("mobilnetv2_*", "mobilenet"), ("otclib", "octlib")]
)
def test_a_pattern_that_fits_nothing_gets_a_suggestion(pattern, meant):
    with pytest.raises(ValueError, match=f"Unknown backbone '.*': did you mean '{meant}"):
        list_backbones(pattern)


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


@pytest.mark.parametrize("damage", [None, "", "{}", '{"architectures": [[1, 2]], "weights": []}', "\0"])
def test_the_kept_list_says_what_timm_says_and_is_made_anew_where_it_is_damaged(tmp_path, monkeypatch, damage):
    monkeypatch.setenv("OCTLIB_CACHE", str(tmp_path))
    if damage is not None:
        file = tmp_path / "backbones" / f"timm-{timm.__version__}.json"
        file.parent.mkdir()
        file.write_text(damage)
    assert listed("timm is needed") == "resnet10t True (176, 176)"
    assert listed() == "resnet10t True (176, 176)"  # by now without torch and Keras


def test_names_can_be_had_where_nothing_can_be_kept(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("OCTLIB_CACHE", str(tmp_path / "file"))
    assert listed("timm is needed") == "resnet10t True (176, 176)"
    assert (tmp_path / "file").read_bytes() == b""


def test_importing_models_waits_for_neither_torch_nor_keras():
    program = "import sys, octlib.models as m; m.Postprocessing; print({'torch', 'keras', 'timm'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
    assert set(octlib.models.__all__) <= set(dir(octlib.models))
