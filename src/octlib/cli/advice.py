"""Advice: what the shell says to do about each class of octlib's errors and warnings, in its own options."""

from __future__ import annotations

import click

from octlib import errors

# By class: sentences, each with the parameter that a command must have for it to make sense, or None. A class that is
# not here, nor derives from one that is, has advice that reads the same in Python and at the shell.
ADVICE: dict[type[Exception], tuple[tuple[str | None, str], ...]] = {
    errors.UnreadableScanError: (
        (None, "Replace them by intact 8- or 16-bit images"),
        ("on_error", ", or leave them out with --on-error skip"),
    ),
    errors.LayoutError: (
        (
            "layout",
            "--layout flat takes all images without labels, folders every folder as a class, sites as a site",
        ),
        ("split", "; --split takes a published split, and all scans are read without it"),
    ),
    errors.TableError: (
        (None, "Mend the table"),
        ("columns", ", or name its columns, as in --columns patient=subject"),
    ),
    errors.SplitError: (
        ("fractions", "Choose other --fractions, or move classes that are too small out of the folder"),
    ),
    errors.UnmatchedClassesError: (
        (None, "Name the folders as the classifier names its classes, and move others out; predict needs no classes"),
    ),
    errors.LevelError: (("level", "Choose another --level, or mend what the table says of these scans"),),
    errors.WeightsError: (
        ("weights", "--weights takes pretrained, none, a .safetensors or .pth file, or a timm folder"),
    ),
    errors.HubError: (
        (None, "Connect to the network once, or point HF_HOME to a cache from elsewhere"),
        ("weights", "; or choose --weights none for random ones, or --weights PATH: a file or a timm folder"),
    ),
    errors.ImageSizeError: (("image_size", "Choose another --image-size, or leave it out for the backbone's own"),),
    errors.CheckpointError: (
        ("resume", "--resume goes on with the run that it holds, if scans and options are the same"),
        ("checkpoint", "; to start anew, remove it or choose another --checkpoint"),
    ),
    errors.AugmentationError: (("freeze", "Add --no-freeze to fine-tune"),),
    errors.ExplanationError: (("layer", "Name one with --backbone, or leave --layer out"),),
    errors.FamiliarityError: (
        ("familiarity", "Train with octlib train --familiarity, on ten scans or more of two patients or more"),
    ),
    errors.NoRoomError: (
        (None, "Let OCTLIB_CACHE name a folder on a larger disk"),
        ("cache", ", halve them by --cache float16, or hold them in memory by --cache off"),
    ),
    MemoryError: (
        (None, "Close other programs"),
        ("batch_size", ", or choose a smaller --batch-size"),
        ("image_size", " or --image-size"),
    ),
    errors.LeakageWarning: ((None, "octlib train divides all scans anew, and keeps each patient in one part"),),
    errors.SplitWarning: (("fractions", "Choose other --fractions, or another --seed"),),
    errors.UnknownPatientsWarning: (
        (None, "Patients are read off file names of the form CLASS-patient-number, such as CNV-0042-1.png"),
        ("patients", "; off others --patients REGEX reads them, as in --patients '(P[0-9]+)_'"),
    ),
    errors.CalibrationError: ((None, "Give scans of more patients"), ("coverage", ", or a lower --coverage")),
    errors.CalibrationWarning: (("coverage", "Calibrate on scans of more patients, or use the classifier as it was"),),
    errors.CacheWarning: (
        (None, "Let OCTLIB_CACHE name another folder"),
        ("cache", ", or switch this off by --cache off"),
    ),
    errors.TrainingWarning: (("epochs", "Train it in epochs instead: --epochs 20"),),
    errors.ConstantMapWarning: (("method", "Another --method, --target or --layer may have more to say"),),
}


def in_shell_words(said: Exception | str, command: click.Command | None) -> str:
    """Write an error or a warning in one line, and its advice in the options of a command.

    Args:
        said: an error, a warning, or the text of one.
        command: that met it; ``None`` where no command was found.

    Returns:
        The line: problem and advice of octlib's own, others as they are.

    Example:
        >>> error = errors.UnreadableScanError("a.png can't be read.", "Load with on_error='skip'.")
        >>> in_shell_words(error, None)
        "a.png can't be read. Replace them by intact 8- or 16-bit images."
    """
    text = str(said)
    if isinstance(said, errors.OctlibError | errors.OctlibWarning):
        text = f"{said.problem} {advice_for(type(said), command) or said.advice}".strip()
    if isinstance(said, MemoryError):
        text = f"There is not enough memory{f' ({text})' if text else ''}. {advice_for(MemoryError, command)}"
    return " ".join(text.splitlines())


def advice_for(kind: type[Exception], command: click.Command | None) -> str:
    """Give the shell's own advice on a class of errors or warnings.

    Args:
        kind: of ``octlib.errors``.
        command: whose options it may name.

    Returns:
        One sentence; none where the shell has nothing of its own to say.
    """
    known = {None, *(parameter.name for parameter in command.params)} if command else {None}
    clauses = next((ADVICE[each] for each in kind.__mro__ if each in ADVICE), ())
    sentence = "".join(clause for parameter, clause in clauses if parameter in known)
    return f"{sentence}." if sentence else ""
