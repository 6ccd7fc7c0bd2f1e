"""Hand the study from stage to stage; keep the best-so-far predictor on disk; finish in time; go on; make again."""

from automl.run.chain import Audience, Result, Settings, fit
from automl.run.exam import ScoredTable
from automl.run.hand import try_out
from automl.run.record import changes
from automl.run.reproduce import Compared, reproduce
from automl.run.resume import resume
from automl.run.seeds import reseeded

__all__ = ["Audience", "Compared", "Result", "ScoredTable", "Settings", "changes", "fit", "reproduce", "reseeded", "resume", "try_out"]
