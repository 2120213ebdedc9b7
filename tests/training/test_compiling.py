"""Compiling: the head learns faster, decay leaves norms alone, and what the user has compiled stands."""

from __future__ import annotations

import numpy as np
import pytest

import octlib
from octlib.models.keras_backend import keras
from octlib.training.compiling import HEAD_FACTOR, ScaledAdamW, adamw, scaled_variables, undecayed_variables

both_modes = pytest.mark.parametrize("freeze", [True, False], ids=["frozen", "unfrozen"])


def steps_of(classifier, optimizer, scans):
    """Take one step; return how far each variable went, those of the head apart."""
    classifier.compile(optimizer, "sparse_categorical_crossentropy")
    before = [np.array(keras.ops.convert_to_numpy(variable)) for variable in classifier.trainable_variables]
    classifier.train_on_batch(scans.images(classifier.preprocessing), scans.labels)
    steps = [
        np.abs(keras.ops.convert_to_numpy(variable) - old).max()
        for variable, old in zip(classifier.trainable_variables, before, strict=True)
    ]
    own = [any(variable is other for other in classifier.head.variables) for variable in classifier.trainable_variables]
    return steps, own


@pytest.mark.parametrize("name", ["head", "last_layer"])
def test_the_first_step_of_the_head_is_larger(build, toy, name):
    classifier = build(False)
    classifier.head.name = name
    # Adam's first step is the rate itself, whatever the gradient.
    optimizer = adamw(1e-3, scaled=classifier.head.variables, factors=[HEAD_FACTOR] * 2)
    steps, own = steps_of(classifier, optimizer, toy(16))
    head = [step for step, is_own in zip(steps, own, strict=True) if is_own]
    backbone = [step for step, is_own in zip(steps, own, strict=True) if not is_own]
    assert head == pytest.approx([HEAD_FACTOR * 1e-3] * 2, rel=1e-2)
    assert len(backbone) > 20
    assert max(backbone) == pytest.approx(1e-3, rel=1e-2)


def test_it_survives_serialisation():
    optimizer = adamw(2e-3, scaled=[keras.Variable(1.0)], factors=[0.5])
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert type(again) is ScaledAdamW
    assert again.get_config() == optimizer.get_config()


def test_stages_learn_more_slowly_the_earlier_they_come(build, toy):
    classifier = build(False)
    scaled = scaled_variables(classifier, 0.5)
    steps, own = steps_of(classifier, adamw(1e-3, **scaled), toy(16))
    rates = dict(zip((id(variable) for variable in classifier.trainable_variables), steps, strict=True))
    parameters = classifier.backbone.parameters
    for place, stage in enumerate(reversed(classifier.backbone.stages)):
        moved = max(rates[id(parameters[name])] for name in stage)
        assert moved == pytest.approx(1e-3 * 0.5**place, rel=2e-2)  # and decay, at the same rate
    head = [step for step, is_own in zip(steps, own, strict=True) if is_own]
    factor = HEAD_FACTOR if classifier.backbone.pretrained else 1
    assert head == pytest.approx([factor * 1e-3] * 2, rel=1e-2)


def test_stages_at_rates_of_their_own_are_trained(build, toy):
    classifier = build(False)
    classifier.unfreeze(2)
    before = {name: value.copy() for name, value in classifier.backbone.state().items()}
    octlib.fit(classifier, toy(16), epochs=1, batch_size=8, layer_decay=0.5, progress=False)
    moved = {name for name, value in classifier.backbone.state().items() if not np.array_equal(value, before[name])}
    assert {name.split(".")[0] for name in moved} == {"layer3", "layer4"}
    with pytest.raises(ValueError, match=r"layer_decay must be in \(0, 1\], and 1 for a frozen backbone, got 0.5"):
        octlib.fit(build(True), toy(16), layer_decay=0.5, progress=False)
    with pytest.raises(ValueError, match=r"layer_decay must be in \(0, 1\], and 1 for a frozen backbone, got 1.5"):
        octlib.fit(build(False), toy(16), layer_decay=1.5, progress=False)


@pytest.mark.parametrize(("backbone", "named"), [("test_resnet", set()), ("test_vit", {"pos_embed", "cls_token"})])
def test_weight_decay_leaves_norms_biases_and_positions_alone(build, backbone, named):
    classifier = octlib.build_classifier(backbone, False, weights=None, image_size=64)
    exempt = {id(variable.value) for variable in undecayed_variables(classifier)}
    parameters = dict(classifier.backbone.module.module.named_parameters())
    expected = {name for name, parameter in parameters.items() if parameter.ndim < 2 or name in named}
    assert {name for name, parameter in parameters.items() if id(parameter) in exempt} == expected
    assert named < expected
    kernel, bias = classifier.head.variables
    assert [id(variable.value) in exempt for variable in (kernel, bias)] == [False, True]


def test_what_is_trained_does_not_decay_where_it_should_not(build, monkeypatch):
    """Without a gradient, decay alone moves a weight: it moves kernels, and nothing else."""
    classifier = build(False)
    for variable in classifier.head.variables:
        variable.assign(np.full(variable.shape, 0.5))
    before = [np.array(keras.ops.convert_to_numpy(variable)) for variable in classifier.trainable_variables]
    flat = octlib.load_oct_dataset((np.zeros((8, 32, 32), np.uint8), ["CNV", "DME", "DRUSEN", "NORMAL"] * 2))
    monkeypatch.setattr(keras.losses, "categorical_crossentropy", lambda _, logits, **__: 0 * logits.sum(-1))
    scheduler = keras.callbacks.LearningRateScheduler(lambda _: 0.1)
    octlib.fit(classifier, flat, epochs=3, augment=False, callbacks=[scheduler], progress=False)
    for variable, old in zip(classifier.trainable_variables, before, strict=True):
        moved = np.abs(keras.ops.convert_to_numpy(variable) - old).max() > 1e-5 * np.abs(old).max()
        assert moved == (len(variable.shape) > 1), variable.path


@both_modes
@pytest.mark.parametrize("stops", [False, True])
def test_what_the_user_compiled_stands(build, toy, freeze, stops):
    classifier, scans = build(freeze), toy(16)
    optimizer, loss = keras.optimizers.SGD(0.125), keras.losses.CategoricalCrossentropy(label_smoothing=0.3)
    classifier.compile(optimizer, loss, metrics=["mse"])
    images, targets = scans.images(classifier.preprocessing), np.eye(4)[scans.labels]
    classifier.fit(images, targets, verbose=0)
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(type(self.model.optimizer).__name__)
            if stops:
                raise KeyboardInterrupt

    if stops:
        with pytest.raises(KeyboardInterrupt):
            octlib.fit(classifier, scans, epochs=1, callbacks=[Watch()], progress=False)
    else:
        octlib.fit(classifier, scans, epochs=1, callbacks=[Watch()], progress=False)
    assert "SGD" not in seen
    assert classifier.optimizer is optimizer
    assert classifier.loss is loss
    assert int(optimizer.iterations.value) == 1
    assert set(classifier.evaluate(images, targets, verbose=0, return_dict=True)) == {"loss", "mse"}
    classifier.fit(images, targets, verbose=0)
    assert int(optimizer.iterations.value) == 2


def test_a_classifier_that_nobody_compiled_evaluates_and_trains(build, toy):
    classifier, scans = build(), toy(8)
    octlib.fit(classifier, scans, epochs=1, learning_rate=0.002, progress=False)
    assert float(classifier.optimizer.learning_rate) == pytest.approx(0.002)
    images = scans.images(classifier.preprocessing)
    probabilities = classifier.predict(images, verbose=0)
    metrics = classifier.evaluate(images, scans.labels, verbose=0, return_dict=True)
    expected = -np.log(probabilities[np.arange(8), scans.labels]).mean()
    assert metrics["loss"] == pytest.approx(expected, rel=1e-4)
    assert metrics["accuracy"] == pytest.approx((probabilities.argmax(1) == scans.labels).mean())
    # Unfrozen since, octlib's own optimizer knows the backbone too.
    classifier.unfreeze()
    octlib.fit(classifier, scans, epochs=1, learning_rate=1e-4, progress=False)
    assert float(classifier.optimizer.learning_rate) == pytest.approx(1e-4)
    classifier.fit(images, scans.labels, verbose=0)
