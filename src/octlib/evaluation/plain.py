"""Plain: values in a form that JSON can hold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def as_plain_dict(values: Mapping[str, Any]) -> dict[str, Any]:
    """Turn tuples into lists and NaN into None, in dictionaries of dictionaries too.

    Example:
        >>> as_plain_dict({"value": float("nan"), "intervals": {"CNV": (0.5, 1.0)}})
        {'value': None, 'intervals': {'CNV': [0.5, 1.0]}}
    """
    return {key: _as_plain(value) for key, value in values.items()}


def _as_plain(value: Any) -> Any:
    if isinstance(value, dict):
        return as_plain_dict(value)
    if isinstance(value, tuple | list):
        return [_as_plain(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
