"""Explanation: class activation maps, by pytorch-grad-cam, and the object that holds them."""

from octlib.explanation.explain import explain
from octlib.explanation.result import Explanation

__all__ = ["Explanation", "explain"]
