"""Demo: ``octlib demo``, everything that octlib does on synthetic scans, without a network connection."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from octlib.cli.console import answer, files_in, say
from octlib.cli.options import json_option, output_option
from octlib.cli.output import choose_output, new_folder, say_where, write_json, write_split
from octlib.cli.results import explained, write_evaluation, write_history, write_page

if TYPE_CHECKING:
    from octlib import Evaluation, OctClassifier, OctDataset
    from octlib.explanation import ExplanationScores

BACKBONE = "octlib"
SEVERITY = 0.1  # so early that some are missed: a page without errors teaches nothing
ABOUT = (
    "Phantoms are synthetic scans that octlib draws, lesions and all. They stand in for real ones, and prove nothing "
    "about patients. These have their diseases at an early stage, where some are missed."
)

ABOUT_THE_BACKBONE = (
    "The backbone was trained on other phantoms, of other patients, and stayed as it was; the head was trained here. "
    "No patient is in two parts of the split."
)


@click.command(short_help="See all of octlib at work, on synthetic scans.")
@output_option("Folder for the results.", "octlib-demo")
@click.option("--seed", type=click.IntRange(0), default=0, help="Of the split, of initial weights and of training.")
@json_option
def demo(output: Path | None, seed: int) -> None:
    """Show all of octlib on phantoms: synthetic scans with known lesions.

    Trains a classifier on octlib's own backbone, evaluates it on patients it has never seen, explains its decisions,
    and leaves a folder with a page to look at, the classifier, and tables. Takes a minute; needs neither data nor a
    network connection.
    """
    import octlib
    from octlib.phantoms import phantom_specs

    say(ABOUT)
    output = choose_output(output, "octlib-demo")
    with new_folder(output) as results:
        scans = octlib.load_oct_dataset(phantom_specs(severity=SEVERITY))
        say(scans)
        parts = dict(zip(("train", "validation", "test"), scans.split(seed=seed), strict=True))
        write_split(results / "split.csv", parts)
        classifier = octlib.build_classifier(BACKBONE, class_names=scans.class_names, seed=seed)
        history = octlib.fit(classifier, parts["train"], parts["validation"], seed=seed)
        say(history)
        write_history(results, history)
        classifier.save(results / "classifier")
        result = write_evaluation(results, classifier, parts["test"])
        scores = _pointing(classifier, parts["test"], result)
        write_json(results / "pointing.json", _figures(scores))
        right_ones = f"{_said(scores)} Decisions that were right, about eyes that are sick, take part."
        notes = [right_ones, ABOUT_THE_BACKBONE]
        write_page(
            results / "report.html",
            classifier,
            parts["test"],
            result,
            parts=parts,
            audit=scans.audit(),
            history=history,
            title="octlib demo",
            introduction=ABOUT,
            notes=notes,
        )
    say(f"\nOn patients that it has never seen:\n{result}\n\n{_said(scores)}")
    say_where(output)
    say(f"\nOpen {output / 'report.html'} in a browser.")
    answer({"output": output, "files": files_in(output), "metrics": result.to_dict(), "pointing": _figures(scores)})


def _pointing(classifier: OctClassifier, scans: OctDataset, result: Evaluation) -> ExplanationScores:
    """See where the maps of right decisions about sick eyes point."""
    from octlib.explanation import score_explanations

    errors = set(result.errors().tolist())
    sick = [place for place, scan in enumerate(scans) if scan.label != "NORMAL" and place not in errors]
    return score_explanations(explained(classifier, scans.subset(sick)))


def _said(scores: ExplanationScores) -> str:
    hits, chance = scores.pointing, scores.chances["pointing"]
    return (
        f"Of {scores.n_maps} maps, {hits:.1%} are highest in the lesion or within {scores.tolerance:.0%} of the width "
        f"beside it; of random points, {chance:.1%} would be."
    )


def _figures(scores: ExplanationScores) -> dict[str, float]:
    rate, chance = scores.pointing, scores.chances["pointing"]
    return {"rate": rate, "chance": chance, "maps": scores.n_maps, "tolerance": scores.tolerance}
