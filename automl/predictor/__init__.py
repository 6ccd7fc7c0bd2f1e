"""The finished model: schema, cleaner, encoders, models, weights; predict, save, load."""

from automl.predictor.archive import load, save
from automl.predictor.model import Member, Part, Predictor

__all__ = ["Member", "Part", "Predictor", "load", "save"]
