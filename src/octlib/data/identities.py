"""Identities: who was scanned, as the header of a file says, without a name."""

from __future__ import annotations

import hashlib
import re


def without_name(identity: str, name: str) -> str | None:
    """Give the identity of a patient; where it bears a part of the name, a digest of it in its place.

    Args:
        identity: such as a hospital's number.
        name: of the person, in any order, which goes nowhere.

    Returns:
        What stands for the person; ``None`` where the identity is empty.

    Example:
        >>> without_name(" 0042 ", "Roe^Jane"), without_name("ROE-1961", "Roe^Jane"), without_name("", "Roe^Jane")
        ('0042', 'anonymous-994bb1d57cbb', None)
    """
    identity = identity.strip()
    words = re.findall(r"\w{3,}", name.lower())
    if any(word in identity.lower() for word in words):
        return f"anonymous-{hashlib.sha256(identity.encode()).hexdigest()[:12]}"
    return identity or None
