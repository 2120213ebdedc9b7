"""Calibrated: what a classifier knows of its probabilities, and lets go of when it is trained again."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from octlib.errors import CalibrationWarning
from octlib.models.postprocessing import Postprocessing, as_shares


class Calibrated:
    """Gives a classifier its postprocessing and the class shares that it was trained to expect."""

    class_names: Any

    @property
    def postprocessing(self) -> Postprocessing:
        """What happens to a prediction after the graph, in every verb of octlib and in ``export``; it can be set.

        It is saved with the classifier. The graph itself, and so ``predict`` of Keras and ``to_torch``, sees a scan
        once, and knows neither temperature nor priors.
        """
        return self._postprocessing

    @postprocessing.setter
    def postprocessing(self, postprocessing: Postprocessing) -> None:
        """Set it."""
        if not isinstance(postprocessing, Postprocessing):
            raise TypeError(f"postprocessing must be a Postprocessing, got {postprocessing!r}.")
        if postprocessing.priors is not None and len(postprocessing.priors) != len(self.class_names):
            raise ValueError(
                f"postprocessing must have priors for the {len(self.class_names)} classes of the classifier, got "
                f"{len(postprocessing.priors)}."
            )
        self._postprocessing = postprocessing

    @property
    def class_shares(self) -> tuple[float, ...] | None:
        """The share of each class that training has taught the classifier to expect; ``None`` where nobody knows.

        ``octlib.fit`` notes them: those of its scans, or equal ones where class weights or logit adjustment made the
        classes so. They are saved with the classifier, and ``octlib.adjust_priors`` needs them.
        """
        return self._class_shares

    @class_shares.setter
    def class_shares(self, class_shares: Sequence[float] | None) -> None:
        """Set them."""
        shares = None if class_shares is None else as_shares("class_shares", class_shares)
        if shares is not None and len(shares) != len(self.class_names):
            raise ValueError(f"class_shares must be {len(self.class_names)}, one for each class, got {len(shares)}.")
        self._class_shares = shares

    def forget_calibration(self, *, stacklevel: int = 2) -> None:
        """Drop what holds for the present weights alone, before they change; flips stay.

        Args:
            stacklevel: of the warning, as the caller counts.

        Warns:
            CalibrationWarning: if there was a temperature, priors or sets.
        """
        self.class_shares = None
        plain = Postprocessing(self.postprocessing.flips)
        if self.postprocessing != plain:
            was, self.postprocessing = self.postprocessing, plain
            problem = f"Training changes what the calibration was found for, so it is dropped ({was.describe()})."
            advice = "Calibrate the trained classifier: octlib.calibrate(classifier, validation)."
            warnings.warn(CalibrationWarning(problem, advice), stacklevel=stacklevel + 1)

    def fit(self, *args: Any, **kwargs: Any) -> Any:
        """Train as Keras does; ``octlib.fit`` does more. A calibration, which was for other weights, is dropped."""
        self.forget_calibration()
        return super().fit(*args, **kwargs)  # type: ignore[misc]  # of Keras
