"""A drawing of boxes and arrows that grows downwards; `network.svg` is its template.

Lengths are in pixels of a drawing that is as wide as a phone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

WIDTH = 360
MIDDLE = WIDTH // 2
GAP = 8  # between boxes side by side
ARROW = 26  # its length
FAN = 34  # the height of arrows that part or meet
TITLE_HEIGHT = 30  # of a box with a title alone
NOTE_HEIGHT = 17
NOTE_BASELINE = 7  # below the title's part of a box
CARD = 4  # by which each card of a pile stands out
SIGN_RADIUS = 11
USUAL_WIDTH = 230  # of a box
AROUND = 30  # between a box and the arrow around it
CORNER = 14

Part = tuple[str, tuple[str, ...]]  # a title and notes
Look = Literal["input", "plain", "block", "output"]


@dataclass(frozen=True)
class Box:
    """A box with a text.

    Parameters
    ----------
    x, y, width, height : float
    title : str
    notes : tuple of str
        Lines below the title.
    look : {"input", "plain", "block", "output"}
    cards : int
        Number of boxes that lie on one another.
    """

    x: float
    y: float
    width: float
    height: float
    title: str
    notes: tuple[str, ...] = ()
    look: Look = "plain"
    cards: int = 1

    @property
    def middle(self) -> float:
        """Where its middle is, from the left."""
        return self.x + self.width / 2

    @property
    def bottom(self) -> float:
        """Where it ends."""
        return self.y + self.height

    @property
    def lines(self) -> Iterator[tuple[str, float]]:
        """The notes, and where each stands."""
        for index, note in enumerate(self.notes):
            y = self.y + TITLE_HEIGHT + NOTE_HEIGHT * index
            yield note, y + NOTE_BASELINE

    @property
    def hidden_cards(self) -> Iterator[int]:
        """By how much each card below the first one stands out, the lowest one first."""
        for index in range(self.cards - 1, 0, -1):
            yield CARD * index


@dataclass(frozen=True)
class Sign:
    """A sum or a product, or a label.

    Parameters
    ----------
    x, y : float
    text : str
    """

    x: float
    y: float
    text: str


@dataclass
class Drawing:
    """A drawing, which grows downwards.

    Parameters
    ----------
    title : str
    bottom : float
        Where the last part ends.
    boxes : list of Box
    signs : list of Sign
    labels : list of Sign
    arrows : list of str
        Paths in SVG's language.
    words : list of str
        The description, part by part.
    """

    title: str
    bottom: float = 2.0
    boxes: list[Box] = field(default_factory=list)
    signs: list[Sign] = field(default_factory=list)
    labels: list[Sign] = field(default_factory=list)
    arrows: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    @property
    def width(self) -> int:
        """Pixels from left to right."""
        return WIDTH

    @property
    def height(self) -> float:
        """Pixels from top to bottom."""
        return self.bottom + 4

    @property
    def radius(self) -> int:
        """Of the circle around a sign."""
        return SIGN_RADIUS

    @property
    def description(self) -> str:
        """All parts in words, for those who can't see them."""
        return "; ".join(self.words)

    def add(
        self,
        title: str,
        notes: tuple[str, ...] = (),
        width: float = USUAL_WIDTH,
        look: Look = "plain",
        cards: int = 1,
    ) -> None:
        """Add a box in the middle."""
        pile = CARD * (cards - 1)
        box = Box(
            MIDDLE - width / 2,
            self.bottom + pile,
            width,
            _height(notes),
            title,
            notes,
            look,
            cards,
        )
        self.boxes.append(box)
        self.bottom = box.bottom
        text = ", ".join([title, *notes])
        self.words.append(text)

    def add_row(
        self,
        parts: Sequence[Part],
        width: float,
        look: Look,
    ) -> None:
        """Add boxes side by side, with arrows that part above them and meet below."""
        count = len(parts)
        top = self.bottom + FAN
        each = (width - GAP * (count - 1)) / count
        height = max(_height(notes) for _, notes in parts)
        end = top + height + FAN
        x = MIDDLE - width / 2
        for title, notes in parts:
            box = Box(x, top, each, height, title, notes, look)
            self.boxes.append(box)
            self._bend(MIDDLE, self.bottom, box.middle, top)
            self._bend(box.middle, box.bottom, MIDDLE, end)
            text = ", ".join([title, *notes])
            self.words.append(text)
            x += each + GAP
        self.bottom = end

    def _bend(
        self,
        x: float,
        y: float,
        end_x: float,
        end_y: float,
    ) -> None:
        half = (y + end_y) / 2
        self.arrows.append(f"M{x:g} {y:g}C{x:g} {half:g} {end_x:g} {half:g} {end_x:g} {end_y:g}")

    def add_arrow(self, length: float = ARROW) -> None:
        """Add an arrow downwards."""
        start = self.bottom
        self.bottom = start + length
        self.arrows.append(f"M{MIDDLE} {start:g}V{self.bottom:g}")

    def add_sign(self, text: str) -> None:
        """Add a sign, where the last arrow ends."""
        y = self.bottom + SIGN_RADIUS
        self.signs.append(Sign(MIDDLE, y, text))
        self.bottom = y + SIGN_RADIUS

    def add_way_around(
        self,
        start: float,
        width: float,
    ) -> None:
        """Add an arrow around what has a width, from a height to the last sign."""
        x = MIDDLE + width / 2 + AROUND
        end = self.signs[-1].y
        corner = x - CORNER
        end_x = MIDDLE + SIGN_RADIUS
        parts = [
            f"M{MIDDLE} {start:g}H{corner:g}",
            f"Q{x:g} {start:g} {x:g} {start + CORNER:g}",
            f"V{end - CORNER:g}",
            f"Q{x:g} {end:g} {corner:g} {end:g}",
            f"H{end_x:g}",
        ]
        self.arrows.append("".join(parts))

    def add_label(self, text: str, x: float, y: float) -> None:
        """Add a word beside the parts."""
        self.labels.append(Sign(x, y, text))


def _height(notes: Sequence[str]) -> int:
    return TITLE_HEIGHT + NOTE_HEIGHT * len(notes)
