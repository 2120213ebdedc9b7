"""Other backends: a classifier saved under one loads under every other, and predicts the same."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from octlib.models.keras_backend import BACKENDS, keras

INSTALLED = tuple(name for name in BACKENDS if find_spec(name) is not None)

SAVE = """
import sys, numpy as np, octlib
scans = octlib.load_oct_dataset("phantoms").sample(12)
classifier = octlib.build_classifier("test_resnet", weights=None, image_size=64)
octlib.fit(classifier, scans, progress=False)
if sys.argv[2] == "fine-tuned":
    classifier.unfreeze()
    octlib.fit(classifier, scans, epochs=1, batch_size=6, progress=False)
classifier.save(sys.argv[1] + "/classifier")
classifier.save(sys.argv[1] + "/classifier.keras")
np.save(sys.argv[1] + "/features.npy", classifier.extract(scans.images(classifier.preprocessing)))
np.save(sys.argv[1] + "/wanted.npy", octlib.predict(classifier, scans, progress=False).iloc[:, 4:].to_numpy(float))
"""
LOAD = """
import sys, numpy as np, octlib
scans = octlib.load_oct_dataset("phantoms").sample(12)
for name in ("classifier", "classifier.keras"):
    classifier = octlib.load_classifier(sys.argv[1] + "/" + name)
    found = octlib.predict(classifier, scans, progress=False).iloc[:, 4:].to_numpy(float)
    print(np.abs(found - np.load(sys.argv[1] + "/wanted.npy")).max())
    features = classifier.extract(scans.images(classifier.preprocessing))
    wanted = np.load(sys.argv[1] + "/features.npy")
    print(np.abs(features - wanted).max() / np.abs(wanted).max())
"""
PAIRS = [(one, other) for one in BACKENDS for other in BACKENDS if one != other]


@pytest.mark.parametrize("state", ["frozen", "fine-tuned"])
@pytest.mark.parametrize("saving", BACKENDS)
def test_every_other_backend_predicts_the_same(
    on_backend: Callable[..., str], tmp_path: Path, saving: str, state: str
) -> None:
    others = [name for name in INSTALLED if name != saving]
    if saving not in INSTALLED or not others:
        pytest.skip(f"needs {saving} and another backend")
    on_backend(saving, SAVE, tmp_path, state)
    features = np.load(tmp_path / "features.npy")
    assert np.ptp(features, axis=0).max() > 1e-2 * np.abs(features).max()  # the check can fail
    for loading in others:
        for difference in map(float, on_backend(loading, LOAD, tmp_path).split()):
            assert difference < 1e-4, loading


PARALLEL = """
import sys, numpy as np, octlib
from octlib.models.keras_backend import keras
if sys.argv[1] == "4":
    assert len(keras.distribution.list_devices()) == 4
    keras.distribution.set_distribution(keras.distribution.DataParallel())
scans = octlib.load_oct_dataset("phantoms").sample(18)
classifier = octlib.build_classifier("test_vit", False, weights=None, image_size=64)
octlib.fit(classifier, scans, epochs=2, batch_size=8, progress=False)
print(*octlib.predict(classifier, scans, progress=False).iloc[:, 4:].to_numpy(float).ravel())
"""


def test_four_devices_give_what_one_gives(on_backend: Callable[..., str]) -> None:
    if keras.config.backend() != "jax":
        pytest.skip("data parallel over local devices is for JAX")
    one, four = (
        np.array(on_backend("jax", PARALLEL, n, XLA_FLAGS=f"--xla_force_host_platform_device_count={n}").split(), float)
        for n in ("1", "4")
    )
    np.testing.assert_allclose(four, one, rtol=1e-3, atol=1e-4)
