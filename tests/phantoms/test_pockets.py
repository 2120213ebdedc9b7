"""Pockets: cysts are dark, exudates bright with a shadow, and masks say where they are."""

from __future__ import annotations

import numpy as np
import pytest

from octlib.phantoms.anatomy import LAYERS, SURFACES, lateral
from octlib.phantoms.lesion import Pocket
from octlib.phantoms.pockets import CYST, EXUDATE, SHADOW, paint_pockets

X = lateral(200, 6.0)
TILTED = np.linspace(20, 420, len(SURFACES))[:, None] + 5 * X


def painted_with(*pockets: Pocket) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    painted = np.full((496, 200), 0.3, dtype=np.float32)
    return painted, paint_pockets(painted, TILTED, pockets, X)


def test_a_cyst_is_dark_where_its_mask_is_and_has_a_brighter_wall():
    painted, masks = painted_with(Pocket("IRF", "ONL", 0.5, 0.5, 0.3, 0.9))
    assert set(masks) == {"IRF"}
    assert (painted[masks["IRF"]] == np.float32(CYST)).all()
    assert painted[~masks["IRF"]].min() == np.float32(0.3)
    assert painted.max() > 0.3
    rows, columns = np.nonzero(masks["IRF"])
    assert X[columns].mean() == pytest.approx(0.5, abs=0.02)
    index = LAYERS.index("ONL")
    assert rows.mean() == pytest.approx(TILTED[index : index + 2].mean() + 5 * 0.5, abs=0.5)


def test_an_exudate_is_bright_and_throws_its_shadow_to_the_lower_border():
    painted, masks = painted_with(Pocket("exudates", "OPL", 0.5, 0.0, 0.1, 0.5))
    assert (painted[masks["exudates"]] == np.float32(EXUDATE)).all()
    assert painted[-1].min() == pytest.approx(0.3 * SHADOW, rel=0.05)
    assert painted[0].min() == np.float32(0.3)


@pytest.mark.parametrize("x", [-3.0, 2.99, 7.0])
def test_a_pocket_at_or_beyond_the_border_is_cut(x):
    painted, masks = painted_with(Pocket("IRF", "INL", 0.5, x, 0.3, 0.9))
    assert np.isfinite(painted).all()
    assert bool(masks) == (abs(x) < 3.3)


def test_kinds_are_marked_apart():
    _, masks = painted_with(Pocket("IRF", "INL", 0.5, -1.0, 0.2, 0.9), Pocket("exudates", "OPL", 0.5, 1.0, 0.1, 0.5))
    assert not (masks["IRF"] & masks["exudates"]).any()
