"""Pictures: scans, and the maps over them, as images inside a page."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from octlib.data import Scan
    from octlib.explanation import Explanation

WIDEST = 640  # pixels: what a gallery shows
QUALITY = 82  # of JPEG, 0-95
OUTLINE = (255, 255, 255)


def gallery(explanation: Explanation | None) -> list[dict[str, Any]]:
    """Give each scan of an explanation as the template's gallery takes it.

    Args:
        explanation: scans and maps, or None for an empty gallery.

    Returns:
        For each scan its pictures (the scan, and its map unless that has no signal), its caption, and whether it was
        taken for another class.
    """
    if explanation is None:
        return []
    return [_item(explanation, index) for index in range(len(explanation.targets))]


def has_outlines(explanation: Explanation | None) -> bool:
    """Tell whether any scan of an explanation has a known lesion."""
    return explanation is not None and any(_lesion(scan) is not None for scan in explanation.scans)


def method_in_words(explanation: Explanation | None) -> str:
    """Say by what maps were made, such as ``Maps by gradcam at the last map.``."""
    if explanation is None:
        return ""
    return f"Maps by {explanation.method}" + (f" at {explanation.layer}." if explanation.layer else ".")


def _item(explanation: Explanation, index: int) -> dict[str, Any]:
    scan, target = explanation.scans.scans[index], explanation.targets[index]
    pixels = scan.read()
    pictures = [_picture(pixels, f"Scan {scan.name}")]
    speaks = bool(explanation.has_signal[index])
    if speaks:
        overlay = _outlined(explanation.overlay(index), _lesion(scan))
        pictures.append(_picture(overlay, f"The same scan, with the evidence for {target} in colour"))
    verdict = f"for {target}" if scan.label is None else f"for {target}, truly {scan.label}"
    return {
        "pictures": pictures,
        "verdict": verdict,
        "wrong": scan.label not in (None, target),
        "origin": scan.name if scan.patient is None else f"{scan.name}, patient {scan.patient}",
        "remark": "" if speaks else "The map is constant: it shows nothing.",
    }


def _lesion(scan: Scan) -> np.ndarray | None:
    mask = scan.lesion_mask()
    return mask if mask is not None and mask.any() else None


def _outlined(overlay: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """Draw the border of a lesion, wide enough to survive the shrinking of a picture."""
    if mask is None:
        return overlay
    from scipy import ndimage

    border = ndimage.binary_dilation(mask, iterations=2) & ~mask
    drawn = overlay.copy()
    drawn[border] = OUTLINE
    return drawn


def _picture(pixels: np.ndarray, words: str) -> dict[str, Any]:
    """Shrink a picture if it is wide, and put it into the page itself."""
    image = Image.fromarray(pixels)
    if image.width > WIDEST:
        image = image.resize((WIDEST, round(image.height * WIDEST / image.width)), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=QUALITY)
    source = f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
    return {"source": source, "words": words, "width": image.width, "height": image.height}
