"""Dates, durations and times of day as people and programs write them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from automl.cleaning import Cleaner, CleanOptions
from automl.errors import InputError
from tests.cleaning.spellings import (
    MOMENTS,
    SECONDS,
    N,
    at_predict,
    cleaned,
    cleaned_again,
    kind,
    replaced,
    values,
)

SpellMoment = Callable[[pd.Timestamp], str]


def layout(text: str) -> SpellMoment:
    return lambda moment: moment.strftime(text)


def in_zone(name: str) -> Callable[[pd.Timestamp], pd.Timestamp]:
    return lambda moment: moment.tz_localize("UTC").tz_convert(name)


def with_zone(name: str) -> SpellMoment:
    convert = in_zone(name)
    return lambda moment: convert(moment).strftime("%Y-%m-%d %H:%M:%S %Z")


def iso_in_tokyo(moment: pd.Timestamp) -> str:
    return in_zone("Asia/Tokyo")(moment).isoformat() + "[Asia/Tokyo]"


def in_turns(first: str, second: str) -> SpellMoment:
    return lambda moment: moment.strftime(first if moment.day % 2 else second)


class TestDates:
    """Cases 11 and 12."""

    @pytest.mark.parametrize(
        "spell",
        [
            layout("%Y-%m-%d %H:%M:%S UTC"),
            layout("%Y-%m-%dT%H:%M:%SZ[UTC]"),
            layout("%a, %d %b %Y %H:%M:%S GMT"),
            layout("%Y%m%d%H%M%S"),
            layout("%a %b %d %Y %H:%M:%S GMT+0000 (Coordinated Universal Time)"),
            layout("%d%b%Y:%H:%M:%S"),
            layout("%B %d, %Y at %I:%M:%S %p"),
            layout("%H:%M:%S %d/%m/%Y"),
            layout("%d/%b/%Y:%H:%M:%S +0000"),
            lambda moment: f"{moment.timestamp() * 1e3:.0f}",
            lambda moment: f"{moment.timestamp() * 1e6:.0f}",
            in_turns("%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M:%S"),
            with_zone("Europe/Berlin"),
            with_zone("US/Eastern"),
            iso_in_tokyo,
        ],
    )
    def test_with_times_are_read(self, spell: SpellMoment) -> None:
        result = cleaned([spell(moment) for moment in MOMENTS])
        assert result.columns["x"].kind == "date"
        assert values(result) == [moment.timestamp() for moment in MOMENTS]

    @pytest.mark.parametrize(
        "spell",
        [
            layout("%d%b%Y"),
            lambda moment: moment.strftime("%d%b%Y").upper(),
            layout("%A, %d %B %Y"),
            layout("%d, %b, %y"),
            layout("%a %d. %b %Y"),
            layout("%Y %B %d"),
            in_turns("%Y-%m-%d", "%d/%m/%Y"),
            layout("%B %dth, %Y"),
        ],
    )
    def test_without_times_are_read(self, spell: SpellMoment) -> None:
        result = cleaned([spell(moment) for moment in MOMENTS])
        assert result.columns["x"].kind == "date"
        assert values(result) == [moment.normalize().timestamp() for moment in MOMENTS]

    @pytest.mark.parametrize(
        ("words", "first"),
        [
            (["2021-W17", "2021-W18", "2020-W53"], "2021-04-26"),
            (["2021W17", "2021W18"], "2021-04-26"),
            (["2021Q2", "2021Q3", "2020Q1"], "2021-04-01"),
            (["Q2 2021", "Q3 2021"], "2021-04-01"),
            (["2021-Q2", "2020-Q4"], "2021-04-01"),
            (["2021M04", "2020M12"], "2021-04-01"),
        ],
    )
    def test_of_weeks_and_quarters_are_read(self, words: list[str], first: str) -> None:
        seconds = values(cleaned_again(words))
        assert seconds[0] == pd.Timestamp(first).timestamp()

    @pytest.mark.parametrize("name", ["timestamp", "created_at", "unix_time", "eventTs"])
    @pytest.mark.parametrize("dtype", [int, str, float])
    def test_may_be_seconds_under_a_dates_name(self, name: str, dtype: type) -> None:
        seconds = [dtype(int(moment.timestamp())) for moment in MOMENTS]
        assert cleaned(seconds, name=name).columns[name].kind == "date"

    @pytest.mark.parametrize("name", ["price", "candidate_id", "day_id"])
    def test_are_no_seconds_under_another_name(self, name: str) -> None:
        seconds = [int(moment.timestamp()) for moment in MOMENTS]
        result = cleaned(seconds, options=CleanOptions(ids=False), name=name)
        assert result.columns[name].kind == "number"

    @pytest.mark.parametrize(
        "zeros", ["0000-00-00", "0000-00-00 00:00:00", "00/00/0000", "00.00.0000"]
    )
    def test_of_zeros_are_missing(self, zeros: str) -> None:
        is_zero = np.arange(N) % 3 == 0
        days = MOMENTS.dt.strftime("%Y-%m-%d")
        result = cleaned(replaced(days, is_zero, zeros))
        assert result.columns["x"].kind == "date"
        assert np.isnan(values(result)).tolist() == is_zero.tolist()

    @pytest.mark.parametrize(
        "at_fit",
        ["%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M", "%Y%m%d", "%d%b%Y", "%a, %d %b %Y %H:%M:%S GMT"],
    )
    @pytest.mark.parametrize(
        "later",
        [
            "03.08.2021",
            "2021-08-03",
            "2021-08-03 00:00:00",
            "20210803",
            "20210803.0",
            20210803,
            20210803.0,
            "3 Aug 2021",
            "2021-08-03T00:00:00+00:00",
            "Tuesday, 03 August 2021",
            "20210803000000",
            "1627948800000",
            "2021/08/03",
        ],
    )
    def test_are_read_at_predict_in_any_spelling(self, at_fit: str, later: object) -> None:
        cleaner = cleaned(MOMENTS.dt.strftime(at_fit), name="day").cleaner
        expected = pd.Timestamp("2021-08-03").timestamp()
        assert at_predict(cleaner, [later], "day") == [expected]

    @pytest.mark.parametrize(
        "words",
        [["october", "may"], ["1/2", "3/4"], ["1.2.3", "2.0.1"], ["5-10-99-1", "a"], ["Q1", "Q2"]],
    )
    def test_are_not_inferred_from_other_words(self, words: list[str]) -> None:
        assert kind(words) == "category"


class TestDurations:
    @pytest.mark.parametrize(
        "template",
        [
            "{h}:{m:02d}:{s:02d}",
            "PT{h}H{m}M{s}S",
            "{h}h{m}m{s}s",
            "{h}h {m}m {s}s",
            "{h} hours, {m} minutes and {s} seconds",
            "{delta}",
            "{minutes}m{s}s",
            "{minutes}:{s:02d}",
            "{seconds} s",
        ],
    )
    def test_are_seconds(self, template: str) -> None:
        words: list[str] = []
        for seconds in SECONDS.tolist():
            minutes = seconds // 60
            word = template.format(
                h=minutes // 60,
                m=minutes % 60,
                s=seconds % 60,
                minutes=minutes,
                seconds=seconds,
                delta=pd.Timedelta(seconds, "s"),
            )
            words.append(word)
        result = cleaned(words)
        assert values(result) == SECONDS.tolist()
        assert Cleaner.from_state(result.cleaner.to_state()) == result.cleaner

    def test_may_lack_minutes(self) -> None:
        words: list[str] = []
        for number in range(N):
            hour, minute = divmod(number, 20)
            words.append(f"{hour}h {minute}m" if minute % 3 else f"{hour}h")
        assert values(cleaned(words))[:3] == [0.0, 60.0, 120.0]

    def test_may_have_one_part_in_the_iso_format(self) -> None:
        words = [f"PT{number}{'SM'[number % 2]}" for number in range(N)]
        assert values(cleaned(words))[:4] == [0, 60, 2, 180]

    def test_of_python_are_read_from_its_csv(self) -> None:
        cleaner = cleaned(pd.to_timedelta(SECONDS, unit="s")).cleaner
        words: list[object] = [
            "1 days 02:00:00",
            "0 days 00:00:01.500000000",
            "-1 days +23:00:00",
            "7200",
            "PT2H",
        ]
        assert at_predict(cleaner, words) == [93_600.0, 1.5, -3_600.0, 7_200.0, 7_200.0]

    def test_may_be_times_of_day(self) -> None:
        words: list[str] = []
        expected: list[float] = []
        for number in range(N):
            hour, minute = divmod(number, 10)
            half = "PM" if hour >= 12 else "AM"
            words.append(f"{hour % 12 or 12}:{minute:02d} {half}")
            expected.append(3600.0 * hour + 60 * minute)
        assert values(cleaned(words)) == expected

    def test_are_not_inferred_from_decades(self) -> None:
        decades = [f"{year}s" for year in range(1800, 2020, 10)]
        assert values(cleaned_again(decades))[0] == 1800.0

    def test_of_few_values_stay_categories(self) -> None:
        assert kind(["08:00", "12:00", "18:00"]) == "category"

    def test_that_are_unreadable_at_predict_are_an_error_of_one_line(self) -> None:
        cleaner = cleaned(pd.to_timedelta(SECONDS, unit="s")).cleaner
        message = (
            "column 'x' was a duration at fit, but no duration is in it: 1 cells such as 'soon'"
        )
        with pytest.raises(InputError, match=message):
            at_predict(cleaner, ["soon"])
