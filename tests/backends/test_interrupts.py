"""Interrupts: Ctrl-C ends long work, even where Python drops what it raises."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import octlib
from octlib._interrupts import heard_interrupts
from octlib.models.keras_backend import keras

Build = Callable[..., Any]
# It is dropped, and pytest would tell of it.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


class Press:
    """Is interrupted while it is deleted."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


@pytest.fixture
def own_handler() -> Iterator[None]:
    """Begin with Python's own handler, as programs do, and expect it back."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    after = signal.signal(signal.SIGINT, before)
    assert after is signal.default_int_handler


@pytest.mark.usefixtures("own_handler")
def test_what_python_drops_is_heard() -> None:
    with heard_interrupts() as require_uninterrupted:
        require_uninterrupted()
        Press()
        with pytest.raises(KeyboardInterrupt):
            require_uninterrupted()
    with heard_interrupts() as require_uninterrupted:
        require_uninterrupted()  # once


def test_a_program_that_hears_by_itself_goes_on_doing_so() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
    try:
        with heard_interrupts() as require_uninterrupted:
            signal.raise_signal(signal.SIGINT)
            require_uninterrupted()
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == [signal.SIGINT]


def test_other_threads_leave_signals_alone() -> None:
    done: list[bool] = []

    def work() -> None:
        with heard_interrupts() as require_uninterrupted:
            require_uninterrupted()
        done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done


@pytest.mark.usefixtures("own_handler")
@pytest.mark.parametrize("freeze", [True, False])
def test_training_ends_with_the_step(build: Build, phantoms: octlib.OctDataset, freeze: bool) -> None:
    begun: list[int] = []

    class PressInTheSecondStep(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch: int, logs: object = None) -> None:
            begun.append(batch)
            if batch == 1:
                Press()

    classifier, callbacks = build(freeze=freeze), [PressInTheSecondStep()]
    with pytest.raises(KeyboardInterrupt):
        octlib.fit(classifier, phantoms[:16], epochs=2, batch_size=4, progress=False, callbacks=callbacks)
    assert begun == [0, 1]


@pytest.mark.usefixtures("own_handler")
def test_training_ends_in_validation_too(build: Build, phantoms: octlib.OctDataset) -> None:
    class PressInValidation(keras.callbacks.Callback):
        def on_test_batch_begin(self, batch: int, logs: object = None) -> None:
            Press()

    classifier, callbacks = build(freeze=False), [PressInValidation()]
    parts = phantoms[:16], phantoms[16:]
    with pytest.raises(KeyboardInterrupt):
        octlib.fit(classifier, *parts, epochs=1, batch_size=8, progress=False, callbacks=callbacks)


@pytest.mark.usefixtures("own_handler")
def test_a_pass_ends_with_the_batch(build: Build, phantoms: octlib.OctDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    classifier, sizes = build(), []
    extract = classifier.passes[0].extract

    def press(batch: np.ndarray) -> np.ndarray:
        sizes.append(len(batch))
        Press()
        return extract(batch)

    monkeypatch.setattr(classifier.passes[0], "extract", press)
    with pytest.raises(KeyboardInterrupt):
        octlib.evaluate(classifier, phantoms[:16], batch_size=4, cache=False, progress=False)
    assert len(sizes) == 1
