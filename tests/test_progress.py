"""Progress: when a bar is drawn, and that it changes nothing."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from octlib import _progress
from octlib._progress import progress, progress_of_bytes, wanted


@pytest.mark.parametrize("show", [True, False, None])
def test_the_items_come_through_unchanged(show, capsys):
    assert list(progress(range(5), title="five", show=show)) == [0, 1, 2, 3, 4]
    assert capsys.readouterr().out == ""


def test_a_bar_goes_to_standard_error_with_its_title_and_total(capsys):
    list(progress(iter("abc"), total=3, title="letters", show=True))
    drawn = capsys.readouterr().err
    assert "letters" in drawn
    assert "/3" in drawn


def test_no_bar_where_nobody_watches(capsys):
    list(progress(range(5), title="unseen"))
    assert capsys.readouterr().err == ""


def test_a_terminal_is_watched(monkeypatch):
    monkeypatch.setattr(sys, "stderr", SimpleNamespace(isatty=lambda: True))
    assert wanted(None)
    assert not wanted(False)


@pytest.mark.parametrize(("shell", "watched"), [("ZMQInteractiveShell", True), ("TerminalInteractiveShell", False)])
def test_a_notebook_is_watched(monkeypatch, shell, watched):
    ipython = SimpleNamespace(get_ipython=type(shell, (), {}))
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setattr(sys, "stderr", SimpleNamespace(isatty=lambda: False))
    assert wanted(None) is watched


def test_bytes_are_counted_from_where_they_go_on(monkeypatch, capsys):
    monkeypatch.setattr(_progress, "wanted", lambda show: True)
    monkeypatch.setattr(_progress, "PATIENCE", 0)
    assert list(progress_of_bytes([b"ab", b"c"], done=2, total=5, title="scans.npz")) == [b"ab", b"c"]
    drawn = capsys.readouterr().err
    assert "scans.npz" in drawn
    assert "2.00/5.00" in drawn
