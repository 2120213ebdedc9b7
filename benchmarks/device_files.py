"""Device files: volumes in the layouts of devices, synthetic, for tests and for damaged_files.py.

No device wrote them: they are built by the definitions in oct-converter and eyepy, which read them.
"""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

BIOPTIGEN = np.arange(4 * 5 * 6, dtype=np.uint16).reshape(4, 5, 6) * 100  # frames, A-scans, depth
TOPCON = np.arange(3 * 4 * 5, dtype=np.uint16).reshape(3, 4, 5) * 100  # slices, height, width
VOL = np.stack([np.full((6, 8), value, np.float32) for value in (0.0, 0.0625, 1.0)])
ONE = 63 << 10  # the bits of 1.0: 6 of the exponent before 10 of the mantissa, whose order is turned round
IMAGE, PATIENT, PREAMBLE, METADATA = 1073741824, 9, 3, 10004


class Chunk(NamedTuple):
    """A part of an E2E file, and whose it is."""

    kind: int
    content: bytes
    patient: int
    series: int
    slice_id: int = -1
    ind: int = 0


def e2e_image(pixels: np.ndarray, patient: int, series: int, position: int) -> Chunk:
    """Make one slice, of the bits of 16-bit floats."""
    from oct_converter.readers.binary_structs import e2e_binary as layout

    head = {"size": pixels.nbytes, "type": 0, "unknown": 0, "height": pixels.shape[0], "width": pixels.shape[1]}
    content = layout.image_structure.build(head) + pixels.astype("<u2").tobytes()
    return Chunk(IMAGE, content, patient, series, 2 * position, 1)


def e2e_person(number: int, identity: str, first: str, last: str) -> Chunk:
    """Make what says who was scanned."""
    texts = [(first, 31), (last, 51), ("", 15), ("\0\0\0\0", 4), ("F", 1), (identity, 25)]
    return Chunk(PATIENT, b"".join(text.encode("latin-1").ljust(size, b"\0") for text, size in texts), number, 0)


def e2e_eye(side: str, patient: int, series: int) -> Chunk:
    """Make what says which eye."""
    return Chunk(PREAMBLE, b"\0\0\0\0" + side.encode(), patient, series)


def e2e_metadata(height_mm: float, patient: int, series: int) -> Chunk:
    """Make what tells the height of a pixel."""
    content = bytearray(104)
    content[36:40] = np.float32(height_mm).tobytes()
    content[84:92] = np.uint64(2**64 - 1).tobytes()  # a date that is none
    return Chunk(METADATA, bytes(content), patient, series)


def write_e2e(path: Path, chunks: list[Chunk], **directory: int) -> Path:
    """Write Heidelberg's .e2e: directories, and chunks behind them."""
    from oct_converter.readers.binary_structs import e2e_binary as layout

    start = 88 + 52 + 44 * len(chunks)
    unknown = {"version": 100, "unknown": [0] * 10}
    known = {"unknown2": 0, "unknown3": 0, "unknown4": 0, "unknown5": 0}
    entries, contents = b"", b""
    for number, chunk in enumerate(chunks):
        place = {"pos": 140 + 44 * number, "start": start + len(contents), "size": len(chunk.content)}
        whose = {"patient_db_id": chunk.patient, "study_id": 1, "series_id": chunk.series, "slice_id": chunk.slice_id}
        fields = {**known, **place, **whose, "type": chunk.kind, "ind": chunk.ind}
        entries += layout.sub_directory_structure.build({**fields, "unknown": 0})
        contents += layout.chunk_structure.build({**fields, "unknown": 0, "magic3": "MDbData"}) + chunk.content
    listed = {"num_entries": len(chunks), "current": 0, "prev": 0, "unknown3": 0, **directory}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        layout.header_structure.build({"magic1": "CMDb", **unknown})
        + layout.main_directory_structure.build({"magic2": "MDbMDir", **unknown, **listed, "current": 88})
        + layout.main_directory_structure.build({"magic2": "MDbDir", **unknown, **listed})
        + entries
        + contents
    )
    return path


def e2e_slices(value: int, n: int, patient: int, series: int) -> list[Chunk]:
    """Make equal slices of one volume."""
    return [e2e_image(np.full((6, 8), value), patient, series, position) for position in range(n)]


def e2e_of_both_eyes() -> list[Chunk]:
    """Give two eyes of one patient and an eye of another, of three, two and two slices."""
    return [
        e2e_person(7, "0042", "Jane", "Roe"),
        e2e_person(8, "MÜLLER61", "Änne", "Müller"),
        e2e_eye("R", 7, 1),
        e2e_eye("L", 7, 2),
        e2e_eye("L", 8, 1),
        e2e_metadata(0.0039, 7, 1),
        *e2e_slices(ONE, 3, 7, 1),
        *e2e_slices(0, 2, 7, 2),
        *e2e_slices(ONE - 4096, 2, 8, 1),
    ]


def field(key: str, content: bytes) -> bytes:
    """Make a field of Bioptigen's."""
    return struct.pack("=I", len(key)) + key.encode() + struct.pack("=I", len(content)) + content


def whole(key: str, value: int) -> bytes:
    """Make a field with a whole number."""
    return field(key, struct.pack("=I", value))


def real(key: str, value: float = 0.0) -> bytes:
    """Make a field with a real number."""
    return field(key, struct.pack("=d", value))


def write_bioptigen(path: Path, values: np.ndarray = BIOPTIGEN, scans: int = 2, kind: int = 1, **claims: int) -> Path:
    """Write Bioptigen's .OCT; claims stand in the header, whatever the file holds."""
    n, width, height = values.shape
    n, width, height = claims.get("n", n), claims.get("width", width), claims.get("height", height)
    content = struct.pack("=IH", 0x4F435446, 0x65) + field("FRAMEHEADER", b"")
    content += whole("FRAMECOUNT", n) + whole("LINECOUNT", width) + whole("LINELENGTH", height)
    content += whole("SAMPLEFORMAT", 1) + field("DESCRIPTION", b"test") + real("XMIN") + real("XMAX", 1)
    content += field("XCAPTION", b"x") + real("YMIN") + real("YMAX", 1) + field("YCAPTION", b"y")
    content += whole("SCANTYPE", kind)
    content += b"".join(
        real(key) for key in ("SCANDEPTH", "SCANLENGTH", "AZSCANLENGTH", "ELSCANLENGTH", "OBJECTDISTANCE", "SCANANGLE")
    )
    content += whole("SCANS", scans) + whole("FRAMES", n // scans) + whole("DOPPLERFLAG", 0)
    content += field("CONFIG", b"\1\2") + bytes(4)
    for frame in values:
        content += field("FRAMEDATA", b"") + field("FRAMEDATETIME", bytes(16)) + real("FRAMETIMESTAMP")
        content += whole("FRAMELINES", width)
        content += struct.pack("=I", 12) + b"FRAMESAMPLES" + struct.pack("=I", frame.nbytes) + frame.tobytes()
        content += bytes(4)
    path.write_bytes(content)
    return path


def write_optovue(path: Path, values: np.ndarray, *, eye: str = "OD", scans: int = 1) -> Path:
    """Write Optovue's .OCT, with the text beside it."""
    n, height, width = values.shape
    path.write_bytes(np.rot90(values, -1, axes=(1, 2)).astype("<f4").tobytes() * scans)
    lines = [f"Eye Scanned = {eye}", f"Window Height = {height}"]
    lines += [f"Scan Length = {width} pixels", f"Scan Usage = {n} frames"] * scans
    path.with_suffix(".txt").write_text("\n".join(lines), encoding="latin-1")
    return path


def topcon_layout(suffix: str) -> Any:
    """Give oct-converter's definitions."""
    from oct_converter.readers.binary_structs import fda_binary, fds_binary

    return fda_binary if suffix == ".fda" else fds_binary


def topcon_raw(suffix: str, values: np.ndarray = TOPCON, **head: int) -> dict[str, bytes]:
    """Make slices as they are."""
    n, height, width = values.shape
    said = {"scan_mode": 2, "width": width, "height": height, "bits_per_pixel": 16, "number_slices": n, "format": 0}
    name, structure = (
        ("@IMG_MOT_COMP_03", topcon_layout(suffix).oct_header_2)
        if suffix == ".fda"
        else ("@IMG_SCAN_03", topcon_layout(suffix).oct_header)
    )
    return {name: structure.build({**said, "size": values.nbytes, **head}) + values.tobytes()}


def topcon_jpeg(values: np.ndarray, **head: int) -> dict[str, bytes]:
    """Make slices as JPEG 2000."""
    said = {"width": values.shape[2], "height": values.shape[1], "number_slices": len(values)}
    unknown = {"scan_mode": 2, "unknown1": 0, "unknown2": 0, "unknown3": 0}
    content = topcon_layout(".fda").oct_header.build({**unknown, **said, **head})
    for each in values:
        file = io.BytesIO()
        Image.fromarray(each).save(file, "JPEG2000")
        content += np.int32(file.tell()).tobytes() + file.getvalue()
    return {"@IMG_JPEG": content}


def topcon_about(identity: str = "0042", first: str = "Jane", last: str = "Roe", eye: int = 1) -> dict[str, bytes]:
    """Make what tells of the person, the eye and the size of a pixel."""
    texts = [(identity, 32), (first, 32), (last, 32), ("", 8)]
    patient = b"".join(text.encode("latin-1").ljust(size, b"\0") for text, size in texts)
    spacing = dict.fromkeys(("fixation", "mirror_pos", "polar", "comp_eff_2", "comp_eff_3", "base_pos"), 0)
    size = {"x_dimension_mm": 6.0, "y_dimension_mm": 6.0, "z_resolution_um": 2.6, "used_calib_data": 0}
    return {
        "@PATIENT_INFO_02": patient + bytes(700),
        "@CAPTURE_INFO_02": bytes([eye]) + bytes(120),  # no date: made anonymous
        "@PARAM_SCAN_04": topcon_layout(".fda").param_scan_04_header.build({**spacing, **size}),
    }


def write_topcon(path: Path, chunks: dict[str, bytes]) -> Path:
    """Write Topcon's .fda or .fds."""
    head = {"file_code": "FOCT", "file_type": "FDA", "major_ver": 2, "minor_ver": 0}
    content = topcon_layout(".fda").header.build(head)
    for name, chunk in chunks.items():
        content += bytes([len(name)]) + name.encode() + np.uint32(len(chunk)).tobytes() + chunk
    path.write_bytes(content + b"\0")
    return path


def write_vol(path: Path, values: np.ndarray, **fields: Any) -> Path:
    """Write Heidelberg's .vol."""
    from construct import Int64ul, Struct
    from eyepy.io.he.vol_reader import vol_format

    # eyepy can't build its own dates of examinations.
    plain = Struct(*("exam_time" / Int64ul if each.name == "exam_time" else each for each in vol_format.subcons))
    n, height, width = values.shape
    common = dict.fromkeys(("grid_type", "grid_offset", "grid_type1", "grid_offset1"), 0)
    dates = dict.fromkeys(("dob", "visit_date"), "2020-01-02T00:00:00")
    size = {"size_x": width, "size_y": height, "n_bscans": n, "size_x_slo": 3, "size_y_slo": 2, "bscan_hdr_size": 512}
    scale = {"scale_x": 0.0115, "scale_y": 0.0039, "distance": 0.12, "scale_x_slo": 0.01, "scale_y_slo": 0.01}
    texts = {"version": "HSF-OCT-103", "scan_position": "OS", "id": "1", "reference_id": "", "prog_id": ""}
    bscan = {"bscan_hdr_size": 512, "start_x": 0, "start_y": 0, "end_x": 1, "end_y": 1, "num_seg": 0, "quality": 20}
    bscan |= {"shift": 0, "iv_transformation": [0] * 6, "layer_segmentations": np.zeros((0, width), np.float32)}
    bscans = [{**bscan, "data": each.astype(np.float32)} for each in values]
    image = np.zeros((2, 3), np.uint8)
    whole = {**common, **dates, **size, **scale, **texts, "patient_id": "0042", "localizer": image, "bscans": bscans}
    path.write_bytes(plain.build({**whole, "exam_time": 0, **fields}))
    return path
