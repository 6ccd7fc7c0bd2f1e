"""Find and mend the faults of a raw table; every step is reported as a finding."""

from automl.cleaning.clean import Cleaned, clean
from automl.cleaning.cleaner import Applied, Cleaner, Counts
from automl.cleaning.findings import Finding
from automl.cleaning.options import CleanOptions

__all__ = [
    "Applied",
    "CleanOptions",
    "Cleaned",
    "Cleaner",
    "Counts",
    "Finding",
    "clean",
]
