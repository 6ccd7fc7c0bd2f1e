"""The finished model: schema, cleaner, encoders, models and weights; predict, save and load."""

from automl.predictor.archive import save
from automl.predictor.loading import load
from automl.predictor.model import Member, Part, Predictor

__all__ = [
    "Member",
    "Part",
    "Predictor",
    "load",
    "save",
]
