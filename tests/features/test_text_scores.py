"""Scores of the target by the words of a text find what words say, but not a row's own target."""

from __future__ import annotations

import numpy as np
import pytest

from automl.columns import Columns, Texts
from automl.features.encoding import Encoding, fit_targeted
from automl.features.recipe import RECIPES, TOPICS_RECIPE
from automl.features.text import TextSums
from automl.task import Task

BINARY = Task("binary", "y", "log_loss", ("no", "yes"))
REGRESSION = Task("regression", "y", "rmse")
MULTICLASS = Task("multiclass", "y", "log_loss", ("a", "b", "c"))
WORDS = ["red", "wine", "dry", "old", "oak", "plum", "sweet", "sour", "salt", "fig"]


def texts(n_rows: int, seed: int = 0) -> list[list[str]]:
    rng = np.random.default_rng(seed)
    return [list(rng.choice(WORDS, rng.integers(3, 7), replace=False)) for _ in range(n_rows)]


def as_columns(strings: list[list[str]]) -> Columns:
    return Columns({"note": Texts.of([" ".join(words) for words in strings])}, len(strings))


def fit(
    strings: list[list[str]],
    y: np.ndarray,
    task: Task = REGRESSION,
    weight: np.ndarray | None = None,
) -> tuple[Encoding, np.ndarray]:
    return fit_targeted(TOPICS_RECIPE, as_columns(strings), task, y, np.arange(len(y)), 0, weight)


def test_words_that_explain_the_target_are_found_and_explain_other_rows_too() -> None:
    strings = texts(800)
    y = np.array([("plum" in words) - 2.0 * ("sour" in words) for words in strings])
    encoding, X = fit(strings[:600], y[:600])
    others = encoding.transform(as_columns(strings[600:]))
    assert [feature.name for feature in encoding.features] == ["note (words' mean)"]
    assert np.corrcoef(X[:, 0], y[:600])[0, 1] > 0.9
    assert np.corrcoef(others[:, 0], y[600:])[0, 1] > 0.9


def class_of(words: list[str]) -> float:
    if "red" in words:
        return 0.0
    return 1.0 if "oak" in words else 2.0


def test_every_class_has_its_words() -> None:
    strings = texts(600)
    y = np.array([class_of(words) for words in strings])
    _, X = fit(strings, y, MULTICLASS)
    assert X.shape == (600, 3)
    assert (X.argmax(axis=1) == y).mean() > 0.8


@pytest.mark.parametrize("task", [REGRESSION, BINARY], ids=lambda task: task.kind)
def test_a_random_target_is_not_seen_in_its_own_score(task: Task) -> None:
    correlations = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        if task.is_regression:
            y = rng.normal(size=400)
        else:
            y = rng.integers(0, 2, 400).astype(float)
        strings = [[f"w{word}" for word in rng.integers(0, 300, 8)] for _ in range(400)]
        _, X = fit(strings, y, task)
        correlations.append(np.corrcoef(X[:, 0], y)[0, 1])
    assert abs(np.mean(correlations)) < 4 / np.sqrt(400 * 20)


def test_rows_of_weight_zero_are_not_learnt_from() -> None:
    strings = texts(600)
    weight = np.repeat([1.0, 0.0], 300)
    right = np.array([1.0 * ("plum" in words) for words in strings])
    wrong = np.where(weight > 0, right, 1 - right)
    encoding, _ = fit(strings, wrong, weight=weight)
    (scores,) = encoding.encoders
    assert isinstance(scores, TextSums)
    assert scores.components[0, scores.vocabulary.words.index("plum")] > 0.3


def test_texts_without_words_have_no_score() -> None:
    encoding, X = fit([["--"], ["?!"], ["--"], ["..."]] * 5, np.arange(20.0))
    assert encoding.features == ()
    assert X.shape == (20, 0)


def test_other_recipes_leave_texts_to_this_one() -> None:
    columns = as_columns([["red", "wine"], ["dry", "oak"]] * 10)
    y = np.tile([0.0, 1.0], 10)
    _, X = fit_targeted(RECIPES["pairs"], columns, BINARY, y, np.arange(20), 0)
    assert X.shape == (20, 0)


def test_one_row_teaches_nothing() -> None:
    encoding, X = fit([["red", "wine"]], np.ones(1))
    assert X.tolist() == [[0.0]]
    assert len(encoding.features) == 1
