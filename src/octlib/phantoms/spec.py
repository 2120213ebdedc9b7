"""Specification: what determines a phantom, and collections of specifications."""

from __future__ import annotations

from dataclasses import dataclass

from octlib._checks import as_seed, as_whole
from octlib._suggest import unknown
from octlib.phantoms.devices import DEVICES, Device
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
        device: whose looks it has: one of ``DEVICES`` by name, or a ``Device`` of your own.
        size: (height, width) in pixels, 64 at least, of the same field; ``None`` is the device's own.
        severity: how far the disease has gone, in (0, 1]; ``None`` draws it for each patient.
        averaging: how many independent frames are averaged, 1 or more; ``None`` draws it as the device does.
        wedges: whether the scan was turned and moved, which leaves white wedges; ``None`` draws it.

    Raises:
        TypeError: where ``size`` is no size.
        ValueError: where a name is unknown or a number is out of its range.

    Example:
        >>> PhantomSpec("DME", number=7, scan=1).patient
        'P0007'
    """

    label: str
    number: int
    scan: int
    seed: int = 0
    device: str | Device = "spectralis"
    size: tuple[int, int] | None = None
    severity: float | None = None
    averaging: int | None = None
    wedges: bool | None = None

    def __post_init__(self) -> None:
        """Check every field once."""
        if self.label not in CLASS_NAMES:
            raise unknown("phantom class", self.label, CLASS_NAMES)
        if not isinstance(self.device, Device) and self.device not in DEVICES:
            raise unknown("device", self.device, DEVICES)
        size = self.scanner.size if self.size is None else as_size(self.size)
        object.__setattr__(self, "size", size)
        if min(size) < SMALLEST:
            raise ValueError(f"A phantom must be at least {SMALLEST} pixels each way, got {size}. Resize it later.")
        self._check_numbers()

    def _check_numbers(self) -> None:
        object.__setattr__(self, "seed", as_seed(self.seed))
        for name in ("number", "scan"):
            object.__setattr__(self, name, as_whole(name, getattr(self, name)))
        if self.severity is not None and not 0 < self.severity <= 1:
            raise ValueError(f"severity must be in (0, 1], got {self.severity}. For a healthy eye, take NORMAL.")
        if self.averaging is not None:
            object.__setattr__(self, "averaging", as_whole("averaging", self.averaging))

    @property
    def scanner(self) -> Device:
        """The device, looked up where it was given by name."""
        return self.device if isinstance(self.device, Device) else DEVICES[self.device]

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.size or self.scanner.size

    @property
    def patient(self) -> str:
        """The patient's name, such as ``P0007``."""
        return f"P{self.number:04d}"


def phantom_specs(
    n_patients: int = 80,
    *,
    scans_per_patient: int = 3,
    size: int | tuple[int, int] | None = None,
    device: str | Device = "spectralis",
    severity: float | None = None,
    averaging: int | None = None,
    wedges: bool | None = None,
    seed: int = 0,
) -> tuple[PhantomSpec, ...]:
    """Specify a collection of phantoms, balanced over patients: the classes take turns.

    Args:
        n_patients: how many patients.
        scans_per_patient: how many scans each of them has; they share the anatomy and the class.
        size: (height, width) in pixels, or one number for a square; ``None`` is the device's own.
        device: whose looks they have: one of ``octlib.phantoms.DEVICES`` by name, or a ``Device`` of your own.
        severity: how far the diseases have gone, in (0, 1]; ``None`` draws it for each patient.
        averaging: how many independent frames are averaged, 1 or more; ``None`` draws it as the device does.
        wedges: whether the scans have white wedges; ``None`` draws it.
        seed: another seed gives other patients.

    Returns:
        The specifications, patient after patient. A larger collection contains a smaller one of the same seed.

    Raises:
        TypeError: where ``size`` is no size.
        ValueError: where there would be no scan, a name is unknown or a number is out of its range.

    Example:
        >>> [(spec.patient, spec.label) for spec in phantom_specs(3, scans_per_patient=1)]
        [('P0001', 'CNV'), ('P0002', 'DME'), ('P0003', 'DRUSEN')]
    """
    n_patients, scans_per_patient = as_whole("n_patients", n_patients), as_whole("scans_per_patient", scans_per_patient)
    return tuple(
        PhantomSpec(
            CLASS_NAMES[(number - 1) % len(CLASS_NAMES)],
            number,
            scan,
            seed=seed,
            device=device,
            size=None if size is None else as_size(size),
            severity=severity,
            averaging=averaging,
            wedges=wedges,
        )
        for number in range(1, n_patients + 1)
        for scan in range(1, scans_per_patient + 1)
    )
