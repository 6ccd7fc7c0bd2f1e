"""The chain sees the traits of the stages."""

from __future__ import annotations

import pytest

from automl.budget import Budget
from automl.stages import STAGES
from automl.stages.traits import (
    TRAITS,
    Demanding,
    Importing,
    Reserving,
    Restricting,
    Searching,
    check_families,
    modules_needed,
    only_families,
    searches,
)

BUILT_IN = {
    "clean": set(),
    "extract": set(),
    "select": {Searching, Restricting},
    "tune": {Searching, Importing, Demanding},
    "ensemble": {Reserving, Importing},
}


@pytest.mark.parametrize("name", STAGES)
def test_each_stage_has_the_traits_that_it_is_meant_to_have(name: str) -> None:
    stage = STAGES[name]()
    assert {trait for trait in TRAITS if isinstance(stage, trait)} == BUILT_IN[name]


def test_a_stage_without_traits_is_asked_for_nothing() -> None:
    stage = object()
    assert not searches(stage)
    assert only_families(stage) is None
    assert modules_needed(stage, Budget()) == ()
    check_families(stage, ("linear",))
