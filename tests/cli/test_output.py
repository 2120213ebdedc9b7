"""Output: folders and names that overwrite nothing, and what is written to them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import octlib
from octlib.cli.output import free_name, new_file, new_folder, say_where, write_figure, write_json, write_split


def test_a_new_folder_stays_with_what_was_written(tmp_path):
    with new_folder(tmp_path / "a" / "b") as folder:
        (folder / "result").write_text("1")
    assert (tmp_path / "a" / "b" / "result").read_text() == "1"


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_a_folder_of_work_that_failed_goes_with_those_made_for_it(tmp_path, kind):
    def work():
        with new_folder(tmp_path / "a" / "b" / "run") as folder:
            (folder / "half").write_text("1")
            (folder / "classifier").mkdir()
            (folder / "classifier" / "half").write_text("1")
            raise kind

    with pytest.raises(kind):
        work()
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_of_the_users_may_be_filled_and_is_never_lost(tmp_path):
    def work():
        with new_folder(tmp_path) as folder:
            (folder / "half").write_text("1")
            raise ValueError

    with pytest.raises(ValueError, match="^$"):
        work()
    assert tmp_path.is_dir()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_is_there_is_not_touched(tmp_path, kind):
    target = tmp_path / "run"
    mine = target if kind == "file" else target / "mine"
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("precious")
    with pytest.raises(FileExistsError, match="run exists already. Choose another --output"), new_folder(target):
        pass
    assert mine.read_text() == "precious"


@pytest.mark.parametrize("make", [new_folder, new_file])
def test_a_place_that_cannot_be_written_is_named_before_the_work(tmp_path, make):
    (tmp_path / "file").write_text("mine")
    with (
        pytest.raises(OSError, match=r"run can't be written \(.+\). Choose another --output."),
        make(tmp_path / "file" / "more" / "run"),
    ):
        pytest.fail("the work began")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_new_file_stays_and_half_of_one_goes(tmp_path):
    with new_file(tmp_path / "a" / "table.csv") as file:
        assert not file.exists()
        file.write_text("all")
    assert file.read_text() == "all"

    def work():
        with new_file(tmp_path / "b" / "table.csv") as file:
            file.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert not (tmp_path / "b").exists()
    with pytest.raises(FileExistsError, match="table.csv exists already"), new_file(tmp_path / "a" / "table.csv"):
        pass


def test_a_free_name_counts_up_before_the_suffix(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert free_name("octlib-demo") == Path("octlib-demo")
    Path("octlib-demo").mkdir()
    assert free_name("octlib-demo") == Path("octlib-demo-2")
    Path("octlib-demo-2").mkdir()
    assert free_name("octlib-demo") == Path("octlib-demo-3")
    Path("p.csv").touch()
    assert free_name("p.csv") == Path("p-2.csv")


def test_json_is_read_back(tmp_path):
    write_json(tmp_path / "x.json", {"accuracy": 0.5, "f1": {"CNV": None}})
    assert json.loads((tmp_path / "x.json").read_text()) == {"accuracy": 0.5, "f1": {"CNV": None}}


def test_a_figure_is_written_and_forgotten(tmp_path, is_figure):
    from matplotlib import pyplot as plt

    axes = plt.subplots()[1]
    axes.plot([0, 1])
    write_figure(tmp_path / "x.png", axes)
    assert is_figure(tmp_path / "x.png")
    assert plt.get_fignums() == []


def test_a_split_names_the_part_of_every_scan(tmp_path):
    scans = octlib.load_oct_dataset((np.zeros((3, 8, 8), np.uint8), ["A", "B", "A"], ["p", "q", "r"]))
    write_split(tmp_path / "split.csv", {"train": scans.subset([0, 2]), "test": scans.subset([1])})
    table = pd.read_csv(tmp_path / "split.csv")
    assert list(table.columns) == ["name", "path", "label", "patient", "part"]
    assert list(table["part"]) == ["train", "train", "test"]
    assert list(table["patient"]) == ["p", "r", "q"]


def test_the_files_of_a_folder_are_listed(tmp_path, capsys):
    (tmp_path / "classifier").mkdir()
    (tmp_path / "metrics.json").touch()
    say_where(tmp_path)
    assert capsys.readouterr().out == f"\nWritten to {tmp_path}/\n  classifier/\n  metrics.json\n"
    say_where(tmp_path / "metrics.json")
    assert capsys.readouterr().out == f"\nWritten to {tmp_path / 'metrics.json'}\n"
