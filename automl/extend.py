"""The parts of extensions: model families, stages, engines and trackers of your own.

CONTRIBUTING.md shows one of each.

>>> import automl.extend
>>> automl.extend.read_pipeline("linear").steps[0].name
'clean'
"""

from __future__ import annotations

from automl.budget import Budget
from automl.candidate import Candidate
from automl.executor._base import Executor
from automl.executor.engines import Engine, EngineSettings
from automl.lab.lab import Lab
from automl.metrics import Metric
from automl.models import (
    EarlyStopping,
    Family,
    Feature,
    FitContext,
    Fitted,
    Model,
    Sample,
    SimpleFamily,
)
from automl.pipeline import Pipeline, read_pipeline
from automl.resources import Resources
from automl.search.all_folds import AllFoldsPolicy
from automl.search.manual import variation
from automl.space import Choice, Float, Int, Space, When
from automl.stages import Stage, option
from automl.state import State
from automl.study import Study
from automl.task import Task
from automl.track.experiment import Experiment
from automl.track.tracker import Tracker
from automl.trial import Trial

__all__ = [
    "AllFoldsPolicy",
    "Budget",
    "Candidate",
    "Choice",
    "EarlyStopping",
    "Engine",
    "EngineSettings",
    "Executor",
    "Experiment",
    "Family",
    "Feature",
    "FitContext",
    "Fitted",
    "Float",
    "Int",
    "Lab",
    "Metric",
    "Model",
    "Pipeline",
    "Resources",
    "Sample",
    "SimpleFamily",
    "Space",
    "Stage",
    "State",
    "Study",
    "Task",
    "Tracker",
    "Trial",
    "When",
    "option",
    "read_pipeline",
    "variation",
]
