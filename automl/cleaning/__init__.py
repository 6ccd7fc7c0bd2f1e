"""Find and mend the faults of a raw table; every step is reported as a finding."""

from automl.cleaning.clean import Cleaned, clean
from automl.cleaning.cleaner import Cleaner, Transformed, UnknownCounts
from automl.cleaning.options import CleanOptions
from automl.finding import Finding

__all__ = [
    "CleanOptions",
    "Cleaned",
    "Cleaner",
    "Finding",
    "Transformed",
    "UnknownCounts",
    "clean",
]
