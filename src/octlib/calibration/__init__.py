"""Calibration: probabilities that can be taken at their word, other class shares, and sets of classes."""

from octlib.calibration.calibrate import Calibration as Calibration
from octlib.calibration.calibrate import calibrate as calibrate
from octlib.calibration.prediction_sets import PredictionSets as PredictionSets
from octlib.calibration.prediction_sets import prediction_sets as prediction_sets
from octlib.calibration.priors import adjust_priors as adjust_priors

__all__ = ["Calibration", "PredictionSets", "adjust_priors", "calibrate", "prediction_sets"]
