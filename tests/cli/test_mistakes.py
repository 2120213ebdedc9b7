"""Mistakes: Python's words in the shell's, and the line that Ctrl-C leaves."""

from __future__ import annotations

import pytest

from octlib.cli.main import main
from octlib.cli.mistakes import in_shell_words
from octlib.cli.speaking import keep


@pytest.mark.parametrize(
    ("python", "shell"),
    [
        ("or weights=None for random weights", "or --weights none for random weights"),
        ("weights=PATH with a file", "--weights PATH with a file"),
        ("load the scans with on_error='skip', which", "load the scans with --on-error skip, which"),
        ("Go on with it by resume=True, or", "Go on with it by --resume, or"),
        ("Load one of train, val with split=.", "Load one of train, val with --split."),
        ("got 9. None unfreezes all.", "got 9. --no-freeze unfreezes all."),
        ("or None for random ones.", "or none for random ones."),
        ("halve them by cache='float16', or", "halve them by --cache float16, or"),
        ("or leave the class out with subset.", "or move the class out of the folder."),
        ("two\nlines", "two lines"),
    ],
)
def test_advice_is_translated(python, shell):
    assert in_shell_words(python) == shell


def test_a_leak_is_told_in_the_words_of_the_shell(shell, scans, tmp_path):
    for part in ("train", "test"):
        (tmp_path / part / "CNV").mkdir(parents=True)
        (tmp_path / part / "CNV" / "CNV-1-1.png").write_bytes((scans / "CNV" / "CNV-0001-1.png").read_bytes())
    text = shell("inspect", tmp_path).stderr
    assert "octlib train, which keeps each patient in one part" in text
    assert "dataset" not in text


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


def test_debug_shows_where_a_mistake_came_up(shell, monkeypatch):
    def fail(**_):
        raise ValueError("wrong")

    monkeypatch.setattr(main.commands["phantoms"], "callback", fail)
    assert isinstance(shell("--debug", "phantoms").exception, ValueError)
