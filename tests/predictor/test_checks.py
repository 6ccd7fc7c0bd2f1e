"""What a file says of itself is refused if nothing can be computed with it."""

from __future__ import annotations

from typing import Any

import pytest

from automl.errors import UnsafeModel
from automl.predictor.checks import check_facts

EXPECTED = {"loss": 0.1, "low": 0.05, "high": 0.2, "rows": 100, "new": 30}


@pytest.mark.parametrize("facts", [{}, {"expected": {}}, {"expected": EXPECTED}])
def test_an_expected_score_is_accepted_and_may_be_missing(facts: Any) -> None:
    check_facts(facts)


@pytest.mark.parametrize("name", list(EXPECTED))
@pytest.mark.parametrize("value", ["1", None, True, 10**400, -(10**400)])
def test_values_that_are_no_floats_are_refused(name: str, value: Any) -> None:
    with pytest.raises(UnsafeModel, match="expected score is invalid"):
        check_facts({"expected": EXPECTED | {name: value}})
