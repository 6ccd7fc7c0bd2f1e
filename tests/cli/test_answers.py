"""Answers are written without pandas as pandas would write them, byte for byte."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automl.cli.answers import Answers, write_answers
from automl.files import ENCODING_ERRORS
from automl.table import TextColumn, as_series

TEXTS = st.lists(
    st.text(st.sampled_from("ab01.,;\"' \t\r\né\u2028"), max_size=4), min_size=3, max_size=3
)
FLOATS = st.lists(st.floats(), min_size=3, max_size=3)


@st.composite
def answers(draw: st.DrawFn) -> Answers:
    """Three rows of copied text, labels and numbers."""
    return {
        'a "name", and more': TextColumn.of(draw(TEXTS)),
        "prediction": np.array(draw(TEXTS), object),
        "low": np.array(draw(FLOATS)),
    }


def as_frame(made: Answers) -> pd.DataFrame:
    """The answers in a frame, as `predict` used to write them."""
    columns = {}
    for name, column in made.items():
        columns[name] = as_series(column) if isinstance(column, TextColumn) else column
    return pd.DataFrame(columns)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=answers())
def test_a_csv_file_is_the_one_that_pandas_writes(made: Answers, tmp_path: Path) -> None:
    write_answers(made, str(tmp_path / "a.csv"))
    as_frame(made).to_csv(tmp_path / "b.csv", index=False, errors=ENCODING_ERRORS)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


@given(st.lists(st.text(st.sampled_from('ab ,"\n'), max_size=3), max_size=4))
def test_a_lone_column_is_the_one_that_pandas_writes(words: list[str]) -> None:
    made = {"prediction": np.array(words, object)}
    assert stdout_of(made) == as_frame(made).to_csv(index=False)


def stdout_of(made: Answers) -> str:
    """What is written to standard output."""
    with contextlib.redirect_stdout(io.StringIO()) as written:
        write_answers(made, None)
    return written.getvalue()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=answers())
def test_json_lines_are_the_records_of_pandas(made: Answers, tmp_path: Path) -> None:
    write_answers(made, str(tmp_path / "a.jsonl"))
    rows = as_frame(made).to_dict("records")
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    assert (tmp_path / "a.jsonl").read_bytes() == lines.encode("utf-8", ENCODING_ERRORS)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_columns_of_pandas_are_written_by_pandas(suffix: str, tmp_path: Path) -> None:
    day = pd.Series(pd.to_datetime(["2021-05-01", None]))
    made = {"day": day, "prediction": np.array([1.5, 2.0])}
    write_answers(made, str(tmp_path / f"a{suffix}"))
    text = (tmp_path / f"a{suffix}").read_text()
    assert "2021-05-01" in text
    assert "1.5" in text
