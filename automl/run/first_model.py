"""What a run has before it searches: the constant's score, and a first model, trained while the libraries are still loading."""

from __future__ import annotations

from collections.abc import Sequence

from automl.features.encoding import BOUNDED_ROWS
from automl.lab.lab import Lab
from automl.pipeline import Step
from automl.search.costs import seed_for
from automl.search.portfolio import baseline, first_model
from automl.stages.select import Select
from automl.stages.tune import Tune
from automl.trial import Candidate, Job, Study


def with_baseline(study: Study, lab: Lab) -> Study:
    """Have the constant judged: whatever happens, something can be told of what answers."""
    if not study.recipes:
        return study
    candidate = baseline(study)
    known = study.trials.get(candidate.id)
    taken = study.taken(known) if known is not None else set()
    for split in study.plan.splits:
        if split not in taken:
            job = Job(
                candidate,
                study.data,
                *split,
                seed=seed_for(study.seed, candidate, *split),
                threads=lab.threads,
            )
            study = lab.do_here(study, job)
    return study


def start_first_model(study: Study, lab: Lab, steps: Sequence[Step]) -> Study:
    """Begin the first model, unless it has been trained, no clock ends the run, or no linear models are to take part."""
    candidate = first_model(study)
    if (
        not lab.whole.timed
        or lab.halted()
        or _is_begun(study, candidate)
        or not _is_wanted(candidate, steps)
    ):
        return study
    split = study.plan.splits[0]
    job = Job(
        candidate,
        study.data,
        *split,
        seed=seed_for(study.seed, candidate, *split),
        rows=min(BOUNDED_ROWS, len(lab.dataset().folds.train(*split))),
        seconds=lab.whole.remaining(),
    )
    return lab.start_first_model(study, job)


def _is_begun(study: Study, candidate: Candidate) -> bool:
    """Whether a candidate is being trained, or has been; what the end of a run cut is trained again."""
    known = study.trials.get(candidate.id)
    if known is None:
        return False
    return any(key in study.running for key in known.jobs) or any(
        outcome.status != "cut" for outcome in known.outcomes.values()
    )


def _is_wanted(candidate: Candidate, steps: Sequence[Step]) -> bool:
    """Whether the steps search at all, and among families to which the candidate's belongs."""
    searching = [step.stage for step in steps if isinstance(step.stage, (Select, Tune))]
    named = next((stage.families for stage in searching if isinstance(stage, Select)), ())
    return bool(searching) and (not named or candidate.family in named)
