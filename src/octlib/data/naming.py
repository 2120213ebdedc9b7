"""Naming: what the names of files and folders say about patients, published splits and junk."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable

DEVICE_SUFFIXES = (".dcm", ".dicom", ".e2e", ".fda", ".fds", ".img", ".oct", ".vol")
IMAGE_SUFFIXES = (".jpeg", ".jpg", ".png", ".tif", ".tiff", ".bmp", ".gif", ".webp", *DEVICE_SUFFIXES)

KERMANY_CLASSES = ("CNV", "DME", "DRUSEN", "NORMAL")

# Names that mark a folder as a class wherever it stands: the classes of Kermany, OCTDL, OCTID, OCT-C8, NEH and Duke.
KNOWN_CLASSES = frozenset(
    {*KERMANY_CLASSES, "AMD", "AMRD", "CSR", "DR", "ERM", "MH", "NO", "RAO", "RVO", "VID", "DRY_AMD", "WET_AMD"}
)

_SPLITS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}

# A word without a digit is an eye ("CNV-OD-1") or says nothing ("CNV-scan-1"), and more parts may be a date. What Macs
# and Windows add to copies does no harm: "CNV-53018-2 copy.jpeg" is still a scan of patient 53018.
_NUMBER = r"-\d+(?: copy(?: \d+)?| ?\(\d+\))?\.[^.]+"
_KERMANY_NAME = re.compile(rf"(?:CNV|DME|DRUSEN|NORMAL)-((?=[a-z]*[0-9])[0-9a-z]+){_NUMBER}", re.IGNORECASE)


def is_image(name: str) -> bool:
    """Say whether a file's name ends as an image's does, in upper or lower case."""
    return name.lower().endswith(IMAGE_SUFFIXES)


def is_junk(name: str) -> bool:
    """Say whether a file or folder is certainly no part of a set of OCT scans.

    Junk is what starts with a dot (``.DS_Store``, ``._CNV-1-1.jpeg``, ``.ipynb_checkpoints``), the ``__MACOSX`` of
    archives, and the chest X-rays that are published in one archive with Kermany's OCT scans.

    Example:
        >>> [name for name in ("CNV", ".DS_Store", "__MACOSX", "chest_xray", "ChestXRay2017") if not is_junk(name)]
        ['CNV']
    """
    plain = re.sub("[^a-z]", "", name.lower())
    return name.startswith(".") or name == "__MACOSX" or plain.startswith("chestxray")


def class_name(name: str) -> str:
    """Bring the name of a class, which a folder or a table gives, to its one spelling.

    Args:
        name: with blanks around it or without, and with accents as one letter or as a letter and a mark (as Macs do).

    Returns:
        Without the blanks, in NFC. Upper and lower case stay.

    Example:
        >>> class_name(" CNV "), len(class_name("O\u0308dem"))
        ('CNV', 4)
    """
    return unicodedata.normalize("NFC", name).strip()


def is_known_class(name: str) -> bool:
    """Say whether a folder's name is that of a class of a published set, in upper or lower case."""
    return name.upper() in KNOWN_CLASSES


def names_that_differ_by_case(names: Iterable[str]) -> list[list[str]]:
    """Find names that are one but for upper and lower case, which are seldom two classes.

    Example:
        >>> names_that_differ_by_case(["CNV", "Normal", "NORMAL"])
        [['Normal', 'NORMAL']]
    """
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(name.casefold(), []).append(name)
    return [found for found in alike.values() if len(found) > 1]


def published_split(name: str) -> str | None:
    """Read a published split off a folder's name.

    Args:
        name: such as ``"train"``, ``"Validation"`` or ``"test "``.

    Returns:
        ``"train"``, ``"val"`` or ``"test"``; ``None`` for every other name.

    Example:
        >>> published_split("valid"), published_split("CNV")
        ('val', None)
    """
    return _SPLITS.get(name.strip().lower())


def patient_of(file_name: str, folder: str | None = None) -> str | None:
    """Read the patient off a file's name.

    Two kinds of names are understood: Kermany's ``CLASS-patient-number`` whatever folder the file is in, and
    ``<class>-<patient>-<number>`` with the name of the class folder in front. A patient has a digit and no hyphen. In
    Kermany's set the patient is the bare number: the same number under two classes is the same person.

    Args:
        file_name: without folders, with its suffix.
        folder: the name of the class folder that the file is in, if there is one.

    Returns:
        The patient, or ``None`` where the name doesn't say.

    Example:
        >>> patient_of("CNV-1016042-3.jpeg"), patient_of("wet-P07-12.png", "wet"), patient_of("scan_12.png", "wet")
        ('1016042', 'P07', None)
        >>> patient_of("CNV-OD-1.png", "CNV"), patient_of("CNV-2021-03-01.png", "CNV")
        (None, None)
    """
    found = _KERMANY_NAME.fullmatch(file_name)
    if found is None and folder is not None:
        found = re.fullmatch(rf"{re.escape(folder)}-([^-]*\d[^-]*){_NUMBER}", unicodedata.normalize("NFC", file_name))
    return found.group(1) if found else None


def closest(name: str, choices: Iterable[str]) -> str | None:
    """Find the name that was probably meant, whatever its case.

    Example:
        >>> closest("drussen", ["CNV", "DRUSEN"])
        'DRUSEN'
    """
    by_lower = {choice.lower(): choice for choice in choices}
    found = difflib.get_close_matches(name.lower(), by_lower, n=1)
    return by_lower[found[0]] if found else None


def misspelt(given: Iterable[str], known: Iterable[str]) -> str:
    """Ask, as the end of an error, whether names that aren't known are misspelt.

    Args:
        given: names, of which some are not among the known ones.
        known: those that there are.

    Returns:
        A question for each given name that is close to a known one which isn't given; nothing where there is none.

    Example:
        >>> misspelt(["CNV", "DNE"], ["CNV", "DME"])
        " Did you mean 'DME' by 'DNE'?"
    """
    given, known = list(given), list(known)
    left = [name for name in known if name not in given]
    pairs = [(name, closest(name, left)) for name in given if name not in known]
    return "".join(f" Did you mean {meant!r} by {name!r}?" for name, meant in pairs if meant)
