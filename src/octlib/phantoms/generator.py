"""Generator: phantoms rendered from their specifications, each independent of all others."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from octlib.phantoms.anatomy import SURFACES, Anatomy, draw_anatomy, draw_view, lateral
from octlib.phantoms.choroid import paint_choroid
from octlib.phantoms.devices import Device
from octlib.phantoms.diseases import DISEASES
from octlib.phantoms.imaging import WHITE, draw_wedges, expose, wedge_mask
from octlib.phantoms.painting import paint_layers, paint_shadows, paint_texture
from octlib.phantoms.phantom import Phantom
from octlib.phantoms.pockets import paint_pockets
from octlib.phantoms.retina import layer_masks, retina_surfaces
from octlib.phantoms.spec import PhantomSpec, phantom_specs
from octlib.phantoms.vessels import paint_vessels


def make_phantoms(
    n_patients: int = 80,
    *,
    scans_per_patient: int = 3,
    size: int | tuple[int, int] | None = None,
    device: str | Device = "spectralis",
    severity: float | None = None,
    averaging: int | None = None,
    wedges: bool | None = None,
    seed: int = 0,
) -> list[Phantom]:
    """Make synthetic B-scans whose lesions, layers and parameters are known: ``phantom_specs``, rendered.

    Args:
        n_patients: how many patients; the classes take turns.
        scans_per_patient: how many scans each of them has; they share the anatomy and the class.
        size: (height, width) in pixels, or one number for a square; ``None`` is the device's own.
        device: whose looks they have: ``"spectralis"``, ``"spectralis-wide"``, ``"spectralis-fine"``, ``"cirrus"``,
            ``"topcon"``, or a ``Device`` of your own.
        severity: how far the diseases have gone, in (0, 1]; ``None`` draws it for each patient.
        averaging: how many independent frames are averaged, 1 or more; ``None`` draws it as the device does.
        wedges: whether the scans have white wedges; ``None`` draws it.
        seed: another seed gives other patients.

    Returns:
        The phantoms, patient after patient; a quarter of a megabyte each, and as much for each kind of lesion.

    Raises:
        TypeError: where ``size`` is no size.
        ValueError: where there would be no scan, a name is unknown or a number is out of its range.

    Example:
        >>> make_phantoms(2, scans_per_patient=1, size=128)
        [Phantom(CNV, patient P0001, 128 x 128), Phantom(DME, patient P0002, 128 x 128)]
    """
    specs = phantom_specs(
        n_patients,
        scans_per_patient=scans_per_patient,
        size=size,
        device=device,
        severity=severity,
        averaging=averaging,
        wedges=wedges,
        seed=seed,
    )
    return [render(spec) for spec in specs]


def render(spec: PhantomSpec) -> Phantom:
    """Render one phantom.

    Args:
        spec: what determines it.

    Returns:
        The phantom: the same one for the same specification, whatever else is rendered.

    Example:
        >>> phantom = render(PhantomSpec("DRUSEN", number=3, scan=1))
        >>> phantom.image.shape, phantom.image.dtype, list(phantom.masks)
        ((496, 512), dtype('uint8'), ['drusen'])
    """
    # Scan numbers start at 1 because a seed sequence takes a trailing 0 for absent.
    anatomy = draw_anatomy(np.random.default_rng(np.random.SeedSequence((spec.seed, spec.number))))
    if spec.severity is not None:
        anatomy = replace(anatomy, severity=spec.severity)
    rng = np.random.default_rng(np.random.SeedSequence((spec.seed, spec.number, spec.scan)))
    device, view = spec.scanner, draw_view(rng)
    millimetres = device.micrometres_across * device.size[1] / 1000
    x = lateral(spec.shape[1], millimetres)
    lesion = DISEASES[spec.label](rng, anatomy, view, x)
    pixel = (device.depth / spec.shape[0], 1000 * millimetres / spec.shape[1])
    surfaces = retina_surfaces(rng, anatomy, view, x, lesion, device.depth) / pixel[0]
    painted = paint_layers(surfaces, spec.shape[0], lesion)
    paint_texture(rng, painted, millimetres)
    paint_choroid(rng, painted, surfaces, millimetres)
    paint_shadows(painted, surfaces, lesion)
    vessels = paint_vessels(rng, painted, surfaces, view, x, pixel)
    masks = layer_masks(surfaces, spec.shape[0], lesion) | paint_pockets(painted, surfaces, lesion.pockets, x)
    image, imaging = _expose(rng, painted, spec, device, anatomy, masks)
    return Phantom(
        image=image,
        masks={kind: mask for kind, mask in masks.items() if mask.any()},
        boundaries=dict(zip(SURFACES, surfaces.astype(np.float32), strict=True)),
        label=spec.label,
        patient=spec.patient,
        scan=spec.scan,
        parameters={**asdict(spec), **asdict(anatomy), **asdict(view), **lesion.details, "vessels": vessels, **imaging},
    )


def _expose(
    rng: np.random.Generator,
    painted: NDArray[np.float32],
    spec: PhantomSpec,
    device: Device,
    anatomy: Anatomy,
    masks: dict[str, NDArray[np.bool_]],
) -> tuple[NDArray[np.uint8], dict[str, Any]]:
    """Take the scan; what its wedges cover is marked as no lesion. Give the scan and its settings."""
    # Everything is drawn, needed or not, so that a choice of one thing changes nothing else.
    averaging, moved = int(rng.integers(*device.averaging, endpoint=True)), bool(rng.random() < device.wedges)
    averaging = averaging if spec.averaging is None else spec.averaging
    moved = moved if spec.wedges is None else spec.wedges
    gain, haze = float(anatomy.brightness * rng.uniform(0.88, 1.12)), float(rng.uniform(0.85, 1.1))
    image = expose(rng, painted, device, averaging=averaging, gain=gain, haze=haze)
    covered = wedge_mask(spec.shape, draw_wedges(rng, spec.shape)) if moved else np.zeros(spec.shape, dtype=np.bool_)
    image[covered] = WHITE
    for mask in masks.values():
        mask[covered] = False
    return image, {"averaging": averaging, "gain": gain, "haze": haze, "wedges": bool(covered.any())}
