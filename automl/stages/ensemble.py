"""ensemble: weights over complete out-of-fold predictions, calibration, cuts, an honest score, and the refit."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from automl.budget import Budget
from automl.ensemble import (
    Truth,
    combine,
    cuts,
    decide,
    even,
    greedy,
    pool,
    sharpen,
    temperature,
    weights_by_id,
)
from automl.folds import GoOn, always, some
from automl.lab.lab import Lab
from automl.metrics import METRICS, Metric, metric_of
from automl.search.refits import RefitPolicy, seconds_for
from automl.stages._base import option
from automl.trial import Finish, Split, Study, Trial, keeps_bag
from automl.uncertainty import (
    Block,
    Sampler,
    Weigher,
    better_end,
    interval,
    later_losses,
    new_rows,
    optimism,
    reached,
    tied,
    widening,
)

Floats = npt.NDArray[np.float64]

CALIBRATES_FROM = {"binary": 1000, "multiclass": 500}  # out-of-fold rows
POOLED = (
    100_000  # probabilities of one model from which weights and the temperature are found at most
)
POOLED_CELLS = 3_000_000  # and of all models together, for the weights, but so many rows at least
LEAST = 300
DECIDED_ON = 20_000  # rows at most by which the cuts between classes are chosen
DECIDES_FROM = {"accuracy": 10_000}  # out-of-fold rows for cuts; 50 for other metrics
HURRIED = 5000  # rows on which weights are chosen when there are less than three seconds
UNHURRIED = 0.8  # seconds left from which on it is found out what the choice flatters the score by, and which models are tied
CELLS = 200_000_000  # held-out rows x classes x models that are held at once, 1.6 GB
FEWEST = 5  # models, however many rows and classes there are
REPEATED = 0.1  # of the rows equal an earlier one: from there on refits alone, which have seen every row (0.92 to 1.02 of the loss)
GROWTH = 0.25  # of the share of the rows that is held out at a time: by so much of its loss may the whole be better that knows them all
UNTIMED_COPIES = 2  # refits of a member, where no clock says for how many there is time
SLICES = 3  # of a fold's held-out rows, in order of time
FEWEST_OF_A_SLICE = 8  # rows
SPARED = 0.1  # of the time that is left is kept for refits beside the bags


@dataclass(frozen=True)
class Pool:
    """The complete trials whose out-of-fold predictions lie there, with their predictions on the rows that all have.

    `parts` are the places, among these rows, of each fold's held-out rows, in order of time where folds are.
    """

    trials: tuple[Trial, ...]
    predictions: tuple[Floats, ...]
    truth: Truth
    parts: tuple[npt.NDArray[np.int64], ...] = ()


class Pace:
    """Whether there is time for another round like the longest one, and for what is to be kept."""

    def __init__(self, budget: Budget, keep: float) -> None:
        self._budget, self._keep = budget, keep
        self._before, self._longest = budget.remaining(), 0.0

    def __call__(self) -> bool:
        """Called after each round."""
        if not self._budget.timed:
            return True
        now = self._budget.remaining()
        self._longest = max(self._longest, self._before - now)
        self._before = now
        return now > self._keep + self._longest


@dataclass(frozen=True)
class Ensemble:
    """Combine the trials into one predictor and say how good it can be expected to be."""

    method: Literal["auto", "greedy", "best"] = option(
        "auto",
        "Weights by greedy selection, or the best trial alone; auto: greedy for numbers, a logarithmic pool for classes.",
    )
    steps: int = option(25, "Steps of the greedy selection, with replacement.", least=1, most=1000)
    candidates: int = option(
        30, "So many of the best trials take part, and the best of every family.", least=1
    )
    rows: int = option(
        20_000, "Out-of-fold rows on which weights are chosen; more are sampled.", least=100
    )
    calibrate: bool = option(
        True, "Choose a temperature for the probabilities where there are rows enough."
    )
    finish: Literal["auto", "bag", "refit", "both"] = option(
        "auto",
        "Members are bags of fold models, refits on all rows, or both; auto: both, or refits after a holdout and for rows that recur.",
    )
    copies: int = option(
        4,
        "Refits of each member at most, with different seeds, as far as there is time.",
        least=1,
        most=100,
    )
    members: int = option(0, "At most so many members; 0 is no bound.")
    megabytes: int = option(
        500,
        "Members that would make the predictor larger are left out, the heaviest coming first.",
        least=1,
    )

    def run(self, study: Study, lab: Lab, budget: Budget) -> Study:
        """Choose weights, refit if need be, and tell the verdict."""
        there = gather(study, lab, self.candidates)
        if not _has_model(there):
            rough = unfinished(study, lab)
            there = rough if rough.trials else there
        if not there.trials:
            return study
        if not study.complete(there.trials[0]):  # its score is that of the rows held out so far
            alone = {there.trials[0].id: 1.0}
            verdict = self.verdict(study, there, alone, go_on=Pace(budget, 0.0))
            return lab.tell(
                study, {"kind": "weights", "weights": alone, "finish": "bag", "verdict": verdict}
            )
        pace = Pace(budget, 0.5 * budget.remaining() if budget.timed else 0.0)
        weights = self.weigh(study, there, HURRIED if budget.remaining() < 3 else 0, pace)
        finish = self._finish(study)
        if (
            finish == "refit" and study.plan.kind != "kfold"
        ):  # one fold model is little to fall back on
            study = _refitted(study, lab, budget, RefitPolicy(study, weights))
        verdict = self._judge(study, there, weights, budget, keep=0.0 if finish == "bag" else 0.5)
        if finish != "bag":
            copies = self.copies if budget.timed else min(self.copies, UNTIMED_COPIES)
            study = _refitted(
                study,
                lab,
                budget,
                RefitPolicy(study, weights, copies, needed=False, each=finish == "refit"),
            )
        if not any(study.trials[name].refits for name in weights):
            finish = "bag"
        return lab.tell(
            study, {"kind": "weights", "weights": weights, "finish": finish, "verdict": verdict}
        )

    def _judge(
        self, study: Study, there: Pool, weights: Mapping[str, float], budget: Budget, keep: float
    ) -> dict[str, Any]:
        """The verdict, with the optimism of the choice and the ties, as far as there is time; a part of it is kept."""
        metric = metric_of(study.the_task)
        kept = max(UNHURRIED / 2, keep * budget.remaining()) if budget.timed else 0.0
        expected_optimism = 0.0
        cutting = _decides(metric, len(there.truth.y))
        if budget.remaining() > UNHURRIED and (len(weights) > 1 or cutting):
            pace = Pace(budget, kept)
            considered = there.predictions if len(weights) > 1 else there.predictions[:1]
            weigher = self.weigher(study, pace)
            expected_optimism = optimism(
                considered,
                there.truth,
                metric,
                weigher,
                seed=study.seed,
                go_on=pace,
                cutting=cutting,
            )
        verdict = self.verdict(study, there, weights, expected_optimism, Pace(budget, kept))
        if budget.remaining() > max(UNHURRIED, kept):
            verdict["tied"] = _tied(there, metric, study.seed, Pace(budget, kept))
        return verdict

    def needs(self, study: Study, lab: Lab, budget: Budget) -> float:
        """Seconds to keep for the refits: what those of the best trials will take, or a part of the budget as long as there are none."""
        finish = self._finish(study)
        if finish == "bag" or not budget.timed:
            return 0.0
        trials = [trial for trial in study.ranked if trial.candidate.family != "constant"][:4]
        seconds = [seconds_for(study, trial) for trial in trials]
        if finish == "both":
            most = SPARED * budget.remaining()
            return min(most, self.copies * sum(seconds) / lab.executor.workers) if seconds else most
        return (
            max(sum(seconds) / lab.executor.workers, *seconds)
            if seconds
            else 0.15 * budget.remaining()
        )

    def _finish(self, study: Study) -> Finish:
        if self.finish == "auto":
            rows_recur = study.size.repeated > REPEATED * study.size.rows
            return "both" if study.plan.kind == "kfold" and not rows_recur else "refit"
        return self.finish

    def weigh(
        self, study: Study, there: Pool, most: int = 0, go_on: GoOn = always
    ) -> Mapping[str, float]:
        """Weights by trial id, largest first, chosen on at most so many rows."""
        ids = [trial.id for trial in there.trials]
        if self.method == "best" or len(ids) == 1:
            return {ids[0]: 1.0}
        held = max(LEAST, POOLED_CELLS // (study.the_task.n_outputs * len(ids)))
        rows = some(len(there.truth.y), min(most or self.rows, _most(study), held), study.seed)
        weights = weights_by_id(
            ids,
            self.weigher(study, go_on)(
                [p[rows] for p in there.predictions], there.truth.take(rows)
            ),
        )
        return self._bounded(study, weights)

    def _bounded(self, study: Study, weights: Mapping[str, float]) -> Mapping[str, float]:
        """The heaviest members that are neither too many nor together too large; the smallest alone where none is small enough."""
        sizes = {name: self._bytes(study, study.trials[name]) for name in weights}
        kept: dict[str, float] = {}
        taken = 0.0
        for name, weight in list(weights.items())[: self.members or None]:
            if taken + sizes[name] <= self.megabytes * 1e6:
                kept[name], taken = weight, taken + sizes[name]
        if not kept:
            return {min(sizes, key=lambda name: sizes[name]): 1.0}
        return (
            kept
            if len(kept) == len(weights)
            else {name: weight / sum(kept.values()) for name, weight in kept.items()}
        )

    def _bytes(self, study: Study, trial: Trial) -> float:
        """What a member will take: its fold models, its refits, or both."""
        sizes = [
            outcome.size
            for key, outcome in trial.whole.items()
            if outcome.status == "done" and trial.jobs[key].fold is not None
        ]
        kind, finish = study.family(trial.candidate.family), self._finish(study)
        refits = 0 if finish == "bag" else self.copies if finish == "both" and kind.seeded else 1
        bag = len(sizes) if keeps_bag(finish, kind) else 0
        return (bag + refits) * sum(sizes) / max(1, len(sizes))

    def weigher(self, study: Study, go_on: GoOn = always) -> Weigher:
        """How weights are found."""
        if self.method == "auto" and not study.the_task.is_regression:
            return pool
        return partial(greedy, metric=metric_of(study.the_task), steps=self.steps, go_on=go_on)

    def verdict(
        self,
        study: Study,
        there: Pool,
        weights: Mapping[str, float],
        optimism: float = 0.0,
        go_on: GoOn = always,
    ) -> dict[str, Any]:
        """Loss, its 95% interval, temperature and cuts of the weighted mean; the choice of weights flatters the loss by so much."""
        task = study.the_task
        metric = metric_of(task)
        by_id = dict(zip((trial.id for trial in there.trials), there.predictions, strict=True))
        raw = combine([by_id[name] for name in weights], list(weights.values()))
        if task.is_regression:
            return _judged(raw, there, metric, study, optimism, go_on) | {
                "residuals": [
                    float(f"{value:.7g}")
                    for value in np.quantile(there.truth.y - raw, np.linspace(0, 1, 101))
                ]
            }
        n_rows = len(there.truth.y)
        warmth = 1.0
        if self.calibrate and n_rows >= CALIBRATES_FROM[task.kind]:
            rows = some(n_rows, _most(study), study.seed)
            warmth = temperature(raw[rows], there.truth.take(rows), METRICS["log_loss"])
        proba = sharpen(raw, warmth)
        cut = even(task.n_outputs)
        if _decides(metric, n_rows):
            rows = some(n_rows, DECIDED_ON, study.seed)
            cut = cuts(proba[rows], there.truth.take(rows), metric)
        answer = decide(proba, cut) if metric.needs == "labels" else proba
        return _judged(answer, there, metric, study, optimism, go_on) | {
            "temperature": warmth,
            "cuts": cut.tolist(),
        }


def _decides(metric: Metric, rows: int) -> bool:
    """Whether there are out-of-fold rows enough to choose cuts between classes by."""
    return metric.needs == "labels" and rows >= DECIDES_FROM.get(metric.name, 50)


def _most(study: Study) -> int:
    """Rows on which weights and the temperature of classes are found at most."""
    return max(1000, POOLED // study.the_task.n_outputs)


def gather(study: Study, lab: Lab, best: int) -> Pool:
    """The best complete trials, and the best of each family, with their predictions."""
    ranked = study.ranked
    if ranked and ranked[0].candidate.family != "constant":
        ranked = tuple(trial for trial in ranked if trial.candidate.family != "constant")
    chosen = [
        trial
        for place, trial in enumerate(ranked)
        if place < best or study.leaders[trial.candidate.family] is trial
    ]
    data = lab.dataset()
    rows = np.unique(np.concatenate([data.folds.held(*place) for place in study.plan.splits]))
    most = max(FEWEST, CELLS // (len(rows) * study.the_task.n_outputs))
    of_all_rows = (
        (trial, lab.predictions(study, trial)) for trial in chosen[:most]
    )  # one after the other: they may be large
    there = [(trial, found[0][rows]) for trial, found in of_all_rows if found is not None]
    truth = Truth(data.y, data.weight, data.units).take(rows)
    parts = tuple(
        np.searchsorted(rows, _in_order(data.folds.held(*place), data.times))
        for place in study.plan.splits
    )
    return Pool(
        tuple(trial for trial, _ in there), tuple(array for _, array in there), truth, parts
    )


def _has_model(there: Pool) -> bool:
    """Whether there is more than the constant."""
    return any(trial.candidate.family != "constant" for trial in there.trials)


def unfinished(study: Study, lab: Lab) -> Pool:
    """The best trial of which only some folds are done, or the first model, with its predictions for the rows held out so far.

    Nothing where there is none that is better than the constant on the same folds.
    """
    data = lab.dataset()
    found = sorted(_leads(study), key=lambda pair: (pair[1], pair[0].id))
    for trial, lead in found:
        held = lab.held_out(trial) if lead < 0 else None
        if held is None:
            continue
        rows = np.unique(np.concatenate([part for part, _ in held]))
        total = np.zeros(len(rows) if data.task.is_regression else (len(rows), data.task.n_outputs))
        count = np.zeros(len(rows))
        parts = tuple(np.searchsorted(rows, part) for part, _ in held)
        for part, (_, answer) in zip(parts, held, strict=True):
            total[part] += answer
            count[part] += 1
        total /= count if data.task.is_regression else count[:, None]
        return Pool((trial,), (total,), Truth(data.y, data.weight, data.units).take(rows), parts)
    return Pool((), (), Truth(data.y, data.weight))


def _leads(study: Study) -> Iterator[tuple[Trial, float]]:
    """Trials that are not complete, with how far their folds lie behind the constant's, negative where they are better."""
    floor: Mapping[Split, float] = {}
    for trial in study.trials.values():
        if trial.candidate.family == "constant":
            floor = trial.losses
    for trial in study.trials.values():
        if trial.candidate.family == "constant" or not trial.splits or study.complete(trial):
            continue
        loss = (
            trial.look.loss if trial.candidate.is_first and trial.look is not None else trial.loss
        )
        base = [floor[place] for place in trial.splits if place in floor]
        if loss is not None:
            yield (
                trial,
                loss - float(np.mean(base)) if len(base) == len(trial.splits) else -math.inf,
            )


def settle(study: Study, lab: Lab, budget: Budget) -> Study:
    """Weights for a run that has none when it ends: the best that is there."""
    return study if study.weights else Ensemble(method="best", finish="bag").run(study, lab, budget)


def _in_order(rows: npt.NDArray[np.int64], times: Floats | None) -> npt.NDArray[np.int64]:
    """Rows in order of time, if they have one."""
    return rows if times is None else rows[np.argsort(times[rows], kind="stable")]


def _judged(
    answer: npt.NDArray[Any],
    there: Pool,
    metric: Metric,
    study: Study,
    optimism: float,
    go_on: GoOn,
) -> dict[str, Any]:
    """The mean loss over the folds, as for every trial, with what it is flattered by added, and an interval for new rows around it."""
    truth = there.truth
    parts = [(truth.take(part), answer[part]) for part in there.parts]
    folds = [metric.loss(part.y, given, part.weight) for part, given in parts]
    loss = min(metric.most, float(np.mean(folds)) + optimism)
    new, held = new_rows(study.size.rows), float(np.mean([len(part) for part in there.parts]))
    low, high = _ends(
        loss,
        answer,
        truth,
        metric,
        widening(len(truth.y), new, study.size.rows - held),
        study.seed,
        go_on,
    )
    if math.isfinite(metric.least):  # who answers knows more rows than who was judged
        low -= GROWTH * held / study.size.rows * (low - metric.least)
    if study.plan.kind == "time":
        low, high = _of_later_rows(loss, low, high, parts, metric, new)
    return {
        "loss": loss,
        "low": low,
        "high": high,
        "rows": len(truth.y),
        "new": new,
        "optimism": optimism,
        "folds": folds,
    }


def _of_later_rows(
    loss: float,
    low: float,
    high: float,
    parts: Sequence[tuple[Truth, npt.NDArray[Any]]],
    metric: Metric,
    new: int,
) -> tuple[float, float]:
    """An interval that also holds what a drift that goes on does to so many later rows."""
    blocks, start = [], 0.0
    for part, given in parts:
        ends = np.linspace(0, len(given), SLICES + 1).astype(np.int64)
        for first, end in pairwise(ends.tolist()):
            rows = np.arange(first, end)
            blocks.append(
                Block(start, (first + end) / 2, _loss_or_nan(metric, part.take(rows), given[rows]))
            )
        start += len(given)
    grows = (
        metric.least if math.isinf(metric.most) else -math.inf
    )  # shares of few rows scatter too much for logarithms
    lower, upper = later_losses(blocks, Block(start, new / 2), grows)
    if not math.isfinite(upper):
        return low, high
    return max(metric.least, min(low, lower)), min(metric.most, max(high, upper))


def _loss_or_nan(metric: Metric, truth: Truth, given: npt.NDArray[Any]) -> float:
    """A loss, or NaN where it can't be had of so few rows."""
    try:
        return (
            metric.loss(truth.y, given, truth.weight)
            if len(given) >= FEWEST_OF_A_SLICE
            else math.nan
        )
    except (ArithmeticError, LookupError, ValueError):
        return math.nan


def _ends(
    loss: float,
    answer: npt.NDArray[Any],
    truth: Truth,
    metric: Metric,
    wide: float,
    seed: int,
    go_on: GoOn,
) -> tuple[float, float]:
    """The ends of a loss's interval: so many times as wide as the bootstrap's over rows.

    A sample gives it for large tables: widths shrink with the root of the rows.
    """
    sampler = Sampler(truth)
    rows = sampler.some(5000, seed)
    drawn, given, reach = (
        truth.take(rows),
        answer[rows],
        math.sqrt(len(rows) / len(truth.y)) * wide * sampler.scarcity,
    )
    low, high = interval(given, drawn, metric, seed=seed, go_on=go_on)
    shift = loss - metric.loss(drawn.y, given, drawn.weight)
    low, high = reached(loss, low + shift, high + shift, reach, metric)
    if reach > 1:
        few = better_end(given, drawn, metric, reach, seed=seed, go_on=go_on)
        low = min(low, max(metric.least, few + shift) if few > metric.least else few)
    return low, high


def _tied(there: Pool, metric: Metric, seed: int, go_on: Pace) -> list[str]:
    """Ids of the models that can't be told apart from the best one, that one among them; none if there is none but it."""
    rows = some(len(there.truth.y), 2000, seed)
    found = tied(
        [prediction[rows] for prediction in there.predictions],
        there.truth.take(rows),
        metric,
        seed=seed,
        go_on=go_on,
    )
    names = [trial.id for trial, is_tied in zip(there.trials, found, strict=True) if is_tied]
    return names if len(names) > 1 else []


def _refitted(study: Study, lab: Lab, budget: Budget, policy: RefitPolicy) -> Study:
    """The study with what the policy trained."""
    for study in lab.run(policy, study, budget):
        pass
    return study
