"""DICOM: patient, eye, spacing and frames come from the file; names of patients go nowhere."""

from __future__ import annotations

import importlib.util
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from octlib.data import load_oct_dataset
from octlib.errors import LayoutError, LeftOutWarning, MissingPackageError, UnreadableScanError

pydicom = pytest.importorskip("pydicom")

OPHTHALMIC_TOMOGRAPHY = "1.2.840.10008.5.1.4.1.1.77.1.5.4"
FUNDUS = "1.2.840.10008.5.1.4.1.1.77.1.5.1"


def write(path: Path, frames: np.ndarray, kind: str = OPHTHALMIC_TOMOGRAPHY, **tags: Any) -> Path:
    """Write frames as the standard lays them out (PS3.3, A.52): patient, eye and spacing where OCT has them."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = kind
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = Dataset()
    dataset.file_meta = meta
    dataset.SOPClassUID, dataset.SOPInstanceUID = kind, meta.MediaStorageSOPInstanceUID
    dataset.Modality, dataset.PatientID, dataset.PatientName = "OPT", "0042", "Roe^Jane"
    dataset.ImageLaterality = "R"
    measures, shared = Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [0.0039, 0.0115], 0.12
    shared.PixelMeasuresSequence = [measures]
    dataset.SharedFunctionalGroupsSequence = [shared]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = frames.shape[-2:]
    if frames.ndim == 3:
        dataset.NumberOfFrames = len(frames)
    bits = 8 * frames.itemsize
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = bits, bits, bits - 1, 0
    dataset.PixelData = frames.tobytes()
    for name, value in tags.items():
        if value is None:
            delattr(dataset, name)
        else:
            setattr(dataset, name, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


FRAMES = np.stack([np.full((12, 16), 60 * frame, np.uint8) for frame in range(4)])


def test_a_volume_knows_its_patient_its_eye_and_its_pixels(tmp_path: Path) -> None:
    scans = load_oct_dataset(write(tmp_path / "AMD/eye.dcm", FRAMES).parents[1])
    assert scans.names.tolist() == [f"AMD/eye.dcm#{frame}" for frame in range(4)]
    assert scans.patients.tolist() == ["0042"] * 4
    assert (scans[3].eye, scans[3].volume, scans[3].position, scans[3].label) == ("right", "AMD/eye.dcm", 3, "AMD")
    np.testing.assert_allclose(scans.column("pixel_height_um"), 3.9)
    np.testing.assert_allclose(scans.column("pixel_width_um"), 11.5)
    np.testing.assert_array_equal(np.stack([scan.read() for scan in scans]), FRAMES)


def test_one_frame_is_no_volume(tmp_path: Path) -> None:
    scans = load_oct_dataset(write(tmp_path / "a.dcm", FRAMES[1]))
    assert (scans.names.tolist(), scans[0].volume, scans[0].patient) == (["a.dcm"], None, "0042")
    assert scans[0].read().max() == 60


@pytest.mark.parametrize(
    ("stored", "tags", "wanted"),
    [
        (np.array([[0, 2048, 4095]], np.uint16), {"BitsStored": 12, "HighBit": 11}, [0, 128, 255]),
        (np.array([[0, 32896, 65535]], np.uint16), {}, [0, 128, 255]),
        (np.array([[-32768, 128, 32767]], np.int16), {"PixelRepresentation": 1}, [0, 128, 255]),
        (np.array([[0, 100, 255]], np.uint8), {"PhotometricInterpretation": "MONOCHROME1"}, [255, 155, 0]),
        (np.array([[0, 600, 1000, 4000]], np.uint16), {"WindowCenter": 500, "WindowWidth": 1000}, [0, 153, 255, 255]),
    ],
)
def test_values_are_scaled_by_what_the_file_says(tmp_path: Path, stored: Any, tags: dict[str, Any], wanted: Any):
    scan = load_oct_dataset(write(tmp_path / "a.dcm", stored, **tags))[0]
    np.testing.assert_allclose(scan.read()[0].astype(int), wanted, atol=1)


def table(first: int, bits: int, values: list[int]) -> Any:
    """Give a table of grey values as PS3.3, C.11.1.1 and C.11.2.1 have it."""
    found = pydicom.Dataset()
    found.LUTDescriptor, found.LUTData = [len(values), first, bits], values
    found["LUTDescriptor"].VR = found["LUTData"].VR = "US"
    return found


@pytest.mark.parametrize(
    ("tags", "wanted"),
    [
        ({"RescaleSlope": 1, "RescaleIntercept": -2048}, [0, 128, 255]),
        ({"RescaleSlope": -1, "RescaleIntercept": 0}, [255, 127, 0]),
        ({"RescaleSlope": 1, "RescaleIntercept": -2048, "WindowCenter": 0, "WindowWidth": 4096}, [0, 128, 255]),
        ({"RescaleSlope": 2, "RescaleIntercept": 0, "WindowCenter": 2048, "WindowWidth": 4096}, [0, 255, 255]),
        ({"VOILUTSequence": [table(0, 8, [min(value // 8, 255) for value in range(4096)])]}, [0, 255, 255]),
        ({"ModalityLUTSequence": [table(0, 16, [16 * (4095 - value) for value in range(4096)])]}, [255, 127, 0]),
    ],
)
def test_what_the_file_says_of_its_values_is_applied(tmp_path: Path, tags: dict[str, Any], wanted: list[int]) -> None:
    stored = np.array([[0, 2048, 4095]], np.uint16)
    if "ModalityLUTSequence" in tags:
        tags["ModalityLUTSequence"][0].ModalityLUTType = "US"
    scan = load_oct_dataset(write(tmp_path / "a.dcm", stored, BitsStored=12, HighBit=11, **tags))[0]
    np.testing.assert_allclose(scan.read()[0].astype(int), wanted, atol=1)


def test_colours_become_their_luminance(tmp_path: Path) -> None:
    palette = {"PhotometricInterpretation": "PALETTE COLOR"}
    for colour, gain in (("Red", 1), ("Green", 0), ("Blue", 0)):
        palette[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        entries = (gain * 257 * np.arange(256)[::-1]).astype(np.uint16)
        palette[f"{colour}PaletteColorLookupTableData"] = entries.tobytes()
    scan = load_oct_dataset(write(tmp_path / "a.dcm", np.array([[0, 255]], np.uint8), **palette))[0]
    np.testing.assert_allclose(scan.read()[0].astype(int), [round(0.299 * 255), 0], atol=1)
    rgb = np.array([[[255, 0, 0], [0, 255, 0]]], np.uint8)
    tags = {"PhotometricInterpretation": "RGB", "SamplesPerPixel": 3, "PlanarConfiguration": 0}
    scan = load_oct_dataset(write(tmp_path / "b.dcm", rgb, Rows=1, Columns=2, NumberOfFrames=1, **tags))[0]
    np.testing.assert_allclose(scan.read()[0].astype(int), [76, 150], atol=1)


def test_a_name_that_one_file_lacks_divides_no_patient(tmp_path: Path) -> None:
    write(tmp_path / "1.dcm", FRAMES, PatientID="ROE1961")
    write(tmp_path / "2.dcm", FRAMES[1], PatientID="ROE1961", PatientName="")
    write(tmp_path / "3.dcm", FRAMES[2], PatientID=["0042", "0043"])
    patients = load_oct_dataset(tmp_path).patients.tolist()
    assert len(set(patients[:5])) == 1
    assert patients[0].startswith("anonymous-")
    assert patients[5] == "0042"


def test_who_was_scanned_stands_nowhere_by_name(tmp_path: Path, caplog: Any, capsys: Any) -> None:
    caplog.set_level(logging.DEBUG)
    write(tmp_path / "1.dcm", FRAMES, PatientID="ROE-JANE-1961")
    write(tmp_path / "2.dcm", FRAMES[1], PatientID="ROE-JANE-1961")
    write(tmp_path / "3.dcm", FRAMES[0], PatientID="roe", PixelData=None)
    write(tmp_path / "4.dcm", FRAMES[0], BurnedInAnnotation="YES")
    scans = load_oct_dataset(tmp_path)
    assert len(set(scans.patients[:5])) == 1  # the same digest for the same person
    said = [
        scans.to_frame().to_csv(),
        repr(scans),
        scans.audit().to_frame().to_csv(),
        caplog.text,
        *capsys.readouterr(),
    ]
    for scan in scans[[5, 6]]:
        with pytest.raises(UnreadableScanError) as raised:
            scan.read()
        said.append(str(raised.value))
    assert "it has no pixels" in said[-2]
    assert "text is burned into its pixels" in said[-1]
    assert "roe" not in "".join(said).lower()
    assert "jane" not in "".join(said).lower()


def test_patients_of_headers_are_others_at_another_site(tmp_path: Path) -> None:
    for site in ("a", "b"):
        for name in ("CNV", "NORMAL"):
            write(tmp_path / site / name / "1.dcm", FRAMES, PatientID="1")
    scans = load_oct_dataset(tmp_path, layout="sites")
    assert set(scans.patients) == {"a/1", "b/1"}
    assert len(set(scans.column("volume"))) == 4


def test_photographs_are_left_out_and_counted(tmp_path: Path) -> None:
    write(tmp_path / "oct.dcm", FRAMES)
    write(tmp_path / "fundus.dcm", FRAMES[0], FUNDUS)
    with pytest.warns(LeftOutWarning, match="a photograph of the fundus were left out: 1, such as fundus.dcm"):
        scans = load_oct_dataset(tmp_path)
    assert len(scans) == 4
    (tmp_path / "oct.dcm").unlink()
    for source in (tmp_path, tmp_path / "fundus.dcm"):
        with pytest.raises(LayoutError, match=r"must hold B-scans, and .* has none\. .*fundus were left out: 1,"):
            load_oct_dataset(source)


@pytest.mark.parametrize("damage", [b"", b"DICM", b"\0" * 128 + b"DICM" + b"\xff" * 60, b"no such thing" * 30])
def test_a_damaged_file_is_an_error_that_names_it(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "a.dcm").write_bytes(damage)
    scans = load_oct_dataset(tmp_path / "a.dcm")
    with pytest.raises(UnreadableScanError, match=r"a\.dcm"):
        scans[0].read()


def test_a_file_that_claims_a_million_frames_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dcm", FRAMES, NumberOfFrames=10**6)
    scans = load_oct_dataset(path)
    assert len(scans) == 1
    with pytest.raises(UnreadableScanError, match="1,000,000 frames"):
        scans[0].read()


def test_a_size_of_pixels_that_is_none_costs_no_scan(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dcm", FRAMES, PixelSpacing=["0.0039", "0.0115"])
    path.write_bytes(path.read_bytes().replace(b"0.0039", b"0.I039"))
    scans = load_oct_dataset(path)
    assert len(scans) == len(FRAMES)
    assert "pixel_height_um" not in scans.columns


def test_what_is_cut_off_is_an_error_of_the_frame(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dcm", FRAMES)
    path.write_bytes(path.read_bytes()[:-200])
    scans = load_oct_dataset(path)
    with pytest.raises(UnreadableScanError, match=r"a\.dcm"):
        scans[3].read()


def test_without_pydicom_it_says_what_to_install(tmp_path: Path, monkeypatch: Any) -> None:
    path, found = write(tmp_path / "a.dcm", FRAMES), importlib.util.find_spec
    monkeypatch.setattr("octlib.data.file_format.find_spec", lambda name: None if name == "pydicom" else found(name))
    with pytest.raises(MissingPackageError, match=r"a\.dcm needs pydicom.* pip install 'octlib\[dicom\]'"):
        load_oct_dataset(path)
