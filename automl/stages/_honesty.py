"""What would make the told score untrue: leaks, entities that own several rows, drift with time, copies of rows.

Statistics name suspects, and quick models that hold rows out in both ways decide and say what it comes to.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from automl import folds as held_out
from automl.budget import Budget
from automl.cleaning.column_names import is_made_of
from automl.cleaning.drift import Drift, blocks_of, find_drift
from automl.cleaning.duplicates import Copies
from automl.cleaning.entities import Entity, find_entities, whole_groups
from automl.cleaning.findings import Finding, Severity
from automl.cleaning.leaks import Leak, find_leaks
from automl.columns import Categories, Floats, Rows
from automl.dataset import Dataset
from automl.executor.probes import ProbeFolds
from automl.lab.lab import Lab
from automl.metrics import metric_of
from automl.task import Task

Bools = npt.NDArray[np.bool_]

SHARE = 0.05  # of a run's time may go into it
MOST_WAITING = 30.0  # seconds for the first worker
BOTH_WAITING = 1.0  # and for a second one
LOOKING = 0.5  # of that into statistics at most; models get the rest
FEWEST_SECONDS = 0.6  # for probes; with less, statistics alone speak
ODD_SECONDS = 2.0  # with less, a drift that no statistic shows is not probed beside the others
FOLDS = 3
MAX_ROWS = 4_000  # of a probe
MIN_ROWS = 300
MAX_HASTY_ROWS, HASTY_SECONDS = (
    2_000,
    0.9,
)  # where there are less than so many seconds for statistics
MAX_CELLS = 1_000_000  # of a probe: rows x columns x classes
MAX_COLUMNS = 2_000  # of a table that is probed
MAX_ENTITIES = 3  # that are probed

# An entity is told of where models lose so much of their skill on new ones, and it is so many standard errors
NAMED_LOST, NAMED_ERRORS = (
    0.2,
    2.0,
)  # a key that is called patient, host, player, ...; twenty clubs can't show much more
LABELLED_LOST, LABELLED_ERRORS = 0.15, 3.5  # a described key of words: none lies between two others
DESCRIBED_LOST, DESCRIBED_ERRORS = (
    0.3,
    3.5,
)  # a key, or columns, with other columns that are constant within
BARE_LOST, BARE_ERRORS = (
    0.5,
    5.0,
)  # words, or a column that is called a key, and nothing else is known of it
MIN_DESCRIBED_ALIKE = 0.45  # of the target's variance between them: of suburbs it is a third
MIN_NAMED = 15  # entities under a telling name: a dozen families of products recur
MIN_BARE, MAX_BARE_ROWS = (
    40,
    15,
)  # entities that are words and nothing else, and rows of each on average
MIN_SKILL = 0.02  # of the target's variance: with less there is nothing to lose
FINEST = 0.8  # of the largest loss: the finest entities with so much of it are named
NAMED_ALIKE, DESCRIBED_ALIKE = (
    0.5,
    0.9,
)  # of the target's variance between entities: without a probe they are told of from there on
DRIFT_RATIO, DRIFT_LOST = 1.3, 0.3  # of squared errors, and of the skill, if there is little
DRIFT_ERRORS, ODD_DRIFT_ERRORS = 2.5, 3.0  # the last where neither level nor relations move
DRIFT_MOVED, MOVED_ERRORS = 0.05, 2.0  # so much of the target's variance lies between tenths
DRIFT_TURNS = 4.0  # standard errors by which relations change
DRIFT_UNEXPLAINED = 0.3  # of what models can't explain: a level that moves by as much matters
DRIFT_CERTAIN = (
    0.2  # of the target's variance between tenths of the time: told whatever a probe says
)
COPIES_LOST, COPIES_ERRORS, COPIES_UNPROBED = (
    0.08,
    2.0,
    0.15,
)  # of the skill; the last is a share of the rows
TIME_BLOCKS = 12


@dataclass(frozen=True)
class Suspect:
    """Something that may flatter the score, and the two ways of holding rows out that tell.

    Parameters
    ----------
    finding : Finding
        As it is told without a probe.
    usual, honest : ProbeFolds
        As rows are held out by default, and as they should be.
    groups : ndarray of shape (n_probed,), int64
        Rows whose errors go together.
    kind : {"leak", "copied_rows", "entity", "drift"}
    entity : Entity or None
    is_sure : bool
        Whether it is told of without a probe.
    bars : (float, float)
        How much of the skill must be lost on new entities, and by how many standard errors.
    moved : float
        The part of the target's variance by which its level moves with time.
    """

    finding: Finding
    usual: ProbeFolds
    honest: ProbeFolds
    groups: Rows
    kind: str
    entity: Entity | None = None
    is_sure: bool = True
    bars: tuple[float, float] = (0.0, 0.0)
    moved: float = 0.0


@dataclass(frozen=True)
class Verdict:
    """What a probe says.

    Parameters
    ----------
    usual, honest : float
        Scores by the task's metric.
    lost : float
        The part of the skill that is lost: 1 if nothing is left of it.
    ratio : float
        Of squared errors.
    errors : float
        Standard errors between both.
    skill : float
        The part of the target's variance that is explained where rows are held out as usual.
    """

    usual: float
    honest: float
    lost: float
    ratio: float
    errors: float
    skill: float


@dataclass(frozen=True)
class Given:
    """What the user has said about how rows are held out, and the numbers that are codes."""

    has_groups: bool = False
    has_times: bool = False
    has_holdout: bool = False
    codes: Collection[str] = ()


def warnings_of(
    data: Dataset, copies: Copies, asked: Given, lab: Lab, budget: Budget
) -> list[Finding]:
    """Look for what makes the score untrue, and tell it, within a small part of the budget.

    Parameters
    ----------
    data : Dataset
        As it was kept at the lab.
    copies : Copies
    asked : Asked
    lab : Lab
    budget : Budget
        What is left of the run.
    """
    whole = budget.within(SHARE * budget.remaining())
    suspects = _suspects(data, copies, asked, whole.within(LOOKING * whole.remaining()))
    if not suspects:
        return []
    made = _probed(suspects, data, lab, budget, whole.remaining())
    verdicts = [_best_verdict(index, suspect, made, data) for index, suspect in enumerate(suspects)]
    return _told(suspects, verdicts, data.task)


def _probed(
    suspects: Sequence[Suspect],
    data: Dataset,
    lab: Lab,
    budget: Budget,
    seconds: float,
) -> Mapping[str, Floats]:
    """Held-out predictions of quick models for each suspect, as far as so many seconds go."""
    if seconds < FEWEST_SECONDS or len(data.columns.names()) > MAX_COLUMNS:
        return {}
    lab.executor.warm(min(MOST_WAITING, budget.remaining() / 4))  # what follows needs workers, too
    lab.executor.warm(BOTH_WAITING, workers=2)  # a probe's two halves are compared: one is nothing
    splits: dict[str, ProbeFolds] = {}
    for index, one in enumerate(suspects):
        if one.kind != "odd_drift" or seconds >= ODD_SECONDS:
            splits |= _splits(index, one)
    return lab.probe(splits, budget.within(seconds))


def _splits(index: int, suspect: Suspect) -> dict[str, ProbeFolds]:
    """What is probed of a suspect, by the names of its files."""
    ways = {f"{index}-usual": suspect.usual, f"{index}-honest": suspect.honest}
    if suspect.finding.code != "drift":
        return ways
    return ways | {f"{name}-linear": replace(split, model="linear") for name, split in ways.items()}


def _best_verdict(
    index: int, suspect: Suspect, made: Mapping[str, Floats], data: Dataset
) -> Verdict | None:
    """The verdict by the model that a run would choose: the better one where rows are held out as usual.

    Trees can't follow a trend beyond its end and linear models can, so time is judged by both.
    """
    pairs = (
        (made.get(f"{index}-usual{model}"), made.get(f"{index}-honest{model}"))
        for model in ("", "-linear")
    )
    verdicts = (_verdict(suspect, usual, honest, data) for usual, honest in pairs)
    found = [verdict for verdict in verdicts if verdict is not None]
    sign = 1 if metric_of(data.task).greater_is_better else -1
    return max(found, key=lambda verdict: sign * verdict.usual, default=None)


# ------------------------------------------------------------ suspects


def _suspects(data: Dataset, copies: Copies, asked: Given, budget: Budget) -> list[Suspect]:
    """What statistics find suspicious, what matters most first."""
    task, y = data.task, data.y
    most = _probed_rows(data, budget)

    def go_on() -> bool:
        return budget.remaining() > 0

    leaks = find_leaks(data.columns, y, task.is_regression, data.seed, go_on)
    without = _with_twins([leak.column for leak in leaks], data)
    suspects = [_leaking(leaks, without, data, most)] if leaks else []
    is_free = not (asked.has_groups or asked.has_holdout)
    if copies.is_beyond_chance and is_free:
        suspects.append(_copied(copies, without, data, most))
    is_mixed = not (asked.has_times or asked.has_holdout)
    drifting = _moved(copies, without, data, most) if is_mixed else []  # takes least
    owned = _owned(copies, without, data, asked, most, go_on) if is_free else ()
    return [*suspects, *owned, *drifting]


def _moved(copies: Copies, without: tuple[str, ...], data: Dataset, most: int) -> list[Suspect]:
    """The time with which the target drifts, if there is one."""
    first = _first(copies)
    drift = find_drift(data.columns.take(first), data.y[first], data.task.is_regression, data.seed)
    if drift is None or set(drift.columns) & set(without):
        return []
    return [_drifting(drift, first, without, data, most)]


def _first(copies: Copies) -> Rows:
    """One row of each that has copies: the time of a copy is no other time."""
    return np.sort(np.unique(copies.units, return_index=True)[1])


def _with_twins(names: Sequence[str], data: Dataset) -> tuple[str, ...]:
    """Columns, and what is read of them a second time."""
    others = (other for other in data.columns.names() if other not in names)
    return (*names, *(other for other in others if any(is_made_of(other, name) for name in names)))


def _probed_rows(data: Dataset, budget: Budget) -> int:
    """How many rows probes can have."""
    most = MAX_HASTY_ROWS if budget.remaining() < HASTY_SECONDS else MAX_ROWS
    return max(
        MIN_ROWS, min(most, MAX_CELLS // max(1, len(data.columns.names()) * data.task.n_outputs))
    )


def _units(data: Dataset) -> Rows:
    """What is held out together by default."""
    return np.arange(len(data.y)) if data.units is None else data.units


def _kfold(data: Dataset, rows: Rows, units: Rows) -> held_out.Folds:
    """Folds of the rows of a probe."""
    return held_out.kfold(
        data.y[rows], units[rows], min(FOLDS, len(np.unique(units[rows]))), 1, data.seed
    )


def _leaking(leaks: Sequence[Leak], without: tuple[str, ...], data: Dataset, most: int) -> Suspect:
    names = tuple(leak.column for leak in leaks)
    clauses: dict[str, list[str]] = {}
    for leak in leaks:
        clauses.setdefault(_leak_words(leak, data.task), []).append(repr(leak.column))
    told = "; ".join(f"{clause} {listed(group)}" for clause, group in clauses.items())
    action = f"{told}. What is known only after {data.task.target!r} makes the score untrue"
    override = " ".join(f"--ignore {shlex.quote(name)}" for name in names)
    rows = held_out.some(len(data.y), most, (data.seed, 1))
    usual = ProbeFolds(rows, _kfold(data, rows, _units(data)))
    honest = replace(usual, ignore=without)
    finding = Finding("leak", names, "warning", len(names), action=action, override=override)
    return Suspect(finding, usual, honest, np.arange(len(rows)), "leak")


def _leak_words(leak: Leak, task: Task) -> str:
    """What a column tells, as the beginning of a sentence that ends with its name."""
    if leak.kind == "values":
        return "nearly without error, the target can be told from the values alone of"
    if leak.label is not None:
        return f"rows of {task.labels[leak.label]!r} alone have {leak.side} cells in"
    return f"rows with a {'greater' if leak.side == 'filled' else 'lesser'} target alone have filled cells in"


def _copied(copies: Copies, without: tuple[str, ...], data: Dataset, most: int) -> Suspect:
    rows = whole_groups(copies.units, most, data.seed)
    units = np.unique(copies.units[rows], return_inverse=True)[1].astype(np.int64)
    alone = np.arange(len(data.y))
    is_together = data.units is not None
    how = (
        "held out together, so that they don't flatter the score"
        if is_together
        else "held out apart, as asked, which flatters the score"
    )
    action = f"{copies.count} of {len(data.y)} rows are copies of others, target and all, more than chance can explain: {how}"
    override = "" if is_together else "--set clean.keep_duplicates_together=auto"
    severity: Severity = "warning" if copies.count >= COPIES_UNPROBED * len(data.y) else "info"
    finding = Finding("copied_rows", (), severity, copies.count, action=action, override=override)
    usual = ProbeFolds(rows, _kfold(data, rows, alone), without, "deep trees")
    return Suspect(
        finding, usual, replace(usual, folds=_kfold(data, rows, copies.units)), units, "copied_rows"
    )


def _owned(
    copies: Copies,
    without: tuple[str, ...],
    data: Dataset,
    asked: Given,
    most: int,
    go_on: held_out.GoOn,
) -> Iterator[Suspect]:
    """Entities that may own several rows."""
    first = _first(copies)
    columns = data.columns.take(first) if len(first) < len(data.y) else data.columns
    kept = {name: column for name, column in columns.by_name.items() if name not in without}
    columns = replace(columns, by_name=kept)
    found = find_entities(
        columns, data.y[first], data.task.is_regression, data.seed, asked.codes, go_on
    )
    eligible = [(one, bars) for one in found if (bars := _bars(one, data)) is not None]
    for one, bars in eligible[:MAX_ENTITIES]:
        rows = whole_groups(one.groups, most, data.seed)
        groups = np.unique(one.groups[rows], return_inverse=True)[1].astype(np.int64)
        usual = ProbeFolds(first[rows], _kfold(data, first[rows], _units(data)), without)
        folds = held_out.kfold(
            data.y[first[rows]], groups, min(FOLDS, int(groups.max()) + 1), 1, data.seed
        )
        unseen = (
            _with_twins(one.columns, data) if len(one.columns) == 1 else ()
        )  # --group takes a key from the features
        honest = ProbeFolds(first[rows], folds, (*without, *unseen))
        is_sure = one.alike >= (NAMED_ALIKE if one.is_named else DESCRIBED_ALIKE) and (
            one.is_named or bool(one.profile)
        )
        yield Suspect(_entity_finding(one), usual, honest, groups, "entity", one, is_sure, bars)


def _bars(entity: Entity, data: Dataset) -> tuple[float, float] | None:
    """How much skill must be lost, and how surely, before an entity is told of; None for what is no entity."""
    if any("," in name for name in entity.columns) and len(entity.columns) > 1:
        return None  # --group could not name them
    if entity.is_named and entity.count >= MIN_NAMED:
        return NAMED_LOST, NAMED_ERRORS
    is_word = len(entity.columns) == 1 and isinstance(data.columns[entity.columns[0]], Categories)
    are_few = len(entity.groups) <= MAX_BARE_ROWS * entity.count  # brands and towns have more
    if entity.is_described and is_word and are_few and entity.count >= MIN_BARE:
        return LABELLED_LOST, LABELLED_ERRORS
    if entity.is_described and (are_few or entity.alike >= MIN_DESCRIBED_ALIKE):
        return DESCRIBED_LOST, DESCRIBED_ERRORS
    is_bare = is_word and are_few and entity.count >= MIN_BARE and entity.alike >= NAMED_ALIKE
    return (BARE_LOST, BARE_ERRORS) if entity.is_key or is_bare else None


def _entity_finding(entity: Entity) -> Finding:
    named = "tells" if len(entity.columns) == 1 else "together tell"
    same = "stays the same" if len(entity.profile) == 1 else "stay the same"
    also = f", within which {listed(entity.profile[:4])} {same}" if entity.profile else ""
    action = f"{named} {entity.count} entities apart that own several rows each with alike targets{also}: the score is for known ones alone"
    override = f"--group {shlex.quote(','.join(entity.columns))}"
    return Finding(
        "entity", entity.columns, "warning", entity.count, action=action, override=override
    )


def _drifting(
    drift: Drift,
    first: Rows,
    without: tuple[str, ...],
    data: Dataset,
    most: int,
) -> Suspect:
    """A suspect of rows of which each stands once, `first`: the time of a copy is no other time."""
    known = np.flatnonzero(~np.isnan(drift.times))
    most = min(MAX_ROWS, 2 * most)  # folds by time train on half of the rows each
    drawn = known[held_out.some(len(known), most, (data.seed, 2))]
    rows, times = first[drawn], drift.times[drawn]
    units = _units(data)[rows]
    folds = held_out.by_time(times, units, FOLDS)
    usual = ProbeFolds(rows, _mixed(folds, units, data.seed), without)
    action = "the target moves with the time that is said here, and the score is for rows in between, not for later ones"
    override = f"--time {shlex.quote(','.join(drift.columns))}"
    finding = Finding("drift", drift.columns, "warning", 1, action=action, override=override)
    blocks = blocks_of(times, 2 * TIME_BLOCKS)
    is_sure = drift.is_sure and drift.share >= DRIFT_CERTAIN
    is_clear = drift.is_sure or drift.turns >= DRIFT_TURNS
    if len(np.unique(units)) < len(units):  # statistics take rows of a group for independent
        is_clear = False
    kind = "drift" if is_clear else "odd_drift"
    moved = drift.share if is_clear and drift.is_sure else 0.0
    later = ProbeFolds(rows, folds, without)
    return Suspect(finding, usual, later, blocks, kind, is_sure=is_sure, moved=moved)


def _mixed(folds: held_out.Folds, units: Rows, seed: int) -> held_out.Folds:
    """Blocks of the same sizes that have nothing to do with time; units stay whole in them, too."""
    _, first, unit_of = np.unique(units, return_index=True, return_inverse=True)
    blocks = np.random.default_rng((seed, 3)).permutation(folds.blocks[:, first], axis=1)
    return held_out.Folds("time", blocks[:, unit_of])


def listed(words: Sequence[str]) -> str:
    """Words with commas and an "and".

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    words = list(words)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


# ------------------------------------------------------------ verdicts


def squared_errors(prediction: Floats, y: Floats, task: Task) -> Floats:
    """Squared error a row; of classes, of all their probabilities (Brier)."""
    if task.is_regression:
        return (prediction - y) ** 2
    truth = y.astype(np.int64)[:, None] == np.arange(prediction.shape[1])
    total: Floats = ((prediction - truth) ** 2).sum(axis=1)
    return total


@dataclass(frozen=True)
class _Scale:
    """How errors are measured: a number's by ranks, which a few large ones don't dominate.

    Parameters
    ----------
    task : Task
    values, ranks : ndarray of shape (n_values,), float64
        Of a regression target, in order; ranks from 0 to 1.
    """

    task: Task
    values: Floats
    ranks: Floats

    @classmethod
    def of(cls, y: Floats, task: Task) -> _Scale:
        values, counts = np.unique(y, return_counts=True)
        middles = np.cumsum(counts) - counts / 2
        return cls(task, values, middles / len(y))

    def errors(self, prediction: Floats, y: Floats) -> Floats:
        """Squared error a row."""
        if not self.task.is_regression:
            return squared_errors(prediction, y, self.task)
        shown, true = (np.interp(numbers, self.values, self.ranks) for numbers in (prediction, y))
        return squared_errors(shown, true, self.task)


def _verdict(
    suspect: Suspect, usual: Floats | None, honest: Floats | None, data: Dataset
) -> Verdict | None:
    """What both ways of holding out say of a suspect; nothing if one was not ended."""
    if usual is None or honest is None:
        return None
    task, rows = data.task, suspect.usual.rows
    y = data.y[rows]
    seen = _is_predicted(usual), _is_predicted(honest)
    if suspect.kind in (
        "drift",
        "odd_drift",
    ):  # later rows may be harder for another reason: rows of the same time are compared
        seen = seen[0] & (suspect.groups >= suspect.groups[seen[1]].min()), seen[1]
    if min(seen[0].sum(), seen[1].sum()) < 10:
        return None
    scale = _Scale.of(y, task)
    pairs = zip((usual, honest), seen, strict=True)
    errors = [scale.errors(made[there], y[there]) for made, there in pairs]
    means = [float(part.mean()) for part in errors]
    plain = float(scale.errors(_constant(y, task), y).mean())
    skills = [1 - mean / max(plain, 1e-300) for mean in means]
    before, after = (
        _score(made[there], rows[there], data)
        for made, there in zip((usual, honest), seen, strict=True)
    )
    between = _error(
        errors,
        [suspect.groups[there] for there in seen],
        is_paired=suspect.usual.folds.kind == "kfold",
    )
    lost = 1 - max(0.0, skills[1]) / skills[0] if skills[0] > MIN_SKILL else 0.0
    return Verdict(
        before,
        after,
        lost,
        means[1] / max(means[0], 1e-300),
        (means[1] - means[0]) / max(between, 1e-300),
        skills[0],
    )


def _is_predicted(prediction: Floats) -> Bools:
    missing: Bools = np.isnan(prediction)
    return ~missing if missing.ndim == 1 else ~missing[:, 0]


def _constant(y: Floats, task: Task) -> Floats:
    """The same answer for each row: the mean, or the classes' shares."""
    if task.is_regression:
        return np.full(len(y), y.mean())
    shares = np.bincount(y.astype(np.int64), minlength=task.n_outputs) / len(y)
    return np.tile(shares, (len(y), 1))


def _score(prediction: Floats, rows: Rows, data: Dataset) -> float:
    """The score by the task's metric; NaN where it can't be had."""
    metric = metric_of(data.task)
    weight = None if data.weight is None else data.weight[rows]
    try:
        return metric.score(metric.of(data.y[rows], prediction, weight))
    except (ArithmeticError, LookupError, ValueError):
        return math.nan


def _error(errors: Sequence[Floats], groups: Sequence[Rows], is_paired: bool) -> float:
    """The standard error of the difference of two means of errors that go together in groups."""
    if is_paired:
        sums = np.bincount(groups[0], errors[1] - errors[0])
        sums = sums[np.bincount(groups[0]) > 0]
        return (
            float(np.sqrt(len(sums) * sums.var(ddof=1)) / len(errors[0]))
            if len(sums) > 1
            else math.inf
        )
    blocks = np.bincount(groups[1], errors[1]) / np.maximum(1, np.bincount(groups[1]))
    blocks = blocks[np.bincount(groups[1]) > 0]
    if len(blocks) < 3:
        return math.inf
    return math.sqrt(
        float(blocks.var(ddof=1)) / len(blocks) + float(errors[0].var()) / len(errors[0])
    )


# ------------------------------------------------------------ what is told


def _told(
    suspects: Sequence[Suspect], verdicts: Sequence[Verdict | None], task: Task
) -> list[Finding]:
    """The findings of what was confirmed; of entities, of one kind alone."""
    pairs = list(zip(suspects, verdicts, strict=True))
    confirmed = [(one, verdict) for one, verdict in pairs if _is_confirmed(one, verdict)]
    told = [_finding(one, verdict, task) for one, verdict in confirmed if one.kind != "entity"]
    owners = [(one, verdict) for one, verdict in confirmed if one.kind == "entity"]
    if owners:
        largest = max(0.0 if verdict is None else verdict.lost for _, verdict in owners)
        finest = [
            pair
            for pair in owners
            if (0.0 if pair[1] is None else pair[1].lost) >= FINEST * largest
        ]
        chosen = max(
            finest, key=lambda pair: (pair[0].finding.count, -len(pair[0].finding.columns))
        )
        told.insert(sum(finding.code == "leak" for finding in told), _finding(*chosen, task))
    return told


def _is_confirmed(suspect: Suspect, verdict: Verdict | None) -> bool:
    """Whether a suspect is told of."""
    if suspect.kind in ("leak", "copied_rows"):
        return True
    if verdict is None:
        return suspect.is_sure
    if suspect.entity is not None:
        lost, errors = suspect.bars
        return verdict.skill > MIN_SKILL and verdict.lost >= lost and verdict.errors >= errors
    if suspect.is_sure:  # the level moves so far that no past shows how far it will
        return True
    if suspect.moved >= DRIFT_UNEXPLAINED * (1 - verdict.skill):
        return True
    if suspect.kind == "odd_drift":
        return verdict.ratio >= DRIFT_RATIO and verdict.errors >= ODD_DRIFT_ERRORS
    errors = MOVED_ERRORS if suspect.moved >= DRIFT_MOVED else DRIFT_ERRORS
    is_worse = verdict.ratio >= DRIFT_RATIO or verdict.lost >= DRIFT_LOST
    return is_worse and verdict.errors >= errors


def _finding(suspect: Suspect, verdict: Verdict | None, task: Task) -> Finding:
    """A finding with both scores, if they are known."""
    finding = suspect.finding
    if verdict is None:
        return replace(finding, action=f"{finding.action}; {_UNMEASURED}")
    if not (math.isfinite(verdict.usual) and math.isfinite(verdict.honest)):
        return finding
    if finding.code == "drift" and verdict.ratio <= 1:  # it is told for how far the level moves
        return finding
    if suspect.kind == "copied_rows":
        flattered = verdict.lost >= COPIES_LOST and verdict.errors >= COPIES_ERRORS
        finding = replace(finding, severity="warning" if flattered else "info")
    before, after = _WAYS[suspect.finding.code]
    before = "with it" if len(finding.columns) == 1 and finding.code == "leak" else before
    numbers = (
        f"{task.metric} {verdict.usual:.4g} {before}, {verdict.honest:.4g} {after} (a quick model)"
    )
    return replace(finding, action=f"{finding.action}; {numbers}")


_UNMEASURED = "what that comes to was not measured, for lack of time"
_WAYS: Mapping[str, tuple[str, str]] = {
    "leak": ("with them", "without"),
    "copied_rows": ("with copies apart", "with them together"),
    "entity": ("by folds at random", "on entities that no model has seen"),
    "drift": ("by folds at random", "on later rows"),
}
