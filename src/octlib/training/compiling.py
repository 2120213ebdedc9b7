"""Compiling: the optimizer of a training, and what the user has compiled, which stands afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from octlib.models import OctClassifier
from octlib.models.keras_backend import keras

WEIGHT_DECAY = 1e-2
HEAD_FACTOR = 6.0
NAME = "octlib_adamw"  # of every optimizer of octlib's; one of another name is the user's


@keras.saving.register_keras_serializable("octlib")
class HeadFirstAdamW(keras.optimizers.AdamW):
    """AdamW whose learning rate is that of the backbone; the head learns ``HEAD_FACTOR`` times as fast.

    A classifier's head starts from nothing. Which variables are its own is not saved with the optimizer.

    """

    _head: frozenset[Any] = frozenset()

    def put_first(self, variables: Sequence[Any]) -> None:
        """Say which variables are the head's."""
        self._head = frozenset(map(self._var_key, variables))

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable.

        Args:
            gradient: of the loss.
            variable: what is updated.
            learning_rate: of the backbone.
        """
        # By Keras's own key: on TensorFlow, what comes here is not Keras's variable but what it wraps.
        factor = HEAD_FACTOR if self._var_key(variable) in self._head else 1.0
        super().update_step(gradient, variable, learning_rate * factor)


def adamw(learning_rate: Any, *, undecayed: Sequence[Any] = (), head: Sequence[Any] = ()) -> Any:
    """Make an AdamW.

    Args:
        learning_rate: a number, or a schedule of Keras's.
        undecayed: variables whose size says nothing of how complex a network is, so that it is left alone.
        head: variables that learn ``HEAD_FACTOR`` times as fast as all others.

    Returns:
        The optimizer, to be built.
    """
    kind = HeadFirstAdamW if head else keras.optimizers.AdamW
    optimizer = kind(learning_rate, weight_decay=WEIGHT_DECAY, name=NAME)
    optimizer.exclude_from_weight_decay(var_list=list(undecayed))
    if head:
        optimizer.put_first(head)
    return optimizer


def undecayed_variables(classifier: OctClassifier) -> list[Any]:
    """List the variables of a classifier that weight decay leaves alone, as timm does.

    Args:
        classifier: whose.

    Returns:
        Biases, what scales and shifts in norms, and what the architecture names, such as position embeddings.
    """
    backbone = classifier.backbone
    exempt = {id(variable) for name, variable in backbone.parameters.items() if name in backbone.undecayed}
    variables = classifier.trainable_variables
    return [variable for variable in variables if len(variable.shape) < 2 or id(variable) in exempt]


def compile_classifier(classifier: OctClassifier, optimizer: Any) -> None:
    """Compile a classifier, for whoever evaluates or saves it, or sets the rate at its optimizer."""
    classifier.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])


@contextmanager
def compiled_afterwards(classifier: OctClassifier, learning_rate: float) -> Iterator[None]:
    """Compile a classifier inside a block, and leave it as the user had compiled it.

    One that nobody had compiled has a new AdamW afterwards, so that ``classifier.evaluate`` and ``classifier.fit``
    work: what an optimizer has gathered, and a rate that has decayed, are of no use to whoever fits next.

    Args:
        classifier: the classifier.
        learning_rate: of the new AdamW.
    """
    before = dict(vars(classifier))
    theirs = classifier.compiled and getattr(classifier.optimizer, "name", None) != NAME
    compile_classifier(classifier, adamw(learning_rate))
    changed = [name for name, value in vars(classifier).items() if name in before and before[name] is not value]
    try:
        yield
    finally:
        if theirs:
            classifier.__dict__.update({name: before[name] for name in changed})
        else:
            compile_classifier(classifier, adamw(learning_rate, undecayed=undecayed_variables(classifier)))
            # Else a .keras file of the classifier would hold half an optimizer, and warn of it when it is loaded.
            classifier.optimizer.build(classifier.trainable_variables)
