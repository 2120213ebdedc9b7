"""Backbone specification: a value that survives JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octlib.errors import WeightsError
from octlib.models.spec import BackboneSpec

channels = st.tuples(*[st.floats(0, 1)] * 3)


@given(
    st.builds(
        BackboneSpec,
        architecture=st.sampled_from(["resnet50", "test_vit"]),
        model_args=st.dictionaries(
            st.sampled_from(["depth", "img_size", "qkv_bias"]), st.booleans() | st.integers() | st.lists(st.integers())
        ),
        mean=channels,
        std=channels,
        classifier=st.text(),
        origin=st.text(),
        fixed_batchnorm=st.booleans(),
    )
)
def test_it_survives_json(spec: BackboneSpec) -> None:
    assert BackboneSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


VALUES = BackboneSpec("resnet50", (0.5,) * 3, (0.5,) * 3, "fc").to_dict()


def test_a_field_that_is_missing_gets_its_default() -> None:
    fewer = {name: VALUES[name] for name in ("architecture", "mean", "std", "classifier")}
    assert BackboneSpec.from_dict(fewer) == BackboneSpec.from_dict(VALUES)
    with pytest.raises(KeyError, match="std"):
        BackboneSpec.from_dict({name: fewer[name] for name in ("architecture", "mean", "classifier")})


def test_a_field_that_nobody_knows_is_named() -> None:
    with pytest.raises(ValueError, match="Unknown settings of a backbone: 'stdd'.*upgrade octlib"):
        BackboneSpec.from_dict({**VALUES, "stdd": (1, 1, 1)})


@pytest.mark.parametrize("change", [{"architecture": "local-dir:/tmp"}, {"model_args": {"checkpoint_path": "x"}}])
def test_no_specification_says_more_than_it_may(change: dict[str, Any]) -> None:
    with pytest.raises(WeightsError):
        BackboneSpec.from_dict({**VALUES, **change})
