"""Hand the study from stage to stage; keep the best-so-far predictor on disk; finish in time; go on; make again."""

from automl.run.chain import Callbacks, Result, Settings, fit
from automl.run.manual import try_out
from automl.run.recorder import changes
from automl.run.reproduce import Compared, reproduce
from automl.run.reseeding import reseeded
from automl.run.resume import resume
from automl.run.scoring import ScoredTable

__all__ = [
    "Callbacks",
    "Compared",
    "Result",
    "ScoredTable",
    "Settings",
    "changes",
    "fit",
    "reproduce",
    "reseeded",
    "resume",
    "try_out",
]
