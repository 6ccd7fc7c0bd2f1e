"""The options of the ensemble stage, and what follows from them for a study."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Literal

from automl.budget import Budget
from automl.ensemble import fit_log_pool as logarithmic_pool
from automl.ensemble import select_greedily
from automl.folds import HasTime, unlimited
from automl.metrics import metric_of
from automl.price import Price
from automl.stages._base import option
from automl.study import Finish, Study
from automl.uncertainty import Weigher

MIN_CALIBRATION_ROWS = {"binary": 1000, "multiclass": 500}  # out-of-fold rows
# From this share of duplicate rows on, there are refits alone, which have seen every row (0.92 to
# 1.02 of the loss).
MIN_REPEATED_SHARE = 0.1
# Rows from which on four refits are as good alone as next to a bag (0.999 of the loss on 9 tables;
# 1.006 on 4 smaller ones).
MIN_ROWS_WITHOUT_BAG = 1_000
MAX_UNTIMED_COPIES = 2  # refits of a member without a clock to say how many there is time for


@dataclass(frozen=True)
class EnsembleOptions:
    """Options of the ensemble stage."""

    method: Literal["auto", "greedy", "best"] = option(
        "auto",
        "Weights by greedy selection, or the best trial alone; auto: greedy for numbers, a "
        "logarithmic pool for classes.",
    )
    steps: int = option(25, "Steps of the greedy selection, with replacement.", least=1, most=1000)
    candidates: int = option(
        30, "How many of the best trials take part, besides the best of every family.", least=1
    )
    rows: int = option(
        20_000, "Out-of-fold rows on which weights are chosen; more are sampled.", least=100
    )
    calibrate: bool = option(
        True, "Choose a temperature for the probabilities where there are enough rows."
    )
    finish: Literal["auto", "bag", "refit", "both", "either"] = option(
        "auto",
        "Members are bags of fold models, refits on all rows, or both; either: four refits, or "
        "both where there are fewer; auto: refits after a holdout and for rows that recur, either "
        "from 1 000 rows on, else both.",
    )
    copies: int = option(
        4,
        "The most refits of each member, with different seeds, as far as there is time.",
        least=1,
        most=100,
    )
    members: int = option(0, "The most members; 0 is no bound.")
    trim: bool = option(
        True,
        "Leave out members without which the loss rises by less than 0.2%, and by less than its "
        "noise.",
    )
    megabytes: int = option(
        500,
        "Members that would make the predictor larger are left out, the heaviest coming first.",
        least=1,
    )
    max_ms: float = option(
        0.0,
        "Milliseconds that predicting one row may take, warm, as measured in the run; 0 is no "
        "bound. With `trials` they are counted, not measured.",
    )
    max_mb: float = option(0.0, "Megabytes that the predictor's file may have; 0 is no bound.")

    @property
    def price(self) -> Price:
        """What predictions may cost at most."""
        return Price(self.max_ms or math.inf, self.max_mb or math.inf)

    def most_copies(self, budget: Budget) -> int:
        """Return the most refits of a member."""
        if budget.is_timed:
            return self.copies
        return min(self.copies, MAX_UNTIMED_COPIES)

    def finish_of(self, study: Study) -> Finish:
        """Return what members consist of."""
        if self.finish != "auto":
            return self.finish
        if study.plan.kind != "kfold":
            return "refit"
        size = study.size
        rows_recur = size.repeated > MIN_REPEATED_SHARE * size.rows
        if rows_recur:
            return "refit"
        return "either" if size.rows >= MIN_ROWS_WITHOUT_BAG else "both"

    def weigher(self, study: Study, has_time: HasTime = unlimited) -> Weigher:
        """Return the function that finds weights."""
        if self.method == "auto" and not study.known_task.is_regression:
            return logarithmic_pool
        metric = metric_of(study.known_task)
        return partial(select_greedily, metric=metric, steps=self.steps, has_time=has_time)

    def calibrates(self, study: Study, n_rows: int) -> bool:
        """Return whether a temperature is chosen on so many out-of-fold rows."""
        task = study.known_task
        if task.is_regression:
            return False
        return self.calibrate and n_rows >= MIN_CALIBRATION_ROWS[task.kind]
