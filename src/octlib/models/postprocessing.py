"""Postprocessing: what happens to a prediction after the graph, as one value that every verb uses."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from octlib.models.config_format import require_known

TINY = float(np.finfo(np.float32).tiny)  # stands for a probability of 0, whose logarithm there isn't
COLDEST, HOTTEST = 0.01, 100.0  # temperatures that make sense; far beyond, numbers of single precision run over
TOLERANCE = 1e-8  # of sums in another order, by which a probability may lie below the least one of a set


@dataclass(frozen=True)
class Postprocessing:
    """How the probabilities that the graph gives for a scan become the prediction, in this order.

    Args:
        flips: average over the scan and its mirror image, left and right exchanged, which takes twice as long.
        temperature: divides the logarithms of the probabilities, from 0.01 to 100: above 1 they become less sure, below
            1 surer. See ``octlib.calibrate``.
        trained_on: the share of each class that the classifier believes in, above 0 and 1 in all; ``None`` where
            ``priors`` is.
        priors: the share of each class among the scans that are predicted, 1 in all. See ``octlib.adjust_priors``.
        coverage: the share of patients for whom a set of classes is to hold the true one; ``None`` where there are no
            sets. See ``octlib.calibrate``.
        least: the probability from which on a class is in the set; ``None`` likewise.

    Raises:
        TypeError: if ``flips`` is neither ``True`` nor ``False``, or something else is no number.
        ValueError: if a number is out of its range, or one of two that belong together is missing.

    Example:
        >>> Postprocessing(flips=True).views
        (False, True)
    """

    flips: bool = False
    temperature: float = 1.0
    trained_on: tuple[float, ...] | None = None
    priors: tuple[float, ...] | None = None
    coverage: float | None = None
    least: float | None = None

    def __post_init__(self) -> None:
        """Check every field once."""
        if not isinstance(self.flips, bool):
            raise TypeError(f"flips must be True or False, got {self.flips!r}.")
        object.__setattr__(self, "temperature", as_number("temperature", self.temperature))
        if not COLDEST <= self.temperature <= HOTTEST:
            raise ValueError(f"temperature must be from {COLDEST:g} to {HOTTEST:g}, got {self.temperature!r}.")
        self._set_pair("trained_on", "priors", as_shares)
        self._set_pair("coverage", "least", as_number)
        trained_on, priors = self.trained_on or (1.0,), self.priors or (1.0,)
        if min(trained_on) <= 0 or len(trained_on) != len(priors):
            raise ValueError(
                "trained_on must have a share above 0 for each class that priors has a share for, got "
                f"{self.trained_on} and {self.priors}."
            )
        if self.coverage is not None and not (0 < self.coverage < 1 and 0 <= (self.least or 0) <= 1):
            raise ValueError(
                f"coverage must lie between 0 and 1, and least in [0, 1], got {self.coverage!r} and {self.least!r}."
            )

    def _set_pair(self, one: str, other: str, normalise: Any) -> None:
        values = getattr(self, one), getattr(self, other)
        if (values[0] is None) != (values[1] is None):
            raise ValueError(f"{one} and {other} belong together, got {values[0]!r} and {values[1]!r}.")
        for name, value in zip((one, other), values, strict=True):
            if value is not None:
                object.__setattr__(self, name, normalise(name, value))

    @property
    def views(self) -> tuple[bool, ...]:
        """The views of a scan that the graph has to see: for each of them, whether it is mirrored."""
        return (False, True) if self.flips else (False,)

    def with_flips(self, flips: bool | None) -> Postprocessing:
        """Choose whether to average over mirror images.

        Args:
            flips: ``None`` leaves it as it is.

        Returns:
            The same with these flips. Where they are others there are no sets, whose coverage was promised for
            predictions that differ.

        Raises:
            TypeError: if ``flips`` is anything else.
        """
        changed = self if flips is None else replace(self, flips=flips)
        return self if changed == self else replace(changed, coverage=None, least=None)

    def combine(self, probabilities: Sequence[Any]) -> Any:
        """Make one prediction of the probabilities of all views.

        Their mean p becomes p^(1 / temperature) times priors over trained_on, each row divided by its sum. The first is
        temperature scaling (Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2), of one view the
        same as to divide its logits; the second is Bayes' rule for other class shares (Saerens, Latinne and
        Decaestecker 2002, "Adjusting the Outputs of a Classifier to New a Priori Probabilities", section 2.2).

        Args:
            probabilities: for each view float (n, classes), an array or a tensor of torch.

        Returns:
            float (n, classes) of the same kind; rows sum to 1.

        Example:
            >>> import numpy as np
            >>> Postprocessing(flips=True).combine([np.array([[0.5, 0.5]]), np.array([[1.0, 0.0]])])
            array([[0.75, 0.25]])
            >>> Postprocessing(temperature=2).combine([np.array([[0.9, 0.1]])])
            array([[0.75, 0.25]])
        """
        first, *others = probabilities
        mean = sum(others, start=first) / len(probabilities) if others else first
        if self.temperature == 1 and self.priors == self.trained_on:
            return mean
        # By logarithms, of which the largest of a row becomes 0: powers of small numbers would all vanish.
        if not isinstance(mean, np.ndarray):
            logs = mean.clamp(min=TINY).log() / self.temperature
            return (logs if self.priors is None else logs + mean.new_tensor(self._log_ratios())).softmax(dim=1)
        logs = np.log(np.maximum(mean, TINY)) / self.temperature
        if self.priors is not None:
            logs = logs + np.array(self._log_ratios(), logs.dtype)
        powers = np.exp(logs - logs.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    def _log_ratios(self) -> list[float]:
        """Return the logarithm of each class's share over that which the classifier believes in."""
        pairs = zip(self.priors or (), self.trained_on or (), strict=True)
        return [math.log(prior / believed) if prior > 0 else -math.inf for prior, believed in pairs]

    def sets(self, probabilities: np.ndarray) -> np.ndarray:
        """Tell which classes fit each scan, as sets that hold the true class as often as ``coverage`` says.

        Args:
            probabilities: float (n, classes), of ``combine``.

        Returns:
            bool (n, classes); a row without any is a scan that no class fits.

        Raises:
            ValueError: if there are no sets.
        """
        if self.least is None:
            raise ValueError("There are no sets: no coverage was asked for in octlib.calibrate(coverage=).")
        return np.asarray(np.asarray(probabilities, dtype=np.float64) >= self.least - TOLERANCE)

    def describe(self) -> str:
        """Say in a few words how a prediction comes about, for summaries and model cards."""
        said = ["the mean over the scan and its mirror image" if self.flips else "of the scan as it is"]
        if self.temperature != 1:
            said.append(f"temperature {self.temperature:.3g}")
        if self.priors is not None and self.trained_on is not None:
            said.append(f"class shares {_shown(self.priors)} in place of {_shown(self.trained_on)}")
        if self.coverage is not None:
            said.append(f"sets for a coverage of {self.coverage:g}: classes from {self.least:.3g} on")
        return "; ".join(said)

    def to_dict(self) -> dict[str, Any]:
        """State the settings as JSON can hold them: ``from_dict`` takes them back."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Postprocessing:
        """Restore what ``to_dict`` stated.

        Args:
            settings: any of the fields; what is missing gets its default.

        Returns:
            A postprocessing that is equal to the stated one.

        Raises:
            TypeError: if a setting is of another kind.
            ValueError: if a setting is unknown or out of its range.
        """
        require_known("postprocessing", settings, cls.__dataclass_fields__)
        return cls(**settings)


def as_number(name: str, value: Any) -> float:
    """Bring a finite number to a float.

    Args:
        name: of the argument.
        value: what was given.

    Returns:
        The number.

    Raises:
        TypeError: if it is no number.
        ValueError: if it is not finite.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"{name} must be a number, got {value!r}.")
    if not math.isfinite(value):
        raise ValueError(f"{name} must be a finite number, got {value!r}.")
    return float(value)


def as_shares(name: str, values: Any) -> tuple[float, ...]:
    """Bring the shares of classes to a tuple.

    Args:
        name: of the argument.
        values: one for each class.

    Returns:
        The shares; they sum to 1.

    Raises:
        TypeError: if they are no sequence of numbers.
        ValueError: if one is below 0, or they don't sum to 1.
    """
    if not isinstance(values, list | tuple):
        raise TypeError(f"{name} must be a share for each class, got {values!r}.")
    shares = tuple(as_number(name, value) for value in values)
    if not shares or min(shares) < 0 or abs(sum(shares) - 1) > 1e-6:
        raise ValueError(f"{name} must be shares of 0 or more that sum to 1, got {shares}.")
    return shares


def _shown(shares: tuple[float, ...]) -> str:
    return ", ".join(f"{share:.3g}" for share in shares)
