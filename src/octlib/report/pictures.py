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

SHOWN = 24  # scans of a gallery: 2.5 MB
WIDEST = 640  # pixels: what a gallery shows
QUALITY = 82  # of JPEG, 0-95
INK, RIM = (255, 255, 255), (0, 0, 0)  # of outlines: a dark rim tells white from bright tissue


def draw_gallery(explanation: Explanation | None, shown: int = SHOWN) -> list[dict[str, Any]]:
    """Give the scans of an explanation as the template's gallery takes them.

    Args:
        explanation: scans and maps, or None for an empty gallery.
        shown: how many at most.

    Returns:
        For each scan its pictures (the scan, and its map unless that has no signal), its caption (with the classes
        explained, predicted and true), and whether it was taken for another class than its own.
    """
    if explanation is None:
        return []
    return [_item(explanation, index, explanation.scans[index]) for index in range(min(shown, len(explanation.scans)))]


def draw_scan(scan: Scan, widest: int) -> dict[str, Any]:
    """Give a scan as the template's picture takes it, at most so many pixels wide."""
    return _embedded(_small(scan.read(), widest), f"Scan {scan.name}")


def has_outlines(explanation: Explanation | None, shown: int = SHOWN) -> bool:
    """Tell whether an outline of a lesion is drawn over any of the first maps of an explanation."""
    if explanation is None:
        return False
    drawn = zip(
        explanation.scans.subset(range(min(shown, len(explanation.scans)))), explanation.has_signal, strict=False
    )
    return any(signal and _lesion(scan) is not None for scan, signal in drawn)


def describe_method(explanation: Explanation | None) -> str:
    """Say by what maps were made, such as ``Maps by gradcam at the last map.``."""
    if explanation is None:
        return ""
    article = "" if explanation.layer else "the "
    return f"Maps by {explanation.method} at {article}{explanation.place}."


def _item(explanation: Explanation, index: int, scan: Scan) -> dict[str, Any]:
    pictures = [draw_scan(scan, WIDEST)]
    if explanation.has_signal[index]:
        pictures.append(_map(explanation, index, scan))
    return {
        "pictures": pictures,
        "target": explanation.asked[index],
        "predicted": explanation.predicted[index],
        "truth": scan.label,
        "wrong": scan.label not in (None, explanation.predicted[index]),
        "name": scan.name,
        "patient": scan.patient,
    }


def _map(explanation: Explanation, index: int, scan: Scan) -> dict[str, Any]:
    """Draw a map over its scan, and the outline of the lesion where it is known."""
    picture = _small(explanation.overlay(index), WIDEST)
    words = f"The same scan, with the support for {explanation.asked[index]} in colour"
    mask = _lesion(scan)
    if mask is None:
        return _embedded(picture, words)
    return _embedded(_outlined(picture, mask), f"{words} and the true lesion outlined in white")


def _lesion(scan: Scan) -> np.ndarray | None:
    mask = scan.lesion_mask()
    return mask if mask is not None and mask.any() else None


def _small(pixels: np.ndarray, widest: int) -> Image.Image:
    """Shrink a picture that is wider than a page shows."""
    image = Image.fromarray(pixels)
    if image.width <= widest:
        return image
    return image.resize((widest, max(1, round(image.height * widest / image.width))), Image.Resampling.LANCZOS)


def _outlined(picture: Image.Image, mask: np.ndarray) -> Image.Image:
    """Draw the border of a lesion after the shrinking, which a thin line would not survive."""
    from scipy import ndimage

    inside = np.asarray(Image.fromarray(mask).resize(picture.size, Image.Resampling.NEAREST))
    line = ndimage.binary_dilation(inside, iterations=2)
    drawn = np.array(picture)
    drawn[ndimage.binary_dilation(line) & ~line] = RIM
    drawn[line & ~inside] = INK
    return Image.fromarray(drawn)


def _embedded(image: Image.Image, words: str) -> dict[str, Any]:
    """Put a picture into the page itself."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=QUALITY, optimize=True)
    source = f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
    return {"source": source, "words": words, "width": image.width, "height": image.height}
