"""Compiling: the optimizer of a training, and what the user has compiled, which stands afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from octlib.models import OctClassifier
from octlib.models.keras_backend import keras

WEIGHT_DECAY = 1e-2
HEAD_FACTOR = 6.0
NAME = "octlib_adamw"  # of every optimizer of octlib's; one of another name is the user's


@keras.saving.register_keras_serializable("octlib")
class ScaledAdamW(keras.optimizers.Adam):
    """AdamW some of whose variables learn faster or more slowly than the others; the latter decay more slowly too.

    Which ones is not saved with the optimizer. Keras's own AdamW decays all variables at one rate.
    """

    _factors: Mapping[Any, float] = MappingProxyType({})
    _undecayed: frozenset[Any] = frozenset()

    def scale(self, variables: Sequence[Any], factors: Sequence[float], undecayed: Sequence[Any]) -> None:
        """Say which variables learn at which multiple of the learning rate, and which don't decay."""
        # By Keras's own key: on TensorFlow, what comes to update_step is not Keras's variable but what it wraps.
        self._factors = dict(zip(map(self._var_key, variables), factors, strict=True))
        self._undecayed = frozenset(map(self._var_key, undecayed))

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable.

        Args:
            gradient: of the loss.
            variable: what is updated.
            learning_rate: of those that aren't scaled.
        """
        key = self._var_key(variable)
        factor = self._factors.get(key, 1.0)
        if key not in self._undecayed:
            decay = WEIGHT_DECAY * learning_rate * min(factor, 1.0)
            self.assign_sub(variable, variable * keras.ops.cast(decay, variable.dtype))
        super().update_step(gradient, variable, learning_rate * factor)


def adamw(
    learning_rate: Any, *, undecayed: Sequence[Any] = (), scaled: Sequence[Any] = (), factors: Sequence[float] = ()
) -> Any:
    """Make an AdamW.

    Args:
        learning_rate: a number, or a schedule of Keras's.
        undecayed: variables whose size says nothing of how complex a network is, so that it is left alone.
        scaled: variables that learn at a rate of their own.
        factors: of each of these, by which its rate is multiplied.

    Returns:
        The optimizer, to be built.
    """
    if scaled:
        optimizer = ScaledAdamW(learning_rate, name=NAME)
        optimizer.scale(scaled, factors, undecayed)
        return optimizer
    optimizer = keras.optimizers.AdamW(learning_rate, weight_decay=WEIGHT_DECAY, name=NAME)
    optimizer.exclude_from_weight_decay(var_list=list(undecayed))
    return optimizer


def scaled_variables(classifier: OctClassifier, layer_decay: float) -> dict[str, Sequence[Any]]:
    """List the variables of a classifier that learn at rates of their own, as ``adamw`` takes them.

    The head of a backbone that has learned before learns ``HEAD_FACTOR`` times as fast. Each stage learns
    ``layer_decay`` times as fast as the one after it (Clark et al. 2020, "ELECTRA", appendix A; Bao et al. 2022,
    "BEiT", section 3).

    Args:
        classifier: whose.
        layer_decay: in (0, 1].

    Returns:
        ``scaled`` and ``factors``.
    """
    found: list[tuple[Any, float]] = []
    # Where the backbone starts from nothing too, nothing speaks for a rate of its own.
    if classifier.backbone.pretrained:
        found += [(variable, HEAD_FACTOR) for variable in classifier.head.variables]
    if layer_decay < 1:
        parameters = classifier.backbone.parameters
        found += [(parameters[name], layer_decay**place) for name, place in classifier.backbone.places.items()]
    return {"scaled": [variable for variable, _ in found], "factors": [factor for _, factor in found]}


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
