"""Optimizer: AdamW with a higher rate for the head, which starts from nothing, than for the backbone."""

from __future__ import annotations

from typing import Any

from octlib.models.keras_backend import keras

HEAD_FACTOR = 6.0


@keras.saving.register_keras_serializable("octlib")
class HeadFirstAdamW(keras.optimizers.AdamW):
    """AdamW whose learning rate is that of the backbone; the head learns ``HEAD_FACTOR`` times as fast."""

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable.

        Args:
            gradient: of the loss.
            variable: what is updated.
            learning_rate: of the backbone.
        """
        factor = HEAD_FACTOR if "/head/" in variable.path else 1.0
        super().update_step(gradient, variable, learning_rate * factor)
