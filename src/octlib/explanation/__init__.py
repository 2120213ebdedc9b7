"""Explanation: class activation maps by pytorch-grad-cam, the object that holds them, and where they point."""

from octlib.explanation.explain import explain
from octlib.explanation.pointing import PointingGame, pointing_game
from octlib.explanation.result import Explanation

__all__ = ["Explanation", "PointingGame", "explain", "pointing_game"]
