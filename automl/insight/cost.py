"""What a run cost: processor hours, energy, money; and what a person would have."""

from __future__ import annotations

from dataclasses import dataclass

from automl.timeline import Timeline
from automl.trial import Study

WATTS = 15.0  # of one busy core with its part of memory, cooling and conversion: servers take 200 to 500 W for 16 to 32 cores under load
BY_HAND = (
    10.0  # minutes that a person needs to think of a setting, start it, and note what came of it
)
WORKDAY = 8.0  # hours


@dataclass(frozen=True)
class Cost:
    """What a run cost.

    Parameters
    ----------
    seconds : float
        Of the clock.
    core_hours : float
        Of training, in all processes and threads.
    fits, candidates : int
    kilowatt_hours : float
        An estimate, at `WATTS` a busy core.
    money : float or None
        At the price of the machine, which was hired for `seconds`; None if no price is given.
    person_days : float
        What a person needs who tries as many candidates by hand, ten minutes each.
    person_money : float
    """

    seconds: float
    core_hours: float
    fits: int
    candidates: int
    kilowatt_hours: float
    money: float | None
    person_days: float
    person_money: float


def cost(
    study: Study,
    timeline: Timeline,
    price_per_hour: float | None = None,
    person_per_day: float = 500.0,
) -> Cost:
    """What a run cost, at the prices of the machine's hour and the person's day."""
    outcomes = [
        (trial.jobs[key].threads, outcome.seconds)
        for trial in study.trials.values()
        for key, outcome in trial.outcomes.items()
    ]
    core_hours = sum(threads * seconds for threads, seconds in outcomes) / 3600
    money = None if price_per_hour is None else price_per_hour * timeline.last / 3600
    days = len(study.trials) * BY_HAND / 60 / WORKDAY
    energy = core_hours * WATTS / 1000
    return Cost(
        timeline.last,
        core_hours,
        len(outcomes),
        len(study.trials),
        energy,
        money,
        days,
        days * person_per_day,
    )
