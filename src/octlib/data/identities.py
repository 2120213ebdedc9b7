"""Identities: who was scanned, as the headers of files say, without a name."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence

# How letters are written where a system has only those of English; accents are dropped, too.
SPELT_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "æ": "ae", "ø": "oe", "œ": "oe", "ß": "ss"})


def without_name(identity: str, name: str) -> str | None:
    """Give the identity of a patient; where it bears a part of the name, a digest of it in its place.

    Args:
        identity: such as a hospital's number.
        name: of the person, in any order, which goes nowhere.

    Returns:
        What stands for the person; ``None`` where the identity is empty. Parts of two letters count where no other
        letter stands beside them, single letters don't count.

    Example:
        >>> without_name(" 0042 ", "Roe^Jane"), without_name("ROE-1961", "Roe^Jane"), without_name("", "Roe^Jane")
        ('0042', 'anonymous-994bb1d57cbb', None)
        >>> without_name("MUELLER7", "Müller^Li"), without_name("LI-7", "Müller^Li"), without_name("LIS7", "Müller^Li")
        ('anonymous-4f7c52628195', 'anonymous-b1caeb94e454', 'LIS7')
    """
    identity = unicodedata.normalize("NFC", identity.strip())
    parts = {part for spelling in _spellings(name) for part in re.findall(r"[^\W\d_]{2,}", spelling)}
    for spelling in _spellings(identity):
        words = set(re.findall(r"[^\W\d_]+", spelling))
        if any(part in words if len(part) == 2 else part in spelling for part in parts):
            return _digest(identity)
    return identity or None


def one_for_each(patients: Sequence[str | None]) -> list[str | None]:
    """Give the digest to every scan of a patient who has it at one of them, since not every file tells the name.

    Args:
        patients: as ``without_name`` gives them.

    Example:
        >>> one_for_each(["ROE-1961", None, "0042", "anonymous-994bb1d57cbb"])
        ['anonymous-994bb1d57cbb', None, '0042', 'anonymous-994bb1d57cbb']
    """
    known = set(patients)
    digests = {patient: _digest(patient) for patient in known if patient is not None}
    return [digests[patient] if patient is not None and digests[patient] in known else patient for patient in patients]


def _spellings(text: str) -> tuple[str, str]:
    text = unicodedata.normalize("NFC", text).lower()
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return text.translate(SPELT_OUT), bare


def _digest(identity: str) -> str:
    return f"anonymous-{hashlib.sha256(identity.encode(errors='surrogateescape')).hexdigest()[:12]}"
