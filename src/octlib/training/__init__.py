"""Training: fit a classifier, frozen or fine-tuned, and its history."""

from octlib.training.fit import fit
from octlib.training.history import History

__all__ = ["History", "fit"]
