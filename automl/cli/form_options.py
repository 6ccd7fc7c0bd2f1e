"""Options about a table's file, which several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

Separator = Annotated[
    str | None,
    typer.Option(
        help="The field separator: comma, semicolon, tab, space, bar, or the characters. "
        "Default: detected."
    ),
]
Encoding = Annotated[
    str | None, typer.Option(help="The text's encoding, such as cp1251 or gbk. Default: detected.")
]
Sheet = Annotated[
    str | None,
    typer.Option(
        help="The workbook's sheet: its name, or its position from 1. "
        "Default: the one with the needed columns."
    ),
]
