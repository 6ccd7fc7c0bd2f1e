"""How large a table may be that a pretrained model reads."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """The most rows, columns and classes that a pretrained model takes.

    Parameters
    ----------
    rows, columns, classes : int
    """

    rows: int
    columns: int
    classes: int

    def excess(self, rows: int, columns: int, classes: int) -> str:
        """Return what there is too much of, as a clause; "" if nothing.

        Examples
        --------
        >>> limits = Limits(1_000, 500, 10)
        >>> limits.excess(5_000, 20, 3)
        'there are 5000 rows, and it takes at most 1000'
        >>> limits.excess(900, 20, 3)
        ''
        """
        found = {
            "rows": (rows, self.rows),
            "columns": (columns, self.columns),
            "classes": (classes, self.classes),
        }
        for noun, (count, most) in found.items():
            if count > most:
                return f"there are {count} {noun}, and it takes at most {most}"
        return ""
