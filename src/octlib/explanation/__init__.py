"""Explanation: where a classifier finds support for a class, by any method, and how far the maps can be trusted."""

from octlib.explanation.explain import explain
from octlib.explanation.faithfulness import Faithfulness, faithfulness
from octlib.explanation.methods import METHODS, Method
from octlib.explanation.randomisation import RandomisationTest, randomisation_test
from octlib.explanation.result import Explanation
from octlib.explanation.scoring import ExplanationScores, score_explanations

__all__ = [
    "METHODS",
    "Explanation",
    "ExplanationScores",
    "Faithfulness",
    "Method",
    "RandomisationTest",
    "explain",
    "faithfulness",
    "randomisation_test",
    "score_explanations",
]
