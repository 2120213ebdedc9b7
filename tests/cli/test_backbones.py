"""Backbones: the list, its columns, and what is said where nothing fits."""

from __future__ import annotations

import json

import timm


def test_the_columns_are_name_weights_and_size(shell):
    result = shell("backbones", "resnet1?t")
    assert result.exit_code == 0, result.output
    assert [line.split("  ") for line in result.stdout.splitlines()] == [
        ["resnet10t", "pretrained", "176 x 176"],
        ["resnet14t", "pretrained", "176 x 176"],
    ]


def test_all_of_them_begin_with_octlibs_own(shell):
    document = json.loads(shell("backbones", "--json").stdout)
    assert [each["name"] for each in document["backbones"]] == ["octlib", *timm.list_models()]
    assert document["backbones"][0] == {"name": "octlib", "pretrained": True, "image_size": [224, 224]}


def test_those_without_weights_are_left_out_on_request(shell):
    document = json.loads(shell("backbones", "coatnet*", "--pretrained", "--json").stdout)
    assert {each["pretrained"] for each in document["backbones"]} == {True}
    everything = json.loads(shell("backbones", "coatnet*", "--json").stdout)["backbones"]
    assert [each for each in everything if each["pretrained"]] == document["backbones"] != everything


def test_a_pattern_that_fits_none_is_a_mistake(mistake):
    assert "did you mean 'resnet50'" in mistake("backbones", "resnt50")
    assert "has weights. Leave --pretrained out" in mistake("backbones", "coatnet_0_224", "--pretrained")
