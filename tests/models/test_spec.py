"""Backbone specification: a value that survives JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octlib.models.spec import BackboneSpec

sizes = st.integers(1, 2000)
channels = st.tuples(*[st.floats(0, 1)] * 3)


@given(
    st.builds(
        BackboneSpec,
        architecture=st.text(),
        model_args=st.dictionaries(st.text(), st.booleans() | st.integers() | st.text()),
        image_size=st.tuples(sizes, sizes),
        mean=channels,
        std=channels,
        classifier=st.text(),
        origin=st.text(),
        fixed_batchnorm=st.booleans(),
    )
)
def test_it_survives_json(spec: BackboneSpec) -> None:
    assert BackboneSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


@pytest.mark.parametrize("change", [{"std": None}, {"stdd": (1, 1, 1)}])
def test_fields_that_are_missing_or_unknown_are_named(change: dict[str, Any]) -> None:
    spec = BackboneSpec("resnet50", {}, (100, 100), (0.5,) * 3, (0.5,) * 3, "fc", "random", False)
    values = {key: value for key, value in {**spec.to_dict(), **change}.items() if value is not None}
    with pytest.raises(ValueError, match="needs the fields .*'std'.*another version of octlib"):
        BackboneSpec.from_dict(values)
