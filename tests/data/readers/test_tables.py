"""Tables: what a researcher has in a CSV or Parquet file, right at the first try."""

from __future__ import annotations

import importlib.util
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from octlib.data import load_oct_dataset
from octlib.errors import DuplicateWarning, LayoutError, MissingPackageError, TableError, UnmatchedClassesError

ROWS = """path,label,patient,eye,split,age,device
a/1.png,CNV,007,OD,train,71,Spectralis
a/2.png,DME,7,OS,training,,Cirrus
b/3.png,,NA,,Train,65.5,
"""


@pytest.fixture
def write(plant: Callable[..., Path]) -> Callable[..., Path]:
    """Write a table beside three images."""

    def write_table(text: str, name: str = "scans.csv", encoding: str = "utf-8") -> Path:
        root = plant("a/1.png", "a/2.png", "b/3.png", under="set")
        (root / name).write_bytes(text.encode(encoding))
        return root / name

    return write_table


def test_paths_start_from_the_table_and_texts_stay_texts(write: Callable[..., Path], tmp_path: Path, monkeypatch: Any):
    monkeypatch.chdir(tmp_path)
    for table in (write(ROWS), "set/scans.csv"):
        scans = load_oct_dataset(table)
        assert scans.names.tolist() == ["a/1.png", "a/2.png", "b/3.png"]
        assert scans.column("label").tolist() == ["CNV", "DME", None]
        assert scans.patients.tolist() == ["007", "7", None]
        assert scans.column("split").tolist() == ["train"] * 3
        assert scans.column("eye").tolist() == ["right", "left", None]
        np.testing.assert_array_equal(scans.column("age"), [71, np.nan, 65.5])
        assert scans.column("device").tolist() == ["Spectralis", "Cirrus", None]
        assert scans[1:].column("device").tolist() == ["Cirrus", None]
        assert scans.images(4).shape == (3, 4, 4)


@pytest.mark.parametrize("separator", [";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_the_separator_is_found(write: Callable[..., Path], separator: str, encoding: str) -> None:
    scans = load_oct_dataset(write(ROWS.replace(",", separator), "scans.tsv", encoding))
    assert scans.class_names == ("CNV", "DME")
    assert scans.patients.tolist() == ["007", "7", None]


def test_columns_are_found_by_usual_names_or_as_they_are_given(write: Callable[..., Path]) -> None:
    usual = ROWS.replace("path,label,patient,eye", "File Name,Diagnosis,subject-ID,Laterality")
    given = ROWS.replace("path,label,patient,eye", "where,grade,who,side")
    columns = {"path": "where", "label": "grade", "patient": "who", "eye": "side", "site": "device"}
    for scans in (load_oct_dataset(write(usual)), load_oct_dataset(write(given), columns=columns)):
        assert scans.class_names == ("CNV", "DME")
        assert scans.patients.tolist() == ["007", "7", None]
        assert [scan.eye for scan in scans] == ["right", "left", None]
    assert scans.column("site").tolist() == ["Spectralis", "Cirrus", None]


@pytest.mark.parametrize(
    ("header", "columns", "message"),
    [
        ("image,filename,x,y,z", {}, "one column for the path, and 'image', 'filename' may all be meant"),
        ("path,diagnosis,class,x,y", {}, "one column for the label, and 'diagnosis', 'class'"),
        ("a,b,c,d,e", {}, "must have a column 'path', and it has a, b, c, d, e"),
        ("path,x,x,y,z", {}, "x is there more than once"),
        ("path,grade,b,c,d", {"label": "garde"}, "'garde' isn't.* mean 'grade' by 'garde'"),
        ("path,grade,b,c,d", {"label": "grade", "eye": "grade"}, "'grade' is named for several"),
        ("path,label,grade,c,d", {"label": "grade"}, "'label' is in the table already"),
        ("path,x,y,z", {}, "Expected 4 fields in line 2, saw 5"),
    ],
)
def test_what_is_not_clear_is_asked(write: Callable[..., Path], header: str, columns: dict[str, str], message: str):
    with pytest.raises(LayoutError, match=message):
        load_oct_dataset(write(f"{header}\na/1.png,A,B,C,D\n"), columns=columns)


def test_all_problems_are_told_at_once_by_the_rows_of_a_spreadsheet(write: Callable[..., Path]) -> None:
    rows = ["a/1.png,CNV", "a/9.png,CNV", ",DME", "a/2.png,DNE", "a/1.png,DME", "scans.csv,CNV", "b,CNV"]
    rows += [f"gone/{number}.png,CNV" for number in range(30)]
    with pytest.raises(TableError) as raised:
        load_oct_dataset(write("\n".join(["path,label", *rows])), class_names=("CNV", "DME"))
    for part in (
        "scans.csv has no path in row 4;",
        "no such file in rows 3, 8, 9, 10, 11 and 27 more, such as ",
        "no image, by the end of its name in rows 7, 8, such as ",
        "a label that is none of the class names in row 5, such as 'DNE';",
        "a file with several labels in row 6, such as ",
    ):
        assert part in str(raised.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "can't be read as a table"),
        (b"path,label\n", "can't be read as a table"),
        (b"path,label\na/1.png,CNV\na/2.png,CNV,7\n", "can't be read as a table .*line 3"),
        ("path,label\na/1.png,Dr\u00fcsen\n".encode("latin-1"), "must be UTF-8 text"),
        (b"\x00\x01\x02\xff\xfe" * 50, "must be UTF-8 text|can't be read as a table|column 'path'"),
    ],
)
def test_damaged_tables_are_named(write: Callable[..., Path], content: bytes, message: str) -> None:
    path = write("")
    path.write_bytes(content)
    with pytest.raises(TableError, match=message):
        load_oct_dataset(path)


def test_numbers_are_positions_in_the_class_names(write: Callable[..., Path]) -> None:
    path = write("path,label\na/1.png,1\na/2.png,0\nb/3.png,\n")
    scans = load_oct_dataset(path, class_names=("CNV", "DME"))
    assert scans.column("label").tolist() == ["DME", "CNV", None]
    assert load_oct_dataset(path).class_names == ("0", "1")
    with pytest.raises(ValueError, match="between 0 and 0"):
        load_oct_dataset(path, class_names=("CNV",))


@pytest.mark.parametrize(
    ("texts", "class_names", "labels"),
    [
        (["1", "0", "1"], ["1", "0"], ["1", "0", "1"]),
        (["1.0", "0.0", ""], ["1", "0"], ["1", "0", None]),
        (["1", "2", "2"], ["1", "2", "3"], ["1", "2", "2"]),
        (["1", "0", "2"], ["1", "2", "3"], ["2", "1", "3"]),
        (["01", "1", "1"], None, ["01", "1", "1"]),
        (["0.0", "1.0", ""], None, ["0", "1", None]),
        (["0.5", "1", "1"], None, ["0.5", "1", "1"]),
    ],
)
def test_numbers_are_names_where_class_names_say_so(
    write: Callable[..., Path], texts: list[str], class_names: list[str] | None, labels: list[str | None]
) -> None:
    rows = zip(("a/1.png", "a/2.png", "b/3.png"), texts, strict=True)
    scans = load_oct_dataset(write("\n".join(["path,label", *map(",".join, rows)])), class_names=class_names)
    assert scans.column("label").tolist() == labels


def test_classes_that_are_numbers_come_back_from_a_file(plant: Callable[..., Path]) -> None:
    root = plant("0/a.png", "1/b.png")
    scans = load_oct_dataset(root, class_names=["1", "0"])
    scans.to_frame().to_csv(root / "scans.csv", index=False)
    back = load_oct_dataset(root / "scans.csv", class_names=["1", "0"])
    assert back.labels.tolist() == scans.labels.tolist()


def test_the_mark_of_no_label_is_no_class(write: Callable[..., Path]) -> None:
    with pytest.raises(ValueError, match=r"scans\.csv .*between 0 and 1 .*got -1.*None for a scan without a label"):
        load_oct_dataset(write("path,label\na/1.png,-1\na/2.png,0\nb/3.png,1\n"))


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("path,label\na/1.png,x\n\na/2.png,x\n\ngone.png,y\n", 6),
        ("\n\npath,label\na/1.png,x\ngone.png,y\n", 5),
        (",\npath,label\n,\n  \n\ngone.png,y\n\n", 6),
        ('path,label\na/1.png,"x\ny"\n\ngone.png,y\n', 4),
        ("sep=;\npath;label\na/1.png;x,y\ngone.png;y\n", 3),  # a line that spreadsheets don't show
        ('"sep=|"\r\n\r\npath|label\r\ngone.png|y\r\n', 3),
    ],
)
def test_rows_have_the_numbers_of_a_spreadsheet(write: Callable[..., Path], text: str, row: int) -> None:
    with pytest.raises(TableError, match=f"scans.csv has no such file in row {row}, such as .*gone.png"):
        load_oct_dataset(write(text))


def test_empty_rows_change_no_column(write: Callable[..., Path]) -> None:
    scans = load_oct_dataset(write("sep=;\npath;label;age\na/1.png;CNV;9007199254740993\n\n;;\nb/3.png;DME;7\n"))
    assert scans.class_names == ("CNV", "DME")
    assert scans.column("age").tolist() == [9007199254740993, 7]
    assert scans.column("age").dtype.kind == "i"


def test_short_rows_lack_what_is_at_their_end(write: Callable[..., Path]) -> None:
    scans = load_oct_dataset(write("path,label,age\na/1.png\na/2.png,CNV,71\n"))
    assert scans.column("label").tolist() == [None, "CNV"]


def test_a_pattern_is_matched_to_the_path_from_the_table(plant: Callable[..., Path]) -> None:
    rows = ["path", "site_a/P1/x.png", "site_a/P2/y.png", "site_b/P1/z.png"]
    root = plant(*rows[1:], "outside.png", under="set") / "study"
    (root / "deeper").mkdir(parents=True)
    for name in ("site_a", "site_b"):
        (root.parent / name).rename(root / name)
    for n in (2, 3, 4):
        (root / "scans.csv").write_text("\n".join(rows[:n]))
        scans = load_oct_dataset(root / "scans.csv", patients=r"^(\w+/P\d+)/")
        assert scans.patients.tolist() == ["site_a/P1", "site_a/P2", "site_b/P1"][: n - 1]
        assert scans.names.tolist() == rows[1:n]
    (root / "scans.csv").write_text("\n".join([*rows, "../outside.png"]))
    assert load_oct_dataset(root / "scans.csv").names.tolist() == [*rows[1:], "../outside.png"]


@pytest.mark.parametrize("table", ["scans.csv", "pack.zip/scans.csv"])
def test_a_file_is_one_in_every_spelling(write: Callable[..., Path], table: str) -> None:
    spellings = ["a/1.png", "./a/1.png", "a//1.png", "a/./1.png"]
    path = write("\n".join(["path,label", *(f"{name},CNV" for name in spellings)]))
    root, torn = path.parent, path.read_text().replace("./a/1.png,CNV", "./a/1.png,DME")
    if table != "scans.csv":
        with zipfile.ZipFile(root / "pack.zip", "w") as archive:
            archive.write(path, "scans.csv")
            archive.write(root / "a/1.png", "a/1.png")
    with pytest.warns(DuplicateWarning, match=r"in scans\.csv: 3 times again, such as row 3, "):
        assert len(load_oct_dataset(root / table)) == 4
    path.write_text(torn)
    if table != "scans.csv":
        with zipfile.ZipFile(root / "pack.zip", "w") as archive:
            archive.write(path, "scans.csv")
            archive.write(root / "a/1.png", "a/1.png")
    with pytest.raises(TableError, match="a file with several labels in row 3"):
        load_oct_dataset(root / table)


def test_a_label_may_be_called_none(write: Callable[..., Path]) -> None:
    assert load_oct_dataset(write("path,label\na/1.png,None\na/2.png,AMD\n")).class_names == ("AMD", "None")


def test_class_names_order_the_labels(write: Callable[..., Path]) -> None:
    assert load_oct_dataset(write(ROWS), class_names=["DME", "X", "CNV"]).labels.tolist() == [2, 0, -1]
    with pytest.raises((TableError, UnmatchedClassesError)):
        load_oct_dataset(write(ROWS), class_names=["DME", "X"])


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_dataset_comes_back_from_its_table(write: Callable[..., Path], tmp_path: Path, suffix: str) -> None:
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    scans = load_oct_dataset(write(ROWS))
    (tmp_path / "elsewhere").mkdir()
    path = tmp_path / "elsewhere" / f"scans.{suffix}"
    frame = scans.to_frame()
    frame.to_csv(path) if suffix == "csv" else frame.to_parquet(path)  # with pandas's index
    back = load_oct_dataset(path)
    assert list(back) == list(scans)
    pd.testing.assert_frame_equal(
        back.to_frame().astype({"label": object}), frame.astype({"label": object}), check_dtype=False
    )


def test_without_pyarrow_a_parquet_file_says_what_to_install(write: Callable[..., Path], monkeypatch: Any) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr("octlib.data.readers.tables.find_spec", lambda name: None if name == "pyarrow" else found(name))
    with pytest.raises(MissingPackageError, match=r"needs pyarrow.* pip install 'octlib\[parquet\]'"):
        load_oct_dataset(write("PAR1", "scans.parquet"))


def test_only_tables_have_columns(write: Callable[..., Path]) -> None:
    with pytest.raises(TypeError, match=r"columns= names the columns of a table, got the folder"):
        load_oct_dataset(write(ROWS).parent / "a", columns={"label": "x"})


def test_names_in_any_script(plant: Callable[..., Path]) -> None:
    names = ["\u00e9tude/\u7db2\u819c 1.png", "e\u0301tude/\U0001f441.png", "\u05e2\u05d9\u05df/\u0639\u064a\u0646.png"]
    root = plant(*names)
    (root / "scans.csv").write_text("\n".join(["path", *names]), encoding="utf-8")
    assert load_oct_dataset(root / "scans.csv").names.tolist() == names
