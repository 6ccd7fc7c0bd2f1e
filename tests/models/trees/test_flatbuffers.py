"""FlatBuffers are read where they say they are, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from automl.models.trees._flatbuffers import Table, read_root
from tests.models.trees.flatbuffer_writer import f32, f64, i8, i32, write_buffer

ROOT = {
    0: i8(-3),
    1: i32(70_000),
    3: f32(0.1),
    4: f64(0.1),
    5: b"text",
    6: {1: i32(9)},
    7: [{0: i32(1)}, {0: i32(2)}],
    8: np.array([1, -2], "<i4"),
    9: [b"a", b""],
}


def read_all(table: Table) -> list[object]:
    """Everything that the table above holds."""
    return [
        table.byte(0),
        table.integer(1),
        table.integer(2, default=5),
        table.single(3),
        table.double(4),
        table.text(5),
        table.table(6).integer(1),
        [each.integer(0) for each in table.tables(7, limit=2)],
        table.vector(8, "<i4").tolist(),
        table.texts(9, limit=2),
    ]


def test_a_table_is_read_as_it_was_written() -> None:
    expected = [-3, 70_000, 5, np.float32(0.1), 0.1, b"text", 9, [1, 2], [1, -2], [b"a", b""]]
    assert read_all(read_root(write_buffer(ROOT))) == expected


def test_missing_fields_have_defaults() -> None:
    table = read_root(write_buffer({}))
    assert (table.byte(0), table.integer(9), table.double(3, default=2.0)) == (0, 0, 2.0)
    assert (table.text(5), table.texts(9, 0), table.tables(7, 0)) == (b"", [], [])
    assert table.vector(8, "<f8").dtype == np.float64
    with pytest.raises(ValueError, match="missing"):
        table.table(6)


def test_longer_vectors_than_allowed_are_refused() -> None:
    table = read_root(write_buffer(ROOT))
    for read in (table.tables, table.texts):
        with pytest.raises(ValueError, match="at most 1"):
            read(7, 1)


def test_every_cut_and_every_changed_byte_is_refused_or_harmless() -> None:
    blob = write_buffer(ROOT)
    forged = [blob[:end] for end in range(len(blob))]
    for position in range(len(blob)):
        for value in (0, 1, 0x7F, 0x80, 0xFF):
            forged.append(blob[:position] + bytes([value]) + blob[position + 1 :])
    refused = 0
    for each in forged:
        try:
            read_all(read_root(each))
        except ValueError:
            refused += 1
    assert len(blob) < refused < len(forged)
