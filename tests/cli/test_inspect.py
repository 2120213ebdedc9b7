"""Inspect: what is said of folders of scans, sound and damaged, and of classifiers."""

from __future__ import annotations

import json
import shutil

import numpy as np
from PIL import Image

import octlib

KINDS = ("unreadable", "duplicate", "near duplicate", "two labels", "two patients", "two splits", "shared patient")


def inspected(shell, path, *options, status=0):
    result = shell("inspect", path, *options, "--json")
    assert result.exit_code == status, result.output
    return json.loads(result.stdout), result.stderr


def test_a_folder_of_class_folders(shell, scans):
    document, text = inspected(shell, scans)
    assert document == {
        "kind": "scans",
        "path": str(scans),
        "scans": 32,
        "patients": 32,
        "scans_without_patient": 0,
        "classes": [{"name": name, "scans": 8, "patients": 8} for name in ("CNV", "DME", "DRUSEN", "NORMAL")],
        "sizes": [{"height": 80, "width": 96, "scans": 32}],
        "wedges": octlib.load_oct_dataset(scans).audit().wedges,
        "splits": {},
        "shared_patients": [],
        "counts": dict.fromkeys(KINDS, 0),
        "findings": [],
        "page": None,
    }
    assert shell("inspect", scans).stdout == text
    assert "sizes (height x width): 80 x 96 32\n" in text


def test_every_unreadable_file_is_named_and_the_status_says_so(shell, broken):
    document, text = inspected(shell, broken, status=3)
    names = sorted(path.relative_to(broken).as_posix() for path in (broken / "DME").iterdir())
    assert [each["scan"] for each in document["findings"]] == names
    assert {each["kind"] for each in document["findings"]} == {"unreadable"}
    assert {each["detail"] for each in document["findings"]} == {"not an image"}
    assert sum(each["scans"] for each in document["sizes"]) == 24
    assert "unreadable: 8\n" in text
    assert all(f"  {name}: not an image\n" in text for name in names)
    plain = shell("inspect", broken)
    assert (plain.exit_code, plain.stdout) == (3, text)


def test_damage_is_never_left_out(shell, broken):
    result = shell("inspect", broken, "--on-error", "skip")
    assert result.exit_code == 2
    assert "No such option" in result.stderr


def test_names_that_are_no_text_are_shown_on_page_and_in_the_document(shell, oddly_named, tmp_path):
    image = next((oddly_named / "CNV").glob("x*"))
    shutil.copyfile(image, oddly_named / "DME" / image.name)
    document, _ = inspected(shell, oddly_named, "--page", tmp_path / "a.html", status=3)
    found = {each["kind"]: (each["scan"], each["other"]) for each in document["findings"]}
    assert found["two labels"] == ("DME/x\udcff.png", "CNV/x\udcff.png")
    assert "x\\udcff.png" in (tmp_path / "a.html").read_text(encoding="utf-8")


def test_archives_and_the_damage_in_them(shell, mistake, broken, tmp_path):
    folder, _ = inspected(shell, broken, status=3)
    archive = shutil.make_archive(str(tmp_path / "broken"), "gztar", broken)
    assert inspected(shell, archive, status=3)[0] == {**folder, "path": archive}
    (tmp_path / "half.zip").write_bytes(b"PK")
    assert "half.zip can't be read as the archive that its name says it is" in mistake("inspect", tmp_path / "half.zip")


def test_published_splits_and_the_patients_whom_they_share(shell, scans, tmp_path):
    shutil.copytree(scans, tmp_path / "train")
    shutil.copytree(scans / "CNV", tmp_path / "test" / "CNV")
    document, text = inspected(shell, tmp_path, status=3)
    assert document["splits"] == {"train": 32, "test": 8}
    assert document["shared_patients"] == [{"splits": ["train", "test"], "patients": 8}]
    counts = {kind: count for kind, count in document["counts"].items() if count}
    assert counts == {"duplicate": 8, "two splits": 8, "shared patient": 8}
    assert "shared patient: 8\n" in text


def test_the_findings_as_a_page(shell, mistake, broken, scans, tmp_path):
    page = tmp_path / "pages" / "audit.html"
    document, text = inspected(shell, broken, "--page", page, status=3)
    assert document["page"] == str(page)
    assert f"Written to {page}" in text
    assert f"<title>Audit of {broken}</title>" in page.read_text(encoding="utf-8")
    before = page.read_bytes()
    assert f"{page} exists already. Choose another --page, or remove it." in mistake("inspect", scans, "--page", page)
    assert page.read_bytes() == before
    assert inspected(shell, scans, "--page", tmp_path / "sound.html")[0]["counts"]["duplicate"] == 0
    assert mistake("inspect", tmp_path / "nowhere", "--page", tmp_path / "none.html")
    assert not list(tmp_path.rglob("none.html"))
    assert not list(tmp_path.rglob("*.unfinished"))


def test_there_is_no_page_of_a_classifier(shell, classifier, tmp_path):
    result = shell("inspect", classifier, "--page", tmp_path / "audit.html")
    assert result.exit_code == 2
    assert "--page is for scans" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_scans_without_labels_and_patients(shell, flat):
    document, text = inspected(shell, flat)
    assert (document["classes"], document["patients"], document["scans_without_patient"]) == ([], 0, 3)
    assert {(each["height"], each["width"]) for each in document["sizes"]} == {(80, 96), (120, 100), (64, 200)}
    assert "scans without a patient: 3" in text


def test_a_layout_can_be_asked_for(shell, mistake, scans):
    assert inspected(shell, scans, "--layout", "flat")[0]["classes"] == []
    assert "did you mean 'flat'" in mistake("inspect", scans, "--layout", "flt")


def test_a_classifier(shell, classifier):
    document, text = inspected(shell, classifier)
    assert document == {
        "kind": "classifier",
        "path": str(classifier),
        "backbone": "test_resnet",
        "weights": "random",
        "frozen": True,
        "unfrozen_stages": None,
        "pooling": "average",
        "dropout": 0.0,
        "flips": False,
        "prediction": "of the scan as it is",
        "image_size": [48, 48],
        "preprocessing": "blank wedges, resize to 48 x 48",
        "class_names": ["CNV", "DME", "DRUSEN", "NORMAL"],
        "parameters": octlib.load_classifier(classifier).count_params(),
    }
    assert "image size       48 x 48\n" in text
    assert "frozen           yes\n" in text


def test_the_output_of_training_stands_for_its_classifier(shell, run, classifier):
    document, _ = inspected(shell, run)
    assert (document["kind"], document["path"]) == ("classifier", str(classifier))


def test_a_damaged_classifier_is_told(mistake, classifier, tmp_path):
    folder = shutil.copytree(classifier, tmp_path / "classifier")
    (folder / "model.safetensors").write_bytes(b"half")
    assert "model.safetensors is damaged" in mistake("inspect", folder)


def test_sites_that_name_their_scans_alike_are_no_copies(shell, mistake, tmp_path):
    for site, value in (("a", 40), ("b", 90)):
        (tmp_path / site / "CNV").mkdir(parents=True)
        for number in range(6):
            pixels = np.full((20, 30), value + number, np.uint8)
            Image.fromarray(pixels).save(tmp_path / site / "CNV" / f"{number}.png")
    text = mistake("inspect", tmp_path)
    assert "there are 2" in text
    assert all(str(tmp_path / site) in text for site in "ab")
    assert inspected(shell, tmp_path / "a")[0]["scans"] == 6
    assert inspected(shell, tmp_path, "--layout", "sites")[0]["scans"] == 12


def test_a_second_copy_is_said(shell, scans, tmp_path):
    for name in ("one", "two"):
        shutil.copytree(scans, tmp_path / name)
    document, text = inspected(shell, tmp_path)
    assert document["scans"] == 32
    assert "Second copies of images in" in text
    assert "were left out: 32 of 64" in text


def test_a_classifier_from_elsewhere_chooses_no_files(mistake, classifier, flat, tmp_path):
    folder = shutil.copytree(classifier, tmp_path / "classifier")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["classifier"]["backbone"]["model_args"] = {"checkpoint_path": str(tmp_path / "secret.pth")}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    for command in (("inspect", folder), ("predict", folder, flat, "-o", tmp_path / "p.csv")):
        assert "must not pass 'checkpoint_path'=" in mistake(*command)
    assert not (tmp_path / "p.csv").exists()


def test_a_name_that_is_no_folder_is_that_of_a_published_data_set(shell, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = shell("inspect", "octdl")
    assert result.exit_code == 1
    assert "Download OCTDL from https://data.mendeley.com" in result.stderr
    assert shell("inspect", "phantoms").exit_code == 0
    (tmp_path / "phantoms").mkdir()
    assert "there are none in phantoms" in shell("inspect", "phantoms").stderr
