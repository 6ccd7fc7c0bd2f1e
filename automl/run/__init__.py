"""Pass the study from stage to stage, keep the best predictor so far, finish in time, resume."""

from automl.run.chain import fit
from automl.run.facts import changes
from automl.run.manual import try_out
from automl.run.reproduce import Comparison, reproduce
from automl.run.reseeding import reseeded
from automl.run.resume import resume
from automl.run.scoring import ScoredTable
from automl.run.settings import Callbacks, Result, Settings
from automl.run.small import SmallModels, make_small

__all__ = [
    "Callbacks",
    "Comparison",
    "Result",
    "ScoredTable",
    "Settings",
    "SmallModels",
    "changes",
    "fit",
    "make_small",
    "reproduce",
    "reseeded",
    "resume",
    "try_out",
]
