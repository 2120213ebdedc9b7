"""Backbones: the list, its columns, and what is said where nothing fits."""

from __future__ import annotations

import json
import re

import pytest
import timm


@pytest.fixture(autouse=True)
def _no_weights(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))


def test_the_columns_stand_below_their_titles(shell):
    result = shell("backbones", "resnet1?t")
    assert result.exit_code == 0, result.output
    assert [re.split(r" {2,}", line) for line in result.stdout.splitlines()] == [
        ["name", "parameters", "image size", "weights", "licence"],
        ["resnet10t", "4.9 M", "176 x 176", "to download", "apache-2.0"],
        ["resnet14t", "8.0 M", "176 x 176", "to download", "apache-2.0"],
    ]


def test_all_rows_are_shown(shell):
    names = [line.split()[0] for line in shell("backbones").stdout.splitlines()]
    assert names == ["name", "octlib", *timm.list_models()]


def test_all_of_them_begin_with_octlibs_own(shell):
    document = json.loads(shell("backbones", "--json").stdout)
    assert [each["name"] for each in document["backbones"]] == ["octlib", *timm.list_models()]
    own = document["backbones"][0]
    assert own.pop("parameters") > 0
    assert own == {
        "name": "octlib",
        "pretrained": True,
        "image_size": [224, 224],
        "license": "apache-2.0",
        "on_this_machine": True,
    }


def test_those_without_weights_are_left_out_on_request(shell):
    document = json.loads(shell("backbones", "coatnet*", "--pretrained", "--json").stdout)
    assert {each["pretrained"] for each in document["backbones"]} == {True}
    everything = json.loads(shell("backbones", "coatnet*", "--json").stdout)["backbones"]
    assert [each for each in everything if each["pretrained"]] == document["backbones"] != everything


def test_a_pattern_that_fits_none_is_a_mistake(mistake):
    assert "did you mean 'resnet50'" in mistake("backbones", "resnt50")
    assert "has weights. Leave --pretrained out" in mistake("backbones", "coatnet_0_224", "--pretrained")
