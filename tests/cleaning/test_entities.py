"""Entities that own several rows are found by a key, or by columns that are constant in them."""

from __future__ import annotations

import numpy as np

from automl.cleaning.entities import find_entities
from automl.cleaning.entity_candidates import Entity, has_entity_sizes
from automl.cleaning.groups import (
    constancy,
    sample_whole_groups,
    target_outputs,
    variance_between_groups,
)
from automl.columns import Categories, Columns, Numbers

RNG = np.random.default_rng(0)
N_ENTITIES = 60
ROWS_EACH = 7
OWNER = np.repeat(np.arange(N_ENTITIES), ROWS_EACH)
N_ROWS = len(OWNER)
LEVEL = RNG.normal(size=N_ENTITIES)[OWNER] + 0.1 * RNG.normal(size=N_ROWS)


def words(codes: np.ndarray) -> Categories:
    n_levels = int(codes.max()) + 1
    levels = tuple(f"w{code}" for code in range(n_levels))
    return Categories(codes.astype(np.int32), levels)


def numbers(values: np.ndarray) -> Numbers:
    return Numbers(values.astype(float))


def of_entities(low: int, high: int) -> np.ndarray:
    """Draw a whole number for each entity, and give it to all of its rows."""
    return RNG.integers(low, high, N_ENTITIES)[OWNER]


def entities(y: np.ndarray = LEVEL, **columns: Numbers | Categories) -> tuple[Entity, ...]:
    """Find the entities of a table with three columns of noise."""
    noise = {f"n{index}": Numbers(RNG.normal(size=N_ROWS)) for index in range(3)}
    table = Columns({**columns, **noise}, N_ROWS)
    return find_entities(table, y, is_regression=True)


def test_a_named_key_comes_first() -> None:
    first = entities(patient_id=Numbers(1000.0 + 37 * OWNER))[0]
    assert first.columns == ("patient_id",)
    assert first.has_entity_name
    assert first.n_entities == N_ENTITIES
    assert first.target_share > 0.9


def test_columns_that_are_constant_in_entities_are_the_profile_of_a_key() -> None:
    town = of_entities(0, 9)
    age = of_entities(20, 80)
    first = entities(code=words(OWNER), town=words(town), age=numbers(age))[0]
    assert first.columns == ("code",)
    assert first.profile == ("age", "town")
    assert first.is_described


def test_entities_without_a_key_are_identified_by_several_columns() -> None:
    birthplace = of_entities(0, 30)
    age = of_entities(20, 80)
    sex = of_entities(0, 2)
    first = entities(age=numbers(age), sex=words(sex), birthplace=words(birthplace))[0]
    assert set(first.columns) == {"age", "birthplace"}
    assert first.profile == ("sex",)


def test_a_shuffled_target_has_no_entities() -> None:
    shuffled = RNG.permutation(LEVEL)
    assert entities(shuffled, patient_id=numbers(OWNER)) == ()


def test_a_plain_category_is_no_entity() -> None:
    noise = RNG.normal(size=N_ROWS)
    brand = words(RNG.integers(0, 20, N_ROWS))
    assert entities(noise, brand=brand) == ()


def test_a_small_table_has_no_entities() -> None:
    patient = np.repeat(np.arange(5.0), 4)
    columns = Columns({"patient": Numbers(patient)}, 20)
    assert find_entities(columns, patient, is_regression=True) == ()


def test_keys_with_unique_or_few_values_identify_no_entities() -> None:
    rows = np.arange(N_ROWS)
    assert not has_entity_sizes(rows)
    assert not has_entity_sizes(rows % 3)
    assert has_entity_sizes(OWNER)


def test_variance_between_groups_is_nothing_by_chance_and_all_of_constant_groups() -> None:
    noise = target_outputs(RNG.normal(size=N_ROWS), is_regression=True)
    by_chance = variance_between_groups(OWNER, noise)
    assert abs(by_chance.share) < 0.1
    assert by_chance.standard_errors < 4
    constant = target_outputs(OWNER.astype(float), is_regression=True)
    assert variance_between_groups(OWNER, constant).share > 0.99


def test_a_random_column_is_not_constant_in_small_groups() -> None:
    pairs = np.arange(N_ROWS) // 2
    assert constancy(pairs, RNG.integers(0, 3, N_ROWS)) == 0.0
    assert constancy(OWNER, OWNER % 5) == 1.0


def test_rows_are_sampled_by_whole_groups() -> None:
    rows = sample_whole_groups(OWNER, 250, seed=0)
    sizes = np.bincount(OWNER[rows])
    assert len(rows) <= 250
    assert set(sizes) <= {0, ROWS_EACH}


def test_a_profile_may_have_gaps_and_dates() -> None:
    town = of_entities(0, 9)
    is_missing = RNG.random(N_ROWS) < 0.2
    day = of_entities(0, 900)
    first = entities(
        code=words(OWNER),
        town=words(np.where(is_missing, -1, town)),
        joined=Numbers(1.4e9 + 86_400.0 * day, "date"),
    )[0]
    assert first.columns == ("code",)
    assert first.profile == ("joined", "town")


def test_a_depot_and_a_number_identify_entities_by_columns_that_are_constant_in_both() -> None:
    depot = OWNER // 8
    number = OWNER % 8
    profile = {name: words(of_entities(0, 6)) for name in ("make", "engine", "built")}
    found = entities(depot=words(depot), number=Numbers(1.0 + number), **profile)
    (both,) = [entity for entity in found if set(entity.columns) == {"depot", "number"}]
    assert set(both.profile) == set(profile)
    assert both.n_entities == N_ENTITIES


def test_columns_that_describe_a_key_identify_no_other_entities() -> None:
    age = of_entities(20, 80)
    town = of_entities(0, 30)
    is_missing = RNG.random(N_ROWS) < 0.1
    gaps = words(np.where(is_missing, -1, town))
    found = entities(code=words(OWNER), age=numbers(age), town=gaps)
    composite = [entity.columns for entity in found if len(entity.columns) > 1]
    assert composite == []
