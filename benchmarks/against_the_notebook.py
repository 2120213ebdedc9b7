"""Against the notebook: octlib's job beside the original notebook's, on torch and on TensorFlow.

Usage: OCTLIB_KERMANY=FOLDER python benchmarks/against_the_notebook.py [--tensorflow PYTHON]

FOLDER has class folders of scans. PYTHON is the interpreter of an environment of its own with tensorflow, pillow and
scikit-learn; without it, the third line is left out. Each job runs in a process of its own: reading, training for ten
epochs, evaluation. Imports don't count. Weights are random: that costs the same.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NOTEBOOK = Path(__file__).with_name("original_notebook.py")


def octlib_job(folder: str, head: str) -> None:
    """Do the notebook's job with octlib: the same backbone, size and number of epochs."""
    # octlib imports these when it needs them; the notebook's imports don't count either.
    import pandas as pd  # noqa: F401
    import sklearn.metrics  # noqa: F401

    import octlib
    from octlib.models import build_classifier

    started = time.perf_counter()
    scans = octlib.load_oct_dataset(folder)
    train, test = scans.split((0.9, 0.1))
    classifier = build_classifier("resnet50", weights=None, image_size=100, pooling=head, class_names=scans.class_names)
    octlib.fit(classifier, train, test, epochs=10, progress=False)
    octlib.evaluate(classifier, test).to_dict()
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak_mb": peak, "backend": "octlib"}))


def run(command: list[str], **environment: str) -> dict[str, float]:
    """Run a job in a process of its own and return what it prints in the end."""
    with tempfile.TemporaryDirectory() as cache:
        variables = {**os.environ, "OCTLIB_CACHE": cache, **environment}
        done = subprocess.run(command, env=variables, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Print seconds and peak memory of each job, and how many times faster octlib is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tensorflow", metavar="PYTHON")
    parser.add_argument("--octlib-job", metavar="HEAD", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    folder = os.environ["OCTLIB_KERMANY"]
    if arguments.octlib_job:
        octlib_job(folder, arguments.octlib_job)
        return
    ours = {}
    for head, title in (("average", "octlib"), ("flatten", "octlib, head 'flatten'")):
        ours[head] = run([sys.executable, __file__, "--octlib-job", head])
        print(f"{title:24s} {ours[head]['seconds']:6.1f} s, peak {ours[head]['peak_mb']:5.0f} MB", flush=True)
    pythons = {"torch": sys.executable, "tensorflow": arguments.tensorflow}
    for backend, python in pythons.items():
        if python:
            theirs = run([python, str(NOTEBOOK), folder], KERAS_BACKEND=backend)
            times = [theirs["seconds"] / each["seconds"] for each in ours.values()]
            seconds, peak = theirs["seconds"], theirs["peak_mb"]
            print(
                f"{f'notebook on {backend}':24s} {seconds:6.1f} s, peak {peak:5.0f} MB: "
                f"{times[0]:.1f} times octlib, {times[1]:.1f} times octlib with the notebook's head",
                flush=True,
            )


if __name__ == "__main__":
    main()
