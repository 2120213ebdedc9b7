"""Processes: every command as a user runs it, with what goes right and the likeliest mistakes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

TINY = ["--backbone", "test_resnet", "--weights", "none", "--image-size", "48", "--epochs", "1"]


def octlib_process(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run ``python -m octlib`` in a folder, not at a terminal."""
    command = [sys.executable, "-m", "octlib", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=folder)


@pytest.fixture
def place(tmp_path, scans, flat, classifier):
    """Give a folder of the user's, with links to scans and a classifier, and something precious."""
    for name, target in (("scans", scans), ("flat", flat), ("classifier", classifier), ("run", classifier.parent)):
        (tmp_path / name).symlink_to(target, target_is_directory=True)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "precious").write_text("mine")
    (tmp_path / "taken.csv").write_text("mine")
    (tmp_path / "taken.onnx").write_text("mine")
    (tmp_path / "empty").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "keys", "left"),
    [
        (["inspect", "scans"], {"kind", "scans", "findings"}, None),
        (["inspect", "classifier"], {"kind", "backbone", "parameters"}, None),
        (["train", "scans", *TINY], {"classifier", "history", "metrics"}, "octlib-train"),
        (["evaluate", "classifier", "scans"], {"metrics"}, "octlib-evaluate"),
        (["report", "classifier", "scans"], {"metrics"}, "octlib-report.html"),
        (["explain", "classifier", "flat"], {"pictures"}, "octlib-explain"),
        (["predict", "classifier", "flat", "--flips"], {"counts", "predictions"}, "octlib-predictions.csv"),
        (["export", "classifier", "--format", "torch"], {"largest_difference"}, "octlib-classifier.pt2"),
        (["phantoms", "--patients", "2", "--size", "64"], {"scans", "patients"}, "octlib-phantoms"),
        (["backbones", "resnet1?t", "--pretrained"], {"backbones"}, None),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)
def test_done_with_one_json_document_on_standard_output(place, arguments, keys, left):
    before = {path.name for path in place.iterdir()}
    done = octlib_process(*arguments, "--json", folder=place)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert keys <= set(document)
    assert {path.name for path in place.iterdir()} - before == ({left} - {None})
    assert left is None or document["output"] == left
    assert left is None or f"Written to {left}" in done.stderr or f"written to {left}/" in done.stderr
    assert "Traceback" not in done.stderr
    assert "\r" not in done.stderr  # bars are for terminals
    assert "\x1b" not in done.stderr + done.stdout  # and so are colours


@pytest.mark.parametrize(
    ("command", "status", "message"),
    [
        ("inspect scanz", 1, "Did you mean 'scans'?"),
        ("inspect empty", 1, "must hold images"),
        ("inspect scans --layout kermani", 1, "did you mean 'kermany'"),
        ("train scanz", 1, "Did you mean 'scans'?"),
        ("train flat", 1, "two class folders or more"),
        ("train scans -o scans/run", 2, "--output must lie outside of scans"),
        ("explain classifier flat -o flat/maps", 2, "--output must lie outside of flat"),
        ("train scans -o taken", 1, "taken exists already. Choose another --output"),
        ("train scans --backbone resnt50 --weights none", 1, "did you mean 'resnet50"),
        ("train scans --class-weight balancd", 1, "did you mean 'balanced'"),
        ("train scans --epochs 0", 2, "0 is not in the range x>=1"),
        ("train scans --epoch 3", 2, "--epochs"),
        ("train scans --checkpoint taken.csv", 2, "'taken.csv' is a file"),
        ("train scans --fractions 0.5 0.4 0.3", 2, "sum to 1"),
        ("evaluate clasifier scans", 1, "No classifier at 'clasifier'"),
        ("evaluate run scans", 1, "Did you mean 'run/classifier'?"),
        ("evaluate classifier scanz", 1, "Did you mean 'scans'?"),
        ("evaluate classifier scans -o taken", 1, "taken exists already"),
        ("evaluate classifier scans --confidence 95", 2, "95.0 is not in the range 0<x<1"),
        ("evaluate classifier scans --split test", 1, "no published splits at all"),
        ("explain classifier flat --method gradcan", 1, "did you mean 'gradcam'"),
        ("explain classifier flat --target cnv", 1, "did you mean 'CNV'"),
        ("explain classifier flat -o taken", 1, "taken exists already"),
        ("explain classifier", 2, "Missing argument 'FOLDER'"),
        ("predict scans classifier", 1, "The classifier comes first, then the scans."),
        ("predict classifier empty", 1, "must hold images"),
        ("predict classifier flat -o taken.csv", 1, "taken.csv exists already"),
        ("predict classifier flat -o taken.csv/new.csv", 1, "taken.csv/new.csv can't be written"),
        ("export nowhere", 1, "No classifier at 'nowhere'"),
        ("export classifier --format onxx", 1, "did you mean 'onnx'"),
        ("export classifier -o taken.onnx", 1, "taken.onnx exists already"),
        ("phantoms --device spectralys", 1, "did you mean 'spectralis'"),
        ("phantoms --size 10", 1, "at least 64 pixels"),
        ("phantoms -o taken", 1, "taken exists already"),
        ("backbones resnt50", 1, "did you mean 'resnet50'"),
        ("backbones --pretraind", 2, "--pretrained"),
        ("backbones a b", 2, "unexpected extra argument (b)"),
        ("demo -o taken", 1, "taken exists already"),
        ("demo --seed x", 2, "'x' is not a valid integer"),
        ("demo here", 2, "unexpected extra argument (here)"),
        ("trian scans", 2, "Did you mean 'train'?"),
    ],
)
def test_a_mistake_says_what_to_do_and_leaves_nothing(place, command, status, message):
    before = {path: path.read_text() if path.is_file() else None for path in place.rglob("*")}
    done = octlib_process(*command.split(), folder=place)
    assert message in done.stderr
    assert done.returncode == status
    assert "Traceback" not in done.stderr
    if status == 1:
        assert done.stderr.splitlines()[-1].startswith("Error: ")
        assert len([line for line in done.stderr.splitlines() if not line.startswith("Warning: ")]) == 1
    assert {path: path.read_text() if path.is_file() else None for path in place.rglob("*")} == before


def test_a_mistake_with_json_writes_no_document(place):
    done = octlib_process("predict", "nowhere", "flat", "--json", folder=place)
    assert (done.returncode, done.stdout) == (1, "")


def test_a_reader_that_stops_early_costs_no_traceback(place):
    command = f"{sys.executable} -m octlib inspect scans --json | head -n 1"
    done = subprocess.run(command, check=False, shell=True, capture_output=True, text=True, cwd=place)
    assert (done.stdout, done.stderr.count("Traceback")) == ("{\n", 0)


# Says when it is at work, and goes on when a line comes in.
PAUSED = """
import signal, sys
import octlib.phantoms
from octlib.cli.main import main

write = octlib.phantoms.write_phantoms

def paused(folder, phantoms):
    write(folder, phantoms)
    print("at work", flush=True)
    if sys.stdin.readline() == "fail\\n":
        raise ValueError("failed")

octlib.phantoms.write_phantoms = paused
signal.signal(signal.SIGINT, signal.default_int_handler)
main(["phantoms", "--patients", "2", "--size", "64", *sys.argv[1:]])
"""


@pytest.fixture
def paused(tmp_path):
    """Give a function that starts ``octlib phantoms`` and returns it when it is in the middle of its work."""
    started = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", PAUSED, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
        )
        started.append(process)
        assert process.stdout.readline() == "at work\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("there", [True, False])
def test_of_two_processes_with_one_output_the_second_to_end_says_so_and_loses_nothing(tmp_path, paused, there):
    if there:
        (tmp_path / "run").mkdir()
    first, second = paused("-o", "run", "--seed", "1"), paused("-o", "run", "--seed", "2")
    _, errors = second.communicate("on\n")
    assert (second.returncode, errors) == (0, "")
    won = {name: content for name, content in contents(tmp_path / "run").items() if ".unfinished" not in name}
    _, errors = first.communicate("on\n")
    assert first.returncode == 1
    assert "run meanwhile; that stays as it is, and the results are in" in errors
    assert contents(tmp_path / "run") == won
    assert "phantoms.csv" in contents(tmp_path / "run-2")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "run-2"]


@pytest.mark.parametrize("end", ["fail", "Ctrl-C"])
def test_files_of_others_stay_when_a_command_fails(tmp_path, paused, end):
    process = paused("-o", "run")
    (tmp_path / "run" / "metrics.json").write_text("theirs")
    if end == "Ctrl-C":
        process.send_signal(signal.SIGINT)
    process.communicate("fail\n")
    assert process.returncode == (130 if end == "Ctrl-C" else 1)
    assert contents(tmp_path) == {"run/metrics.json": b"theirs"}
    assert list(tmp_path.iterdir()) == [tmp_path / "run"]


def test_names_that_are_counted_up_count_what_is_at_work(tmp_path, paused):
    one, two = paused(), paused()
    for process in (one, two):
        process.communicate("on\n")
        assert process.returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["octlib-phantoms", "octlib-phantoms-2"]


def test_the_command_of_a_killed_process_can_be_given_again(tmp_path, paused):
    process = paused("-o", "run")
    process.kill()
    process.communicate()
    again = paused("-o", "run")
    again.communicate("on\n")
    assert again.returncode == 0
    assert (tmp_path / "run" / "phantoms.csv").is_file()
