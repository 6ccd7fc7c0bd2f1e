"""Train students of a run's ensemble: small models that learn what it answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice, product

import numpy as np

from automl.arrays import Rows
from automl.budget import Budget, reserve_ending
from automl.candidate import Candidate
from automl.dataset import Dataset
from automl.folds import Folds
from automl.journal import Journal
from automl.lab.lab import Lab
from automl.models import is_boosted
from automl.prediction_costs import Arrangement, estimate_cost, growth_within
from automl.predictor import Predictor
from automl.price import Cost, Price
from automl.problem import EMPTY_PROBLEM
from automl.run.proposals import Judge, Proposal, Workplace
from automl.run.session import Session, open_session
from automl.run.settings import Callbacks
from automl.search.all_folds import AllFoldsPolicy
from automl.search.distilling import (
    EVERY_SPLIT,
    HELD_OUT_BLOCK,
    Lesson,
    rows_with_labels,
    teaching_data,
)
from automl.search.perturbing import perturb
from automl.search.rounds import fitted_to, with_fixed_rounds
from automl.search.students import first_students
from automl.stages.ensemble import gather_complete
from automl.store import Store
from automl.study import Plan, Study
from automl.trial import Trial

PERTURBED_PER_ROW = 3
MAX_PERTURBED_ROWS = 60_000
MAX_PERTURBED_CELLS = 3_000_000
PERTURBED_WEIGHT = 4.0  # of them all, as a multiple of the table's own rows
FINALISTS = 2
MIN_GROWTH = 3.0  # that a price must allow, or finalists have the rounds of their first fold
MAX_ADAPTED = 4  # students that are made to use up the price
MAX_JUDGED_SPLITS = 5
WITHOUT_PRICE = (0.05, 0.2, 0.6)  # megabytes that students may have
SCREENING_TIME_SHARE = 0.5
FIRST_TIME_SHARE = 0.6  # of it, for students whatever they cost
MAX_PARTS = 1.5  # of the time divided by the number of students, that one may take
FOLDS_TIME_SHARE = 0.7  # of the rest; refits get what is left
MAX_COPIES = 4


@dataclass(frozen=True, eq=False)
class Teacher:
    """A run's ensemble, which labels the rows that students learn from.

    Parameters
    ----------
    predictor : Predictor
        The run's.
    by_split : mapping of (int, int) to Predictor
        The ensemble of the models that held a split's rows out. The students that are judged by
        these rows learn from it: the run's predictor would tell them of their truth.
    """

    predictor: Predictor
    by_split: Mapping[tuple[int, int], Predictor]


@contextmanager
def distilled(
    teacher: Teacher,
    judge: Judge,
    price: Price,
    session: Session,
    callbacks: Callbacks,
) -> Iterator[tuple[list[Proposal], Workplace]]:
    """Train students in folders inside a session's, and open where they can be refitted.

    Parameters
    ----------
    teacher : Teacher
    judge : Judge
    price : Price
    session : Session
        With the run's data.
    callbacks : Callbacks

    Yields
    ------
    list of Proposal, Workplace
    """
    run = judge.study
    textbook = _Textbook(teacher, session.data.dataset(), run.seed)
    budget = reserve_ending(session.settings.budget)
    with _open_lab(session, "folds", textbook.of_splits(), callbacks) as lab:
        school = _School(run, price, lab, budget)
        study = school.taught(_empty_study(run, lab.data.dataset()))
        pool = gather_complete(study, lab.data, len(study.trials))
        rows = held_rows(lab.data.dataset().folds)
    proposals = [school.proposal(study, trial) for trial in pool.trials]
    with _open_lab(session, "refits", textbook.of_all_rows(), callbacks) as lab:
        lesson = lab.data.dataset()
        study = replace(study, data=lesson.digest(), size=replace(study.size, rows=len(lesson.y)))
        yield (
            proposals,
            Workplace(
                study,
                lab,
                pool,
                rows,
                budget,
            ),
        )


@contextmanager
def _open_lab(
    around: Session,
    name: str,
    lesson: Dataset,
    callbacks: Callbacks,
) -> Iterator[Lab]:
    """Open a lab in a folder of its own, inside a session's, with a data set."""
    store = Store(around.store.folder / name)
    settings = replace(around.settings, output=store.folder)
    with open_session(store, settings, None, lambda budget: EMPTY_PROBLEM) as session:
        session.data.save(lesson, around.data.cleaner)
        yield session.lab(Journal(observers=callbacks.observers), callbacks)
    store.close()


@dataclass(frozen=True, eq=False)
class _Textbook:
    """The data sets that students learn from.

    Parameters
    ----------
    teacher : Teacher
    data : Dataset
        The run's.
    seed : int
    """

    teacher: Teacher
    data: Dataset
    seed: int

    def of_splits(self) -> Dataset:
        """Return what students learn from who are judged by held-out rows."""
        splits = judged_splits(self.data.folds)
        lessons: list[Lesson] = []
        for number, split in enumerate(splits):
            predictor = self.teacher.by_split[split]
            rows = self.data.folds.train(*split)
            lessons += self._perturbed(predictor, rows, number)
        return teaching_data(self.data, splits, lessons)

    def of_all_rows(self) -> Dataset:
        """Return what students learn from who are to be used."""
        rows = np.arange(len(self.data.y))
        lessons = self._perturbed(self.teacher.predictor, rows, EVERY_SPLIT)
        return teaching_data(self.data, judged_splits(self.data.folds), lessons)

    def _perturbed(
        self,
        predictor: Predictor,
        rows: Rows,
        split: int,
    ) -> list[Lesson]:
        """Return rows that could have been, with the predictions of one of the teachers."""
        names = self.data.columns.names()
        affordable = MAX_PERTURBED_CELLS // max(1, len(names))
        count = min(PERTURBED_PER_ROW * len(rows), MAX_PERTURBED_ROWS, affordable)
        if not count:
            return []
        rng = np.random.default_rng((self.seed, split + 1))
        made = perturb(names, rows, count, rng)
        prediction = predictor.predict_raw(made.columns(self.data.columns))
        kept = rows_with_labels(prediction, MAX_PERTURBED_ROWS)
        made = made.take(np.arange(kept))
        prediction = prediction[:kept]
        return [Lesson(made, prediction, PERTURBED_WEIGHT, split)]


def held_rows(folds: Folds) -> Rows:
    """Return the positions of the rows that are held out in some split of holdouts."""
    is_held = (folds.blocks == HELD_OUT_BLOCK).any(axis=0)
    return np.flatnonzero(is_held)


def judged_splits(folds: Folds) -> list[tuple[int, int]]:
    """Return the splits whose held-out rows students are judged by: a few suffice.

    Each has its own lessons, and a student is compared with the ensemble on the same rows.
    """
    splits = product(range(len(folds.blocks)), range(folds.n_folds))
    return list(islice(splits, MAX_JUDGED_SPLITS))


def _empty_study(
    run: Study,
    data: Dataset,
) -> Study:
    """Return the study of students, who have been trained on nothing."""
    return replace(
        run,
        data=data.digest(),
        size=replace(run.size, rows=len(data.y)),
        plan=Plan("holdout", folds=1, repeats=len(data.folds.blocks)),
        trials={},
        running={},
        weights={},
        finish="bag",
        copies=0,
        evaluation=None,
    )


@dataclass(frozen=True)
class _School:
    """Trains students: many on one split, and the best of them on all.

    Parameters
    ----------
    run : Study
    price : Price
    lab : Lab
    budget : Budget
    """

    run: Study
    price: Price
    lab: Lab
    budget: Budget

    def taught(
        self,
        study: Study,
    ) -> Study:
        """Return the study with the students' fits."""
        splits = study.plan.splits
        screening = _part(self.budget, SCREENING_TIME_SHARE)
        first = first_students(self.run)
        study = self._screen(study, first, splits[0], _part(screening, FIRST_TIME_SHARE))
        second = self._adapted(study, first)
        study = self._screen(study, second, splits[0], screening)
        finalists = self._finalists(study, [*first, *second])
        policy = AllFoldsPolicy(finalists, splits)
        return self.lab.run(policy, study, _part(self.budget, FOLDS_TIME_SHARE))

    def _screen(
        self,
        study: Study,
        students: Sequence[Candidate],
        split: tuple[int, int],
        budget: Budget,
    ) -> Study:
        """Train students on one split; none may take much more than its part of the time."""
        part = budget.remaining() * self.lab.workers / max(1, len(students))
        policy = AllFoldsPolicy(students, [split], MAX_PARTS * part)
        return self.lab.run(policy, study, budget)

    @property
    def _levels(self) -> list[Price]:
        """The prices that students are made for."""
        if self.price.is_bounded:
            return [self.price]
        return [Price(megabytes=megabytes) for megabytes in WITHOUT_PRICE]

    def _adapted(
        self,
        study: Study,
        students: Sequence[Candidate],
    ) -> list[Candidate]:
        """Return students that use up the price, made from those that were tried."""
        ranked = _by_loss(study, students)
        ranked = [student for student in ranked if is_boosted(student.family)]
        adapted: dict[str, Candidate] = {}
        for level in self._levels:
            for student in ranked[:MAX_ADAPTED]:
                trial = study.trials[student.id]
                share = self._growth(study, trial, level)
                found = fitted_to(student, trial, share)
                if found is not None:
                    adapted.setdefault(found.id, found)
        return list(adapted.values())

    def _growth(self, study: Study, trial: Trial, price: Price) -> float:
        """Return how many times as large a student may be for it to use up the price."""
        sized = replace(study, size=self.run.size)
        return growth_within(sized, trial, price)

    def cost(
        self,
        study: Study,
        trial: Trial,
        copies: int = 1,
    ) -> Cost:
        """Return what a student refitted so often will cost."""
        sized = replace(study, size=self.run.size)
        return estimate_cost(sized, [trial], Arrangement("refit", copies, copies))

    def _finalists(
        self,
        study: Study,
        students: Sequence[Candidate],
    ) -> list[Candidate]:
        """Return the best students for each price; the cheapest one if none keeps to it.

        Those that no price lets grow by much have the rounds of their first fold from now on.
        """
        ranked = _by_loss(study, students)
        finalists: dict[str, Candidate] = {}
        growing = set()
        for level in self._levels:
            for student in self._best_for(study, ranked, level):
                finalists[student.id] = student
                trial = study.trials[student.id]
                if self._growth(study, trial, level) >= MIN_GROWTH:
                    growing.add(student.id)
        found = []
        for name, student in finalists.items():
            is_growing = name in growing
            trial = study.trials[name]
            found.append(student if is_growing else with_fixed_rounds(student, trial))
        return found

    def _best_for(
        self,
        study: Study,
        ranked: Sequence[Candidate],
        price: Price,
    ) -> list[Candidate]:
        """Return the best students that keep to a price, or else the cheapest one."""

        def used(student: Candidate) -> float:
            trial = study.trials[student.id]
            return price.used_share(self.cost(study, trial))

        fitting = [student for student in ranked if used(student) <= 1]
        if not fitting and ranked:
            fitting = [min(ranked, key=used)]
        return fitting[:FINALISTS]

    def proposal(
        self,
        study: Study,
        trial: Trial,
    ) -> Proposal:
        """Return a student as a proposal, with as many copies as the price allows."""
        copies = 1
        family = study.family(trial.family)
        if family.seeded and self.price.is_bounded:
            while copies < MAX_COPIES:
                more = self.cost(study, trial, copies + 1)
                if not self.price.allows(more):
                    break
                copies += 1
        cost = self.cost(study, trial, copies)
        return Proposal(
            "distilled",
            {trial.id: 1.0},
            trial.loss,
            cost,
            copies,
        )


def _part(
    budget: Budget,
    share: float,
) -> Budget:
    """Return a share of a budget's time."""
    if not budget.is_timed:
        return budget
    return budget.within(share * budget.remaining())


def _by_loss(
    study: Study,
    students: Sequence[Candidate],
) -> list[Candidate]:
    """Return the students that were trained, the best first."""
    trained = []
    for student in students:
        trial = study.trials.get(student.id)
        if trial is not None and trial.losses and trial.failure is None:
            trained.append(student)
    return sorted(trained, key=lambda student: study.trials[student.id].loss)
