"""The cost of a run: processor hours, energy, money; and of a person who does the same."""

from __future__ import annotations

from dataclasses import dataclass

from automl.study import Study
from automl.timeline import Timeline

# Of one busy core with its part of memory, cooling and conversion: servers take 200 to 500 W for
# 16 to 32 cores under load.
WATTS_PER_CORE = 15.0
# Minutes that a person needs to think of a setting, start it, and note its result.
MINUTES_PER_MANUAL_TRIAL = 10.0
WORKDAY = 8.0  # hours


@dataclass(frozen=True)
class Cost:
    """The cost of a run.

    Parameters
    ----------
    seconds : float
        Of the clock.
    core_hours : float
        Of training, in all processes and threads.
    fits, candidates : int
    kilowatt_hours : float
        An estimate, at `WATTS_PER_CORE` a busy core.
    money : float or None
        At the price of the machine, which was hired for `seconds`; None if no price is given.
    person_days : float
        Of a person who tries as many candidates by hand, ten minutes each.
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
    """Return the cost of a run, at the prices of the machine's hour and the person's day."""
    core_seconds = []
    for trial in study.trials.values():
        for key, outcome in trial.outcomes.items():
            threads = trial.jobs[key].resources.threads
            core_seconds.append(threads * outcome.seconds)
    core_hours = sum(core_seconds) / 3600
    money = None
    if price_per_hour is not None:
        money = price_per_hour * timeline.last / 3600
    n_candidates = len(study.trials)
    person_days = n_candidates * MINUTES_PER_MANUAL_TRIAL / 60 / WORKDAY
    return Cost(
        seconds=timeline.last,
        core_hours=core_hours,
        fits=len(core_seconds),
        candidates=n_candidates,
        kilowatt_hours=core_hours * WATTS_PER_CORE / 1000,
        money=money,
        person_days=person_days,
        person_money=person_days * person_per_day,
    )
