"""Options: classifiers are looked for before anything heavy is imported."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from octlib.cli.options import is_classifier, require_classifier


def test_a_classifier_is_a_folder_or_a_keras_file(classifier, scans, tmp_path):
    assert is_classifier(classifier)
    assert not is_classifier(scans)
    assert not is_classifier(tmp_path / "classifier.keras")
    (tmp_path / "classifier.keras").touch()
    assert is_classifier(tmp_path / "classifier.keras")


def test_the_output_of_training_is_recognised(run):
    with pytest.raises(FileNotFoundError, match="Did you mean '.*/run/classifier'"):
        require_classifier(run)


@pytest.mark.parametrize("foreign", [b"{}", b'{"model_type": "vit"}', b"", b"\xff"])
def test_a_config_of_something_else_makes_no_classifier(shell, mistake, flat, tmp_path, foreign):
    folder = shutil.copytree(flat, tmp_path / "scans")
    (folder / "config.json").write_bytes(foreign)
    assert shell("inspect", folder).exit_code == 0
    assert "a folder that octlib saved is needed" in mistake("predict", folder, flat)


def test_a_damaged_classifier_is_still_taken_for_one(mistake, classifier, tmp_path):
    folder = shutil.copytree(classifier, tmp_path / "classifier")
    (folder / "config.json").write_bytes(b'{"format": ')
    assert "config.json is not the configuration of an octlib classifier" in mistake("inspect", folder)
    shutil.copyfile(classifier / "config.json", folder / "config.json")
    (folder / "model.safetensors").unlink()
    assert "model.safetensors" in mistake("inspect", folder)


def test_arguments_in_the_wrong_order_are_recognised(classifier, scans):
    require_classifier(classifier, scans)
    with pytest.raises(FileNotFoundError, match="The classifier comes first"):
        require_classifier(scans, classifier)


@pytest.mark.parametrize(
    "command",
    [
        "evaluate nowhere .",
        "explain nowhere .",
        "predict nowhere .",
        "export nowhere",
        "train nowhere",
        "inspect nowhere",
    ],
)
def test_a_wrong_path_costs_no_import_of_a_network(tmp_path, command):
    code = (
        "import sys\n"
        "from octlib.cli.main import main\n"
        "try:\n"
        "    main(sys.argv[1:])\n"
        "finally:\n"
        "    print(*sorted({'torch', 'keras', 'timm', 'pandas', 'matplotlib'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *command.split()], check=False, capture_output=True, text=True, cwd=tmp_path
    )
    assert (done.returncode, done.stdout) == (1, "\n")
    assert done.stderr.startswith("Error: ")
    assert list(tmp_path.iterdir()) == []
