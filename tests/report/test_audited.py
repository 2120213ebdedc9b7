"""Audited: the page shows each finding with its pictures, counts what it leaves out, and escapes names."""

from __future__ import annotations

import os
import re

import numpy as np
import pytest
from PIL import Image

import octlib


@pytest.fixture(scope="module")
def pixels():
    return octlib.load_oct_dataset("phantoms").sample(6).images((248, 256))


def text_of(path):
    return path.read_text(encoding="utf-8")


def test_pairs_stand_side_by_side_with_names_and_details(tmp_path, pixels):
    images = [*pixels, pixels[0], np.ascontiguousarray(pixels[1][:, ::-1])]
    scans = octlib.load_oct_dataset((images, ["CNV"] * 7 + ["DME"], list("abcdefgb")))
    text = text_of(octlib.write_audit(tmp_path / "a.html", scans.audit(), title="My scans"))
    assert "<title>My scans</title>" in text
    # a copy of another patient, a mirrored one of another class
    assert "<strong>4</strong> findings in 8 scans" in text
    assert text.count("<figure>") == 4
    assert text.count("<img ") == 8
    for words in ("the same pixels", "mirrored, likeness 1.00", "CNV and DME: they look alike", "a and g: the same"):
        assert f"<bdi>{words}" in text


def test_the_pair_is_shown_along_which_a_label_changes_and_each_pair_once(tmp_path, pixels):
    chain = [np.asarray(Image.fromarray(pixels[0]).rotate(0.9 * step, Image.Resampling.BICUBIC)) for step in (0, 2, 1)]
    audit = octlib.load_oct_dataset((chain, ["CNV", "CNV", "DME"])).audit()
    text = text_of(octlib.write_audit(tmp_path / "a.html", audit))
    assert "It looks like another scan" in text
    assert text.count("<bdi>0</bdi><br><bdi>2</bdi>") + text.count("<bdi>2</bdi><br><bdi>0</bdi>") == 2  # near, labels
    mixed = octlib.load_oct_dataset(([pixels[1], *chain], ["DME", "CNV", "CNV", "DME"], ["a", "b", "c", "d"])).audit()
    text = text_of(octlib.write_audit(tmp_path / "b.html", mixed))
    pairs = re.findall(r"<figcaption><bdi>(\d)</bdi><br><bdi>(\d)</bdi>", text.split("<h2>Two patients</h2>")[1])
    assert len({frozenset(pair) for pair in pairs}) == len(pairs) == 2


def test_a_sound_dataset_has_a_page_without_pictures(tmp_path, pixels):
    text = text_of(octlib.write_audit(tmp_path / "a.html", octlib.load_oct_dataset(pixels).audit()))
    assert "<strong>0</strong> findings in 6 scans" in text
    assert "<figure" not in text
    assert "248 x 256 6" in text


def test_what_is_not_shown_is_counted(tmp_path, pixels, monkeypatch):
    monkeypatch.setattr("octlib.report.audited.LISTED", 3)
    for number in range(5):
        (tmp_path / f"{number}.png").write_bytes(b"")
    damaged = octlib.load_oct_dataset([tmp_path / f"{number}.png" for number in range(5)])
    copies = octlib.load_oct_dataset(np.repeat(pixels[:1], 26, axis=0))
    text = text_of(octlib.write_audit(tmp_path / "damaged.html", damaged.audit()))
    assert (text.count("the file is empty"), "And 2 more, which the table of the audit lists." in text) == (3, True)
    text = text_of(octlib.write_audit(tmp_path / "copies.html", copies.audit()))
    assert (text.count("<figure>"), "And 5 more" in text) == (20, True)


def test_names_from_elsewhere_are_escaped_and_nothing_is_loaded(tmp_path, pixels):
    name = '<script>alert("x")</script>' + os.fsdecode(b"\xff")
    scans = octlib.load_oct_dataset((np.repeat(pixels[:1], 2, axis=0), [name, "<x>"], [name, "<y>"]))
    names = np.array([name, f"{name}2"], dtype=object)
    scans = octlib.OctDataset(scans.origins, names, scans.labels, scans.class_names, scans.patients)
    text = text_of(octlib.write_audit(tmp_path / "a.html", scans.audit(), title=name))
    assert "<script" not in text
    assert "<x>" not in text
    assert text.count("&lt;script&gt;") > 8
    assert "http" not in text


def test_a_scan_that_has_gone_since_is_said_to_have_gone(tmp_path, pixels):
    for number in range(2):
        Image.fromarray(pixels[0]).save(tmp_path / f"{number}.png")
    audit = octlib.load_oct_dataset(tmp_path).audit()
    (tmp_path / "0.png").unlink()
    text = text_of(octlib.write_audit(tmp_path / "a.html", audit))
    assert (text.count("<img "), text.count("It can't be read any more.")) == (1, 1)


def test_a_page_that_is_there_stays_unless_told_otherwise(tmp_path, pixels):
    audit = octlib.load_oct_dataset(pixels).audit()
    path = octlib.write_audit(str(tmp_path / "a.html"), audit)
    with pytest.raises(FileExistsError, match="exists already. Choose another name, or pass overwrite=True"):
        octlib.write_audit(path, audit)
    assert octlib.write_audit(path, audit, overwrite=True) == path
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_no_audit_is_refused(tmp_path, pixels):
    scans = octlib.load_oct_dataset(pixels)
    with pytest.raises(TypeError, match=r"audit must be what scans.audit\(\) returns, got .* OctDataset"):
        octlib.write_audit(tmp_path / "a.html", scans)
    with pytest.raises(TypeError, match="title must be a str, got None"):
        octlib.write_audit(tmp_path / "a.html", scans.audit(), title=None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("width", [360, 1280])
def test_in_a_browser_nothing_overflows(tmp_path, pixels, seen, width):
    long = "x" * 300
    scans = octlib.load_oct_dataset((np.repeat(pixels[:1], 4, axis=0), [long, "b", "c", "d"], ["1", "2", "3", "4"]))
    found, complaints = seen(octlib.write_audit(tmp_path / "a.html", scans.audit()), width)
    assert (found["inner"], found["over"], found["wide"], found["broken"]) == (width, 0, 0, 0)
    assert complaints == []
