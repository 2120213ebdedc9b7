"""DICOM: ophthalmic tomography and other pictures in the standard of hospitals, with one frame or many."""

from __future__ import annotations

from collections.abc import Iterator, MutableSequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from octlib.archives import open_binary
from octlib.data.eyes import eye_of
from octlib.data.file_format import MAX_FRAMES, Contents, FileFormat, require_package
from octlib.data.identities import without_name
from octlib.preprocessing import as_grey, errors_of_scan

if TYPE_CHECKING:
    from pydicom import Dataset

# PS3.4, annex B.5: what an ophthalmic device stores beside its B-scans.
NO_B_SCANS = {
    "1.2.840.10008.5.1.4.1.1.77.1.5.1": "a photograph of the fundus",
    "1.2.840.10008.5.1.4.1.1.77.1.5.2": "a photograph of the fundus",
    "1.2.840.10008.5.1.4.1.1.77.1.5.5": "a wide-field photograph of the fundus",
    "1.2.840.10008.5.1.4.1.1.77.1.5.6": "a wide-field photograph of the fundus",
    "1.2.840.10008.5.1.4.1.1.77.1.5.7": "an en face image",
}


class Dicom(FileFormat):
    """Reads DICOM by pydicom. The patient is PatientID; names are never read into anything."""

    suffixes = (".dcm", ".dicom")

    def describe(self, path: Path) -> Contents:
        """Read the header: patient, eye, the size of a pixel in micrometres, and the number of frames."""
        with _opened(path, stop_before_pixels=True) as header:
            kind = NO_B_SCANS.get(str(header.get("SOPClassUID", "")))
            if kind:
                return Contents(no_scan=kind)
            n = int(header.get("NumberOfFrames") or 1)
            if not 1 <= n <= MAX_FRAMES:
                raise ValueError(f"it says that it has {n:,} frames, and the largest volume has {MAX_FRAMES:,}")
            columns = {"eye": _eye(header), **_pixel_size(header)}
            patient = without_name(_text(header, "PatientID"), _text(header, "PatientName"))
            known = {name: value for name, value in columns.items() if value is not None}
            return Contents(n if n > 1 else None, patient, known)

    def read(self, path: Path, frame: int, at_least: tuple[int, int] | None) -> NDArray[np.uint8]:
        """Decode one frame as a viewer shows it, by the file's own window and tables, scaled to 0-255."""
        with _opened(path) as dataset:
            from pydicom.pixels.utils import pixel_array

            if "PixelData" not in dataset:
                raise ValueError("it has no pixels")
            if str(dataset.get("BurnedInAnnotation", "NO")).upper() == "YES":
                raise ValueError("text is burned into its pixels, which may name the patient")
            values = pixel_array(dataset, index=frame)
            kind = dataset.get("PhotometricInterpretation")
            if kind == "PALETTE COLOR":
                return as_grey(_of_palette(values, dataset))
            if int(dataset.get("SamplesPerPixel", 1)) > 1:
                return as_grey(_scaled(values, _stored_range(dataset)))
            grey = as_grey(_windowed(values, dataset))
            return 255 - grey if kind == "MONOCHROME1" else grey


@contextmanager
def _opened(path: Path, *, stop_before_pixels: bool = False) -> Iterator[Dataset]:
    require_package("pydicom", name="pydicom", extra="dicom", path=path)
    from pydicom import config, dcmread

    # What is wrong with values that nobody asks for is no fault of the scan.
    with errors_of_scan(path), open_binary(path) as file, config.disable_value_validation():
        yield dcmread(file, stop_before_pixels=stop_before_pixels)


def _eye(header: Dataset) -> str | None:
    anatomy = _first(_first(header, "SharedFunctionalGroupsSequence"), "FrameAnatomySequence")
    letters = (header.get("ImageLaterality"), header.get("Laterality"), anatomy.get("FrameLaterality"))
    return next(filter(None, map(eye_of, letters)), None)


def _pixel_size(header: Dataset) -> dict[str, float]:
    measures = _first(_first(header, "SharedFunctionalGroupsSequence"), "PixelMeasuresSequence")
    spacing = header.get("PixelSpacing") or measures.get("PixelSpacing")
    try:
        height, width = map(float, spacing)
    except (TypeError, ValueError):  # there is none, or it is damaged, which is no fault of the scan
        return {}
    return {"pixel_height_um": 1000 * height, "pixel_width_um": 1000 * width}


def _first(dataset: Any, sequence: str) -> Any:
    items = dataset.get(sequence)
    return items[0] if items else {}


def _text(header: Dataset, name: str) -> str:
    value = header.get(name)
    if isinstance(value, MutableSequence):  # of several, where one is allowed
        value = value[0] if value else None
    return "" if value is None else str(value)


def _of_palette(values: NDArray[Any], dataset: Dataset) -> NDArray[np.uint8]:
    from pydicom.pixels.processing import apply_color_lut

    bits = int(dataset.RedPaletteColorLookupTableDescriptor[2])
    return _scaled(apply_color_lut(values, dataset)[..., :3], (0, 2**bits - 1))


def _windowed(values: NDArray[Any], dataset: Dataset) -> NDArray[np.uint8]:
    """Apply what PS3.3, C.11 defines: first to the device's values, by a table or a line, then for viewers."""
    from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut

    values, bounds = apply_modality_lut(values, dataset), _stored_range(dataset)
    if dataset.get("ModalityLUTSequence"):
        bounds = (0, _table_range(dataset.ModalityLUTSequence[0]))
    elif "RescaleSlope" in dataset and "RescaleIntercept" in dataset:
        ends = [bound * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept) for bound in bounds]
        bounds = (min(ends), max(ends))
    if dataset.get("VOILUTSequence"):
        values = np.rint(values).astype(np.int64)  # a table has no values between
        table = dataset.VOILUTSequence[0]
        bounds = (0, _table_range(table))
        # pydicom looks values up in the type of the table's results: 8 bits are too few for a table of 4,096 entries.
        table.LUTDescriptor = [*table.LUTDescriptor[:2], 16]
    return _scaled(apply_voi_lut(values, dataset), bounds)


def _stored_range(dataset: Dataset) -> tuple[float, float]:
    levels = 2 ** int(dataset.BitsStored)
    low = -levels // 2 if dataset.get("PixelRepresentation", 0) else 0
    return low, low + levels - 1


def _table_range(table: Dataset) -> int:
    return (1 << int(table.LUTDescriptor[2])) - 1


def _scaled(values: NDArray[Any], bounds: tuple[float, float]) -> NDArray[np.uint8]:
    low, high = bounds
    scaled = np.rint((values - float(low)) * (255 / (high - low)))
    return np.asarray(np.clip(scaled, 0, 255), dtype=np.uint8)
