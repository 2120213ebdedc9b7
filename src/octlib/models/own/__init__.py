"""Own: octlib's own backbone, a timm folder that comes with the package; its model card is README.md beside this file."""

from __future__ import annotations

from pathlib import Path

NAME = "octlib"  # what build_classifier knows it by
ARCHITECTURE = "mobilenetv4_conv_small_050"
FOLDER = Path(__file__).parent
