"""Output: folders and names that overwrite nothing, and what is written to them."""

from __future__ import annotations

import json
from pathlib import Path

import click
import numpy as np
import pandas as pd
import pytest

import octlib
from octlib.cli.output import (
    choose_output,
    free_name,
    further_files,
    new_file,
    new_folder,
    say_where,
    write_figure,
    write_json,
    write_split,
)


def listed(folder):
    """List everything in a folder, by path, with the text of each file."""
    return {
        str(path.relative_to(folder)): path.read_text() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def test_a_new_folder_comes_whole_and_with_usual_rights(tmp_path):
    (tmp_path / "usual").mkdir()
    with new_folder(tmp_path / "a" / "run") as folder:
        (folder / "result").write_text("1")
        assert list((tmp_path / "a" / "run").iterdir()) == []
    assert listed(tmp_path / "a") == {"run": None, "run/result": "1"}
    assert (tmp_path / "a" / "run").stat().st_mode == (tmp_path / "usual").stat().st_mode


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_work_that_failed_goes_with_the_folders_made_for_it(tmp_path, kind):
    def work():
        with new_folder(tmp_path / "a" / "b" / "run") as folder:
            (folder / "half").write_text("1")
            (folder / "classifier").mkdir()
            (folder / "classifier" / "half").write_text("1")
            raise kind

    with pytest.raises(kind):
        work()
    assert listed(tmp_path) == {}


def test_an_empty_folder_of_the_users_may_be_filled_and_is_never_replaced(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    number = tmp_path.stat().st_ino

    def work(failure):
        with new_folder(Path()) as folder:
            (folder / "result").write_text("1")
            if failure:
                raise failure

    with pytest.raises(ValueError, match="^$"):
        work(ValueError())
    assert listed(tmp_path) == {}
    work(None)
    assert listed(tmp_path) == {"result": "1"}
    assert tmp_path.stat().st_ino == number


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_what_others_wrote_meanwhile_is_never_emptied(tmp_path, there, kind):
    run = tmp_path / "run"
    if there:
        run.mkdir()

    def work():
        with new_folder(run) as folder:
            (folder / "metrics.json").write_text("ours")
            (run / "metrics.json").write_text("theirs")
            (run / "classifier").mkdir()
            (run / "classifier" / "weights").write_text("theirs")
            raise kind

    with pytest.raises(kind):
        work()
    assert listed(run) == {"classifier": None, "classifier/weights": "theirs", "metrics.json": "theirs"}
    assert list(tmp_path.iterdir()) == [run]


@pytest.mark.parametrize("there", [True, False])
def test_whoever_comes_second_keeps_the_results_under_another_name(tmp_path, there):
    run = tmp_path / "run"
    if there:
        run.mkdir()

    def work():
        with new_folder(run) as folder:
            (folder / "metrics.json").write_text("ours")
            (run / "metrics.json").write_text("theirs")

    with pytest.raises(FileExistsError, match="run meanwhile; that stays as it is, and the results are in .*/run-2"):
        work()
    assert listed(tmp_path) == {
        "run": None,
        "run-2": None,
        "run-2/metrics.json": "ours",
        "run/metrics.json": "theirs",
    }


def test_a_folder_left_by_a_killed_process_may_be_filled(tmp_path):
    context = new_folder(tmp_path / "run")
    context.__enter__()  # and nothing more: it was killed
    with new_folder(tmp_path / "run") as folder:
        (folder / "result").write_text("1")
    assert (tmp_path / "run" / "result").read_text() == "1"


def test_two_that_write_to_the_same_folder_lose_nothing(tmp_path):
    def first():
        with new_folder(tmp_path / "run") as one:
            (one / "result").write_text("first")
            with new_folder(tmp_path / "run") as two:
                (two / "result").write_text("second")

    with pytest.raises(FileExistsError, match="the results are in .*/run-2"):
        first()
    assert listed(tmp_path) == {"run": None, "run-2": None, "run-2/result": "first", "run/result": "second"}


def test_a_break_while_results_are_moved_leaves_none(tmp_path, monkeypatch):
    rename, run = Path.rename, tmp_path / "run"
    run.mkdir()

    def broken_off(path, target):
        if path.name == "b" and path.parent != run:
            raise KeyboardInterrupt
        return rename(path, target)

    def work():
        with new_folder(run) as folder:
            for name in "abc":
                (folder / name).touch()
            monkeypatch.setattr(Path, "rename", broken_off)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert listed(tmp_path) == {"run": None}


def test_further_files_come_together_or_not_at_all(tmp_path):
    (tmp_path / "classifier").mkdir()

    def add(name, failure=None):
        with further_files(tmp_path) as folder:
            (folder / name).write_text("1")
            if failure:
                raise failure

    with pytest.raises(KeyboardInterrupt):
        add("half", KeyboardInterrupt())
    assert listed(tmp_path) == {"classifier": None}
    add("metrics.json")
    assert listed(tmp_path) == {"classifier": None, "metrics.json": "1"}


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


def test_a_new_file_comes_whole_and_half_of_one_goes(tmp_path):
    with new_file(tmp_path / "a" / "table.csv") as file:
        assert file.name == "table.csv"
        file.write_text("all")
        assert not (tmp_path / "a" / "table.csv").exists()
    assert listed(tmp_path / "a") == {"table.csv": "all"}

    def work():
        with new_file(tmp_path / "b" / "table.csv") as file:
            file.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert not (tmp_path / "b").exists()
    with pytest.raises(FileExistsError, match="table.csv exists already"), new_file(tmp_path / "a" / "table.csv"):
        pass


@pytest.mark.parametrize(
    ("failure", "kept"), [(None, {"table-2.csv": "ours"}), (ValueError("results are in vain"), {})]
)
def test_a_file_that_others_wrote_meanwhile_stays(tmp_path, failure, kept):
    def work():
        with new_file(tmp_path / "table.csv") as file:
            file.write_text("ours")
            (tmp_path / "table.csv").write_text("theirs")
            if failure:
                raise failure

    with pytest.raises((ValueError, FileExistsError), match="results are in .*"):
        work()
    assert listed(tmp_path) == {"table.csv": "theirs"} | kept


def test_a_free_name_counts_up_before_the_suffix(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert free_name("octlib-demo") == Path("octlib-demo")
    Path("octlib-demo").mkdir()
    assert free_name("octlib-demo") == Path("octlib-demo-2")
    Path("octlib-demo-2").mkdir()
    assert free_name("octlib-demo") == Path("octlib-demo-3")
    Path("p.csv").touch()
    assert free_name("p.csv") == Path("p-2.csv")


@pytest.mark.parametrize("given", [None, Path("scans"), Path("scans/more/run")])
def test_results_with_pictures_never_go_among_the_scans(tmp_path, monkeypatch, given):
    (tmp_path / "scans").mkdir()
    monkeypatch.chdir(tmp_path if given else tmp_path / "scans")
    with pytest.raises(click.UsageError, match="--output must lie outside of"):
        choose_output(given, "octlib-train", tmp_path / "scans")


def test_an_output_is_what_is_given_or_a_free_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert choose_output(Path("run"), "octlib-train", Path("scans")) == Path("run")
    Path("octlib-train").mkdir()
    assert choose_output(None, "octlib-train", Path("scans")) == Path("octlib-train-2")


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


def test_a_split_names_files_whose_names_are_no_text(oddly_named, tmp_path):
    scans = octlib.load_oct_dataset(oddly_named)
    write_split(tmp_path / "split.csv", {"train": scans[:5], "test": scans[5:]})
    table = pd.read_csv(tmp_path / "split.csv", encoding_errors="surrogateescape", dtype=object)
    assert set(map(Path, table["path"])) == set(oddly_named.rglob("*.png"))
