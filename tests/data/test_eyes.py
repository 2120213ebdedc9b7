"""Eyes: right and left are spelt in one way, wherever they come from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from octlib.data import load_oct_dataset

SPELT = ["OD", "od", "R", "right", "OD ", "OS", "l", "LEFT", "both", "OU", "", "None", "unknown", None]
MEANT = ["right"] * 5 + ["left"] * 3 + ["both", "OU"] + [None] * 4


@pytest.mark.parametrize("kind", ["frame", "csv"])
def test_a_table_may_spell_eyes_as_it_likes(plant: Callable[..., Path], kind: str) -> None:
    names = [f"{number}.png" for number in range(len(SPELT))]
    folder = plant(*names)
    table = pd.DataFrame({"path": [str(folder / name) for name in names], "eye": SPELT, "volume": SPELT})
    table.to_csv(folder / "table.csv", index=False)
    scans = load_oct_dataset(table if kind == "frame" else folder / "table.csv")
    assert scans.column("eye").tolist() == MEANT
    assert scans.column("volume").tolist() == [*SPELT[:10], None, None, None, None]
    again = load_oct_dataset(scans.to_frame())
    assert again.column("eye").tolist() == MEANT


def test_numbers_stay_what_they_are(plant: Callable[..., Path]) -> None:
    folder = plant("1.png", "2.png")
    table = pd.DataFrame({"path": [str(folder / "1.png"), str(folder / "2.png")], "eye": [0, 1], "volume": [3, 4]})
    scans = load_oct_dataset(table)
    assert scans.column("eye").dtype.kind == scans.column("volume").dtype.kind == np.dtype(int).kind
