"""Tracing: an architecture is traced once, and one that differs by anything isn't taken for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import timm

from octlib.models import tracing
from octlib.models.lora import Lora
from octlib.models.networks import random_module
from octlib.models.spec import BackboneSpec
from octlib.models.torch_modules import TimmFeatures


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> list[TimmFeatures]:
    """Give the list of what was traced, where nothing is kept yet."""
    monkeypatch.setattr(tracing, "_kept", {})
    done: list[TimmFeatures] = []

    def trace(features: TimmFeatures) -> Any:
        done.append(features)
        return len(done), 0

    monkeypatch.setattr(tracing, "trace_features", trace)
    return done


@pytest.fixture
def spec(build: Callable[..., Any]) -> BackboneSpec:
    return build("test_vit").backbone.spec


def graph_of(spec: BackboneSpec, pooling: str = "average", size: int = 64) -> Any:
    features = TimmFeatures(random_module(spec), spec, pooling, (size, size))
    return tracing.trace_architecture(spec, features)[0]


def test_an_architecture_is_traced_once(traced: list[TimmFeatures], spec: BackboneSpec) -> None:
    assert graph_of(spec) == graph_of(replace(spec)) == 1
    assert len(traced) == 1


def test_what_differs_is_traced_by_itself(traced: list[TimmFeatures], spec: BackboneSpec) -> None:
    layers = ("blocks.0.attn.qkv",)
    specs = [
        replace(spec, model_args={**spec.model_args, "depth": 2}),
        replace(spec, lora=Lora(2, layers)),
        replace(spec, lora=Lora(4, layers)),
        replace(spec, inner_size=(48, 48), model_args={**spec.model_args, "img_size": [48, 48]}),
    ]
    graphs = [graph_of(spec), *map(graph_of, specs), graph_of(spec, "flatten"), graph_of(spec, size=96)]
    assert graphs == list(range(1, 8))
    assert len(traced) == 7


def test_another_architecture_of_the_same_name_is_traced_by_itself(
    traced: list[TimmFeatures], spec: BackboneSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert graph_of(spec) == 1
    entrypoint = timm.model_entrypoint(spec.architecture)
    monkeypatch.setitem(timm.models._registry._model_entrypoints, spec.architecture, partial(entrypoint))
    assert graph_of(spec) == 2


def test_a_limited_number_is_kept(
    traced: list[TimmFeatures], spec: BackboneSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracing, "KEPT", 2)
    assert [graph_of(spec, size=size) for size in (64, 80, 96)] == [1, 2, 3]
    assert [graph_of(spec, size=size) for size in (96, 80, 64)] == [3, 2, 4]
    assert len(traced) == 4
