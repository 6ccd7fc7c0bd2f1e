"""Policies: which job is next, given the study. No clock, no files, no global randomness."""
