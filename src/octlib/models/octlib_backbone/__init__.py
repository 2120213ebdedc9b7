"""Octlib backbone: octlib's own, a timm folder that comes with the package; README.md beside this file is its card."""

from __future__ import annotations

from pathlib import Path

NAME = "octlib"  # what build_classifier knows it by
FOLDER = Path(__file__).parent
