"""The only place where models are trained: jobs, workers, limits, failures, encoded data."""
