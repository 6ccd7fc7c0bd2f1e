"""Find and mend what is wrong with a raw table; every step is a finding."""

from automl.cleaning.cleaner import Cleaned, CleanOptions, clean
from automl.cleaning.findings import Finding
from automl.cleaning.fitted import Applied, Cleaner, Counts

__all__ = ["Applied", "CleanOptions", "Cleaned", "Cleaner", "Counts", "Finding", "clean"]
