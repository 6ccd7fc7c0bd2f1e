"""Find and mend what is wrong with a raw table; every step is a finding."""

from automl.cleaning.clean import Cleaned, CleanOptions, clean
from automl.cleaning.cleaner import Applied, Cleaner, Counts
from automl.cleaning.findings import Finding

__all__ = ["Applied", "CleanOptions", "Cleaned", "Cleaner", "Counts", "Finding", "clean"]
