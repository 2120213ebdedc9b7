"""Familiarity: strangers are told from scans of other patients, and what was learned holds for one classifier alone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score

import octlib
from octlib.errors import FamiliarityError, UnknownPatientsWarning, WeightsError
from octlib.features import extract_features
from octlib.features import familiarity as measure
from octlib.features.asymmetry import AsymmetryPass
from octlib.features.familiarity import _learned, described, normalised, require_reference
from octlib.models.reference import ARRAYS, FAMILIARITY, PARTS, Reference
from octlib.preprocessing import Preprocessing

MODULE = import_module("octlib.features.familiarity")  # whose name the room gives to the function

Toy = Callable[..., Any]
Build = Callable[..., Any]

STRANGERS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "noise": lambda scans: np.random.default_rng(0).integers(0, 256, scans.shape),
    "constant": lambda scans: np.broadcast_to(np.linspace(0, 255, len(scans))[:, None, None], scans.shape),
    "inverted": lambda scans: 255 - scans,
    "turned": lambda scans: np.rot90(scans, axes=(1, 2)),
    "upside down": lambda scans: scans[:, ::-1],
}


@pytest.fixture
def learned(classifier: Any, toy: Toy) -> Any:
    """Give a classifier that has learned from 24 noisy scans."""
    octlib.learn_familiarity(classifier, toy())
    return classifier


def told_apart(classifier: Any, real: Any, images: np.ndarray, least: float) -> dict[str, float]:
    """See that real scans are kept, and return the AUROC of each kind of stranger that is made of images."""
    familiar = measure(classifier, real, progress=False)
    assert familiar.dtype == np.float32
    assert (familiar >= 0).mean() >= least
    found = {}
    for name, change in STRANGERS.items():
        strange = measure(classifier, np.ascontiguousarray(change(images)).astype(np.uint8), progress=False)
        truth = np.repeat([1, 0], [len(familiar), len(strange)])
        found[name] = roc_auc_score(truth, np.concatenate([familiar, strange]))
    return found


def test_strangers_are_told_from_phantoms_of_other_patients() -> None:
    train, test = octlib.load_oct_dataset("phantoms").sample(110).split((0.7, 0.3), seed=0)
    classifier = octlib.build_classifier("octlib", image_size=96)
    octlib.learn_familiarity(classifier, train, progress=False)
    assert 0.5 < np.median(measure(classifier, test, progress=False)) < 1.5  # 1 is what is typical
    found = told_apart(classifier, test, test.sample(12).images(classifier.preprocessing), 0.9)
    assert min(found.values()) > 0.99, found


def test_strangers_are_told_from_real_scans_of_other_patients(kermany: Path) -> None:
    train, test = octlib.load_oct_dataset(kermany).split((0.5, 0.5), seed=0)
    train, test = (part.sample(80) for part in (train, test))
    classifier = octlib.build_classifier("octlib", class_names=train.class_names)
    octlib.learn_familiarity(classifier, train, progress=False)
    found = told_apart(classifier, test, test.sample(12).images(classifier.preprocessing), 0.95)
    assert min(found.values()) > 0.99, found


def test_training_can_unlearn_features_but_not_what_a_scan_looks_like(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Features that are the same for a scan, its negative and its mirror image see no stranger among them."""

    def blind(source: Any, scans: Any, **settings: Any) -> np.ndarray:
        if isinstance(source, AsymmetryPass):
            return extract_features(source, scans, **settings)
        folded = np.abs(scans.images(source.preprocessing) - 127.5).astype(np.float32)
        return (folded + folded[:, ::-1]).reshape(len(scans), -1)[:, : source.backbone.n_features]

    phantoms = octlib.load_oct_dataset("phantoms").sample(110)
    scans = octlib.load_oct_dataset((phantoms.images(Preprocessing((64, 64))), None, phantoms.patients))  # drawn once
    train, test = scans.split((0.7, 0.3), seed=0)
    monkeypatch.setattr(MODULE, "extract_features", blind)
    classifier = build(steps=())
    octlib.learn_familiarity(classifier, train, progress=False)
    assert (measure(classifier, test, progress=False) >= 0).mean() > 0.9
    images = test.images(64)
    for name in ("inverted", "upside down"):
        strange = octlib.load_oct_dataset(np.ascontiguousarray(STRANGERS[name](images)))
        rows = normalised(blind(classifier, strange), classifier.backbone.feature_lengths)
        assert (classifier.reference.features.familiarity(rows) >= 0).mean() > 0.9, name
        assert (measure(classifier, strange, progress=False) < 0).mean() > 0.9, name


# What is computed


def test_distances_are_those_of_probabilistic_principal_components() -> None:
    rng = np.random.default_rng(0)
    rows = (rng.standard_normal((500, 60)) @ rng.standard_normal((60, 60))).astype(np.float32)
    model = PCA(32).fit(rows)
    covariance = model.get_covariance()
    constant = 60 * np.log(2 * np.pi) + np.linalg.slogdet(covariance)[1]
    wanted = np.log(-2 * model.score_samples(rows) - constant)
    np.testing.assert_allclose(described(rows).distances(rows), wanted, rtol=1e-3)


def test_normalised_features_know_no_scale_and_each_backbone_counts_alike() -> None:
    features = np.random.default_rng(0).normal(size=(5, 12)).astype(np.float32)
    rows = normalised(features, (4, 8))
    for part in (rows[:, :4], rows[:, 4:]):
        np.testing.assert_allclose(np.square(part).sum(axis=1), 1, rtol=1e-5)
    assert (np.sign(rows) == np.sign(features)).all()
    louder = features * np.repeat([1, 100], [4, 8]).astype(np.float32)
    np.testing.assert_allclose(normalised(louder, (4, 8)), rows, rtol=1e-5)
    assert (normalised(np.zeros((2, 12), np.float32), (4, 8)) == 0).all()


def test_the_limit_is_that_of_patients_who_were_left_out() -> None:
    def drawn(patients: int, seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        own = np.repeat(rng.normal(0, 1, (patients, 64)), 6, axis=0)
        return np.exp(own + rng.normal(0, 0.1, own.shape)).astype(np.float32)

    seen, unseen = (normalised(drawn(*each), (64,)) for each in ((60, 0), (200, 1)))
    by_patient = _learned(seen, np.repeat(np.arange(60), 6))
    by_scan = _learned(seen, np.arange(360))
    kept = [(each.distances(unseen) <= each.limit).mean() for each in (by_patient, by_scan)]
    assert kept[0] > 0.93
    assert kept[1] < 0.8  # which tests this test


def test_as_many_scans_are_learned_from_as_find_room(
    classifier: Any, toy: Toy, passed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MODULE, "LEARNED", 12)
    octlib.learn_familiarity(classifier, toy())
    assert sum(passed) == classifier.reference.n_scans == classifier.reference.n_patients == 12
    monkeypatch.setattr(MODULE, "LEARNED_BYTES", 4 * 10 * classifier.backbone.n_features)
    octlib.learn_familiarity(classifier, toy())
    assert classifier.reference.n_scans == 10


def test_what_is_saved_stays_small() -> None:
    rows = np.random.default_rng(0).normal(size=(80, 150_000)).astype(np.float32)
    reference = Reference(described(rows), described(rows[:, :8]), "", 80, None)
    assert len(reference.to_bytes()) < 5 * 2**20


def test_with_and_without_a_store_and_in_any_batches(learned: Any, toy: Toy) -> None:
    wanted = measure(learned, toy())
    np.testing.assert_allclose(measure(learned, toy(), cache=False, batch_size=7), wanted, atol=1e-3)


# What can't be learned


def test_too_few_scans_or_patients(classifier: Any, pixels: np.ndarray, toy: Toy) -> None:
    with pytest.raises(FamiliarityError, match="10 scans or more of two patients or more, got 9 of 9. Give the"):
        octlib.learn_familiarity(classifier, toy(9))
    with pytest.raises(FamiliarityError, match="got 24 of 1"):
        octlib.learn_familiarity(classifier, octlib.load_oct_dataset((pixels, None, ["a"] * 24)))
    assert classifier.reference is None


def test_a_patient_with_nearly_all_scans(classifier: Any, pixels: np.ndarray) -> None:
    with pytest.raises(
        FamiliarityError, match="must have 5 scans then: without a single patient there are 4 of 14. Gi"
    ):
        octlib.learn_familiarity(classifier, octlib.load_oct_dataset((pixels[:14], None, ["a"] * 10 + ["b"] * 4)))
    assert classifier.reference is None
    octlib.learn_familiarity(classifier, octlib.load_oct_dataset((pixels[:14], None, ["a"] * 9 + ["b"] * 5)))
    assert np.isfinite(measure(classifier, pixels)).all()


def test_equal_scans_teach_nothing(classifier: Any, pixels: np.ndarray) -> None:
    images = np.repeat(pixels[:1], 12, axis=0)
    with pytest.raises(FamiliarityError, match="scans that differ, and the features of all 12 are equal. Give the"):
        octlib.learn_familiarity(classifier, octlib.load_oct_dataset((images, None, list("abcdefghijkl"))))
    images[11] = pixels[20]
    octlib.learn_familiarity(classifier, octlib.load_oct_dataset((images, None, list("abcdefghijkl"))))
    assert np.isfinite(measure(classifier, pixels)).all()


def test_unknown_patients_are_a_warning(classifier: Any, pixels: np.ndarray) -> None:
    with pytest.warns(UnknownPatientsWarning, match="patients of 24 of 24 scans are unknown: .*Load the scans with"):
        octlib.learn_familiarity(classifier, pixels)
    assert classifier.reference.n_patients is None


def test_what_is_no_classifier_is_refused(toy: Toy) -> None:
    for verb in (octlib.learn_familiarity, octlib.familiarity):
        with pytest.raises(TypeError, match="The classifier comes first, then the scans"):
            verb(toy(), toy())


# For one classifier alone


def test_without_it_the_error_says_what_to_call(classifier: Any, toy: Toy) -> None:
    for verb in (octlib.familiarity, lambda *each: octlib.predict(*each, familiarity=True)):
        with pytest.raises(FamiliarityError, match=r"has learned none. Call octlib.learn_familiarity\(classifier, tr"):
            verb(classifier, toy())


def change_head(classifier: Any, toy: Toy) -> None:
    octlib.fit(classifier, toy(20), progress=False)


def change_backbone(classifier: Any, toy: Toy) -> None:
    classifier.unfreeze()
    octlib.fit(classifier, toy(8), epochs=1, augment=False, progress=False)


def change_one_weight(classifier: Any, toy: Toy) -> None:
    bias = classifier.head.get_weights()[1]
    classifier.head.set_weights([classifier.head.get_weights()[0], bias + np.float32(1e-6)])


def change_steps(classifier: Any, toy: Toy) -> None:
    classifier.preprocessing = replace(classifier.preprocessing, steps=())


@pytest.mark.parametrize("change", [change_head, change_backbone, change_one_weight, change_steps])
def test_it_is_gone_after_a_change(learned: Any, toy: Toy, tmp_path: Path, change: Callable[..., None]) -> None:
    change(learned, toy)
    learned.save(tmp_path / "classifier")
    for classifier in (learned, octlib.load_classifier(tmp_path / "classifier")):
        with pytest.raises(
            FamiliarityError, match=r"have changed since, or what .* Call octlib.learn_familiarity\(classifier"
        ):
            octlib.familiarity(classifier, toy())
    octlib.learn_familiarity(learned, toy())
    octlib.familiarity(learned, toy())


def test_it_is_gone_where_other_numbers_are_looked_at(learned: Any, toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("octlib.features.asymmetry.FLAT", 1.0)
    with pytest.raises(FamiliarityError, match="changed since, or what this version of octlib looks at in a scan"):
        octlib.familiarity(learned, toy())


def test_it_stays_where_no_weight_changes(learned: Any, toy: Toy) -> None:
    wanted = measure(learned, toy())
    learned.unfreeze()
    learned.postprocessing = octlib.models.Postprocessing(flips=True)
    np.testing.assert_allclose(measure(learned, toy()), wanted, atol=1e-3)


def test_copies_have_none_but_what_is_saved(learned: Any) -> None:
    assert type(learned).from_config(learned.get_config()).reference is None


def test_a_fit_to_the_same_end_leaves_it_valid(build: Build, toy: Toy) -> None:
    classifier = build()
    octlib.fit(classifier, toy(), progress=False)
    octlib.learn_familiarity(classifier, toy())
    octlib.fit(classifier, toy(), progress=False)
    require_reference(classifier)


# Saved with the classifier


@pytest.mark.parametrize("name", ["classifier", "classifier.keras"])
def test_it_is_saved_with_the_classifier(learned: Any, toy: Toy, tmp_path: Path, name: str) -> None:
    wanted = measure(learned, toy())
    learned.save(tmp_path / name)
    loaded = octlib.load_classifier(tmp_path / name)
    np.testing.assert_array_equal(measure(loaded, toy()), wanted)
    assert loaded.reference.n_patients == 24
    loaded.save(tmp_path / name, overwrite=True)
    np.testing.assert_array_equal(measure(octlib.load_classifier(tmp_path / name), toy()), wanted)
    loaded.reference = None
    loaded.save(tmp_path / name, overwrite=True)
    assert octlib.load_classifier(tmp_path / name).reference is None


def test_joined_backbones_keep_it_too(toy: Toy, tmp_path: Path) -> None:
    classifier = octlib.build_classifier(("test_resnet", "test_vit"), weights=None, image_size=32)
    octlib.learn_familiarity(classifier, toy())
    classifier.save(tmp_path / "classifier")
    loaded = octlib.load_classifier(tmp_path / "classifier")
    np.testing.assert_array_equal(measure(loaded, toy()), measure(classifier, toy()))


def test_a_folder_says_whether_it_has_one(learned: Any, tmp_path: Path) -> None:
    folder = tmp_path / "classifier"
    for there in (True, False):
        learned.save(folder, overwrite=True)
        assert (folder / FAMILIARITY).exists() is there
        assert json.loads((folder / "config.json").read_text(encoding="utf-8")).get(FAMILIARITY, False) is there
        learned.reference = None


def test_beside_other_weights_it_counts_for_nothing(learned: Any, build: Build, toy: Toy, tmp_path: Path) -> None:
    learned.save(tmp_path / "one")
    build(seed=7).save(tmp_path / "other")
    shutil.copy(tmp_path / "one" / FAMILIARITY, tmp_path / "other")
    with pytest.raises(FamiliarityError, match="have changed since"):
        octlib.familiarity(octlib.load_classifier(tmp_path / "other"), toy())


@pytest.mark.parametrize("fault", ["cut off", "pickle", "not a number", "other shape", "no limit", "newer", "list"])
def test_a_damaged_one_is_named(learned: Any, tmp_path: Path, fault: str) -> None:
    learned.save(tmp_path / "classifier")
    file, found = tmp_path / "classifier" / FAMILIARITY, learned.reference
    content = file.read_bytes()
    arrays = {f"{part}.{name}": getattr(getattr(found, part), name) for part in PARTS for name in ARRAYS}
    features, pictures = found.features, found.asymmetries
    numbers = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]["reference"]
    match fault:
        case "cut off":
            file.write_bytes(content[:-9])
        case "pickle":
            file.write_bytes(b"\x80\x04")
        case "not a number":
            file.write_bytes(
                replace(found, features=replace(features, mean=features.mean * np.float32("nan"))).to_bytes()
            )
        case "other shape":
            file.write_bytes(replace(found, asymmetries=replace(pictures, axes=pictures.axes[:, 1:])).to_bytes())
        case "no limit":
            file.write_bytes(replace(found, asymmetries=replace(pictures, limit=float("inf"))).to_bytes())
        case "newer":
            save_file(arrays, file, {"reference": numbers.replace("familiarity-2", "familiarity-3")})
        case "list":
            save_file(arrays, file, {"reference": "[]"})
    with pytest.raises(WeightsError, match=r"familiarity.safetensors is damaged, or .*Remove it, load the classifier"):
        octlib.load_classifier(tmp_path / "classifier")
    file.unlink()
    assert octlib.load_classifier(tmp_path / "classifier").reference is None
