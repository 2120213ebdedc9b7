"""Configuration format: versions, and the place where an older one would be carried over."""

from __future__ import annotations

from typing import Any

import pytest

from octlib.models import config_format
from octlib.models.config_format import VERSION, carried_over, require_known, with_version


def test_todays_settings_come_back() -> None:
    settings = {"name": "x", "pooling": "flatten"}
    assert carried_over(with_version(settings)) == settings
    assert with_version(settings)["version"] == VERSION


def test_an_older_version_is_carried_over_step_by_step(monkeypatch: pytest.MonkeyPatch, build: Any) -> None:
    """Plant two older versions: first the pooling was called head, then flips stood alone."""

    def pooling(settings: dict[str, Any]) -> dict[str, Any]:
        return {"pooling": settings.pop("head"), **settings}

    def postprocessing(settings: dict[str, Any]) -> dict[str, Any]:
        return {"postprocessing": {"flips": settings.pop("flips")}, **settings}

    monkeypatch.setattr(config_format, "VERSION", 3)
    monkeypatch.setattr(config_format, "CARRY_OVER", {1: pooling, 2: postprocessing})
    wanted = build(pooling="flatten", flips=True).get_config()
    old = {name: value for name, value in wanted.items() if name not in ("pooling", "postprocessing")}
    for version, names in ((1, {"head": "flatten", "flips": True}), (2, {"pooling": "flatten", "flips": True})):
        classifier = type(build()).from_config({**old, **names, "version": version})
        assert classifier.get_config() == wanted
        assert classifier.get_config()["version"] == 3


def test_versions_that_nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=f"version {VERSION + 1} is newer than this octlib.*Upgrade octlib"):
        carried_over({"version": VERSION + 1})
    monkeypatch.setattr(config_format, "VERSION", 9)
    with pytest.raises(ValueError, match="version 7 is older than any that this octlib reads"):
        carried_over({"version": 7})
    with pytest.raises(TypeError, match="must be a whole number, got '1'"):
        carried_over({"version": "1"})


def test_strange_settings_are_named() -> None:
    require_known("a lamp", {"colour": "red"}, ("colour", "power"))
    with pytest.raises(ValueError, match="Unknown settings of a lamp: 'heat', 'sound'.*upgrade octlib"):
        require_known("a lamp", {"colour": "red", "sound": 1, "heat": 2}, ("colour", "power"))
