"""What extensions are made of: model families, stages and trackers of your own. CONTRIBUTING.md shows one of each.

>>> import automl.extend
>>> automl.extend.read_pipeline("linear").steps[0].name
'clean'
"""

from __future__ import annotations

from automl.budget import Budget
from automl.lab.lab import Lab
from automl.models import Family, Fitted, How, Model, Sample, SimpleFamily
from automl.pipeline import Pipeline, read_pipeline
from automl.search.hand import Everywhere, variation
from automl.space import Choice, Float, Int
from automl.stages import Stage, option
from automl.track.experiment import Experiment
from automl.track.tracker import Tracker
from automl.trial import Candidate, Study, Trial

__all__ = [
    "Budget",
    "Candidate",
    "Choice",
    "Everywhere",
    "Experiment",
    "Family",
    "Fitted",
    "Float",
    "How",
    "Int",
    "Lab",
    "Model",
    "Pipeline",
    "Sample",
    "SimpleFamily",
    "Stage",
    "Study",
    "Tracker",
    "Trial",
    "option",
    "read_pipeline",
    "variation",
]
