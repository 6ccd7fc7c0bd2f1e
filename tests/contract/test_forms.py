"""Whatever form a table was fitted in, any other form gets the same predictions and score."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from automl.cleaning import CleanOptions, clean
from automl.features.encoding import fit_shared
from automl.features.recipe import RECIPES
from automl.metrics import METRICS
from automl.models import find_family
from automl.models._base import FitContext, Sample
from automl.predictor import Member, Part, Predictor
from automl.predictor.archive import dumps, loads
from automl.predictor.scoring import score_table
from automl.state import pack_to_bytes
from automl.table import Table
from automl.task import Task
from tests.contract.forms import FORMS, N_ROWS, sample, tables

TARGETS = {"price": "rmse", "good": "log_loss"}
# Row 0 has all cells; of each other row one is missing.
ROWS = (0, 3, 5, 9, 11)

Tables = dict[str, Table]


@pytest.fixture(scope="module")
def tables_by_form(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    return tables(tmp_path_factory.mktemp("forms"))


def fit_linear(data: Table, target: str) -> Predictor:
    """Fit a linear model of all other columns, save it and load it."""
    other_targets = set(TARGETS) - {target}
    options = CleanOptions(ignore=tuple(other_targets))
    cleaned = clean(data, target, options)
    task = Task(
        cleaned.kind,
        target,
        TARGETS[target],
        cleaned.labels,
        cleaned.dtype,
        cleaned.has_decimal_comma,
    )
    linear = find_family("linear")
    encoding = fit_shared(RECIPES["onehot"], cleaned.columns, 0)
    matrix = encoding.transform(cleaned.columns)
    context = FitContext(task, METRICS[task.metric], 0)
    train = Sample(matrix, encoding.features, cleaned.y)
    prepared = linear.prepare(train, None, {}, context)
    fitted = linear.fit(prepared, {}, context)
    part = Part(("e",), pack_to_bytes(fitted.model.to_state()))
    member = Member("m", linear, 1.0, (part,))
    predictor = Predictor(task, cleaned.cleaner, {"e": encoding}, (member,))
    return loads(dumps(predictor))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("form", FORMS)
def test_a_model_of_one_form_predicts_and_scores_every_other(
    form: str, target: str, tables_by_form: Tables
) -> None:
    table = tables_by_form[form]
    model = fit_linear(table, target)
    expected = model.predict_raw(model.to_columns(table).columns)
    score = score_table(model, table).by_model
    for name, other in tables_by_form.items():
        applied = model.to_columns(other)
        assert not applied.counts.unseen, name
        assert not applied.counts.unreadable, name
        predicted = model.predict_raw(applied.columns)
        assert np.array_equal(predicted, expected), name
        scored = score_table(model, other)
        assert scored.rows == N_ROWS, name
        assert scored.by_model == score, name


@pytest.fixture(scope="module")
def csv_model(tables_by_form: Tables) -> Predictor:
    return fit_linear(tables_by_form["csv"], "price")


@pytest.mark.parametrize("form", FORMS)
def test_a_row_gets_the_same_prediction_alone_in_any_form(
    form: str, csv_model: Predictor, tables_by_form: Tables, tmp_path: Path
) -> None:
    whole = csv_model.to_columns(tables_by_form["csv"])
    expected = csv_model.predict_raw(whole.columns)
    for row in ROWS:
        frame = sample().iloc[[row]].reset_index(drop=True)
        table = FORMS[form](frame, tmp_path / f"{row}.data")
        alone = csv_model.to_columns(table)
        predicted = csv_model.predict_raw(alone.columns)
        assert predicted == pytest.approx(expected[[row]], abs=0), row
