"""Training: how a fit went, in the words and the curve of a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from octlib.report.curves import draw_curve

if TYPE_CHECKING:
    from octlib.training import History


def describe_training(history: History | None) -> dict[str, Any] | None:
    """Give what the template shows of a fit; ``None`` where there is none."""
    if history is None:
        return None
    unit, best = "epoch" if "epoch" in history.epochs[0] else "step", history.epochs[history.best_epoch - 1]
    figures = ", ".join(
        f"{title} {best[name]:.3f}"
        for name, title in (("accuracy", "accuracy"), ("val_accuracy", "validation accuracy"))
        if name in best
    )
    how = f"The {unit} that was kept is number {history.best_epoch} of {len(history.epochs)}: {figures}."
    words = "Loss of training and, where there were such scans, validation"
    return {"curve": draw_curve(history.plot, words), "how": how}
