"""Each column kind becomes the features that the recipe asks for."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.columns import Categories, Column, Columns, Numbers, Texts
from automl.features.date import DATE_PARTS, date_parts
from automl.features.encoding import Encoding, fit_shared
from automl.features.recipe import RECIPES, TOPICS_RECIPE
from automl.features.scaling import NoScaling, Quantile, Standard, fit_scaler
from automl.features.text import TextSums


def fit_one(recipe: str, column: Column, n_rows: int) -> tuple[Encoding, np.ndarray]:
    columns = Columns({"x": column}, n_rows)
    encoding = fit_shared({**RECIPES, TOPICS_RECIPE.name: TOPICS_RECIPE}[recipe], columns, seed=0)
    return encoding, encoding.transform(columns)


def names(encoding: Encoding) -> list[str]:
    return [feature.name for feature in encoding.features]


def test_an_offset_keeps_apart_what_float32_would_merge() -> None:
    values = 1.7e9 + np.arange(100.0)
    assert len(np.unique(fit_scaler("plain", values).apply(values))) == 100
    assert fit_scaler("plain", np.arange(100.0)) == NoScaling()


def test_standard_numbers_are_centred_scaled_and_say_where_they_were_missing() -> None:
    rng = np.random.default_rng(0)
    values = np.where(rng.random(2000) < 0.1, np.nan, 50 + 3 * rng.normal(size=2000))
    encoding, X = fit_one("onehot", Numbers(values), 2000)
    assert names(encoding) == ["x", "x (missing)"]
    assert abs(X[:, 0].mean()) < 0.05
    assert abs(X[:, 0].std() - 1) < 0.1
    np.testing.assert_array_equal(X[:, 1], np.isnan(values))


def test_skewed_numbers_become_less_skewed_whatever_their_unit() -> None:
    values = np.exp(np.random.default_rng(0).normal(size=3000) * 2)
    for unit in (1e-6, 1.0, 1e6):
        scaler = fit_scaler("standard", values * unit)
        assert isinstance(scaler, Standard)
        assert scaler.linear_threshold > 0
        scaled = scaler.apply(values * unit)
        assert abs(float(((scaled - scaled.mean()) ** 3).mean() / scaled.std() ** 3)) < 1.5


def test_an_outlier_neither_stretches_the_scale_nor_leaves_the_bounds() -> None:
    values = np.append(np.random.default_rng(0).normal(size=1000), 1e12)
    scaled = fit_scaler("standard", values).apply(values)
    assert scaled[:-1].std() > 0.3
    assert scaled.max() <= 10


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=50),
    st.sampled_from(["standard", "quantile"]),
)
def test_scalers_keep_the_order(values: list[float], how: str) -> None:
    ordered = np.sort(np.array(values))
    scaled = fit_scaler(how, ordered).apply(ordered)
    assert np.isfinite(scaled).all()
    assert (np.diff(scaled) >= 0).all()


def test_quantiles_make_any_distribution_normal() -> None:
    values = np.random.default_rng(0).gamma(0.3, size=20_000)
    scaler = fit_scaler("quantile", values)
    assert isinstance(scaler, Quantile)
    assert scaler.knots.shape[1] <= 1000
    scaled = scaler.apply(values)
    np.testing.assert_allclose(
        np.quantile(scaled, [0.02, 0.16, 0.5, 0.84, 0.98]), [-2.05, -1, 0, 1, 2.05], atol=0.05
    )


def test_a_flag_without_an_answer_is_one_half() -> None:
    column = Numbers(np.array([0.0, 1.0, np.nan]), "flag")
    np.testing.assert_array_equal(fit_one("native", column, 3)[1], [[0], [1], [np.nan]])
    np.testing.assert_array_equal(fit_one("onehot", column, 3)[1], [[0, 0], [1, 0], [0.5, 1]])


@given(st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31)))
def test_date_parts_agree_with_the_standard_library(moment: dt.datetime) -> None:
    moment = moment.replace(microsecond=0)
    seconds = (moment - dt.datetime(1970, 1, 1)).total_seconds()
    parts = [float(date_parts(np.array([seconds]))[name][0]) for name in DATE_PARTS]
    day = moment.timetuple()
    hour = (day.tm_hour * 3600 + day.tm_min * 60 + day.tm_sec) / 3600
    assert parts == pytest.approx(
        [seconds / 86400, day.tm_year, day.tm_mon, day.tm_mday, day.tm_wday, day.tm_yday, hour]
    )


def test_only_parts_that_vary_are_features() -> None:
    days = Numbers(np.arange(0, 400) * 86400.0, "date")
    of_days, _ = fit_one("native", days, 400)
    assert names(of_days) == [f"x ({part})" for part in DATE_PARTS if part != "hour"]
    hours = Numbers(np.arange(0, 24) * 3600.0, "date")
    of_hours, _ = fit_one("native", hours, 24)
    assert names(of_hours) == ["x (days)", "x (hour)"]
    constant = Numbers(np.array([5.0, np.nan]), "date")
    of_constant, _ = fit_one("native", constant, 2)
    assert names(of_constant) == ["x (days)"]


def test_scaled_dates_have_cycles() -> None:
    encoding, X = fit_one("onehot", Numbers(np.arange(0, 400) * 86400.0, "date"), 400)
    assert {"x (weekday sine)", "x (month cosine)"} <= set(names(encoding))
    assert np.isfinite(X).all()


def test_codes_are_ranks_by_frequency() -> None:
    column = Categories(np.array([2, 2, 2, 0, 0, 1, -1], np.int32), ("a", "b", "c", "never"))
    _, X = fit_one("codes", column, 7)
    np.testing.assert_array_equal(X.ravel(), [0, 0, 0, 1, 1, 2, np.nan])


def test_onehot_puts_rare_levels_together() -> None:
    codes = np.append(np.repeat(np.arange(3), 100), [3, 4, -1])
    encoding, X = fit_one("onehot", Categories(codes.astype(np.int32), tuple("abcde")), len(codes))
    assert names(encoding) == ["x = a", "x = b", "x = c", "x (other)", "x (missing)"]
    np.testing.assert_array_equal(X.sum(axis=1), 1)


def test_onehot_bounds_the_features_of_a_column_and_of_a_table() -> None:
    many = Categories(np.tile(np.arange(1000, dtype=np.int32), 10), tuple(map(str, range(1000))))
    encoding, _ = fit_one("onehot", many, 10_000)
    assert len(encoding.features) == 51
    wide = Columns({str(number): many for number in range(50)}, 10_000)
    assert len(fit_shared(RECIPES["onehot"], wide, 0).features) == 50 * 11


def test_the_target_recipe_counts_levels_where_there_are_many() -> None:
    codes = np.concatenate([np.zeros(50), np.arange(1, 31)]).astype(np.int32)
    encoding, X = fit_one("target", Categories(codes, tuple(map(str, range(31)))), len(codes))
    assert names(encoding) == ["x (count)"]
    assert set(X.ravel()) == {1.0, 50.0}


def test_the_target_recipe_does_not_count_few_levels() -> None:
    column = Categories(np.arange(5, dtype=np.int32), tuple("abcde"))
    encoding, _ = fit_one("target", column, 5)
    assert encoding.features == ()


@pytest.mark.parametrize("recipe", RECIPES)
def test_columns_that_hold_nothing_have_no_features(recipe: str) -> None:
    nothing = np.full(4, np.nan)
    for column in (
        Numbers(nothing),
        Numbers(nothing, "date"),
        Numbers(nothing, "flag"),
        Texts.of([""] * 4),
        Categories(np.full(4, -1, np.int32), ()),
    ):
        encoding, _ = fit_one(recipe, column, 4)
        assert encoding.features == ()


def test_texts_about_the_same_lie_together() -> None:
    about = {
        "wine": "a dry red wine from an old vineyard",
        "cars": "the fast engine of that new sports car",
    }
    rng = np.random.default_rng(0)
    labels = rng.permutation(["wine", "cars"] * 50)
    strings = [" ".join(rng.permutation(about[label].split())) for label in labels]
    encoding, X = fit_one("topics", Texts.of(strings), 100)
    is_topic = ["topic" in name for name in names(encoding)]
    topics = X[:, is_topic]
    means = {label: topics[labels == label].mean(axis=0) for label in about}
    to_wine = np.linalg.norm(topics - means["wine"], axis=1)
    to_cars = np.linalg.norm(topics - means["cars"], axis=1)
    np.testing.assert_array_equal(np.where(to_wine < to_cars, "wine", "cars"), labels)


def test_topics_equal_scikit_learns() -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer

    from automl.features.words import words

    rng = np.random.default_rng(0)
    vocabulary = ["red", "wine", "dry", "old", "oak", "plum", "sweet"]
    strings = [" ".join(rng.choice(vocabulary, rng.integers(4, 9))) for _ in range(80)]
    encoding, _ = fit_one("topics", Texts.of(strings), 80)
    (topics,) = (encoder for encoder in encoding.encoders if isinstance(encoder, TextSums))
    tfidf = TfidfVectorizer(analyzer=words, min_df=2, sublinear_tf=True).fit(strings)
    assert tuple(tfidf.get_feature_names_out()) == topics.vocabulary.words
    sums = topics.vocabulary.weigh(Texts.of(strings)).sums(topics.components)
    expected = (tfidf.transform(strings) @ topics.components.T).T
    np.testing.assert_allclose(sums, expected, atol=1e-6)


def test_short_texts_and_scripts_without_spaces_are_read_by_letters() -> None:
    def analyzer(strings: list[str]) -> str:
        encoding, _ = fit_one("topics", Texts.of(strings), len(strings))
        (topics,) = (encoder for encoder in encoding.encoders if isinstance(encoder, TextSums))
        return topics.vocabulary.analyzer

    assert analyzer(["Miss Ann", "Mr Brown", "Mrs Old"]) == "letters"
    assert analyzer(["東京都は日本の首都であり人口が多いです"] * 3) == "letters"
    assert analyzer(["a red wine from the south", "the fast car of my brother"]) == "words"


def test_skipped_text_leaves_its_length() -> None:
    from automl.features.recipe import Recipe

    columns = Columns({"x": Texts.of(["red wine", "plum", ""])}, 3)
    encoding = fit_shared(Recipe("lean", text="skip"), columns, 0)
    np.testing.assert_array_equal(encoding.transform(columns), [[8, 2], [4, 1], [0, 0]])


def test_the_sample_of_texts_can_be_read_in_seconds() -> None:
    from automl.features.words import sample_texts

    assert len(sample_texts(["x" * 4_000] * 3_000, seed=0)) == 2_500
    many = [str(number) for number in range(30_000)]
    sample = sample_texts(many, seed=0)
    assert len(sample) == 20_000
    assert sample == sorted(sample, key=int)
