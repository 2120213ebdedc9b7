"""Draw sample report: the page that the documentation links, made of phantoms at an early stage of disease.

Usage: python scripts/draw_sample_report.py [--output docs/samples/report.html]

A classifier on octlib's own backbone, trained, calibrated and judged on phantoms of different patients; a minute on two
cores. It has everything that a report can hold.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import octlib
from octlib.phantoms import phantom_specs

ABOUT = (
    "A sample. Its scans are phantoms, which octlib draws, at an early stage of disease: it shows what a report holds, "
    "and says nothing about patients."
)


def main() -> None:
    """Train, judge and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("docs/samples/report.html"))
    output = parser.parse_args().output
    scans = octlib.load_oct_dataset(phantom_specs(160, severity=0.1))
    names = ("train", "validation", "calibration", "test")
    parts = dict(zip(names, scans.split((0.4, 0.15, 0.2, 0.25)), strict=True))
    classifier = octlib.build_classifier("octlib", class_names=scans.class_names)
    history = octlib.fit(classifier, parts["train"], parts["validation"])
    calibration = octlib.calibrate(classifier, parts["calibration"])
    point = octlib.evaluate(classifier, parts["calibration"]).operating_point(["CNV", "DME"], sensitivity=0.95)
    result = octlib.evaluate(classifier, parts["test"])
    errors = result.errors(2)
    output.parent.mkdir(parents=True, exist_ok=True)
    octlib.write_report(
        output,
        result,
        octlib.explain(classifier, parts["test"].sample(4)),
        errors=octlib.explain(classifier, parts["test"].subset(errors)) if len(errors) else None,
        classifier=classifier,
        parts=parts,
        audit=scans.audit(),
        history=history,
        points=[point.evaluate(result)],
        calibration=calibration,
        title="A sample report",
        introduction=ABOUT,
        overwrite=True,
    )


if __name__ == "__main__":
    main()
