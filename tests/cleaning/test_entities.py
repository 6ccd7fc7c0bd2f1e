"""Entities that own several rows are found by a key, or by columns that stay the same within them."""

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
N_ENTITIES, ROWS_EACH = 60, 7
OWNER = np.repeat(np.arange(N_ENTITIES), ROWS_EACH)
N = len(OWNER)
LEVEL = RNG.normal(size=N_ENTITIES)[OWNER] + 0.1 * RNG.normal(size=N)


def words(codes: np.ndarray) -> Categories:
    return Categories(
        codes.astype(np.int32), tuple(f"w{code}" for code in range(int(codes.max()) + 1))
    )


def entities(y: np.ndarray = LEVEL, **columns: Numbers | Categories) -> tuple[Entity, ...]:
    noise = {f"n{place}": Numbers(RNG.normal(size=N)) for place in range(3)}
    return find_entities(Columns({**columns, **noise}, N), y, is_regression=True)


def test_a_named_key_comes_first() -> None:
    found = entities(patient_id=Numbers(1000.0 + 37 * OWNER))
    assert found[0].columns == ("patient_id",)
    assert found[0].has_entity_name
    assert found[0].n_entities == N_ENTITIES
    assert found[0].target_share > 0.9


def test_columns_that_stay_the_same_are_the_profile_of_a_key() -> None:
    place, age = RNG.integers(0, 9, N_ENTITIES), RNG.integers(20, 80, N_ENTITIES)
    found = entities(
        code=words(OWNER), town=words(place[OWNER]), age=Numbers(age[OWNER].astype(float))
    )
    assert found[0].columns == ("code",)
    assert found[0].profile == ("age", "town")
    assert found[0].is_described


def test_entities_without_a_key_are_known_by_columns_together() -> None:
    place, age, sex = (
        RNG.integers(0, 30, N_ENTITIES),
        RNG.integers(20, 80, N_ENTITIES),
        RNG.integers(0, 2, N_ENTITIES),
    )
    found = entities(
        age=Numbers(age[OWNER].astype(float)), sex=words(sex[OWNER]), birthplace=words(place[OWNER])
    )
    assert set(found[0].columns) == {"age", "birthplace"}
    assert found[0].profile == ("sex",)


def test_a_shuffled_target_has_no_entities() -> None:
    assert entities(RNG.permutation(LEVEL), patient_id=Numbers(OWNER.astype(float))) == ()


def test_a_plain_category_is_no_entity() -> None:
    assert entities(RNG.normal(size=N), brand=words(RNG.integers(0, 20, N))) == ()


def test_a_table_too_small_has_none() -> None:
    columns = Columns({"patient": Numbers(np.repeat(np.arange(5.0), 4))}, 20)
    assert find_entities(columns, np.repeat(np.arange(5.0), 4), is_regression=True) == ()


def test_keys_that_are_unique_or_few_tell_no_entities() -> None:
    assert not has_entity_sizes(np.arange(N))
    assert not has_entity_sizes(np.arange(N) % 3)
    assert has_entity_sizes(OWNER)


def test_likeness_is_nothing_by_chance_and_all_of_constant_groups() -> None:
    noise = target_outputs(RNG.normal(size=N), is_regression=True)
    by_chance = variance_between_groups(OWNER, noise)
    assert abs(by_chance.share) < 0.1
    assert by_chance.standard_errors < 4
    constant = target_outputs(OWNER.astype(float), is_regression=True)
    assert variance_between_groups(OWNER, constant).share > 0.99


def test_constancy_does_not_take_small_groups_for_constant() -> None:
    pairs = np.arange(N) // 2
    assert constancy(pairs, RNG.integers(0, 3, N)) == 0.0
    assert constancy(OWNER, OWNER % 5) == 1.0


def test_rows_are_drawn_by_sample_whole_groups() -> None:
    rows = sample_whole_groups(OWNER, 250, seed=0)
    assert len(rows) <= 250
    assert set(np.bincount(OWNER[rows])) <= {0, ROWS_EACH}


def test_a_profile_may_have_gaps_and_dates() -> None:
    town = RNG.integers(0, 9, N_ENTITIES)[OWNER]
    gaps = words(np.where(RNG.random(N) < 0.2, -1, town))
    joined = Numbers(1.4e9 + 86_400.0 * RNG.integers(0, 900, N_ENTITIES)[OWNER], "date")
    found = entities(code=words(OWNER), town=gaps, joined=joined)
    assert found[0].columns == ("code",)
    assert found[0].profile == ("joined", "town")


def test_a_place_and_a_number_tell_entities_by_what_stays_the_same_within_both() -> None:
    depot, number = OWNER // 8, OWNER % 8
    made = {name: RNG.integers(0, 6, N_ENTITIES)[OWNER] for name in ("make", "engine", "built")}
    profile = {name: words(codes) for name, codes in made.items()}
    found = entities(depot=words(depot), number=Numbers(1.0 + number), **profile)
    both = [one for one in found if set(one.columns) == {"depot", "number"}]
    assert [set(one.profile) for one in both] == [set(made)]
    assert both[0].n_entities == N_ENTITIES


def test_what_describes_a_key_tells_no_other_entities() -> None:
    age, town = RNG.integers(20, 80, N_ENTITIES)[OWNER], RNG.integers(0, 30, N_ENTITIES)[OWNER]
    gaps = words(np.where(RNG.random(N) < 0.1, -1, town))
    found = entities(code=words(OWNER), age=Numbers(age.astype(float)), town=gaps)
    together = [one.columns for one in found if len(one.columns) > 1]
    assert together == []
