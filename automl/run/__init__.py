"""Hand the study from stage to stage; keep the best-so-far predictor on disk; finish in time."""

from automl.run.chain import Result, Settings, fit

__all__ = ["Result", "Settings", "fit"]
