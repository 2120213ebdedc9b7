"""Running: every epoch that is left, seen by everybody who should see it."""

from __future__ import annotations

import pytest
from safetensors import safe_open

import octlib
from octlib.models.keras_backend import keras
from octlib.training.checkpoint import FILE

both_modes = pytest.mark.parametrize("freeze", [True, False], ids=["frozen", "unfrozen"])


@both_modes
def test_the_checkpoint_keeps_what_the_users_callbacks_have_done(build, toy, tmp_path, freeze):
    """A rate that a callback sets at the end of an epoch has to be the rate of the next one, after a break too."""

    class Halve(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.optimizer.learning_rate = 0.125

    octlib.fit(build(freeze), toy(16), epochs=1, checkpoint=tmp_path, callbacks=[Halve()], progress=False)
    with safe_open(tmp_path / FILE, framework="numpy") as content:
        optimizer = [content.get_tensor(key) for key in content.keys() if key.startswith("optimizer/")]  # noqa: SIM118
    assert any(value.shape == () and value == 0.125 for value in optimizer)


@both_modes
def test_a_stop_in_the_middle_of_an_epoch_is_heeded(build, toy, freeze):
    class Stop(keras.callbacks.Callback):
        batches = 0

        def on_train_batch_end(self, batch, logs=None):
            self.batches += 1
            self.model.stop_training = True

    stop = Stop()
    history = octlib.fit(build(freeze), toy(24), epochs=3, batch_size=8, callbacks=[stop], progress=False)
    assert stop.batches == 1
    assert len(history.epochs) == 1
