"""Main: help, version, mistakes, warnings, Ctrl-C."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from importlib.metadata import version

import click
import pytest

from octlib.cli.main import main

HEAVY = {"IPython", "PIL", "keras", "matplotlib", "numpy", "pandas", "scipy", "sklearn", "timm", "torch"}
COMMANDS = (
    "inspect", "train", "calibrate", "evaluate", "compare", "explain", "predict", "report", "export", "phantoms",
    "backbones", "cache", "demo",
)  # fmt: skip


def test_help_lists_every_command_with_a_sentence(shell):
    result = shell("--help")
    assert result.exit_code == 0
    places = [result.output.index(f"\n  {name} ") for name in COMMANDS]
    assert places == sorted(places)  # as they are used, not by the alphabet
    assert set(main.commands) == set(COMMANDS)
    assert "not a medical device" in " ".join(result.output.split())


@pytest.mark.parametrize("name", sorted(main.commands))
def test_help_of_a_command_explains_every_option_and_its_default(shell, name):
    text = " ".join(shell(name, "-h").output.split())
    for option in main.commands[name].params:
        if isinstance(option, click.Option):
            assert option.help, option.name
            assert max(option.opts, key=len) in text
            section = text.partition(option.opts[0])[2]
            is_switch = option.is_flag and not option.secondary_opts
            assert is_switch or "[default: " in section, f"{option.name} has no default in the help"
            if isinstance(option.default, str | int | float) and not is_switch and option.name != "freeze":
                assert f"[default: {option.default}" in text


def test_version(shell):
    assert shell("--version").output == f"octlib, version {version('octlib')}\n"


def test_help_of_the_module_loads_nothing_heavy():
    # The module's own process: what it has imported by then is reported after the help.
    code = (
        "import atexit, json, runpy, sys\n"
        "atexit.register(lambda: print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules}))))\n"
        "sys.argv = ['octlib', '--help']\n"
        "runpy.run_module('octlib', run_name='__main__', alter_sys=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage: ")
    assert not set(json.loads(done.stdout.splitlines()[-1])) & HEAVY


def test_a_misspelt_command_is_recognised(shell):
    result = shell("trian")
    assert result.exit_code == 2
    assert "Did you mean 'train'?" in result.stderr


def test_a_mistake_costs_one_line(mistake, tmp_path):
    assert str(tmp_path / "nowhere") in mistake("train", tmp_path / "nowhere", "--output", tmp_path / "run")


def test_debug_shows_the_traceback(shell, tmp_path):
    result = shell("--debug", "train", tmp_path / "nowhere", "--output", tmp_path / "run")
    # Click's runner hands over what a process would print.
    assert isinstance(result.exception, FileNotFoundError)
    assert result.exit_code != 0


def test_a_fault_of_octlib_itself_keeps_its_traceback(shell, monkeypatch):
    def fail():
        raise RuntimeError("unforeseen")

    monkeypatch.setattr(main.commands["demo"], "callback", lambda **_: fail())
    assert isinstance(shell("demo").exception, RuntimeError)


def interrupted(process):
    """Press Ctrl-C until a process ends, and return what it wrote to stderr."""
    # Python drops a KeyboardInterrupt that comes while it deletes an object: then a user presses again.
    for _ in range(4):
        process.send_signal(signal.SIGINT)
        try:
            return process.communicate(timeout=20)[1]
        except subprocess.TimeoutExpired:
            continue
    pytest.fail("Ctrl-C doesn't end it")


def test_ctrl_c_while_training_leaves_neither_traceback_nor_folder(scans, training, tmp_path):
    # A process that was started in the background may have been told to ignore Ctrl-C.
    code = (
        "import signal, sys, octlib\n"
        "from octlib.cli.main import main\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "fit = octlib.fit\n"
        "octlib.fit = lambda *args, **named: (print('fitting', flush=True), fit(*args, **named))[1]\n"
        "main(sys.argv[1:])\n"
    )
    options = [*training[:-1], "1000000"]
    process = subprocess.Popen(
        [sys.executable, "-c", code, "train", str(scans), "--output", str(tmp_path / "run"), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert "fitting\n" in iter(process.stdout.readline, "")
        assert list((tmp_path / "run").iterdir()) == []
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(2)
        errors = interrupted(process)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 130
    assert errors.strip().splitlines()[-1] == "Stopped; no results were written."
    assert "Traceback" not in errors
    assert list(tmp_path.iterdir()) == []
