"""Train: every file that ``octlib train`` leaves, and mistakes that leave none."""

from __future__ import annotations

import json
import shutil

import pandas as pd
import pytest
from safetensors.numpy import load_file, save_file

import octlib

CLASSES = ("CNV", "DME", "DRUSEN", "NORMAL")


def test_it_leaves_these_files(run):
    assert {path.name for path in run.iterdir()} == {
        "classifier",
        "confusion_matrix.png",
        "explanations.png",
        "history.csv",
        "history.png",
        "metrics.json",
        "predictions.csv",
        "split.csv",
    }


def test_the_split_says_where_every_scan_went_and_parts_share_no_patient(run, scans):
    table = pd.read_csv(run / "split.csv", dtype=str)
    assert sorted(table["path"]) == sorted(map(str, scans.rglob("*.png")))
    assert set(table["part"]) == {"train", "validation", "test"}
    assert (table.groupby("patient")["part"].nunique() == 1).all()
    expected = dict(zip(("train", "validation", "test"), octlib.load_oct_dataset(scans).split(seed=0), strict=True))
    for part, dataset in expected.items():
        assert list(table.loc[table["part"] == part, "name"]) == list(dataset.names)


def test_figures_and_predictions_are_of_the_test_part(run):
    metrics = json.loads((run / "metrics.json").read_text())
    test = pd.read_csv(run / "split.csv").query("part == 'test'")
    predictions = pd.read_csv(run / "predictions.csv")
    assert list(predictions["path"]) == list(test["path"])
    assert list(predictions["label"]) == list(test["label"])
    assert metrics["accuracy"] == pytest.approx((predictions["label"] == predictions["predicted"]).mean())
    assert metrics["n_scans"] == len(test)


def test_the_history_has_a_row_an_epoch(run):
    table = pd.read_csv(run / "history.csv")
    assert list(table["epoch"]) == [1, 2]
    assert {"loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds"} <= set(table.columns)


@pytest.mark.parametrize("name", ["history", "confusion_matrix", "explanations"])
def test_the_figures_show_something(run, is_figure, name):
    assert is_figure(run / f"{name}.png")


def test_the_classifier_is_what_the_options_asked_for(classifier):
    model = octlib.load_classifier(classifier)
    assert model.class_names == CLASSES
    assert (model.backbone_name, model.image_size, model.frozen) == ("test_resnet", (48, 48), True)


def test_steps_and_the_way_to_resize_are_the_classifiers(shell, mistake, scans, tmp_path, training):
    steps = ("--steps", "blank_wedges,flatten_retina", "--resize", "pad")
    result = shell("train", scans, "-o", tmp_path / "run", *training, *steps)
    assert result.exit_code == 0, result.output
    said = "blank wedges, flatten retina, pad to the aspect ratio and resize to 48 x 48"
    assert octlib.load_classifier(tmp_path / "run" / "classifier").preprocessing.describe() == said
    assert said in shell("inspect", tmp_path / "run" / "classifier").output
    assert said in (tmp_path / "run" / "classifier" / "README.md").read_text(encoding="utf-8")
    line = mistake("train", scans, "-o", tmp_path / "other", *training, "--steps", "flatten")
    assert "Unknown preprocessing step 'flatten': did you mean 'flatten_retina'" in line
    assert not (tmp_path / "other").exists()


def test_commas_join_several_backbones(shell, scans, tmp_path, training):
    options = list(training)
    options[options.index("--backbone") + 1] = "test_resnet,test_vit"
    options[options.index("--weights") + 1] = "none,none"
    result = shell("train", scans, "-o", tmp_path / "run", *options)
    assert result.exit_code == 0, result.output
    model = octlib.load_classifier(tmp_path / "run" / "classifier")
    assert model.backbone_names == ("test_resnet", "test_vit")
    assert "test_resnet + test_vit" in shell("inspect", tmp_path / "run" / "classifier").output
    options[options.index("--weights") + 1] = "none,none,none"
    failed = shell("train", scans, "-o", tmp_path / "other", *options)
    assert failed.exit_code == 1
    assert "one for each: got 3 for 2 backbones" in failed.output
    assert not (tmp_path / "other").exists()


def test_options_reach_the_classifier_and_the_fit(shell, scans, tmp_path, training):
    options = ("--no-freeze", "--pooling", "flatten", "--dropout", "0.25", "--by", "scan", "--seed", "3")
    rates = ("--epochs", "1", "--batch-size", "5", "--learning-rate", "0.002")
    result = shell("train", scans, "-o", tmp_path / "run", *training, *options, *rates)
    assert result.exit_code == 0, result.output
    config = octlib.load_classifier(tmp_path / "run" / "classifier").get_config()
    assert (config["frozen"], config["pooling"], config["dropout"], config["seed"]) == (False, "flatten", 0.25, 3)
    assert len(pd.read_csv(tmp_path / "run" / "history.csv")) == 1
    expected = octlib.load_oct_dataset(scans).split(by="scan", seed=3)
    assert list(pd.read_csv(tmp_path / "run" / "split.csv")["name"]) == [n for part in expected for n in part.names]


def test_the_same_seed_gives_the_same_classifier(shell, run, scans, tmp_path, training):
    assert shell("train", scans, "--output", tmp_path / "again", *training).exit_code == 0
    assert (tmp_path / "again" / "metrics.json").read_text() == (run / "metrics.json").read_text()
    weights = "classifier/model.safetensors"
    assert (tmp_path / "again" / weights).read_bytes() == (run / weights).read_bytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--backbone", "tset_resnet"), "did you mean 'test_resnet"),
        (("--pooling", "avrage"), "did you mean 'average'"),
        (("--weights", "nothere.pth"), "No weights at 'nothere.pth'. --weights takes"),
        (("--learning-rate", "0"), "learning_rate must be a positive number"),
    ],
)
def test_mistakes_in_options_leave_no_folder(mistake, scans, tmp_path, training, options, message):
    assert message in mistake("train", scans, "--output", tmp_path / "run", *training, *options)
    assert list(tmp_path.iterdir()) == []


def test_one_class_is_too_few(mistake, scans, tmp_path, training):
    shutil.copytree(scans / "CNV", tmp_path / "one" / "CNV")
    text = mistake("train", tmp_path / "one", "--output", tmp_path / "run", *training)
    assert "two class folders or more" in text
    assert "found: CNV" in text
    assert not (tmp_path / "run").exists()


def test_scans_without_labels_are_refused(mistake, flat, tmp_path, training):
    text = mistake("train", flat, "--output", tmp_path / "run", *training)
    assert "two class folders or more" in text
    assert not (tmp_path / "run").exists()


def test_unknown_patients_are_explained_in_the_words_of_the_shell(shell, mistake, scans, tmp_path, training):
    for path in scans.rglob("*.png"):
        target = tmp_path / "scans" / path.parent.name / f"scan{path.stem.split('-')[1]}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    text = mistake("train", tmp_path / "scans", "--output", tmp_path / "run", *training)
    assert "32 of 32 scans are unknown" in text
    assert "--patients REGEX" in text
    assert "--by scan" in text
    assert "dataset." not in text
    assert not (tmp_path / "run").exists()


def test_unknown_patients_can_be_split_by_scan(shell, scans, tmp_path, training):
    for path in scans.rglob("*.png"):
        target = tmp_path / "scans" / path.parent.name / f"scan{path.stem.split('-')[1]}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    result = shell("train", tmp_path / "scans", "--output", tmp_path / "run", *training, "--by", "scan")
    assert result.exit_code == 0, result.output
    assert "Warning: Patients are unknown" in result.stderr
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["resampled"] == "scan"


def test_an_existing_folder_is_kept_and_costs_no_training(mistake, monkeypatch, run, scans, training):
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    monkeypatch.setattr(octlib, "load_oct_dataset", lambda *_: pytest.fail("looked at the scans first"))
    assert "exists already" in mistake("train", scans, "--output", run, *training)
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before


def test_a_broken_image_is_named_and_leaves_no_folder(mistake, broken, tmp_path, training):
    text = mistake("train", broken, "--output", tmp_path / "run", *training)
    assert str(broken / "DME" / "DME-") in text
    assert text.endswith(" Replace them by intact 8- or 16-bit images, or leave them out with --on-error skip.")
    assert not (tmp_path / "run").exists()


def test_what_was_trained_survives_a_failure_after_it(mistake, monkeypatch, scans, tmp_path, training):
    def fail(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr("octlib.cli.train.write_evaluation", fail)
    assert "disk full" in mistake("train", scans, "--output", tmp_path / "run", *training)
    assert octlib.load_classifier(tmp_path / "run" / "classifier").class_names == CLASSES
    assert not (tmp_path / "run" / "metrics.json").exists()


def test_broken_images_are_left_out_on_request(shell, broken, tmp_path, training):
    options = ("--on-error", "skip", *training)
    result = shell("train", broken, "--output", tmp_path / "run", *options)
    assert result.exit_code == 0, result.output
    assert result.stderr.count("Warning: 8 of 32 scans can't be read and were left out: ") == 1
    assert len(pd.read_csv(tmp_path / "run" / "split.csv")) == 24
    # A class that has lost all of its scans keeps its name, and is none to train on.
    for name in ("CNV", "DRUSEN"):
        shutil.rmtree(broken / name)
    text = shell("train", broken, "--output", tmp_path / "two", *options).stderr.splitlines()[-1]
    assert text.endswith("found: NORMAL.")
    assert not (tmp_path / "two").exists()


@pytest.fixture
def fitted(monkeypatch):
    """Give what ``octlib.fit`` is called with: the classifier, the parts and the options."""
    calls = []
    fit = octlib.fit

    def noted(*arguments, **options):
        calls.append((*arguments, options))
        return fit(*arguments, **options)

    monkeypatch.setattr(octlib, "fit", noted)
    return calls


def test_options_reach_the_fit_and_the_split(shell, scans, tmp_path, training, fitted):
    shares = ("--fractions", "0.5", "0.25", "0.25", "--flips", "--cache", "off")
    options = ("--class-weight", "logit_adjustment", "--no-augment", "--unfreeze-stages", "2")
    result = shell("train", scans, "-o", tmp_path / "run", *training, *shares, *options)
    assert result.exit_code == 0, result.output
    ((model, train, validation, given),) = fitted
    assert (len(train), len(validation)) == (16, 8)
    assert (given["class_weight"], given["augment"], given["cache"]) == ("logit_adjustment", False, False)
    assert (model.frozen, model.backbone.unfrozen_stages, model.postprocessing.flips) == (False, 2, True)


def test_none_is_a_class_weight(shell, scans, tmp_path, training, fitted):
    assert shell("train", scans, "-o", tmp_path / "run", *training, "--class-weight", "none").exit_code == 0
    assert fitted[0][3]["class_weight"] is None
    assert fitted[0][3]["augment"] is None


def test_a_size_may_have_two_sides(shell, scans, tmp_path, training):
    assert shell("train", scans, "-o", tmp_path / "run", *training, "--image-size", "48x64").exit_code == 0
    assert octlib.load_classifier(tmp_path / "run" / "classifier").image_size == (48, 64)


def test_a_published_split_can_be_trained_on(shell, scans, tmp_path, training):
    shutil.copytree(scans, tmp_path / "all" / "train")
    shutil.copytree(scans, tmp_path / "all" / "test")
    options = ("--split", "train", "--layout", "splits")
    result = shell("train", tmp_path / "all", "-o", tmp_path / "run", *training, *options)
    assert result.exit_code == 0, result.output
    assert pd.read_csv(tmp_path / "run" / "split.csv")["path"].str.contains("/all/train/").all()


def test_a_run_that_was_stopped_goes_on_from_its_checkpoint(shell, run, scans, tmp_path, training, monkeypatch):
    fit = octlib.fit

    def stopped(*arguments, **options):
        fit(*arguments, **options)
        raise KeyboardInterrupt

    options = (*training, "--checkpoint", tmp_path / "state")
    monkeypatch.setattr(octlib, "fit", stopped)
    result = shell("train", scans, "-o", tmp_path / "run", *options)
    assert result.exit_code == 130
    assert f"what {tmp_path / 'state'} holds stays: the same command with --resume goes on" in result.stderr
    assert not (tmp_path / "run").exists()
    monkeypatch.setattr(octlib, "fit", fit)
    again = shell("train", scans, "-o", tmp_path / "run", *options)
    assert again.exit_code == 1
    assert "state holds the checkpoint of a run." in again.stderr
    assert shell("train", scans, "-o", tmp_path / "run", *options, "--resume").exit_code == 0
    assert (tmp_path / "run" / "metrics.json").read_text() == (run / "metrics.json").read_text()


def test_a_run_that_was_stopped_while_it_was_evaluated_goes_on(shell, run, scans, tmp_path, training, monkeypatch):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    output, options = tmp_path / "run", (*training, "--checkpoint", tmp_path / "state")
    with monkeypatch.context() as patch:
        patch.setattr("octlib.cli.train.write_evaluation", stopped)
        result = shell("train", scans, "-o", output, *options)
    assert "classifier, and the same command with --resume goes on." in result.stderr
    (output / ".octlib-0.unfinished").mkdir()  # what a killed process leaves
    trained = (output / "history.csv").read_bytes()
    assert "exists already" in shell("train", scans, "-o", output, *options).stderr
    result = shell("train", scans, "-o", output, *options, "--resume")
    assert result.exit_code == 0, result.output
    assert (output / "history.csv").read_bytes() == trained
    assert (output / "metrics.json").read_text() == (run / "metrics.json").read_text()
    assert {path.name for path in run.iterdir()} == {path.name for path in output.iterdir()} - {".octlib-0.unfinished"}


@pytest.mark.parametrize("theirs", ["mine.txt", "another run"])
def test_a_resumed_run_replaces_nothing_of_others(shell, run, scans, tmp_path, training, theirs):
    output = tmp_path / "run"
    for name in ("history.csv", "history.png", "split.csv"):
        output.mkdir(exist_ok=True)
        shutil.copy(run / name, output)
    shutil.copytree(run / "classifier", output / "classifier")
    if theirs == "mine.txt":
        (output / theirs).touch()
    before = {path: path.read_bytes() for path in output.rglob("*") if path.is_file()}
    options = ("--checkpoint", tmp_path / "state", "--resume", "--seed", "1")
    result = shell("train", scans, "-o", output, *training, *options)
    assert result.exit_code == 1
    assert {path: path.read_bytes() for path in output.rglob("*") if path.is_file()} == before
    if theirs == "another run":
        assert f"of another run; that stays as it is, and the results are in {output}-2." in result.stderr
        assert (tmp_path / "run-2" / "classifier" / "model.safetensors").is_file()


@pytest.mark.parametrize("mode", ["--freeze", "--no-freeze"])
def test_a_finished_run_may_be_resumed_again_and_again(shell, scans, tmp_path, training, mode):
    metrics = []
    for name, resume in (("first", ()), ("second", ("--resume",)), ("third", ("--resume",))):
        options = (*training, mode, "--checkpoint", tmp_path / "state", "-o", tmp_path / name)
        result = shell("train", scans, *options, *resume)
        assert result.exit_code == 0, result.output
        weights = (tmp_path / name / "classifier" / "model.safetensors").read_bytes()
        metrics.append(((tmp_path / name / "metrics.json").read_text(), weights))
    assert metrics[0] == metrics[1] == metrics[2]


def test_other_weights_are_another_run(shell, mistake, run, scans, tmp_path, training):
    weights = load_file(run / "classifier" / "model.safetensors")
    network = {name: value for name, value in weights.items() if not name.startswith("fc.")}
    options = (*training, "--weights", tmp_path / "net.safetensors", "--checkpoint", tmp_path / "state", "--resume")
    save_file(network, tmp_path / "net.safetensors")
    result = shell("train", scans, "-o", tmp_path / "one", *options)
    assert result.exit_code == 0, result.output
    save_file(network | {"conv1.0.weight": network["conv1.0.weight"] + 1}, tmp_path / "net.safetensors")
    assert "classifier's weights" in mistake("train", scans, "-o", tmp_path / "other", *options)


def test_a_rate_of_nought_costs_no_look_at_pixels(mistake, scans, tmp_path, training, monkeypatch):
    monkeypatch.setattr("octlib.data.scan.Scan.read", lambda *_, **__: pytest.fail("decoded a scan"))
    text = mistake("train", scans, "-o", tmp_path / "run", *training, "--learning-rate", "0")
    assert "learning_rate must be a positive number" in text


def test_what_was_trained_stays_when_it_is_stopped_later(shell, scans, tmp_path, training, monkeypatch):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("octlib.cli.train.write_evaluation", stopped)
    result = shell("train", scans, "-o", tmp_path / "run", *training)
    assert result.exit_code == 130
    assert f"Stopped; the trained classifier stays in {tmp_path / 'run' / 'classifier'}." in result.stderr
    assert octlib.load_classifier(tmp_path / "run" / "classifier").class_names == CLASSES


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--resume",), "--resume needs the folder"),
        (("--checkpoint", "run/state"), "--checkpoint must lie outside of --output"),
        (("--freeze", "--unfreeze-stages", "1"), "leave it or --unfreeze-stages out"),
        (("--fractions", "0.5", "0.5"), "Option '--fractions' requires 3 arguments"),
        (("--fractions", "70", "15", "15"), "must be positive and sum to 1, such as 0.7 0.15 0.15; got 70 15 15."),
        (("--dropout", "1.5"), "Invalid value for '--dropout': 1.5 is not in the range 0<=x<1."),
        (("--image-size", "48*48"), "'48*48' is no size in pixels, such as 224, or 496x512"),
    ],
)
def test_options_that_make_no_sense_together_are_refused(shell, scans, tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    result = shell("train", scans, "-o", "run", *options)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert list(tmp_path.iterdir()) == []


def test_the_document_says_what_the_files_say(shell, scans, tmp_path, training):
    result = shell("train", scans, "-o", tmp_path / "run", *training, "--json")
    document = json.loads(result.stdout)
    assert list(document) == ["output", "files", "classifier", "scans", "best_epoch", "history", "metrics"]
    assert document["files"] == sorted(path.name for path in (tmp_path / "run").iterdir())
    assert octlib.load_classifier(document["classifier"]).class_names == CLASSES
    assert document["scans"] == pd.read_csv(tmp_path / "run" / "split.csv")["part"].value_counts().to_dict()
    assert document["metrics"] == json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert [epoch["epoch"] for epoch in document["history"]] == [1, 2]
    assert "OctDataset: 32 scans" in result.stderr
