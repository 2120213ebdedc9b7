"""Cache: what is kept is shown, verified and cleared, and nothing of anybody else's is touched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from octlib.cli.main import main
from octlib.features import cache_folder


@pytest.fixture
def kept(shell, classifier: Path, flat: Path, tmp_path: Path) -> Path:
    """Keep the features of three scans by a command; give the one file that holds them."""
    result = shell("predict", classifier, flat, "-o", tmp_path / "predictions.csv")
    assert result.exit_code == 0, result.output
    (file,) = cache_folder().rglob("*.features")
    return file


def document(result):
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_show_says_what_is_kept_and_where(shell, kept, monkeypatch):
    monkeypatch.setenv("OCTLIB_CACHE_LIMIT", "20 GB")
    found = document(shell("cache", "show", "--json"))
    assert (found["folder"], found["bytes"], found["limit"]) == (
        str(cache_folder()),
        kept.stat().st_size,
        20 * 10**9,
    )
    (entry,) = found["backbones"]
    assert entry.keys() == {"name", "backbone", "rows", "bytes", "last_used"}
    assert (entry["name"], entry["backbone"], entry["rows"]) == (kept.parent.name, "test_resnet", 3)
    lines = shell("cache", "show").stdout.splitlines()
    assert lines[0].split()[2:4] == ["3", "scans"]
    assert lines[0].endswith(kept.parent.name)
    assert lines[1] == f"0.0 MB of at most 20,000.0 MB in {cache_folder()}"


def test_nothing_kept_is_no_error(shell):
    for command in ("show", "verify", "clear"):
        result = shell("cache", command)
        assert result.exit_code == 0, result.output
    assert not cache_folder().exists()


def test_verify_finds_damage_and_removes_it_on_request(shell, kept):
    assert document(shell("cache", "verify", "--json")) == {
        "files": 1,
        "sound_rows": 3,
        "damaged": [],
        "removed": False,
    }
    with kept.open("rb+") as file:
        file.seek(-1, 2)
        file.write(b"\x77")
    result = shell("cache", "verify")
    assert f"{kept}: 1 of 3 rows damaged" in result.stdout
    assert "--remove removes them." in result.stdout
    assert kept.exists()
    assert document(shell("cache", "verify", "--remove", "--json")) == {
        "files": 1,
        "sound_rows": 2,
        "damaged": [{"path": str(kept), "rows": 3, "damaged": 1}],
        "removed": True,
    }
    assert not kept.exists()


def test_clear_asks_first(kept):
    for typed, status in (("n\n", 1), ("", 2), ("y\n", 0)):
        result = CliRunner().invoke(main, ["cache", "clear"], input=typed)
        assert "Remove 0.0 MB of features in" in result.stderr
        assert result.exit_code == status
        assert ("--yes removes them without asking" in result.stderr) == (status == 2)
        assert kept.exists() == (status != 0)


def test_clear_leaves_files_of_others(shell, kept):
    notes = kept.with_name("notes.features")
    notes.write_text("precious", encoding="utf-8")
    size = kept.stat().st_size
    assert document(shell("cache", "clear", "--yes", "--json")) == {
        "folder": str(cache_folder()),
        "removed_bytes": size,
    }
    assert not kept.exists()
    assert notes.read_text(encoding="utf-8") == "precious"


def test_clear_takes_one_backbone_or_what_is_old(shell, mistake, kept):
    assert "Unknown backbone 'resnet'" in mistake("cache", "clear", "--backbone", "resnet", "--yes")
    assert document(shell("cache", "clear", "--older-than", "1", "--json"))["removed_bytes"] == 0
    assert kept.exists()
    assert shell("cache", "clear", "--older-than", "-1").exit_code == 2
    assert document(shell("cache", "clear", "--backbone", "test_resnet", "--yes", "--json"))["removed_bytes"] > 0
    assert not kept.exists()


def test_every_option_is_explained(shell):
    for name, command in main.commands["cache"].commands.items():
        text = " ".join(shell("cache", name, "-h").output.split())
        assert all(option.help and max(option.opts, key=len) in text for option in command.params)


def test_a_limit_that_is_no_size_is_a_mistake(mistake, classifier, flat, tmp_path, monkeypatch):
    monkeypatch.setenv("OCTLIB_CACHE_LIMIT", "much")
    assert "OCTLIB_CACHE_LIMIT must be a size" in mistake("predict", classifier, flat, "-o", tmp_path / "p.csv")


def test_data_sets_are_shown_and_cleared_apart_from_features(shell, cache):
    file = cache / "datasets" / "octmnist" / "octmnist.npz"
    file.parent.mkdir(parents=True)
    file.write_bytes(bytes(200_000))
    assert shell("cache", "show").stdout.splitlines()[-1] == f"      0.2 MB  data set octmnist in {file.parent}"
    (entry,) = document(shell("cache", "show", "--json"))["data_sets"]
    assert entry == {"name": "octmnist", "path": str(file.parent), "bytes": 200_000}
    assert document(shell("cache", "clear", "--yes", "--json"))["removed_bytes"] == 0
    assert shell("cache", "clear", "--data-sets").exit_code != 0  # nobody is there to answer
    assert file.exists()
    assert shell("cache", "clear", "--data-sets", "--older-than", "3", "--yes").exit_code == 2
    assert document(shell("cache", "clear", "--data-sets", "--yes", "--json"))["removed_bytes"] == 200_000
    assert not file.exists()
