"""Methods: one contract for all of them, found by introspection; a toy method shows that one entry is enough."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import octlib
from octlib.explanation import METHODS

NO_TARGET = {"eigencam"}  # the same for every class, by design


def gradient(module, scans, classes, layer):
    """The toy: how much the score of a class changes with each pixel."""
    with torch.enable_grad():
        scans = scans.clone().requires_grad_()
        scores = module(scans)[torch.arange(len(scans)), torch.as_tensor(classes)]
        (slopes,) = torch.autograd.grad(scores.sum(), scans)
    sizes = slopes.abs().squeeze(1)
    return (sizes / sizes.amax(dim=(1, 2), keepdim=True)).numpy()


@pytest.fixture(params=[*METHODS, "toy"])
def method(request, monkeypatch):
    monkeypatch.setitem(METHODS, "toy", gradient)
    return request.param


@pytest.fixture(params=[("test_convnext", 64), ("test_vit", 160)], ids=lambda each: each[0])
def classifier(request, build):
    return build(*request.param)


def noise(classifier, n):
    return np.random.default_rng(0).integers(0, 256, (n, *classifier.image_size), dtype=np.uint8)


def test_maps_have_the_shape_and_range_and_the_target_matters(classifier, method, capsys):
    images = np.repeat(noise(classifier, 1), 4, axis=0)
    module = classifier.to_torch().requires_grad_(False)
    maps = METHODS[method](module, torch.from_numpy(images).float().unsqueeze(1), np.arange(4), None)
    assert maps.shape == images.shape
    assert maps.dtype == np.float32
    assert maps.min() >= 0
    assert maps.max() <= 1
    assert np.ptp(maps, axis=(1, 2)).max() > 0.5
    assert bool(np.abs(maps[0] - maps[1:]).max() > 1e-3) is (method not in NO_TARGET)
    assert capsys.readouterr() == ("", "")


def state(module):
    """Everything about a module that a method could leave behind."""
    return (
        {name: value.numpy().tobytes() for name, value in module.state_dict().items()},
        [(name, part.training, type(part)) for name, part in module.named_modules()],
        {name: (value.requires_grad, value.grad is None) for name, value in module.named_parameters()},
        sum(len(part._forward_hooks) + len(part._backward_hooks) for part in module.modules()),
    )


def test_the_module_is_left_as_it_was(classifier, method):
    module = classifier.to_torch().requires_grad_(False)
    scans = torch.from_numpy(noise(classifier, 2)).float().unsqueeze(1)
    before = state(module), scans.clone(), scans.requires_grad
    METHODS[method](module, scans, np.array([0, 1]), None)
    assert state(module) == before[0]
    assert torch.equal(scans, before[1])
    assert scans.requires_grad is before[2]


@pytest.mark.filterwarnings("ignore::octlib.errors.ConstantMapWarning")
def test_explain_takes_it_and_the_classifier_stays_as_it_was(classifier, method):
    module = classifier.backbone.module
    for place, parameter in enumerate(module.parameters()):
        parameter.grad = torch.full_like(parameter, 0.5) if place % 3 == 0 else None
    before = state(module)
    explanation = octlib.explain(classifier, noise(classifier, 2), method=method, target="DME")
    assert state(module) == before
    assert explanation.method == method
    assert explanation.heatmaps.shape == (2, *classifier.image_size)


def test_a_method_that_fails_leaves_the_classifier_as_it_was(classifier, monkeypatch):
    def broken(module, scans, classes, layer):
        gradient(module.train(), scans, classes, layer)
        raise ArithmeticError("planted")

    monkeypatch.setitem(METHODS, "broken", broken)
    before = state(classifier.backbone.module)
    with pytest.raises(ArithmeticError, match="planted"):
        octlib.explain(classifier, noise(classifier, 2), method="broken")
    assert state(classifier.backbone.module) == before
