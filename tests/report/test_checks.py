"""Checks: what is wrong with them is said before any work."""

from __future__ import annotations

import pytest

import octlib


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"evaluation": None}, "evaluation must be what octlib.evaluate returns; got None"),
        ({"evaluation": {"accuracy": 1}}, "type dict"),
        ({"explanation": "maps.png"}, "explanation must be what octlib.explain returns, or None; got.*type str"),
        ({"errors": [1, 2]}, "errors must be.*type list"),
        ({"classifier": "run/classifier"}, "classifier must be what octlib.build_classifier or.*type str"),
        ({"audit": 3}, r"audit must be what scans.audit\(\) returns, or None; got.*type int"),
        ({"history": [0.1]}, "history must be what octlib.fit returns, or None; got.*type list"),
        ({"parts": ["train"]}, "parts must be datasets by name.*type list"),
        ({"parts": {"train": "folder"}}, "parts must be datasets by name"),
        ({"shown": 2.5}, "shown must be a whole number of scans, got 2.5"),
        ({"title": 3}, "title must be a str, got.*type int"),
        ({"introduction": None}, "introduction must be a str, got None"),
        ({"notes": "one note"}, r"got one str. Write notes=\[text\]"),
        ({"notes": None}, "notes must be a sequence of str, got None"),
        ({"notes": ["fine", 3]}, "sequence of str"),
    ],
)
def test_other_types_are_refused(tmp_path, evaluation, change, message):
    arguments = {"evaluation": evaluation} | change
    with pytest.raises(TypeError, match=message):
        octlib.write_report(tmp_path / "r.html", **arguments)
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_kept_unless_asked(tmp_path, evaluation):
    path = tmp_path / "r.html"
    path.write_text("precious")
    with pytest.raises(FileExistsError, match="Choose another name, or pass overwrite=True"):
        octlib.write_report(path, evaluation)
    assert path.read_text() == "precious"
    assert octlib.write_report(path, evaluation, overwrite=True) == path
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_a_folder_is_never_replaced(tmp_path, evaluation):
    with pytest.raises(FileExistsError, match="is a folder. Name a file in it, such as .*report.html"):
        octlib.write_report(tmp_path, evaluation, overwrite=True)


def test_a_negative_number_of_scans_is_refused(tmp_path, evaluation):
    with pytest.raises(ValueError, match="shown must be 0 scans or more, got -1"):
        octlib.write_report(tmp_path / "r.html", evaluation, shown=-1)
