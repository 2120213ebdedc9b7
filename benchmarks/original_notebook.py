"""Original notebook: the job that octlib began as, written as it was, on the Keras backend of KERAS_BACKEND.

Usage: KERAS_BACKEND=torch python benchmarks/original_notebook.py FOLDER

All scans of FOLDER (class folders) as one array of 100 x 100 x 3, a random split 90/10, keras.applications' ResNet-50
with all layers frozen, Flatten and Dense(4, softmax), ten epochs, F1 of each class. Weights are random: that costs the
same. Needs keras, pillow, scikit-learn and a backend. Prints seconds without imports, and peak memory, as JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import keras
import numpy as np
from PIL import Image
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split

SIZE = 100


def read(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read all images into memory."""
    images, labels = [], []
    for label, name in enumerate(sorted(path.name for path in folder.iterdir() if path.is_dir())):
        for file in sorted((folder / name).glob("*.jpeg")):
            images.append(np.asarray(Image.open(file).convert("RGB").resize((SIZE, SIZE))))
            labels.append(label)
    return np.array(images, np.float32), np.array(labels)


def main() -> None:
    """Do the job once."""
    started = time.perf_counter()
    images, labels = read(Path(sys.argv[1]))
    parts = train_test_split(images, labels, test_size=0.1, random_state=0)
    train, test, train_labels, test_labels = parts
    backbone = keras.applications.ResNet50(include_top=False, weights=None, input_shape=(SIZE, SIZE, 3))
    backbone.trainable = False
    model = keras.Sequential([backbone, keras.layers.Flatten(), keras.layers.Dense(4, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(train, train_labels, validation_data=(test, test_labels), epochs=10, verbose=0)
    f1_score(test_labels, model.predict(test, verbose=0).argmax(1), average=None)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak_mb": peak, "backend": keras.config.backend()}))


if __name__ == "__main__":
    main()
