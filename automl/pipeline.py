"""Pipeline files: read and check a chain of stages; list the stages' options. Unknown keys fail before any work."""

from __future__ import annotations

import collections.abc
import dataclasses
import math
import tomllib
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from automl.errors import InputError, suggestion
from automl.files import bundled, read_toml
from automl.stages import STAGES, Stage, name_of, stage
from automl.stages.select import Select


@dataclass(frozen=True)
class Step:
    """A stage and its share of the budget, relative to the others'."""

    name: str
    stage: Stage
    share: float = 1.0

    def to_toml(self) -> dict[str, Any]:
        """The step as a pipeline file says it, all options written out."""
        options = {f.name: getattr(self.stage, f.name) for f in dataclasses.fields(self.stage)}  # type: ignore[arg-type]
        plain = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in options.items()
        }
        return {"use": self.name, "share": self.share, **plain}


@dataclass(frozen=True)
class Pipeline:
    """A chain of stages, and, for `automl run`, the data and the budget."""

    name: str
    about: str
    steps: tuple[Step, ...]
    data: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    budget: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    seed: int = 0

    @property
    def families(self) -> tuple[str, ...]:
        """The model families that its stages name; none where all take part."""
        return tuple(
            dict.fromkeys(
                name
                for step in self.steps
                if isinstance(step.stage, Select)
                for name in step.stage.families
            )
        )

    def with_options(self, settings: Sequence[str]) -> Pipeline:
        """This pipeline with `stage.field=value` settings applied, as `--set` takes them."""
        pipeline = self
        for setting in settings:
            pipeline = _apply(pipeline, setting)
        return pipeline

    def with_stage(self, one: Stage, after: str, share: float = 1.0) -> Pipeline:
        """This pipeline with one more stage, after the last of a name.

        Parameters
        ----------
        one : Stage
            Yours, too: it is called by its class's name in small letters.
        share : float
            Of the budget, relative to the other stages'.

        Raises
        ------
        InputError
            There is no stage to stand behind, or this is none.

        Examples
        --------
        >>> from automl.stages import STAGES
        >>> [step.name for step in read_pipeline("linear").with_stage(STAGES["tune"](), after="select").steps]
        ['clean', 'extract', 'select', 'tune', 'ensemble']
        """
        given: Any = one
        if isinstance(given, type):
            raise InputError(f"{given.__name__}: is a class. Give a stage: {given.__name__}().")
        kind = type(one)
        name = next((known for known, ours in STAGES.items() if ours is kind), None) or name_of(
            kind
        )
        step = Step(name, one, _share(share, f"with_stage ({name})"))
        behind = self.places_of(after, f"after={after!r}")[-1] + 1
        return replace(self, steps=(*self.steps[:behind], step, *self.steps[behind:]))

    def places_of(self, name: str, where: str) -> list[int]:
        """Where stages of a name stand; `where` they were asked for begins the message.

        Raises
        ------
        InputError
            There is none.
        """
        names = [step.name for step in self.steps]
        if name not in names:
            told = f"pipeline {self.name!r} has no stage {name!r}.{suggestion(name, names)} It has: {', '.join(names)}."
            raise InputError(f"{where}: {told}")
        return [place for place, known in enumerate(names) if known == name]


def pipelines() -> dict[str, Path]:
    """The bundled pipelines by name."""
    return {path.stem: path for path in sorted(bundled("pipelines").glob("*.toml"))}


def read_pipeline(name: str) -> Pipeline:
    """A bundled pipeline by its name, or a pipeline file by its path.

    Raises
    ------
    InputError
        There is none, or it says something that no stage understands.
    """
    path = pipelines().get(name) or Path(name)
    if path.suffix != ".toml" and not path.exists():
        raise InputError(
            f"--pipeline: no pipeline {name!r}.{suggestion(name, pipelines())} `automl pipelines` lists them."
        )
    plain = read_toml(path)
    _known(plain, ("about", "seed", "data", "budget", "stage", "run"), str(path))
    steps = plain.get("stage", [])
    if not isinstance(steps, list) or not steps:
        raise InputError(f"{path}: no [[stage]]: a pipeline is a list of stages.")
    for part in ("data", "budget"):
        if not isinstance(plain.get(part, {}), dict):
            raise InputError(f"{path}: [{part}] is to be a table, not {plain[part]!r}.")
    made = tuple(_step(step, f"{path}: [[stage]] {place}") for place, step in enumerate(steps, 1))
    if made[0].name != "clean":
        raise InputError(f"{path}: the first stage is {made[0].name!r}; it has to be 'clean'.")
    seed = checked(plain.get("seed", 0), int, f"{path}: seed")
    return Pipeline(
        path.stem,
        str(plain.get("about", "")),
        made,
        plain.get("data", {}),
        plain.get("budget", {}),
        seed,
    )


def _step(plain: Any, where: str) -> Step:
    if not isinstance(plain, dict) or not isinstance(plain.get("use"), str):
        raise InputError(
            f'{where}: says no stage: write use = "clean". Known stages: {", ".join(STAGES)}.'
        )
    name = plain["use"]
    kind = stage(name, where)
    share = _share(plain.get("share", 1), f"{where} ({name})")
    options = {key: value for key, value in plain.items() if key not in ("use", "share")}
    return Step(name, _make_stage(kind, options, f"{where} ({name})"), share)


def _share(value: Any, where: str) -> float:
    """A stage's share of the budget, checked."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e9:
        raise InputError(f"{where}: share = {value!r} is not a number from 0 upward.")
    return float(value)


def _make_stage(kind: type[Stage], options: Mapping[str, Any], where: str) -> Stage:
    """A stage with these options, checked against its fields."""
    known = dict(fields(kind))
    _known(options, tuple(known), where, others=("use", "share"))
    return kind(
        **{
            key: _bounded(
                kind, key, checked(value, known[key], f"{where}: {key}"), f"{where}: {key}"
            )
            for key, value in options.items()
        }
    )


def fields(kind: type[Stage]) -> Iterator[tuple[str, Any]]:
    """Names and types of a stage's options."""
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        yield field.name, hints[field.name]


def _bounded(kind: type[Stage], key: str, value: Any, where: str) -> Any:
    """A value within what its option allows."""
    metadata = kind.__dataclass_fields__[key].metadata  # type: ignore[attr-defined]
    least, most = metadata["least"], metadata["most"]
    if (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and not least <= value <= most
    ):
        raise InputError(
            f"{where} = {value!r}: is to be {f'{least:g} or more' if math.isinf(most) else f'from {least:g} to {most:g}'}."
        )
    return value


def checked(value: Any, hint: Any, where: str) -> Any:
    """A value as an option's type wants it, or one clear error."""
    origin = typing.get_origin(hint)
    if origin is Literal:
        if value not in typing.get_args(hint):
            known = [_toml_text(choice) for choice in typing.get_args(hint)]
            raise InputError(
                f"{where} = {value!r}: is to be one of {', '.join(known)}.{suggestion(str(value), known)}"
            )
        return value
    if origin is tuple:
        items = (
            [item.strip() for item in value.split(",") if item.strip()]
            if isinstance(value, str)
            else value
        )
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise InputError(f"{where} = {value!r}: is to be a list of names.")
        return tuple(items)
    if origin is collections.abc.Mapping:
        if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
            raise InputError(
                f'{where} = {value!r}: is to be a table of names, such as {{ zip = "category" }}.'
            )
        return value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        words = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
        raise InputError(f"{where} = {value!r}: is to be {words[hint]}.")
    if hint in (int, float) and value < 0:
        raise InputError(f"{where} = {value!r}: is not to be negative.")
    return value


def _toml_text(choice: str | bool) -> str:
    """A choice as a pipeline file spells it."""
    return repr(choice) if isinstance(choice, str) else str(choice).lower()


def _known(
    plain: Mapping[str, Any], known: Sequence[str], where: str, others: Sequence[str] = ()
) -> None:
    """Refuse a key that is not known; `others` may be meant, too."""
    for key in plain:
        if key not in known:
            meant = suggestion(key, [*known, *others])
            raise InputError(
                f"{where}: nothing is called {key!r}.{meant} Known: {', '.join(known)}."
            )


def _apply(pipeline: Pipeline, setting: str) -> Pipeline:
    path, equals, text = _split(setting)
    name, dot, key = path.partition(".")
    if not (equals and dot and key):
        raise InputError(
            f"--set {setting!r}: write it as stage.field=value, for example tune.method=random."
        )
    if key == "use":
        told = "which stage it is can't be set. To have other stages, write a pipeline file"
        raise InputError(f"--set {setting!r}: {told} (`automl pipelines` lists examples).")
    steps = list(pipeline.steps)
    for place in pipeline.places_of(name, f"--set {setting!r}"):
        step, value = steps[place], toml_value(text.strip())
        if key == "share":
            steps[place] = replace(step, share=_share(value, f"--set {setting!r} ({name})"))
            continue
        kind = type(step.stage)
        known = dict(fields(kind))
        key, inner, column = key.partition(".")
        _known({key: value}, tuple(known), f"--set {setting!r}", others=("share",))
        if inner:  # an entry of a table, as in clean.kinds.zip=category
            value = {**dict(getattr(step.stage, key)), column: value}
        value = _bounded(
            kind, key, checked(value, known[key], f"--set {name}.{key}"), f"--set {name}.{key}"
        )
        steps[place] = replace(step, stage=replace(step.stage, **{key: value}))  # type: ignore[type-var]
    return replace(pipeline, steps=tuple(steps))


def _split(setting: str) -> tuple[str, str, str]:
    """A setting's path, its sign of equality and its value.

    The path of a table's entry ends with a column's name, which may hold such a sign and end with a blank.

    >>> _split(" tune.method = random"), _split("clean.kinds.a=b =category")
    (('tune.method', '=', ' random'), ('clean.kinds.a=b ', '=', 'category'))
    """
    path, equals, text = setting.lstrip().partition("=")
    if path.count(".") < 2:
        return path.strip(), equals, text
    return setting.lstrip().rpartition("=")


def toml_value(text: str) -> Any:
    """A setting's value: as TOML where it is, else as text."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
