"""Pipeline files: read and check a chain of stages, whose unknown keys fail before any work."""

from __future__ import annotations

import collections.abc
import dataclasses
import math
import tomllib
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from automl.errors import InputError, suggestion
from automl.files import bundled_folder, read_toml
from automl.price import read_price
from automl.stages import STAGES, Stage, find_stage, stage_name
from automl.stages.traits import only_families

Settings = Mapping[str, Any]
Names = tuple[str, ...]
StageClass = type[Stage]

MAX_SHARE = 1e9
_FILE_KEYS = ("about", "seed", "data", "budget", "stage", "run")
_EXPECTED = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
}


@dataclass(frozen=True)
class Step:
    """A stage and its share of the budget, relative to the others'."""

    name: str
    stage: Stage
    share: float = 1.0

    def to_toml(self) -> dict[str, Any]:
        """Return the step as a table of a pipeline file, with all options."""
        plain: dict[str, Any] = {}
        plain["use"] = self.name
        plain["share"] = self.share
        for field in dataclasses.fields(self.stage):  # type: ignore[arg-type]
            value = getattr(self.stage, field.name)
            if isinstance(value, tuple):
                value = list(value)
            plain[field.name] = value
        return plain


@dataclass(frozen=True)
class Pipeline:
    """A chain of stages, and, for `automl run`, the data and the budget."""

    name: str
    about: str
    steps: tuple[Step, ...]
    data: Settings = dataclasses.field(default_factory=dict)
    budget: Settings = dataclasses.field(default_factory=dict)
    seed: int = 0

    @property
    def families(self) -> Names:
        """Model families that the stages name; empty if all take part."""
        names: dict[str, None] = {}
        for step in self.steps:
            families = only_families(step.stage) or ()
            names.update(dict.fromkeys(families))
        return tuple(names)

    def with_options(self, settings: Sequence[str]) -> Pipeline:
        """Return this pipeline with `stage.field=value` settings applied, as `--set` takes them."""
        pipeline = self
        for setting in settings:
            pipeline = _with_setting(pipeline, setting)
        return pipeline

    def with_price(self, max_ms: float | None, max_mb: float | None) -> Pipeline:
        """Return this pipeline with bounds of what predictions may cost; None sets none.

        Parameters
        ----------
        max_ms : float or None
            Milliseconds of predicting one row.
        max_mb : float or None
            Megabytes of the predictor's file.

        Raises
        ------
        InputError
            A bound is not above 0, or no stage would keep to it.
        """
        price = read_price(max_ms, max_mb)
        if not price.is_bounded:
            return self
        if all(step.name != "ensemble" for step in self.steps):
            raise InputError(
                "--max-ms, --max-mb: the pipeline has no stage `ensemble`, which would keep to it."
            )
        pipeline = self
        bounds = {"max_ms": price.milliseconds, "max_mb": price.megabytes}
        for name, bound in bounds.items():
            if math.isfinite(bound):
                pipeline = pipeline.with_options([f"ensemble.{name}={bound!r}"])
        return pipeline

    def with_stage(
        self,
        one: Stage,
        after: str,
        share: float = 1.0,
    ) -> Pipeline:
        """Return this pipeline with one more stage.

        Parameters
        ----------
        one : Stage
            The stage; may be of your own class, and is then called by the class's name in small
            letters.
        after : str
            Name of a stage: the new one follows the last stage of that name.
        share : float
            Share of the budget, relative to the other stages'.

        Raises
        ------
        InputError
            There is no stage called `after`, or `one` is not a stage.

        Examples
        --------
        >>> from automl.stages import STAGES
        >>> pipeline = read_pipeline("linear").with_stage(STAGES["tune"](), after="select")
        >>> [step.name for step in pipeline.steps]
        ['clean', 'extract', 'select', 'tune', 'ensemble']
        """
        value: Any = one
        if isinstance(value, type):
            raise InputError(f"{value.__name__}: is a class. Give a stage: {value.__name__}().")
        name = _stage_name(type(one))
        checked_share = _share(share, f"with_stage ({name})")
        step = Step(name, one, checked_share)
        indices = self.indices_of(after, f"after={after!r}")
        steps = list(self.steps)
        steps.insert(indices[-1] + 1, step)
        return replace(self, steps=tuple(steps))

    def indices_of(self, name: str, where: str) -> list[int]:
        """Return the indices of the stages of a name.

        Parameters
        ----------
        name : str
        where : str
            The setting that names the stage; begins the error message.

        Raises
        ------
        InputError
            There is none.
        """
        names = [step.name for step in self.steps]
        if name not in names:
            meant = suggestion(name, names)
            there = ", ".join(names)
            raise InputError(
                f"{where}: pipeline {self.name!r} has no stage {name!r}.{meant} It has: {there}."
            )
        indices = []
        for index, step in enumerate(self.steps):
            if step.name == name:
                indices.append(index)
        return indices


def _stage_name(kind: StageClass) -> str:
    """Return the name of a stage's class in STAGES, or the one made from the class's name."""
    for name, known in STAGES.items():
        if known is kind:
            return name
    return stage_name(kind)


def pipelines() -> dict[str, Path]:
    """Return the files of the bundled pipelines by name."""
    folder = bundled_folder("pipelines")
    paths = sorted(folder.glob("*.toml"))
    return {path.stem: path for path in paths}


def read_pipeline(name: str) -> Pipeline:
    """Read a bundled pipeline by its name, or a pipeline file by its path.

    Raises
    ------
    InputError
        There is none, or it holds something that no stage understands.
    """
    known = pipelines()
    path = known.get(name) or Path(name)
    if path.suffix != ".toml" and not path.exists():
        meant = suggestion(name, known)
        raise InputError(f"--pipeline: no pipeline {name!r}.{meant} `automl pipelines` lists them.")
    plain = read_toml(path)
    _check_keys(plain, _FILE_KEYS, str(path))
    steps = _read_steps(plain, path)
    data = _read_table(plain, "data", path)
    budget = _read_table(plain, "budget", path)
    if steps[0].name != "clean":
        raise InputError(f"{path}: the first stage is {steps[0].name!r}; it has to be 'clean'.")
    about = str(plain.get("about", ""))
    seed = plain.get("seed", 0)
    return Pipeline(
        name=path.stem,
        about=about,
        steps=steps,
        data=data,
        budget=budget,
        seed=check_option(seed, int, f"{path}: seed"),
    )


def _read_steps(plain: Settings, path: Path) -> tuple[Step, ...]:
    tables = plain.get("stage", [])
    if not isinstance(tables, list) or not tables:
        raise InputError(f"{path}: no [[stage]]: a pipeline is a list of stages.")
    steps = []
    for number, table in enumerate(tables, 1):
        step = _read_step(table, f"{path}: [[stage]] {number}")
        steps.append(step)
    return tuple(steps)


def _read_table(
    plain: Settings,
    key: str,
    path: Path,
) -> Settings:
    table = plain.get(key, {})
    if not isinstance(table, dict):
        raise InputError(f"{path}: [{key}] must be a table, not {table!r}.")
    return table


def _read_step(plain: Any, where: str) -> Step:
    options = dict(plain) if isinstance(plain, dict) else {}
    name = options.pop("use", None)
    if not isinstance(name, str):
        known = ", ".join(STAGES)
        raise InputError(f'{where}: names no stage: write use = "clean". Known stages: {known}.')
    stage_class = find_stage(name, where)
    where = f"{where} ({name})"
    value = options.pop("share", 1)
    share = _share(value, where)
    made = _make_stage(stage_class, options, where)
    return Step(name, made, share)


def _share(value: Any, where: str) -> float:
    """Return a stage's share of the budget, checked."""
    is_valid = _is_number(value) and 0 <= value < MAX_SHARE
    if not is_valid:
        raise InputError(f"{where}: share = {value!r} is not a number from 0 upward.")
    return float(value)


def _is_number(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, (int, float))


def _make_stage(
    kind: StageClass,
    options: Settings,
    where: str,
) -> Stage:
    """Make a stage with these options, checked against its fields."""
    hints = dict(option_types(kind))
    others = ("use", "share")
    options = _with_present_names(kind, options, where)
    _check_keys(options, tuple(hints), where, others)
    values = {}
    for key, given in options.items():
        option = f"{where}: {key}"
        value = check_option(given, hints[key], option)
        _check_bounds(kind, key, value, option)
        values[key] = value
    return kind(**values)


def _with_present_names(kind: StageClass, options: Settings, where: str) -> Settings:
    """Return options with the present names of those that have their former ones.

    Raises
    ------
    InputError
        An option is there under both names.
    """
    present = former_names(kind)
    renamed: dict[str, Any] = {}
    for key, value in options.items():
        name = present.get(key, key)
        if key != name and name in options:
            raise InputError(f"{where}: {key!r} is called {name!r} now, and both are given.")
        renamed[name] = value
    return renamed


def former_names(kind: StageClass) -> dict[str, str]:
    """Return the present names of a stage's options by those that they had before."""
    present = {}
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        former = field.metadata.get("formerly")
        if former:
            present[former] = field.name
    return present


def option_types(kind: StageClass) -> Iterator[tuple[str, Any]]:
    """Yield the names and types of a stage's options."""
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        yield field.name, hints[field.name]


def _check_bounds(
    kind: StageClass,
    key: str,
    value: Any,
    where: str,
) -> None:
    """Refuse a number outside the bounds of a stage's option."""
    if not _is_number(value):
        return
    metadata = kind.__dataclass_fields__[key].metadata  # type: ignore[attr-defined]
    least = metadata["least"]
    most = metadata["most"]
    if not least <= value <= most:
        bounds = f"from {least:g} to {most:g}"
        if math.isinf(most):
            bounds = f"{least:g} or more"
        raise InputError(f"{where} = {value!r}: must be {bounds}.")


def check_option(
    value: Any,
    hint: Any,
    where: str,
) -> Any:
    """Return a value converted to an option's type.

    Parameters
    ----------
    value : object
        As read from TOML or the command line.
    hint : type
        int, float, bool, str, a Literal, a tuple of str or a Mapping of str to str.
    where : str
        The option; begins the error message.

    Raises
    ------
    InputError
        The value is not of this type.
    """
    origin = typing.get_origin(hint)
    if origin is Literal:
        return _checked_choice(value, hint, where)
    if origin is tuple:
        return _checked_names(value, where)
    if origin is collections.abc.Mapping:
        return _checked_mapping(value, where)
    return _checked_plain(value, hint, where)


def _checked_choice(
    value: Any,
    hint: Any,
    where: str,
) -> Any:
    choices = typing.get_args(hint)
    if value not in choices:
        known = [_toml_text(choice) for choice in choices]
        meant = suggestion(str(value), known)
        raise InputError(f"{where} = {value!r}: must be one of {', '.join(known)}.{meant}")
    return value


def _checked_names(value: Any, where: str) -> Names:
    names = value
    if isinstance(value, str):
        words = map(str.strip, value.split(","))
        names = [word for word in words if word]
    is_valid = isinstance(names, list) and _are_texts(names)
    if not is_valid:
        raise InputError(f"{where} = {value!r}: must be a list of names.")
    return tuple(names)


def _checked_mapping(value: Any, where: str) -> Any:
    is_valid = isinstance(value, dict) and _are_texts(value.values())
    if not is_valid:
        example = '{ zip = "category" }'
        raise InputError(f"{where} = {value!r}: must be a table of names, such as {example}.")
    return value


def _are_texts(values: Iterable[Any]) -> bool:
    return all(isinstance(value, str) for value in values)


def _checked_plain(
    value: Any,
    hint: Any,
    where: str,
) -> Any:
    is_bool = isinstance(value, bool)
    is_valid = isinstance(value, hint)
    if is_bool:
        is_valid = hint is bool
    elif hint is float and isinstance(value, int):
        return float(value)
    if not is_valid:
        raise InputError(f"{where} = {value!r}: must be {_EXPECTED[hint]}.")
    if _is_number(value) and value < 0:
        raise InputError(f"{where} = {value!r}: must not be negative.")
    return value


def _toml_text(choice: str | bool) -> str:
    """Return a choice as a pipeline file spells it."""
    if isinstance(choice, str):
        return repr(choice)
    return str(choice).lower()


def _check_keys(
    plain: Settings,
    known: Sequence[str],
    where: str,
    others: Sequence[str] = (),
) -> None:
    """Refuse a key that is not known; keys in `others` are suggested, too."""
    for key in plain:
        if key not in known:
            meant = suggestion(key, [*known, *others])
            names = ", ".join(known)
            raise InputError(f"{where}: unknown key {key!r}.{meant} Known: {names}.")


def _with_setting(pipeline: Pipeline, setting: str) -> Pipeline:
    """Return a pipeline with one setting of `--set` applied to all stages of its name."""
    option = f"--set {setting!r}"
    path, equals, text = _split(setting)
    name, dot, key = path.partition(".")
    if not (equals and dot and key):
        raise InputError(
            f"{option}: write it as stage.field=value, for example tune.method=random."
        )
    if key == "use":
        raise InputError(
            f"{option}: which stage it is can't be set. "
            "To have other stages, write a pipeline file (`automl pipelines` lists examples)."
        )
    value = parse_toml_value(text.strip())
    steps = list(pipeline.steps)
    for index in pipeline.indices_of(name, option):
        step = steps[index]
        if key == "share":
            share = _share(value, f"{option} ({name})")
            steps[index] = replace(step, share=share)
        else:
            changed = _with_option(step, key, value, option)
            steps[index] = replace(step, stage=changed)
    return replace(pipeline, steps=tuple(steps))


def _with_option(
    step: Step,
    path: str,
    value: Any,
    option: str,
) -> Stage:
    """Return a step's stage with another value of an option.

    The path is the option's name, or, for an entry of an option that is a table, name and key:
    `kinds.zip`.
    """
    kind = type(step.stage)
    hints = dict(option_types(kind))
    key, is_entry, entry = path.partition(".")
    others = ("share",)
    (key,) = _with_present_names(kind, {key: value}, option)
    _check_keys({key: value}, tuple(hints), option, others)
    if is_entry:
        table = getattr(step.stage, key)
        if not isinstance(table, Mapping):
            raise InputError(f"{option}: {key!r} has no entries. Write {step.name}.{key}=VALUE.")
        value = {**table, entry: value}
    where = f"--set {step.name}.{key}"
    value = check_option(value, hints[key], where)
    _check_bounds(kind, key, value, where)
    return replace(step.stage, **{key: value})  # type: ignore[type-var]


def _split(setting: str) -> tuple[str, str, str]:
    """Split a setting into its path, its equals sign and its value.

    The path of a table's entry ends with a column's name, which may hold an equals sign and end
    with a blank.

    >>> _split(" tune.method = random"), _split("clean.kinds.a=b =category")
    (('tune.method', '=', ' random'), ('clean.kinds.a=b ', '=', 'category'))
    """
    setting = setting.lstrip()
    path, equals, text = setting.partition("=")
    if path.count(".") < 2:
        return path.strip(), equals, text
    return setting.rpartition("=")


def parse_toml_value(text: str) -> Any:
    """Return a setting's value: parsed as TOML if it is valid TOML, else the text."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
