"""Shell: errors, warnings and Ctrl-C cost one line."""

from __future__ import annotations

import warnings

import pytest

from octlib.cli.console import keep
from octlib.cli.main import main
from octlib.errors import LeftOutWarning, MissingPackageError


def test_an_error_of_a_missing_package_is_no_fault(mistake, monkeypatch):
    def fail(**_):
        raise MissingPackageError("ONNX needs onnx.", "Run: pip install 'octlib[onnx]'")

    monkeypatch.setattr(main.commands["phantoms"], "callback", fail)
    assert mistake("phantoms") == "Error: ONNX needs onnx. Run: pip install 'octlib[onnx]'"


def test_warnings_for_users_cost_one_line_and_others_none(shell, monkeypatch):
    def warn(**_):
        warnings.warn(LeftOutWarning("2 copies were left out."), stacklevel=1)
        warnings.warn("the driver of the card is too old", UserWarning, stacklevel=1)
        warnings.warn("will change", FutureWarning, stacklevel=1)

    monkeypatch.setattr(main.commands["demo"], "callback", warn)
    assert shell("demo").stderr == "Warning: 2 copies were left out.\nWarning: the driver of the card is too old\n"


@pytest.mark.parametrize("kept", [None, "the checkpoint stays"])
def test_ctrl_c_says_what_stays(shell, monkeypatch, kept):
    def stop(**_):
        if kept:
            keep(kept)
        raise KeyboardInterrupt

    monkeypatch.setattr(main.commands["phantoms"], "callback", stop)
    result = shell("phantoms")
    assert result.exit_code == 130
    assert result.stderr == f"\nStopped; {kept or 'no results were written'}.\n"


@pytest.mark.parametrize(
    ("text", "said"), [("", "memory. "), ("Unable to allocate 9 TiB", "memory (Unable to allocate 9 TiB). ")]
)
def test_too_little_memory_costs_one_line(mistake, monkeypatch, text, said):
    def fail(*_, **__):
        raise MemoryError(text)

    monkeypatch.setattr("octlib.load_oct_dataset", fail)
    expected = (
        f"Error: There is not enough {said}Close other programs, or choose a smaller --batch-size or --image-size."
    )
    assert mistake("train", "scans") == expected


def test_debug_shows_where_a_mistake_came_up(shell, monkeypatch):
    def fail(**_):
        raise ValueError("wrong")

    monkeypatch.setattr(main.commands["phantoms"], "callback", fail)
    assert isinstance(shell("--debug", "phantoms").exception, ValueError)
