"""Explanation: where a classifier finds support for a class, by any method, and where the maps point."""

from octlib.explanation.explain import explain
from octlib.explanation.methods import METHODS, Method
from octlib.explanation.pointing import PointingGame, pointing_game
from octlib.explanation.result import Explanation

__all__ = ["METHODS", "Explanation", "Method", "PointingGame", "explain", "pointing_game"]
