"""History: what happened in each epoch of a fit, or in each step of the solver."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False)
class History:
    """What ``octlib.fit`` returns.

    Attributes:
        epochs: for each epoch its metrics: ``epoch`` (from 1), ``loss``, ``accuracy``, ``learning_rate``, ``seconds``
            and, where there were validation scans, ``val_loss`` and ``val_accuracy``. Both losses are measured alike,
            by class weights, label smoothing and logit adjustment. Accuracies are in [0, 1]. A head that is solved for
            has no epochs: it has a row for each penalty that was tried, from strong to weak, with ``step`` in place of
            ``epoch`` and ``l2``, the penalty, in place of the learning rate.
        best_epoch: number of the epoch or step whose weights the classifier has now: the one with the lowest validation
            loss; without validation scans, the last.
        seconds: the whole fit, the pass through a frozen backbone included.
    """

    epochs: tuple[Mapping[str, float], ...] = field(repr=False)
    best_epoch: int
    seconds: float

    def to_frame(self) -> pd.DataFrame:
        """Return one row an epoch, or a step."""
        import pandas as pd

        return pd.DataFrame([dict(epoch) for epoch in self.epochs])

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Plot the loss over the epochs or steps, and the best one.

        Args:
            ax: where to draw; ``None`` makes a new figure.

        Returns:
            The axes drawn on.
        """
        if ax is None:
            import matplotlib.pyplot as plt

            ax = plt.subplots(figsize=(5, 3.2), layout="constrained")[1]
        numbers = [epoch[self._unit] for epoch in self.epochs]
        for name, label in (("loss", "training"), ("val_loss", "validation")):
            if name in self.epochs[0]:
                ax.plot(numbers, [epoch[name] for epoch in self.epochs], marker=".", label=label)
        ax.axvline(self.best_epoch, color="0.6", linestyle=":", label=f"best {self._unit} ({self.best_epoch})")
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.set(xlabel=self._unit, ylabel="loss", ylim=(0, None))
        ax.legend()
        return ax

    def __repr__(self) -> str:
        """Say how it went in one line."""
        metrics = self.epochs[self.best_epoch - 1]
        shown = ", ".join(
            f"{label} {metrics[name]:.3f}"
            for name, label in (("accuracy", "accuracy"), ("val_accuracy", "validation accuracy"))
            if name in metrics
        )
        rows = f"{len(self.epochs)} {self._unit}{'s' * (len(self.epochs) > 1)} in {self.seconds:.1f} s"
        return f"History({rows}, best {self._unit} {self.best_epoch}: {shown})"

    @property
    def _unit(self) -> str:
        return "epoch" if "epoch" in self.epochs[0] else "step"

    def _repr_html_(self) -> str:
        """Show the line and the table in a notebook."""
        return f"<p><code>{self!r}</code></p>{self.to_frame().to_html(index=False, float_format='{:.3g}'.format)}"
