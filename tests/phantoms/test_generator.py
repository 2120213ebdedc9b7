"""Generator: phantoms are reproducible one by one, their truth fits their pixels, grey values don't tell it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from octlib.phantoms import CLASS_NAMES, DEVICES, Phantom, PhantomSpec, make_phantoms, phantom_specs, render
from octlib.phantoms.anatomy import SURFACES
from octlib.phantoms.lesion import KINDS
from octlib.preprocessing import resize_scan

# Mean grey values of 3 x 4 blocks, top to bottom, of patient 2's first scan (seed 0, 248 x 256).
GOLDEN = [[128.1, 132.7, 118.4, 127.4], [84.7, 68.2, 75.2, 64.9], [29.8, 27.6, 27.4, 27.3]]


def blocks(image: np.ndarray, down: int, across: int) -> np.ndarray:
    rows = np.array_split(image.astype(float), down)
    return np.array([[block.mean() for block in np.array_split(row, across, axis=1)] for row in rows])


def of(label: str, number: int = 1, **fields: object) -> Phantom:
    return render(PhantomSpec(label, number, scan=1, **fields))


def test_a_phantom_depends_on_nothing_but_its_specification():
    collection = make_phantoms(5, scans_per_patient=2, size=128, seed=7)
    for phantom, spec in zip(collection, phantom_specs(5, scans_per_patient=2, size=128, seed=7), strict=True):
        again = render(spec)
        np.testing.assert_array_equal(phantom.image, again.image)
        np.testing.assert_array_equal(phantom.mask, again.mask)
        assert phantom.parameters == again.parameters


def test_phantoms_are_the_same_on_every_machine():
    # Block means, because the last bits of floating-point functions may differ between machines.
    np.testing.assert_allclose(blocks(of("DME", 2, size=(248, 256)).image, 3, 4), GOLDEN, atol=1)


def test_every_field_of_a_specification_matters():
    changes = [
        {}, {"seed": 1}, {"number": 2}, {"scan": 2}, {"label": "CNV"}, {"device": "cirrus"}, {"averaging": 30},
        {"severity": 1.0, "label": "CNV"}, {"severity": 0.1, "label": "CNV"}, {"wedges": True},
    ]  # fmt: skip
    common = {"label": "NORMAL", "number": 1, "scan": 1, "size": 128, "wedges": False, "averaging": 1}
    images = [render(PhantomSpec(**common | change)).image for change in changes]
    assert len({image.tobytes() for image in images}) == len(images)


def test_scans_of_a_patient_share_their_anatomy_and_not_their_view():
    first, second = make_phantoms(1, scans_per_patient=2, size=128)
    for shared in ("age", "thickness", "severity", "choroid"):
        assert first.parameters[shared] == second.parameters[shared]
    assert first.parameters["tilt"] != second.parameters["tilt"]


@pytest.mark.parametrize("label", CLASS_NAMES)
@pytest.mark.parametrize("size", [None, (64, 64), (496, 1536)])
def test_truth_fits_the_image_and_the_disease(label, size):
    allowed = {"CNV": {"PED", "SHRM", "SRF", "IRF"}, "DME": {"IRF", "SRF", "exudates"}, "DRUSEN": {"drusen"}}
    for number in range(1, 9):
        phantom = of(label, number, size=size)
        shape = size or (496, 512)
        assert (phantom.image.shape, phantom.image.dtype) == (shape, np.uint8)
        assert set(phantom.masks) <= allowed.get(label, set()) <= set(KINDS)
        assert all((mask.shape, mask.dtype) == (shape, np.bool_) and mask.any() for mask in phantom.masks.values())
        assert phantom.mask.any() == (label != "NORMAL")
        assert phantom.mask.mean() < 0.25
        assert tuple(phantom.boundaries) == SURFACES
        assert all(rows.shape == (shape[1],) and rows.dtype == np.float32 for rows in phantom.boundaries.values())
        assert json.loads(json.dumps(phantom.parameters))["severity"] == phantom.parameters["severity"]


@pytest.mark.parametrize("device", DEVICES)
def test_every_device_shows_a_retina(device):
    image = of("NORMAL", 4, device=device, wedges=False).image.astype(float)
    bright = image.mean(axis=1)
    assert bright.max() > 2 * np.median(bright[: len(bright) // 6])


def test_a_device_may_be_ones_own():
    own = replace(DEVICES["cirrus"], size=(100, 120))
    by_name, by_hand = (of("DME", 2, device=device, size=(100, 120)) for device in ("cirrus", DEVICES["cirrus"]))
    assert np.array_equal(by_name.image, by_hand.image)
    phantom = of("DME", 2, device=own)
    assert phantom.image.shape == (100, 120)
    assert json.loads(json.dumps(phantom.parameters))["device"]["floor"] == own.floor
    assert make_phantoms(1, device=own)[0].image.shape == (100, 120)


def test_boundaries_lie_where_grey_values_change():
    phantom = of("NORMAL", 4, wedges=False, averaging=30)
    columns = np.arange(512)
    image = phantom.image.astype(float)

    def grey(name: str, offset: int) -> float:
        rows = phantom.boundaries[name].astype(int) + offset
        return float(np.median(image[rows, columns]))

    assert grey("top of ILM", 3) > 2 * grey("top of ILM", -4)
    assert grey("top of RPE", 3) > 1.3 * grey("top of ONL", 5)
    assert grey("BM", 6) < 0.8 * grey("top of RPE", 3)


def test_fluid_is_darker_and_material_brighter_than_the_retina_around():
    dark, bright = [], []
    for number in range(1, 60):
        phantom = of("CNV", number, wedges=False)
        retina = np.median(phantom.image[_between(phantom, "top of GCL", "top of ELM") & ~phantom.mask])
        dark += [
            np.median(phantom.image[phantom.masks[kind]]) / retina for kind in ("SRF", "IRF") if kind in phantom.masks
        ]
        bright += [np.median(phantom.image[phantom.masks["SHRM"]]) / retina] if "SHRM" in phantom.masks else []
    assert max(dark) < 0.8
    assert min(bright) > 1.1


def _between(phantom: Phantom, top: str, bottom: str) -> np.ndarray:
    rows = np.arange(phantom.image.shape[0])[:, None]
    return (rows >= phantom.boundaries[top]) & (rows < phantom.boundaries[bottom])


def test_wedges_are_white_and_hide_lesions():
    seen = 0
    for number in range(1, 30):
        plain, moved = (of("DRUSEN", number, wedges=wedges) for wedges in (False, True))
        white = moved.image == 255
        assert (plain.image == 255).mean() < 0.01
        assert not (moved.mask & white & (plain.image < 255)).any()
        np.testing.assert_array_equal(moved.image[~white], plain.image[~white])
        seen += white.mean() > 0.01
    assert seen > 15


def test_a_lesion_under_a_wedge_is_not_marked(monkeypatch):
    plain = of("CNV", 1, wedges=False)
    middle = int(np.nonzero(plain.mask)[0].mean())
    monkeypatch.setattr("octlib.phantoms.generator.draw_wedges", lambda *_: (float(middle), 496.0, 0.0))
    covered = of("CNV", 1, wedges=True)
    assert (covered.image[:middle] == 255).all()
    assert not covered.mask[:middle].any()
    np.testing.assert_array_equal(covered.mask[middle:], plain.mask[middle:])


def test_severity_makes_lesions_larger():
    for label in ("CNV", "DME", "DRUSEN"):
        shares = [np.mean([of(label, n, severity=s, size=128).mask.mean() for n in range(1, 20)]) for s in (0.1, 1.0)]
        assert shares[0] < 0.7 * shares[1]


def test_another_size_shows_the_same_retina():
    large, small = of("CNV", 1, size=(496, 512)), of("CNV", 1, size=(124, 128))
    shrunk = resize_scan(large.mask.astype(np.uint8) * 255, (124, 128)) > 127
    overlap = (shrunk & small.mask).sum() / (shrunk | small.mask).sum()
    assert overlap > 0.85


def test_grey_values_alone_do_not_tell_the_classes_apart():
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    phantoms = make_phantoms(80, size=(124, 128))
    histograms = np.array([np.bincount(phantom.image.ravel() // 16, minlength=16) for phantom in phantoms])
    accuracy = cross_val_score(
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000)),
        histograms,
        [phantom.label for phantom in phantoms],
        groups=[phantom.patient for phantom in phantoms],
        cv=StratifiedGroupKFold(5, shuffle=True, random_state=0),
    ).mean()
    assert accuracy < 0.6
