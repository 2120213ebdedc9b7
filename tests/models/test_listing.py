"""Listing: names by pattern, what there is of each, suggestions for misspelt ones."""

from __future__ import annotations

import pytest
import timm

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
