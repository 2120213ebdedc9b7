"""Advice: each class of errors and warnings has its own, in options that the command has."""

from __future__ import annotations

import re
import warnings

import pytest

from octlib import errors
from octlib.cli.advice import advice_for, in_shell_words
from octlib.cli.main import main

KINDS = {name: getattr(errors, name) for name in errors.__all__}
# Their advice names nothing of Python's, so that the shell shows it as it is.
ADVICE_OF_THE_LIBRARY = {
    "ConfigWarning",
    "LayoutWarning",
    "DownloadError",
    "DuplicateWarning",
    "KeptWarning",
    "LeftOutWarning",
    "MissingPackageError",
    "OctlibError",
    "OctlibWarning",
    "UndefinedMetricWarning",
    "UnsupportedNetworkError",
}
# Where a class can come up, and a part of what has to be said there.
CASES = [
    ("train", "UnreadableScanError", "leave them out with --on-error skip"),
    ("predict", "MissingScanError", "leave them out with --on-error skip"),
    ("export", "UnreadableScanError", "Replace them by intact 8- or 16-bit images."),
    ("inspect", "LayoutError", "--layout flat takes all images without labels"),
    ("train", "TableError", "or name its columns, as in --columns patient=subject."),
    ("evaluate", "LayoutError", "--split takes a published split"),
    ("train", "SplitError", "Choose other --fractions"),
    ("evaluate", "UnmatchedClassesError", "Name the folders as the classifier names its classes"),
    ("predict", "LevelError", "Choose another --level"),
    ("train", "WeightsError", "--weights takes pretrained, none,"),
    ("train", "ImageSizeError", "Choose another --image-size"),
    ("train", "MissingWeightsError", "--weights takes pretrained, none,"),
    ("train", "HubError", "choose --weights none for random ones"),
    ("train", "CheckpointError", "--resume goes on with the run"),
    ("train", "AugmentationError", "Add --no-freeze"),
    ("evaluate", "NoRoomError", "--cache float16, or hold them in memory by --cache off"),
    ("demo", "NoRoomError", "Let OCTLIB_CACHE name a folder on a larger disk."),
    ("inspect", "LeakageWarning", "octlib train divides all scans anew, and keeps each patient in one part."),
    ("train", "SplitWarning", "Choose other --fractions"),
    ("evaluate", "UnknownPatientsWarning", "off others --patients REGEX reads them, as in --patients"),
    ("calibrate", "CalibrationError", "Give scans of more patients, or a lower --coverage."),
    ("calibrate", "CalibrationWarning", "Calibrate on scans of more patients, or use the classifier as it was."),
    ("predict", "FamiliarityError", "Train with octlib train --familiarity"),
    ("predict", "CacheWarning", "switch this off by --cache off"),
    ("train", "TrainingWarning", "Train it in epochs instead: --epochs 20."),
    ("explain", "ExplanationError", "Name one with --backbone, or leave --layer out"),
    ("explain", "ConstantMapWarning", "Another --method, --target or --layer"),
]


def test_every_class_has_advice_of_the_shell_or_is_known_to_need_none():
    commands = main.commands.values()
    without = {name for name, kind in KINDS.items() if not any(advice_for(kind, command) for command in commands)}
    assert without == ADVICE_OF_THE_LIBRARY
    assert {name for _, name, _ in CASES} == set(KINDS) - without


@pytest.mark.parametrize("command", main.commands)
@pytest.mark.parametrize("kind", KINDS)
def test_advice_names_only_options_that_the_command_has(command, kind):
    there = {
        option for parameter in main.commands[command].params for option in (*parameter.opts, *parameter.secondary_opts)
    }
    assert set(re.findall(r"--[a-z-]+", advice_for(KINDS[kind], main.commands[command]))) <= there


@pytest.mark.parametrize("command", main.commands)
@pytest.mark.parametrize("kind", KINDS)
def test_advice_is_a_sentence(command, kind):
    advice = advice_for(KINDS[kind], main.commands[command])
    assert re.fullmatch(r"(([A-Z]|--|octlib ).*[^.,; ]\.)?", advice), advice


@pytest.mark.parametrize(("command", "kind", "expected"), CASES)
def test_the_shell_gives_its_own_advice_after_the_problem(shell, monkeypatch, command, kind, expected):
    def meet(**_):
        said = KINDS[kind]("What came is wrong.", "Call dataset.mend(argument='value').")
        if isinstance(said, errors.OctlibError):
            raise said
        warnings.warn(said, stacklevel=1)

    monkeypatch.setattr(main.commands[command], "callback", meet)
    places = [parameter for parameter in main.commands[command].params if parameter.param_type_name == "argument"]
    line = shell(command, *(parameter.name for parameter in places)).stderr
    assert line.startswith(("Error: What came is wrong. ", "Warning: What came is wrong. "))
    assert expected in line
    assert "dataset" not in line


@pytest.mark.parametrize("kind", sorted(ADVICE_OF_THE_LIBRARY))
def test_other_advice_is_shown_as_it_is(kind):
    said = KINDS[kind]("ONNX needs onnx.", "Run: pip install 'octlib[onnx]'")
    assert in_shell_words(said, main.commands["export"]) == "ONNX needs onnx. Run: pip install 'octlib[onnx]'"


def test_other_errors_are_shown_as_they_are_in_one_line():
    error = ValueError("cache=True is required,\ngot --weights.")
    assert in_shell_words(error, main.commands["train"]) == "cache=True is required, got --weights."
