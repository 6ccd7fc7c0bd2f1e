"""Whatever form a table was fitted in, any other form of it gets the same answers and the same score."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from automl.cleaning import CleanOptions, clean
from automl.features.encoding import fit_shared
from automl.features.recipe import RECIPES
from automl.metrics import METRICS
from automl.models import family
from automl.models._base import How, Sample
from automl.predictor import Member, Part, Predictor
from automl.predictor.archive import dumps, loads
from automl.predictor.scoring import scores
from automl.state import packed
from automl.table import Table
from automl.task import Task
from tests.contract.forms import FORMS, N_ROWS, sample, tables

TARGETS = {"price": "rmse", "good": "log_loss"}


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Table]:
    return tables(tmp_path_factory.mktemp("forms"))


def linear(data: Table, target: str) -> Predictor:
    """A linear model of all other columns, saved and loaded."""
    cleaned = clean(data, target, CleanOptions(ignore=tuple(set(TARGETS) - {target})))
    task = Task(cleaned.kind, target, TARGETS[target], cleaned.labels, cleaned.dtype, cleaned.comma)
    kind = family("linear")
    encoding = fit_shared(RECIPES["onehot"], cleaned.columns, 0)
    how = How(task, METRICS[task.metric], 0, 1)
    fitted = kind.fit(
        kind.prepare(
            Sample(encoding.transform(cleaned.columns), encoding.features, cleaned.y), None, {}, how
        ),
        {},
        how,
    )
    member = Member("m", family("linear"), 1.0, (Part(("e",), packed(fitted.model.to_state())),))
    return loads(dumps(Predictor(task, cleaned.cleaner, {"e": encoding}, (member,))))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("form", FORMS)
def test_a_model_of_one_form_answers_and_scores_every_other(
    form: str, target: str, held: dict[str, Table]
) -> None:
    model = linear(held[form], target)
    expected, score = model.raw(model.read(held[form]).columns), scores(model, held[form]).found
    for name, table in held.items():
        applied = model.read(table)
        assert not applied.counts.unseen, name
        assert not applied.counts.unreadable, name
        assert np.array_equal(model.raw(applied.columns), expected), name
        told = scores(model, table)
        assert (told.rows, told.found) == (N_ROWS, score), name


@pytest.fixture(scope="module")
def of_csv(held: dict[str, Table]) -> Predictor:
    return linear(held["csv"], "price")


@pytest.mark.parametrize("form", FORMS)
def test_a_row_gets_the_same_answer_alone_in_any_form(
    form: str, of_csv: Predictor, held: dict[str, Table], tmp_path: Path
) -> None:
    expected = of_csv.raw(of_csv.read(held["csv"]).columns)
    for row in (0, 3, 5, 9, 11):  # the first has all cells, of each other one is missing
        alone = FORMS[form](sample().iloc[[row]].reset_index(drop=True), tmp_path / f"{row}.data")
        assert of_csv.raw(of_csv.read(alone).columns) == pytest.approx(expected[[row]], abs=0), row
