"""Errors and warnings: the classes by which programs, the shell among them, tell octlib's own apart.

An error's text says what is required and what came, then what to do. Both halves are kept apart, so that whoever speaks
another language than Python's, such as the shell, can give the advice in its own words.
"""

from __future__ import annotations

__all__ = [
    "AugmentationError",
    "CacheWarning",
    "CalibrationError",
    "CalibrationWarning",
    "CheckpointError",
    "ConfigWarning",
    "ConstantMapWarning",
    "DownloadError",
    "DuplicateWarning",
    "ExplanationError",
    "FamiliarityError",
    "HubError",
    "ImageSizeError",
    "KeptWarning",
    "LayoutError",
    "LayoutWarning",
    "LeakageWarning",
    "LeftOutWarning",
    "LevelError",
    "MissingPackageError",
    "MissingScanError",
    "MissingWeightsError",
    "NoRoomError",
    "OctlibError",
    "OctlibWarning",
    "SplitError",
    "SplitWarning",
    "TableError",
    "TrainingWarning",
    "UndefinedMetricWarning",
    "UnknownPatientsWarning",
    "UnmatchedClassesError",
    "UnreadableScanError",
    "UnsupportedNetworkError",
    "WeightsError",
]


class _Advised(Exception):  # noqa: N818 - it is never raised: errors and warnings derive from it
    """A problem and what to do about it, apart and as one text."""

    def __init__(self, problem: str, advice: str = "") -> None:
        super().__init__(f"{problem} {advice}".strip())
        self.problem, self.advice = problem, advice


class OctlibError(_Advised):
    """What the errors of octlib that have advice in common.

    Args:
        problem: what is required, and what came.
        advice: what to do, in the words of Python.

    Attributes:
        problem: as given.
        advice: as given.

    Example:
        >>> error = UnreadableScanError("1 of 8 scans can't be read: a.png (not an image).", "Replace it.")
        >>> str(error), isinstance(error, ValueError)
        ("1 of 8 scans can't be read: a.png (not an image). Replace it.", True)
    """


class UnreadableScanError(OctlibError, ValueError):
    """A scan can't be read: its file is damaged, too large, or no image."""


class MissingScanError(UnreadableScanError, FileNotFoundError):
    """The file of a scan is gone."""


class LayoutError(OctlibError, ValueError):
    """A source has not the layout, or not the published split, that was asked for."""


class TableError(LayoutError):
    """A table of scans has rows that can't be taken, or not the columns that it needs."""


class UnmatchedClassesError(OctlibError, ValueError):
    """Scans are of a class that a classifier doesn't know, or have no labels."""


class SplitError(OctlibError, ValueError):
    """Scans can't be divided as asked: their patients are unknown, or too few have a class."""


class LevelError(OctlibError, ValueError):
    """Scans don't tell what they belong to at a level, or disagree about its label."""


class WeightsError(OctlibError, ValueError):
    """Weights are missing, damaged, or of another backbone."""


class MissingWeightsError(WeightsError, FileNotFoundError):
    """There is no file of weights where one was looked for."""


class HubError(OctlibError, ConnectionError):
    """The hub can't be reached, or refuses, and what is asked of it isn't in the local cache."""


class DownloadError(OctlibError, OSError):
    """A published data set can't be had by its name: no connection, a refusal, another file, or no room for it."""


class ImageSizeError(OctlibError, ValueError):
    """An architecture, or its weights, can't take scans of a size; the problem names sizes that they can take."""


class CheckpointError(OctlibError, ValueError):
    """A run can't go on from a checkpoint, or must not replace one."""


class AugmentationError(OctlibError, ValueError):
    """A frozen backbone was to be trained on augmented scans."""


class ExplanationError(OctlibError, ValueError):
    """A layer was named, but not of which of several backbones."""


class CalibrationError(OctlibError, ValueError):
    """Scans or facts are missing that a calibration, priors or prediction sets need."""


class FamiliarityError(OctlibError, ValueError):
    """Familiarity is asked for and was not learned, or of other weights."""


class NoRoomError(OctlibError, OSError):
    """There is no room for features on the disk."""


class UnsupportedNetworkError(OctlibError, ValueError):
    """A network can't be carried over to the backend that Keras runs on."""


class MissingPackageError(OctlibError, ModuleNotFoundError):
    """An optional package is not installed; the advice names the extra."""


class OctlibWarning(_Advised, UserWarning):
    """Every warning of octlib's own.

    Args:
        problem: what was found, and what comes of it.
        advice: what to do, in the words of Python.

    Attributes:
        problem: as given.
        advice: as given.

    Example:
        >>> import warnings
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     warnings.simplefilter("always")
        ...     warnings.warn(LeakageWarning("train and test share 2 patients.", "Divide with split()."), stacklevel=1)
        >>> caught[0].message.problem
        'train and test share 2 patients.'
    """


class LeakageWarning(OctlibWarning):
    """The same patients are where they must not be: in two published splits, in training and in validation."""


class LayoutWarning(OctlibWarning):
    """A source has a fault that its layout is known for, or its table and its files disagree."""


class LeftOutWarning(OctlibWarning):
    """Scans of a source were left out: copies, strays, unreadable ones."""


class DuplicateWarning(OctlibWarning):
    """A table names a file more than once."""


class SplitWarning(OctlibWarning):
    """A part of a split lacks a class, or is far from the size that was asked for."""


class TrainingWarning(OctlibWarning):
    """Training ended before it was done, or takes longer than it could."""


class UnknownPatientsWarning(OctlibWarning):
    """Patients are unknown, so that something is by scan that should be by patient."""


class UndefinedMetricWarning(OctlibWarning):
    """A metric or an interval is undefined: no scan is of a class, or there is one patient alone."""


class CalibrationWarning(OctlibWarning):
    """A calibration rests on too little, or is dropped since it holds no longer."""


class ConfigWarning(OctlibWarning):
    """A classifier's ``config.json`` says otherwise than the weights beside it."""


class CacheWarning(OctlibWarning):
    """Features could not be kept."""


class KeptWarning(OctlibWarning):
    """A downloaded data set was not removed: it is being downloaded, or its folder is a link."""


class ConstantMapWarning(OctlibWarning):
    """A map is constant, so that it shows nothing."""
