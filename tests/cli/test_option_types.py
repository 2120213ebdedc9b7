"""Values: the names that the shell knows by heart are those of the library; sizes; completion."""

from __future__ import annotations

import os
import subprocess
import sys

import click
import pytest
import timm

from octlib.cli import option_types
from octlib.cli.main import main
from octlib.cli.option_types import Columns, NamedPath, OneOf, Size, Steps, complete_backbones, timm_names


def test_the_names_are_those_of_the_library():
    from octlib.data import layouts
    from octlib.evaluation.levels import LEVELS
    from octlib.explanation import METHODS
    from octlib.models.arguments import POOLINGS
    from octlib.models.exporting import FORMATS
    from octlib.phantoms import DEVICES
    from octlib.preprocessing import STEPS
    from octlib.preprocessing.resizing import POLICIES

    assert tuple(METHODS) == option_types.METHODS
    assert tuple(DEVICES) == option_types.DEVICES
    assert POOLINGS == option_types.POOLINGS
    assert tuple(LEVELS) == option_types.LEVELS
    assert layouts() == option_types.LAYOUTS
    assert tuple(STEPS) == option_types.STEPS
    assert POLICIES == option_types.POLICIES
    assert FORMATS == option_types.FORMATS


def test_a_misspelt_name_is_recognised():
    with pytest.raises(ValueError, match="Unknown pooling 'avrage': did you mean 'average'"):
        OneOf("pooling", option_types.POOLINGS).convert("avrage", None, None)


def test_an_empty_path_is_not_the_working_directory():
    assert NamedPath().convert(".", None, None) == "."
    with pytest.raises(click.BadParameter, match="got an empty text. Write . for the working directory"):
        NamedPath().convert("", None, None)


@pytest.mark.parametrize(("text", "size"), [("224", 224), ("496x512", (496, 512)), ("496X512", (496, 512))])
def test_a_size_is_a_number_or_two(text, size):
    assert Size().convert(text, None, None) == size


@pytest.mark.parametrize("text", ["0", "-3", "1.5", "496x", "496x0", "x512", "496*512", "big", "1x2x3"])
def test_anything_else_is_no_size(text):
    with pytest.raises(click.BadParameter, match="is no size in pixels"):
        Size().convert(text, None, None)


def test_steps_are_joined_by_commas():
    assert Steps().convert("blank_wedges, crop_retina", None, None) == ("blank_wedges", "crop_retina")
    assert Steps().convert("None", None, None) == ()
    with pytest.raises(ValueError, match="Unknown preprocessing step 'crop_retna': did you mean 'crop_retina'"):
        Steps().convert("blank_wedges,crop_retna", None, None)


def test_the_names_in_timms_sources_are_timms():
    # Other tests may have registered networks of their own.
    own = {name for name in timm.list_models() if timm.model_entrypoint(name).__module__.startswith("timm.")}
    assert set(timm_names()) == own


def test_backbones_are_completed(shell):
    command = main.commands["train"]
    found = complete_backbones(click.Context(command), command.params[0], "resnet1")
    assert [item.value for item in found][:2] == ["resnet101", "resnet101_clip"]
    assert [item.value for item in complete_backbones(click.Context(command), command.params[0], "oct")] == ["octlib"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("octlib exp", {"explain", "export"}),
        ("octlib explain --method grad", {"gradcam", "gradcam++"}),
        ("octlib phantoms --device c", {"cirrus"}),
        ("octlib export x --format t", {"torch"}),
        (
            "octlib train x --backbone mobilenetv4_conv_small_0",
            {"mobilenetv4_conv_small_035", "mobilenetv4_conv_small_050"},
        ),
        ("octlib backbones octl", {"octlib"}),
    ],
)
def test_a_shell_completes_and_loads_nothing_heavy(words, expected):
    code = (
        "import sys\n"
        "from octlib.cli.main import main\n"
        "try:\n"
        "    main(prog_name='octlib')\n"
        "finally:\n"
        "    heavy = {'torch', 'numpy', 'keras', 'timm'} & set(sys.modules)\n"
        "    assert not heavy, heavy\n"
    )
    variables = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1), "_OCTLIB_COMPLETE": "bash_complete"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ, **variables}
    )
    assert {line.partition(",")[2] for line in done.stdout.splitlines()} == expected


def test_columns_of_a_table_are_named():
    assert Columns().convert("label=grade, patient=who", None, None) == {"label": "grade", "patient": "who"}
    for wrong in ("label", "label=", "=grade", "label=grade,"):
        with pytest.raises(click.BadParameter, match="write NAME=COLUMN"):
            Columns().convert(wrong, None, None)
