"""The stages: one file each, in the order of a usual chain."""

from automl.stages._base import Stage
from automl.stages.clean import Clean
from automl.stages.ensemble import Ensemble
from automl.stages.extract import Extract
from automl.stages.select import Select
from automl.stages.tune import Tune

STAGES: dict[str, type[Stage]] = {"clean": Clean, "extract": Extract, "select": Select, "tune": Tune, "ensemble": Ensemble}

__all__ = ["STAGES", "Stage"]
