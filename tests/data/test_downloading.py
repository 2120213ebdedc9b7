"""Downloading: a data set comes whole, once, checked, and whatever the network does, nothing half is taken for it."""

from __future__ import annotations

import io
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from octlib.data import (
    checked,
    downloading,
    inventory,
    load_oct_dataset,
    remove_downloaded_datasets,
    transfer,
    unpacking,
)
from octlib.errors import DownloadError, KeptWarning

N = 40


def npz() -> bytes:
    """Give an OCTMNIST file of 40 scans of noise, which fills several chunks of a transfer."""
    file = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (N, 64, 64), dtype=np.uint8)
    np.savez(file, train_images=noise, train_labels=np.arange(N)[:, None] % 4)
    return file.getvalue()


def png(value: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((12, 16), value, dtype=np.uint8)).save(file, "png")
    return file.getvalue()


def packed(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number, name in enumerate(names):
            archive.writestr(name, png(number))
    return file.getvalue()


KERMANY = (
    "CellData/OCT/train/CNV/CNV-1-1.png",
    "CellData/OCT/train/NORMAL/NORMAL-2-1.png",
    "CellData/OCT/test/DME/DME-3-1.png",
    "CellData/OCT/test/DME/._DME-3-1.png",
    "CellData/chest_xray/train/NORMAL/NORMAL-4-1.png",
    "__MACOSX/CellData/OCT/train/CNV/CNV-5-1.png",
)


def left(cache: Path) -> list[str]:
    """List what lies in the data set's folder, but for the lock and the note."""
    own = (".lock", ".checked.json")
    return sorted(path.name for path in (cache / "datasets" / "scans").iterdir() if path.name not in own)


@pytest.fixture
def scans(publish):
    return publish("scans.npz", npz())


def test_a_second_call_needs_no_network_and_says_nothing(scans, cache, capfd):
    assert not cache.exists()
    first = load_oct_dataset("scans")
    assert "Scans, version 1. Licence: CC BY 4.0. Please cite: Doe (2020)." in capfd.readouterr().err
    assert left(cache) == ["scans.npz"]
    scans.close()
    second = load_oct_dataset("scans", split="train")
    assert capfd.readouterr().err == ""
    assert (first.images(64) == second.images(64)).all()
    assert len(first) == N


def test_nothing_is_made_before_a_download(cache):
    with pytest.raises(DownloadError, match=r"no hash .* Download OCTDL from https://data\.mendeley\.com/.*unpack it"):
        load_oct_dataset("octdl")
    with pytest.raises(FileNotFoundError, match="Did you mean 'octmnist_64'"):
        load_oct_dataset("octmnist_46")
    assert not cache.exists()


@pytest.mark.parametrize("breaks", [1, 2])
def test_a_broken_connection_is_taken_up_again(scans, breaks):
    scans.behaviours = [("break", 70_000)] * breaks
    assert len(load_oct_dataset("scans")) == N
    assert scans.asked == [None, "bytes=65536-", "bytes=131072-"][: breaks + 1]


def test_a_redirection_is_followed(scans):
    scans.behaviours = [("redirect",)]
    assert len(load_oct_dataset("scans")) == N


def test_what_has_come_is_kept_for_the_next_call(scans, cache, monkeypatch):
    monkeypatch.setattr(transfer, "TRIES", 1)
    scans.behaviours = [("break", 70_000)]
    with pytest.raises(DownloadError, match=r"the connection broke off\)\. What has come is kept.*Download scans\.npz"):
        load_oct_dataset("scans")
    assert left(cache) == ["scans.npz.part"]
    assert len(load_oct_dataset("scans")) == N
    assert scans.asked[-1] == "bytes=65536-"
    assert left(cache) == ["scans.npz"]


def test_a_connection_that_brings_nothing_more_is_given_up(scans, cache):
    scans.behaviours = [("break", 70_000), *[("break", 0)] * 9]
    with pytest.raises(DownloadError, match="broke off"):
        load_oct_dataset("scans")
    assert len(scans.asked) == 2
    assert left(cache) == ["scans.npz.part"]


def test_a_server_without_ranges_begins_anew(scans, cache):
    scans.ranges, scans.behaviours = False, [("break", 70_000)]
    assert len(load_oct_dataset("scans")) == N
    assert left(cache) == ["scans.npz"]


@pytest.mark.parametrize("more", [0, 1])
def test_a_part_as_long_as_the_file_or_longer(scans, cache, more):
    part = cache / "datasets" / "scans" / "scans.npz.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(npz() + bytes(more))
    assert len(load_oct_dataset("scans")) == N
    assert (
        len(scans.asked) == 1 + more
    )  # a whole one, of a process that was stopped before it knew, isn't fetched again


@pytest.mark.parametrize("behaviours", [[("corrupt",)], [("break", 70_000), ("corrupt",)]])
def test_another_file_than_was_published_is_removed(scans, cache, behaviours):
    scans.behaviours = behaviours
    with pytest.raises(DownloadError, match=r"not Scans, version 1 as it was published.* It was removed\. Try again"):
        load_oct_dataset("scans")
    assert left(cache) == []
    assert len(load_oct_dataset("scans")) == N


def test_an_interrupt_while_the_hash_is_computed_costs_no_download(scans, cache, monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("pooch.core.hash_matches", interrupted)
        with pytest.raises(KeyboardInterrupt):
            load_oct_dataset("scans")
    assert left(cache) == ["scans.npz.part"]
    assert len(load_oct_dataset("scans")) == N
    assert scans.asked == [None, f"bytes={len(npz())}-"]


def test_a_silent_server_is_given_up(scans, cache, monkeypatch):
    monkeypatch.setattr(transfer, "TIMEOUT", (0.3, 0.3))
    scans.behaviours = [("stall", 70_000), ("stall", 0)]
    with pytest.raises(DownloadError, match=r"the server is silent\)\. What has come is kept"):
        load_oct_dataset("scans")
    assert left(cache) == ["scans.npz.part"]


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
def test_a_refusal_says_what_was_tried_and_what_to_do(scans, cache, status):
    scans.behaviours = [("refuse", status)]
    with pytest.raises(DownloadError) as caught:
        load_oct_dataset("scans")
    text = str(caught.value)
    assert f"Scans, version 1 could not be downloaded from {scans.url} (the server answers {status} " in text
    assert text.endswith(". Download scans.npz from https://example.org/page with a browser, and load it by its path.")
    assert "\n" not in text
    assert len(scans.asked) == 1
    assert left(cache) == []


def test_nobody_there(publish):
    publish("scans.npz", npz()).close()
    with pytest.raises(DownloadError, match=r"there is no connection to 127\.0\.0\.1\)\. Download"):
        load_oct_dataset("scans")


def test_no_room(scans, cache, monkeypatch):
    usage = shutil.disk_usage(Path.home())._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(
        DownloadError, match=r"could not be written .*0\.0 GB are free\)\. Make room, or let OCTLIB_CACHE"
    ):
        load_oct_dataset("scans")
    assert left(cache) == []


def test_a_cache_folder_that_can_not_be_made(scans, cache):
    cache.write_text("a file")
    with pytest.raises(DownloadError, match=r"could not be written .*OCTLIB_CACHE"):
        load_oct_dataset("scans")


def test_files_here_come_first(scans, plant, monkeypatch):
    monkeypatch.chdir(plant("scans/CNV/a.png", "scans/DME/b.png"))
    assert load_oct_dataset("scans").class_names == ("CNV", "DME")
    assert scans.asked == []


def test_a_path_is_never_a_name(scans, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError):
        load_oct_dataset(Path("scans"))
    assert scans.asked == []


def test_an_archive_becomes_its_scans(publish, cache):
    publisher = publish("scans.zip", packed(*KERMANY))
    dataset = load_oct_dataset("scans")
    assert set(dataset.names) == {KERMANY[0], KERMANY[1], KERMANY[2]}
    assert dataset.class_names == ("CNV", "DME", "NORMAL")
    assert set(dataset.column("split")) == {"train", "test"}
    assert left(cache) == ["scans"]
    assert sum(path.is_file() for path in (cache / "datasets" / "scans" / "scans").rglob("*")) == 3
    publisher.close()
    assert len(load_oct_dataset("scans")) == 3


def test_unpacking_that_is_interrupted_begins_anew_without_a_network(publish, cache, monkeypatch):
    publisher = publish("scans.zip", packed(*KERMANY))

    def interrupted(source, target):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(unpacking.shutil, "copyfileobj", interrupted)
        with pytest.raises(KeyboardInterrupt):
            load_oct_dataset("scans")
    assert left(cache) == ["scans.zip"]
    (cache / "datasets" / "scans" / ".scans.part" / "CNV").mkdir(parents=True)  # of a process that was killed
    publisher.close()
    assert len(load_oct_dataset("scans")) == 3
    assert left(cache) == ["scans"]


def test_an_archive_that_can_not_be_unpacked(publish, cache):
    publish("scans.zip", packed("OCT/CNV/a.png", "../CNV/b.png"))
    with pytest.raises(DownloadError, match=r"scans\.zip can't be unpacked \(the member .*\)\. Download scans\.zip"):
        load_oct_dataset("scans")
    assert left(cache) == ["scans.zip"]
    assert not (cache / "datasets" / "CNV").exists()


CHANGED = (
    r"is not Scans, version 1 as it was published .*Remove .*scans, or all data sets by 'octlib cache clear --data"
)


@pytest.mark.parametrize("noted", [True, False])
def test_a_file_that_has_changed_since_is_not_used(scans, cache, noted):
    load_oct_dataset("scans")
    file = cache / "datasets" / "scans" / "scans.npz"
    if not noted:
        file.with_name(".checked.json").unlink()
    changed = bytearray(file.read_bytes())
    changed[-4000] ^= 1
    file.write_bytes(changed)
    for _ in range(2):
        with pytest.raises(DownloadError, match=CHANGED):
            load_oct_dataset("scans")
    shutil.rmtree(file.parent)
    assert len(load_oct_dataset("scans")) == N


@pytest.mark.parametrize("note", [None, b"", b"[1]", b'{"hash": 3}', b"[" * 100_000])
def test_a_sound_file_is_hashed_once_more_where_the_note_says_nothing(scans, cache, note, monkeypatch):
    hashed = []
    load_oct_dataset("scans")
    file = cache / "datasets" / "scans" / ".checked.json"
    file.unlink() if note is None else file.write_bytes(note)
    monkeypatch.setattr(checked, "_has_hash", lambda *given: hashed.append(given) or True)
    for _ in range(2):
        assert len(load_oct_dataset("scans")) == N
    assert len(hashed) == 1
    assert len(scans.asked) == 1


def test_a_release_with_another_hash_does_not_take_the_old_file_for_its_own(publish):
    publish("scans.npz", npz())
    load_oct_dataset("scans")
    publish("scans.npz", npz() + b"new")
    with pytest.raises(DownloadError, match=CHANGED):
        load_oct_dataset("scans")


@pytest.mark.parametrize("change", ["gone", "more", "cut", "release", "note"])
def test_unpacked_images_that_are_others_are_not_used(publish, cache, change):
    publish("scans.zip", packed(*KERMANY))
    load_oct_dataset("scans")
    image = next((cache / "datasets" / "scans" / "scans").rglob("*.png"))
    (image.parent / ".DS_Store").touch()  # of a file manager
    assert len(load_oct_dataset("scans")) == 3
    if change == "gone":
        image.unlink()
    elif change == "more":
        shutil.copy(image, image.with_name("CNV-9-9.png"))
    elif change == "cut":
        image.write_bytes(image.read_bytes()[:-5])
    elif change == "release":
        publish("scans.zip", packed(*KERMANY[:2]))
    else:
        (cache / "datasets" / "scans" / ".checked.json").unlink()
    with pytest.raises(DownloadError, match=CHANGED):
        load_oct_dataset("scans")


def test_an_interrupt_between_unpacking_and_the_note_costs_no_download(publish, cache, monkeypatch):
    publisher = publish("scans.zip", packed(*KERMANY))

    def interrupted(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(downloading, "note_checked", interrupted)
        with pytest.raises(KeyboardInterrupt):
            load_oct_dataset("scans")
    assert left(cache) == ["scans", "scans.zip"]
    publisher.close()
    assert len(load_oct_dataset("scans")) == 3
    assert left(cache) == ["scans"]


def test_a_download_goes_on_while_somebody_clears_the_cache(scans, cache, monkeypatch):
    scans.behaviours = [("stall", 70_000)]
    loading = Loading(scans, "scans.npz")
    part = cache / "datasets" / "scans" / "scans.npz.part"
    loading.until(lambda: part.exists() and part.stat().st_size)
    monkeypatch.setattr(inventory, "PUBLISHED", {"scans": None})
    with pytest.warns(KeptWarning, match="another process is downloading it"):
        assert remove_downloaded_datasets() == 0
    scans.over.set()
    assert loading.end()[0] == f"loaded {N}\n"


class Loading:
    """A process that loads the data set."""

    def __init__(self, publisher, file: str) -> None:
        published = publisher.published(file)
        worker = str(Path(__file__).with_name("download_worker.py"))
        self.process = subprocess.Popen(
            [sys.executable, worker, published.url, published.file, published.known_hash],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def until(self, happened) -> None:
        for _ in range(6000):
            if happened():
                return
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.01)
        raise TimeoutError

    def end(self) -> tuple[str, str]:
        return self.process.communicate(timeout=60)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_process_that_is_stopped_leaves_what_has_come(scans, cache, stop):
    scans.behaviours = [("stall", 70_000)]
    loading = Loading(scans, "scans.npz")
    part = cache / "datasets" / "scans" / "scans.npz.part"
    loading.until(lambda: part.exists() and part.stat().st_size)
    loading.process.send_signal(stop)
    loading.end()
    assert loading.process.returncode != 0
    assert len(load_oct_dataset("scans")) == N
    assert scans.asked == [None, "bytes=65536-"]
    assert left(cache) == ["scans.npz"]


def test_processes_at_once_download_and_unpack_it_once(publish, cache):
    noise = np.random.default_rng(0).integers(0, 256, (N, 64, 64), dtype=np.uint8)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number, pixels in enumerate(noise):
            with archive.open(f"CNV/CNV-{number}-1.png", "w") as member:
                Image.fromarray(pixels).save(member, "png")
    publisher = publish("scans.zip", file.getvalue())
    publisher.behaviours = [("stall", 70_000)]
    first = Loading(publisher, "scans.zip")
    first.until(lambda: publisher.asked)
    second = Loading(publisher, "scans.zip")
    assert second.process.stderr.readline() == "Another process is downloading Scans, version 1; waiting for it.\n"
    publisher.over.set()  # the first connection breaks off, and is taken up again
    for each in (first, second):
        said, complaints = each.end()
        assert said == f"loaded {N}\n", complaints
    assert publisher.asked == [None, "bytes=65536-"]
    assert left(cache) == ["scans"]
