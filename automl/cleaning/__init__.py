"""Find and mend what is wrong with a raw table; every step is a finding."""

from automl.cleaning.cleaner import Applied, Cleaned, Cleaner, CleanOptions, clean
from automl.cleaning.findings import Finding

__all__ = ["Applied", "CleanOptions", "Cleaned", "Cleaner", "Finding", "clean"]
