"""Generator: specifications of phantoms, and their rendering, each independent of all others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from octlib._suggest import unknown
from octlib.phantoms.anatomy import boundaries, draw_anatomy, draw_view, healthy_layers, lateral
from octlib.phantoms.lesions import DISEASES
from octlib.phantoms.painting import expose, lesion_mask, paint_cysts, paint_layers, paint_texture
from octlib.preprocessing import as_size

CLASS_NAMES = ("CNV", "DME", "DRUSEN", "NORMAL")
SMALLEST = 64  # pixels: below this a druse falls between two rows


@dataclass(frozen=True)
class PhantomSpec:
    """All that determines one phantom.

    Args:
        label: one of ``CLASS_NAMES``.
        number: the patient's number, from 1.
        scan: the scan's number within the patient, from 1.
        seed: the seed of the whole collection; together with the two numbers it seeds anatomy and scan.
        size: (height, width) in pixels, 64 at least.

    Raises:
        TypeError: where ``size`` is no size.
        ValueError: where the label is unknown, a number is below 1, the seed is negative or the size too small.

    Example:
        >>> PhantomSpec("DME", number=7, scan=1).patient
        'P0007'
    """

    label: str
    number: int
    scan: int
    seed: int = 0
    size: tuple[int, int] = (496, 512)

    def __post_init__(self) -> None:
        """Check every field once."""
        if self.label not in CLASS_NAMES:
            raise unknown("phantom class", self.label, CLASS_NAMES)
        object.__setattr__(self, "size", as_size(self.size))
        if min(self.size) < SMALLEST:
            raise ValueError(
                f"A phantom must be at least {SMALLEST} pixels each way, got {self.size}. Resize it later."
            )
        if min(self.number, self.scan) < 1 or self.seed < 0:
            raise ValueError(
                "Patients and scans must be numbered from 1 and seeds be 0 or above, got "
                f"patient {self.number}, scan {self.scan}, seed {self.seed}."
            )

    @property
    def patient(self) -> str:
        """The patient's name, such as ``P0007``."""
        return f"P{self.number:04d}"


@dataclass(frozen=True, eq=False, repr=False)
class Phantom:
    """A synthetic B-scan with its truth.

    Args:
        image: uint8 (height, width) in 0-255.
        mask: bool (height, width), true where the lesion is; nowhere in a normal scan.
        label: one of ``CLASS_NAMES``.
        patient: the patient's name.
    """

    image: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    label: str
    patient: str

    def __repr__(self) -> str:
        """Name class, patient and size, not the pixels."""
        height, width = self.image.shape
        return f"Phantom({self.label}, patient {self.patient}, {height} x {width})"


def phantom_specs(
    n_patients: int = 80, *, scans_per_patient: int = 3, size: int | tuple[int, int] = (496, 512), seed: int = 0
) -> tuple[PhantomSpec, ...]:
    """Specify a collection of phantoms, balanced over patients: the classes take turns.

    Args:
        n_patients: how many patients.
        scans_per_patient: how many scans each of them has; they share the anatomy and the class.
        size: (height, width) in pixels, or one number for a square.
        seed: another seed gives other patients.

    Returns:
        The specifications, patient after patient. A larger collection contains a smaller one of the same seed.

    Raises:
        TypeError: where ``size`` is no size.
        ValueError: where there would be no scan, the seed is negative or the size too small.

    Example:
        >>> [(spec.patient, spec.label) for spec in phantom_specs(3, scans_per_patient=1)]
        [('P0001', 'CNV'), ('P0002', 'DME'), ('P0003', 'DRUSEN')]
    """
    if min(n_patients, scans_per_patient) < 1:
        raise ValueError(
            "Phantoms must have at least one patient with one scan, got "
            f"{n_patients} patients with {scans_per_patient} scans each."
        )
    return tuple(
        PhantomSpec(CLASS_NAMES[(number - 1) % len(CLASS_NAMES)], number, scan, seed, as_size(size))
        for number in range(1, n_patients + 1)
        for scan in range(1, scans_per_patient + 1)
    )


def make_phantoms(
    n_patients: int = 80, *, scans_per_patient: int = 3, size: int | tuple[int, int] = (496, 512), seed: int = 0
) -> list[Phantom]:
    """Make a collection of phantoms: ``phantom_specs``, rendered.

    Args:
        n_patients: how many patients; the classes take turns.
        scans_per_patient: how many scans each of them has.
        size: (height, width) in pixels, or one number for a square.
        seed: another seed gives other patients.

    Returns:
        The phantoms, patient after patient; a quarter of a megabyte each, twice that with its mask.

    Raises:
        TypeError: where ``size`` is no size.
        ValueError: where there would be no scan, the seed is negative or the size too small.

    Example:
        >>> make_phantoms(2, scans_per_patient=1, size=128)
        [Phantom(CNV, patient P0001, 128 x 128), Phantom(DME, patient P0002, 128 x 128)]
    """
    return [
        render(spec) for spec in phantom_specs(n_patients, scans_per_patient=scans_per_patient, size=size, seed=seed)
    ]


def render(spec: PhantomSpec) -> Phantom:
    """Render one phantom.

    Args:
        spec: what determines it.

    Returns:
        The phantom: the same one for the same specification, whatever else is rendered.

    Example:
        >>> phantom = render(PhantomSpec("DRUSEN", number=3, scan=1))
        >>> phantom.image.shape, phantom.image.dtype, bool(phantom.mask.any())
        ((496, 512), dtype('uint8'), True)
    """
    # Scan numbers start at 1 because a seed sequence takes a trailing 0 for absent.
    anatomy = draw_anatomy(np.random.default_rng(np.random.SeedSequence((spec.seed, spec.number))))
    rng = np.random.default_rng(np.random.SeedSequence((spec.seed, spec.number, spec.scan)))
    view = draw_view(rng)
    height, width = spec.size
    x = lateral(width)
    lesion = DISEASES[spec.label](rng, anatomy, view, x)
    layers = healthy_layers(anatomy, view, x)
    for name, added in lesion.added.items():
        layers[name] = np.maximum(layers[name] + added, 0.25 * layers[name])  # what gives way never vanishes
    surfaces = boundaries(anatomy, view, x, layers)
    painted = paint_layers(surfaces, height, anatomy.choroid)
    paint_texture(rng, painted, surfaces)
    paint_cysts(painted, surfaces, lesion.cysts)
    mask = lesion_mask(surfaces, lesion.cysts, height)
    return Phantom(expose(rng, painted, anatomy.brightness), mask, spec.label, spec.patient)
