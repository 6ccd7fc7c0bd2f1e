"""How a script opens the table's file: as automl found it to be written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from automl.table.form import FileFormat
from automl.track.script.code import Call, Name

# Words for a missing value that pandas does not know.
EXTRA_MISSING_WORDS = ("?", "-", "--", "nil", "missing", "(missing)")
_FEATHER_ENDINGS = (".feather", ".arrow", ".ipc")
_UTF_8 = ("utf-8", "ascii")  # encodings that pandas reads unasked
_NUMBERED = re.compile(r"(.*)\.(\d+)", re.DOTALL)


def read_call(
    form: FileFormat | None,
    path: str,
    missing_words: bool,
) -> Call:
    """Return the call of pandas that reads a table's file, whose path is the variable `path`.

    Parameters
    ----------
    form : FileFormat or None
        None if the table came from Python.
    path : str
        Its ending tells two kinds of file apart.
    missing_words : bool
        Whether words such as NA are missing values.
    """
    if form is None:
        form = FileFormat(",")
    function = "pd.read_csv"
    if form.kind == "excel":
        function = "pd.read_excel"
        options = _excel_options(form)
    elif form.kind == "json":
        function = "pd.read_json"
        options = _json_options(form)
    elif form.kind == "arrow":
        ending = Path(path).suffix.lower()
        function = "pd.read_feather" if ending in _FEATHER_ENDINGS else "pd.read_parquet"
        options = {}
    elif form.widths:
        function = "pd.read_fwf"
        ends: list[int | None] = [*form.widths[1:], None]
        bounds = list(zip(form.widths, ends, strict=True))
        options = {"colspecs": bounds} | _text_options(form, missing_words)
    else:
        options = _separator_options(form) | _text_options(form, missing_words)
    return Call(function, (Name("path"),), options)


def _excel_options(form: FileFormat) -> dict[str, Any]:
    options: dict[str, Any] = {"dtype": Name("object")}
    if form.sheet is not None:
        options["sheet_name"] = form.sheet
    if form.skip:
        options["skiprows"] = form.skip
    return options


def _json_options(form: FileFormat) -> dict[str, Any]:
    options: dict[str, Any] = {"dtype": False, "convert_dates": False}
    if form.layout == "lines":
        options["lines"] = True
    elif form.layout not in (None, "records"):
        options["orient"] = form.layout
    return options


def _separator_options(form: FileFormat) -> dict[str, Any]:
    options: dict[str, Any] = {}
    separator = form.separator or ","
    if form.repeated:
        options["sep"] = f"({re.escape(separator)})+" if separator != " " else r"\s+"
    elif separator != ",":
        options["sep"] = separator if len(separator) == 1 else re.escape(separator)
    if len(options.get("sep", ",")) > 1 and options["sep"] != r"\s+":
        options["engine"] = "python"
    if form.quote is None:
        options["quoting"] = 3
    elif form.quote != '"':
        options["quotechar"] = form.quote
    if form.escape is not None:
        options["escapechar"] = form.escape
    if form.spaced:
        options["skipinitialspace"] = True
    return options


def _text_options(
    form: FileFormat,
    missing_words: bool,
) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if form.encoding.lower() not in _UTF_8:
        options["encoding"] = form.encoding
    options["encoding_errors"] = "replace"
    if form.skip:
        options["skiprows"] = form.skip
    if not form.header:
        options["header"] = None
    options["dtype"] = Name("str")
    if missing_words:
        options["na_values"] = list(EXTRA_MISSING_WORDS)
    else:
        options["keep_default_na"] = False
        options["na_values"] = [""]
    return options


def repeated_names(known: set[str]) -> Mapping[str, str]:
    """Return automl's names of repeated headers by those of pandas, which counts from 0.

    >>> repeated_names({"Usage GB", "Usage GB.2"})
    {'Usage GB.1': 'Usage GB.2'}
    """
    renamed: dict[str, str] = {}
    for name in sorted(known):
        match = _NUMBERED.fullmatch(name)
        if match is None or match[1] not in known:
            continue
        number = int(match[2])
        in_pandas = f"{match[1]}.{number - 1}"
        if number > 1 and (number == 2) != (in_pandas in known):
            renamed[in_pandas] = name
    return renamed
