"""Joined specification: several backbones, there and back through JSON."""

from __future__ import annotations

import json

import pytest

from octlib.models.joined_spec import JoinedSpec, as_spec
from octlib.models.spec import BackboneSpec

ONE = BackboneSpec("resnet18", (0.5,) * 3, (0.2,) * 3, "fc", inner_size=(48, 64), origin="here")
OTHER = BackboneSpec("test_vit", (0.4,) * 3, (0.3,) * 3, "head", {"img_size": (64, 64)})


@pytest.mark.parametrize("spec", [ONE, JoinedSpec((ONE, OTHER))])
def test_it_comes_back_from_json(spec: BackboneSpec | JoinedSpec) -> None:
    again = as_spec(json.loads(json.dumps(spec.to_dict())))
    assert json.dumps(again.to_dict()) == json.dumps(spec.to_dict())
    assert type(again) is type(spec)


def test_names_tell_equal_architectures_apart() -> None:
    assert JoinedSpec((ONE, OTHER, ONE, ONE)).names == ("resnet18", "test_vit", "resnet18_2", "resnet18_3")


@pytest.mark.parametrize(
    "wrong", [{"members": []}, {"members": [ONE.to_dict()]}, {"members": [ONE.to_dict()] * 2, "file": "x"}]
)
def test_what_is_no_specification_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="two or more|file"):
        as_spec(wrong)
