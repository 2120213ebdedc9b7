"""Speaking: one document on standard output, everything else beside it, colours where they are wanted."""

from __future__ import annotations

import json

import click
import pytest
from click.testing import CliRunner

from octlib.cli.console import answer, say, warn
from octlib.cli.options import json_option


@click.command()
@json_option
def talk():
    say("for people")
    warn("careful")
    answer({"paths": [click.get_app_dir("x")], "value": 1.5, "none": None})


def test_without_json_text_is_on_standard_output():
    result = CliRunner().invoke(talk)
    assert (result.stdout, result.stderr) == ("for people\n", "Warning: careful\n")


def test_with_json_the_document_is_all_there_is():
    result = CliRunner().invoke(talk, ["--json"])
    assert json.loads(result.stdout)["value"] == 1.5
    assert result.stderr == "for people\nWarning: careful\n"


def test_what_json_cannot_hold_is_no_document():
    @click.command()
    @json_option
    def fail():
        answer({"value": float("nan")})

    assert isinstance(CliRunner().invoke(fail, ["--json"]).exception, ValueError)


@pytest.mark.parametrize(("variable", "coloured"), [(None, True), ("", True), ("1", False)])
def test_no_color_is_obeyed_at_a_terminal(monkeypatch, capfd, variable, coloured):
    monkeypatch.setattr("click.utils.should_strip_ansi", lambda stream=None, color=None: color is False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    if variable is not None:
        monkeypatch.setenv("NO_COLOR", variable)
    warn("careful")
    assert ("\x1b[" in capfd.readouterr().err) is coloured
