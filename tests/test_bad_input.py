"""Bad input: the checklist of what users give by mistake, and the words in which octlib tells them.

The rooms' own tests go into the details; here stands one test for each mistake, from the outside.
"""

from __future__ import annotations

import errno
import json
import os
import pickle
import re
import shutil
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from safetensors.torch import save_file

import octlib
from octlib.cli.main import main
from octlib.errors import OctlibWarning, UndefinedMetricWarning

CLASSES = ("CNV", "DME", "DRUSEN", "NORMAL")
PIXELS = np.random.default_rng(0).integers(0, 240, (8, 48, 64), dtype=np.uint8)


def build(**arguments: Any) -> Any:
    return octlib.build_classifier(**{"backbone": "test_resnet", "weights": None, "image_size": 32, **arguments})


@pytest.fixture(scope="module")
def classifier() -> Any:
    return build()


@pytest.fixture
def saved(classifier: Any, tmp_path: Path) -> Path:
    classifier.save(tmp_path / "classifier")
    return tmp_path / "classifier"


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Give class folders of CNV and DME, four patients each."""
    for number, pixels in enumerate(PIXELS):
        folder = tmp_path / "scans" / CLASSES[number // 4]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / f"{folder.name}-{number % 4}-1.png")
    return tmp_path / "scans"


def arrays(labels: Any, **arguments: Any) -> octlib.OctDataset:
    return octlib.load_oct_dataset((PIXELS, labels, list("abcdefgh")), **arguments)


def mistake(*words: object) -> str:
    """Run a command that must fail in one line."""
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == 1, result.output
    assert result.stderr.count("\n") == 1
    return result.stderr


# Folders and classes


def test_an_empty_folder(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(
        ValueError, match=r"must hold images \(.jpeg, .*there are none in .*Understood are class folders"
    ):
        octlib.load_oct_dataset(empty)
    assert "there are none in" in mistake("train", empty, "--output", tmp_path / "run")


def test_one_class_only(scans: Path, tmp_path: Path) -> None:
    for path in (scans / "DME").iterdir():
        path.unlink()
    with pytest.raises(ValueError, match=r"class_names must be at least two different names, got \['CNV'\]"):
        build(class_names=octlib.load_oct_dataset(scans).class_names)
    assert "two class folders or more (CLASS/image); found: CNV." in mistake("train", scans, "-o", tmp_path / "run")


def test_a_class_without_enough_patients_for_the_split(tmp_path: Path) -> None:
    scans = octlib.load_oct_dataset((PIXELS, ["CNV"] * 5 + ["DME"] * 3, ["a", "b", "c", "d", "e", "f", "f", "g"]))
    with pytest.raises(ValueError, match="Class DME has 2 patients, 3 parts need at least 3. Ask for fewer parts, add"):
        scans.split()
    with pytest.raises(ValueError, match="Class DME has 2 patients, 5 parts need at least 5"):
        scans.folds(5)


# Archives


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
def test_an_archive_that_is_cut_off_or_of_another_kind(scans: Path, tmp_path: Path, kind: str) -> None:
    file = Path(shutil.make_archive(str(tmp_path / "packed"), kind.replace("tar.gz", "gztar"), scans))
    whole = file.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"a text, whatever its name"):
        file.write_bytes(content)
        with pytest.raises(ValueError, match=rf"packed\.{kind} can't be read as the archive .*unpack it and load"):
            octlib.load_oct_dataset(file)
        assert "can't be read as the archive" in mistake("train", file, "-o", tmp_path / "run")


def test_an_archive_that_is_replaced_in_use(scans: Path, tmp_path: Path) -> None:
    file = shutil.make_archive(str(tmp_path / "packed"), "zip", scans)
    loaded = octlib.load_oct_dataset(file)
    (scans / "CNV" / "CNV-0-1.png").unlink()
    shutil.make_archive(str(tmp_path / "packed"), "zip", scans)
    with pytest.raises(ValueError, match=r"8 of 8 scans can't be read: .*its archive has changed since it was loaded"):
        loaded.images(32)


# Images that can't be read


@pytest.fixture
def damaged(scans: Path) -> Path:
    """Damage three of the eight scans: one is empty, one is cut off, one is text."""
    (scans / "CNV" / "CNV-1-1.png").write_bytes(b"")
    whole = (scans / "DME" / "DME-2-1.png").read_bytes()
    (scans / "DME" / "DME-2-1.png").write_bytes(whole[: len(whole) // 2])
    (scans / "DME" / "DME-3-1.png").unlink()
    (scans / "DME" / "DME-3-1.jpeg").write_text("a text, whatever its name", encoding="utf-8")
    return scans


NAMED = (
    r"3 of 8 scans can't be read.*CNV-1-1\.png \(the file is empty\); .*DME-2-1\.png \(.*trunc.*\); "
    r".*DME-3-1\.jpeg \(not an image\)"
)


@pytest.mark.parametrize("verb", ["evaluate", "fit", "predict", "fine-tune"])
def test_unreadable_images_are_named_all_at_once(damaged: Path, verb: str) -> None:
    classifier, scans = build(freeze=verb != "fine-tune"), octlib.load_oct_dataset(damaged)
    use = {"evaluate": octlib.evaluate, "predict": octlib.predict}.get(verb, octlib.fit)
    with pytest.raises(ValueError, match=NAMED + r"\. Replace them by .* or load the scans with on_error='skip'"):
        use(classifier, scans)


@pytest.mark.parametrize("verb", [octlib.evaluate, octlib.fit])
def test_damaged_files_that_are_alike_are_all_named(scans: Path, verb: Callable[..., Any]) -> None:
    # Features are computed once for files of the same content, and all empty files are alike.
    for path in (scans / "CNV").iterdir():
        path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"^4 of 8 scans can't be read: .*CNV-0-1.*CNV-1-1.*CNV-2-1.*CNV-3-1"):
        verb(build(), octlib.load_oct_dataset(scans))


def test_unreadable_images_are_named_in_the_shell(damaged: Path, saved: Path, tmp_path: Path) -> None:
    assert re.search(NAMED, mistake("evaluate", saved, damaged, "--output", tmp_path / "results"))


@pytest.mark.parametrize("freeze", [True, False])
def test_unreadable_images_of_both_parts_of_a_fit_are_named(scans: Path, freeze: bool) -> None:
    for name in ("CNV/CNV-0-1.png", "DME/DME-3-1.png"):
        (scans / name).write_bytes(b"nothing")
    everything = octlib.load_oct_dataset(scans)
    even = np.arange(8) % 2 == 0
    with pytest.raises(ValueError, match=r"2 of 8 scans can't be read: .*CNV-0-1\.png.*DME-3-1\.png"):
        octlib.fit(build(freeze=freeze), everything.subset(even), everything.subset(~even), epochs=1)


def test_unreadable_images_are_left_out_only_on_request(damaged: Path, classifier: Any) -> None:
    with pytest.warns(UserWarning, match=NAMED.replace("read.", "read and were left out: .")) as seen:
        scans = octlib.load_oct_dataset(damaged, on_error="skip")
    assert len(seen) == 1
    assert len(scans) == len(octlib.predict(classifier, scans)) == 5


@pytest.mark.parametrize("freeze", [True, False])
def test_too_little_memory_in_a_fit_is_not_said_of_the_scans(
    scans: Path, monkeypatch: pytest.MonkeyPatch, freeze: bool
) -> None:
    def no_memory(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Image, "open", no_memory)
    with pytest.raises(MemoryError):
        octlib.fit(build(freeze=freeze), octlib.load_oct_dataset(scans), epochs=1)


def test_an_option_out_of_range_is_said_before_a_scan_is_decoded(
    scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = []
    decode = Image.open
    monkeypatch.setattr(Image, "open", lambda *source, **options: decoded.append(source) or decode(*source, **options))
    arguments = ("--backbone", "test_resnet", "--weights", "none", "--image-size", 32, "--learning-rate", 0)
    division = ("--fractions", 0.5, 0.25, 0.25)
    assert "learning_rate" in mistake("train", scans, "--output", tmp_path / "results", *arguments, *division)
    assert not decoded


def test_missing_files_are_named_all_at_once(scans: Path, classifier: Any) -> None:
    dataset = octlib.load_oct_dataset(scans)
    for number in (1, 3):
        (scans / "CNV" / f"CNV-{number}-1.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"2 of 8 .*CNV-1-1\.png \(no such file\); .*CNV-3-1\.png \(no such"):
        octlib.predict(classifier, dataset)


def png(path: Path, width: int, height: int) -> None:
    """Write a black PNG of one bit a pixel: a few kilobytes, however large the image is."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(bytes((width // 8 + 1) * height)))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + pixels + chunk(b"IEND", b""))


@pytest.mark.parametrize(
    ("side", "reason"),
    [
        (8200, "8200 x 8200 pixels are more than the 67,108,864"),
        (10_000, "10000 x 10000 pixels are more than the 67,108,864"),  # from here on Pillow warns
        (14_000, "exceeds limit of 178956970 pixels, could be decompression bomb"),  # and from here on it refuses
    ],
)
def test_a_decompression_bomb(tmp_path: Path, classifier: Any, side: int, reason: str) -> None:
    png(tmp_path / "bomb.png", side, side)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with pytest.raises(ValueError, match=rf"bomb\.png \(.*{reason}"):
            octlib.predict(classifier, [tmp_path / "bomb.png"])
    assert seen == []


# Unusual images that can be read


def save_animation(path: Path) -> None:
    first, *others = map(Image.fromarray, PIXELS)
    settings = {"lossless": True} if path.suffix == ".webp" else {}
    first.save(path, save_all=True, append_images=others, **settings)


UNUSUAL: dict[str, Callable[[Path], None]] = {
    "16-bit.png": lambda path: Image.fromarray(PIXELS[0].astype(np.uint16) * 257).save(path),
    "16-bit.tif": lambda path: Image.fromarray(PIXELS[0].astype(np.uint16) * 257).save(path),
    "palette.png": lambda path: Image.fromarray(PIXELS[0]).convert("P").save(path),
    "rgba.png": lambda path: Image.fromarray(PIXELS[0]).convert("RGBA").save(path),
    "cmyk.tif": lambda path: Image.fromarray(PIXELS[0]).convert("RGB").convert("CMYK").save(path),
    "cmyk.jpeg": lambda path: Image.fromarray(PIXELS[0]).convert("RGB").convert("CMYK").save(path, quality=100),
    "animated.gif": save_animation,
    "animated.png": save_animation,
    "animated.webp": save_animation,
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_unusual_images_are_read(tmp_path: Path, classifier: Any, name: str) -> None:
    UNUSUAL[name](tmp_path / name)
    scan = octlib.load_oct_dataset(tmp_path / name)[0].read()
    assert np.abs(scan.astype(int) - PIXELS[0]).max() <= (4 if name.endswith("jpeg") else 1)
    probabilities = [
        octlib.predict(classifier, source)[[f"p_{label}" for label in CLASSES]].to_numpy()
        for source in ([tmp_path / name], PIXELS[:1])
    ]
    np.testing.assert_allclose(*probabilities, atol=1e-3)


@pytest.mark.parametrize("suffix", ["png", "jpeg", "tif", "bmp", "gif", "webp"])
def test_a_single_pixel_is_read(tmp_path: Path, classifier: Any, suffix: str) -> None:
    Image.fromarray(PIXELS[0, :1, :1]).save(tmp_path / f"pixel.{suffix}")
    table = octlib.predict(classifier, tmp_path / f"pixel.{suffix}")
    assert table[[f"p_{label}" for label in CLASSES]].sum(axis=1).to_numpy() == pytest.approx(1)


# Misspelt names


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda _: build(backbone="resnet5O"), "Unknown backbone 'resnet5O': did you mean 'resnet50'"),
        (lambda _: build(pooling="avrage"), "Unknown pooling 'avrage': did you mean 'average'"),
        (lambda it: octlib.explain(it, PIXELS, method="grad-cam"), "Unknown method 'grad-cam': did you mean 'gradcam'"),
        (lambda it: octlib.explain(it, PIXELS, target="DRUSSEN"), "Unknown class 'DRUSSEN': did you mean 'DRUSEN'"),
        (lambda it: octlib.evaluate(it, arrays(["CNV", "DRUSSEN"] * 4)), "Did you mean 'DRUSEN' by 'DRUSSEN'"),
        (lambda _: arrays(["CNV", "DME"] * 4, class_names=("CNV", "DNE")), "Did you mean 'DME' by 'DNE'"),
        (lambda _: octlib.load_oct_dataset(PIXELS, layout="kermani"), "did you mean 'kermany'"),
        (lambda _: octlib.load_oct_dataset(PIXELS, on_error="skp"), "did you mean 'skip'"),
    ],
    ids=["backbone", "head", "method", "target", "class", "class name", "layout", "on_error"],
)
def test_misspelt_names(classifier: Any, call: Callable[[Any], Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        call(classifier)


# Labels and pixels in arrays


def test_more_class_names_than_labels(classifier: Any) -> None:
    scans = arrays(["CNV", "DME"] * 4, class_names=("CNV", "DME", "DRUSEN"))
    assert "DRUSEN 0" in repr(scans)  # a class may be without scans, and counts in the order of the labels
    with pytest.warns(UndefinedMetricWarning, match=r"DRUSEN.*NORMAL") as seen:
        octlib.evaluate(classifier, scans)
    assert sum(issubclass(warning.category, OctlibWarning) for warning in seen) == 1


def test_fewer_class_names_than_labels() -> None:
    with pytest.raises(ValueError, match="CNV were given, and it has CNV, DME"):
        arrays(["CNV", "DME"] * 4, class_names=("CNV",))


@pytest.mark.parametrize("use", [octlib.evaluate, octlib.fit])
def test_classes_that_the_classifier_does_not_have(use: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="the scans are of CNV, VID, and of these VID can't be found among CNV, DME"):
        use(build(class_names=("CNV", "DME")), arrays(["CNV", "VID"] * 4))


@pytest.mark.parametrize(
    ("labels", "error", "text"),
    [
        ([0, 1, 2, 7] * 2, ValueError, "between 0 and 3 for the classes CNV, DME, DRUSEN, NORMAL, got 7"),
        ([0, -1] * 4, ValueError, "between 0 and 3 .*, got -1"),
        ([0.0, 1.0] * 4, TypeError, "class names or whole numbers, got float64"),
        ([0, 1, 2], ValueError, r"one for each image, 8 in all, got the shape \(3,\)"),
    ],
)
def test_labels_out_of_range(labels: list[float], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        arrays(labels, class_names=CLASSES)


@pytest.mark.parametrize("use", [octlib.predict, octlib.explain, octlib.fit, lambda it, images: it.preprocess(images)])
def test_nan_in_float_images(classifier: Any, use: Callable[..., Any]) -> None:
    images = PIXELS / 255
    images[0, 0, :3] = np.nan
    with pytest.raises(TypeError, match="must be uint8 grey values in 0-255, got float64 with 3 NaN .*replaced first"):
        use(classifier, images)


# Weights and classifiers


@pytest.mark.parametrize("verb", [octlib.fit, octlib.evaluate, octlib.predict, octlib.explain])
def test_scans_before_the_classifier(classifier: Any, verb: Callable[..., Any]) -> None:
    scans = arrays(["CNV"] * 4 + ["DME"] * 4)
    with pytest.raises(
        TypeError, match=r"classifier must be what .* returns, got OctDataset\. The classifier comes first"
    ):
        verb(scans, classifier)


class Trap:
    """What a hostile pickle is: unpickling it leaves a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_weights_that_do_not_fit(tmp_path: Path) -> None:
    save_file({"conv1.0.weight": torch.zeros(3), "other": torch.zeros(2)}, tmp_path / "w.safetensors")
    text = (
        r"w.safetensors does not fit test_resnet: 0 of 75 weights matched, and all are needed. Missing or of another "
        r"shape: conv1.0.weight, .* and 71 more. In the file but not used: conv1.0.weight, other"
    )
    with pytest.raises(ValueError, match=text):
        build(weights=tmp_path / "w.safetensors")


def test_weights_that_are_a_pickle(tmp_path: Path) -> None:
    torch.save({"weight": Trap(tmp_path / "sprung")}, tmp_path / "w.pth")
    with pytest.raises(ValueError, match=r"w\.pth holds more than tensors, which octlib does not unpickle"):
        build(weights=tmp_path / "w.pth")
    assert not (tmp_path / "sprung").exists()


def test_a_damaged_classifier(saved: Path) -> None:
    file = saved / "model.safetensors"
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(ValueError, match=r"model\.safetensors is damaged, or not this classifier's"):
        octlib.load_classifier(saved)
    (saved / "config.json").write_text('{"format": ', encoding="utf-8")
    with pytest.raises(ValueError, match=r"config\.json is not the configuration of an octlib classifier"):
        octlib.load_classifier(saved)


def test_a_classifier_of_a_newer_octlib(saved: Path) -> None:
    config = json.loads((saved / "config.json").read_text(encoding="utf-8"))
    config["classifier"]["version"] = 99
    (saved / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(ValueError, match=r"version 99.*Upgrade octlib"):
        octlib.load_classifier(saved)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_classifier_that_holds_a_pickle(saved: Path, tmp_path: Path, name: str) -> None:
    (saved / name).write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    with pytest.raises(ValueError, match=f"{re.escape(name)} is (damaged|not the configuration)"):
        octlib.load_classifier(saved)
    assert not (tmp_path / "sprung").exists()


# Output


def test_an_existing_output_folder(saved: Path, scans: Path, classifier: Any) -> None:
    before = {path: path.read_bytes() for path in saved.iterdir()}
    with pytest.raises(FileExistsError, match=r"classifier exists already\. Choose another name, or pass overwrite"):
        classifier.save(saved)
    for words in (("train", scans), ("evaluate", saved, scans), ("explain", saved, scans), ("predict", saved, scans)):
        assert "classifier exists already. Choose another --output" in mistake(*words, "--output", saved)
    assert {path: path.read_bytes() for path in saved.iterdir()} == before


# Disks


@pytest.fixture
def full_disk() -> Iterator[None]:
    """Let the operating system refuse files of more than 20 kB, as a full disk refuses them."""
    resource = pytest.importorskip("resource", reason="Windows has no limits of this kind")
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, former[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, former)


@pytest.fixture
def read_only_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every new file and folder, as a disk that is mounted read-only does."""

    def refuse(path: Any, *_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr(Path, "touch", refuse)
    monkeypatch.setattr(Path, "mkdir", refuse)
    monkeypatch.setattr("tempfile.mkdtemp", lambda **arguments: refuse(arguments["dir"]))


@pytest.mark.parametrize("name", ["classifier", "classifier.keras"])
@pytest.mark.parametrize(("disk", "reason"), [("full_disk", "File too large"), ("read_only_disk", "Read-only file")])
def test_a_classifier_that_cannot_be_saved_leaves_the_old_one(
    tmp_path: Path, request: pytest.FixtureRequest, name: str, disk: str, reason: str
) -> None:
    old = build(class_names=("x", "y"))
    old.save(tmp_path / name)
    request.getfixturevalue(disk)
    with pytest.raises(OSError, match=rf"could not be written \(.*{reason}.*Make room, or choose another place"):
        build().save(tmp_path / name, overwrite=True)
    with pytest.raises(OSError, match=r"could not be written"):
        build().save(tmp_path / f"new-{name}")
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert octlib.load_classifier(tmp_path / name).class_names == ("x", "y")


@pytest.mark.parametrize("freeze", [True, False])
@pytest.mark.usefixtures("full_disk")
def test_a_checkpoint_that_cannot_be_written(tmp_path: Path, freeze: bool) -> None:
    images = np.random.default_rng(1).integers(0, 240, (8, 32, 32), dtype=np.uint8)
    scans = octlib.load_oct_dataset((images, list("abababab"), list("ccddeeff")))
    # The head of this classifier alone is more than the disk takes.
    classifier = build(class_names=("a", "b"), freeze=freeze, pooling="flatten", image_size=256)
    with pytest.raises(OSError, match=r"training\.safetensors could not be written \(.*Make room"):
        octlib.fit(classifier, scans, epochs=2, checkpoint=tmp_path, cache=False, progress=False)
    assert list(tmp_path.iterdir()) == []
    assert octlib.evaluate(classifier, scans, cache=False).n_scans == 8


@pytest.mark.parametrize(("disk", "reason"), [("full_disk", "File too large"), ("read_only_disk", "Read-only file")])
def test_a_store_without_room_costs_a_warning(
    request: pytest.FixtureRequest, cache: Path, disk: str, reason: str
) -> None:
    scans, classifier = arrays(["CNV"] * 4 + ["DME"] * 4), build(pooling="flatten", image_size=128)
    expected = octlib.predict(classifier, scans, cache=False)
    request.getfixturevalue(disk)
    with pytest.warns(
        UserWarning, match=rf"Features could not be kept in .*{reason}.*OCTLIB_CACHE.*cache=False"
    ) as caught:
        found = octlib.predict(classifier, scans)
    assert sum(issubclass(warning.category, UserWarning) for warning in caught) == 1
    np.testing.assert_allclose(found.filter(like="p_"), expected.filter(like="p_"), rtol=1e-5)
    assert not list(cache.rglob("*.npy"))


def test_a_store_that_will_not_have_room_is_known_before_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=10**4))
    monkeypatch.setattr("octlib.features.store.SHARD_BYTES", 100)
    classifier = build(pooling="flatten", image_size=(256, 1024))
    classifier.backbone.module.register_forward_hook(lambda *_: pytest.fail("the work had begun"))
    with pytest.raises(
        OSError, match=r"features of 8 scans need .* GB.*has 0\.0 GB.*OCTLIB_CACHE.*float16.*cache=False"
    ):
        octlib.predict(classifier, arrays(["CNV"] * 4 + ["DME"] * 4))
