"""Methods: one contract for all of them, found by introspection; a toy method shows that one entry is enough."""

from __future__ import annotations

import dataclasses
import functools
import sys

import numpy as np
import pytest
import torch

import octlib
from octlib.errors import MissingPackageError
from octlib.explanation import METHODS, occlusion
from octlib.explanation.integrated_gradients import IntegratedGradients
from octlib.explanation.occlusion import Occlusion
from octlib.explanation.torchcams import TorchcamMethod

SIZE = 96  # of scans: maps of 3 x 3 cells and more
NO_TARGET = {"eigencam", "kpcacam", "fem"}  # the same for every class, by design
# Signs are nobody's (of a component) or left out (of slopes), so that these can't tell a class from its contrary.
NO_DIRECTION = {"eigengradcam", "toy"}
FAMILIES = ("test_resnet", "test_efficientnet", "test_convnext", "test_vit", "small_swin", ["test_resnet", "test_vit"])


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
    """Give the name of a method, which looks at few changed scans where it looks at many."""
    monkeypatch.setitem(METHODS, "toy", gradient)
    if isinstance(METHODS[request.param], TorchcamMethod | Occlusion | IntegratedGradients):
        pytest.importorskip("captum", reason="needs octlib[explain]")
    if isinstance(METHODS[request.param], TorchcamMethod):
        monkeypatch.setitem(METHODS, request.param, dataclasses.replace(METHODS[request.param], samples=1))
    monkeypatch.setattr(occlusion, "PATCHES", 4)
    if isinstance(METHODS[request.param], IntegratedGradients):
        monkeypatch.setitem(METHODS, request.param, IntegratedGradients(steps=4))
    return request.param


@pytest.fixture(scope="module")
def families(build):
    """Give a function that builds a classifier of a family once; its logits lie apart, as those of trained ones do."""

    @functools.cache
    def make(*names, freeze=True):
        classifier = build(list(names) if len(names) > 1 else names[0], SIZE, freeze=freeze)
        kernel, bias = classifier.head.get_weights()
        classifier.head.set_weights([100 * kernel, bias])
        return classifier

    return make


@pytest.fixture(params=FAMILIES, ids=str)
def names(request):
    """Give the backbone of a family, or two."""
    return [request.param] if isinstance(request.param, str) else request.param


@pytest.fixture
def any_classifier(names, families):
    """Give a frozen classifier of any family, or with two backbones."""
    return families(*names)


@pytest.fixture(params=FAMILIES[:-1], ids=str)
def classifier(request, families):
    """Give a classifier with one backbone."""
    return families(request.param)


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


def modules_of(classifier):
    return [member.module for member in getattr(classifier.backbone, "members", [classifier.backbone])]


def test_the_module_is_left_as_it_was(classifier, method):
    module = classifier.to_torch().requires_grad_(False)
    scans = torch.from_numpy(noise(classifier, 2)).float().unsqueeze(1)
    before = state(module), scans.clone(), scans.requires_grad
    METHODS[method](module, scans, np.array([0, 1]), None)
    assert state(module) == before[0]
    assert torch.equal(scans, before[1])
    assert scans.requires_grad is before[2]


@pytest.mark.filterwarnings("ignore::octlib.errors.ConstantMapWarning")
def test_explain_takes_it_and_the_classifier_stays_as_it_was(any_classifier, method):
    """Also for two classes told apart, one way and the other: another question, if the method heeds classes at all."""
    modules = modules_of(any_classifier)
    for place, parameter in enumerate(parameter for module in modules for parameter in module.parameters()):
        parameter.grad = torch.full_like(parameter, 0.5) if place % 3 == 0 else None
    before, scans = [state(module) for module in modules], noise(any_classifier, 2)
    one, other = "DME", ["CNV", "NORMAL"]
    there = octlib.explain(any_classifier, scans, method=method, target=one, against=other)
    back = octlib.explain(any_classifier, scans, method=method, target=other, against=one)
    assert [state(module) for module in modules] == before
    assert (there.method, there.against, back.targets) == (method, ("CNV", "NORMAL"), ("CNV", "NORMAL"))
    assert there.heatmaps.shape == back.heatmaps.shape == (2, *any_classifier.image_size)
    if len(modules) == 1:  # the shares of several heed classes, whatever the method does
        # Beyond rounding: of a network at random, what speaks for one class lies much where the other's lies.
        assert bool(np.abs(there.heatmaps - back.heatmaps).max() > 1e-4) is (method not in NO_TARGET | NO_DIRECTION)


@pytest.mark.filterwarnings("ignore::octlib.errors.ConstantMapWarning")
def test_whether_a_backbone_is_frozen_changes_nothing(names, families, method):
    """Of the same weights maps are the same; one that learns goes on as it was, and some class gives it a map."""
    frozen, unfrozen = families(*names), families(*names, freeze=False)
    scans, targets = np.repeat(noise(frozen, 1), 2, axis=0), ["CNV", "NORMAL"]
    before = [state(module) for module in modules_of(unfrozen)]
    maps = octlib.explain(unfrozen, scans, method=method, target=targets).heatmaps
    assert [state(module) for module in modules_of(unfrozen)] == before
    assert np.ptp(maps, axis=(1, 2)).max() > 0.5
    np.testing.assert_array_equal(maps, octlib.explain(frozen, scans, method=method, target=targets).heatmaps)


def test_a_method_that_fails_leaves_the_classifier_as_it_was(classifier, monkeypatch):
    def broken(module, scans, classes, layer):
        gradient(module.train(), scans, classes, layer)
        raise ArithmeticError("planted")

    monkeypatch.setitem(METHODS, "broken", broken)
    before = state(classifier.backbone.module)
    with pytest.raises(ArithmeticError, match="planted"):
        octlib.explain(classifier, noise(classifier, 2), method="broken")
    assert state(classifier.backbone.module) == before


class Corner(torch.nn.Module):
    """Says how bright the upper right quarter of a scan is: the first class for bright, the second one for dark."""

    def forward(self, scans):
        bright = scans[:, 0, : scans.shape[2] // 2, scans.shape[3] // 2 :].mean((1, 2))
        return torch.stack([bright, -bright], dim=1)


@pytest.mark.parametrize(("method", "beside"), [("occlusion", 8), ("integrated_gradients", 0)])
def test_what_is_not_looked_at_stays_dark(method, beside):
    """Fluid is dark in OCT: for what is dark, darkness speaks."""
    pytest.importorskip("captum", reason="needs octlib[explain]")
    scans = torch.full((2, 1, 64, 64), 100.0)
    scans[0, 0, 8:16, 40:48] = scans[0, 0, 48:56, 8:16] = 200  # a bright spot there, and one elsewhere
    scans[1, 0, 8:16, 40:48] = scans[1, 0, 48:56, 8:16] = 0
    for image, heat in enumerate(METHODS[method](Corner(), scans, np.array([0, 1]), None)):
        assert heat[10:14, 42:46].min() > 0.5, image
        assert heat[32 + beside :].max() == heat[:, : 32 - beside].max() == 0, image


@pytest.mark.parametrize("method", ["occlusion", "integrated_gradients"])
def test_methods_of_the_scan_take_no_layer(families, method):
    classifier = families("test_resnet")
    with pytest.raises(ValueError, match=f"{method} looks at the scan itself .* got 'layer4'. Leave layer out"):
        octlib.explain(classifier, noise(classifier, 1), method=method, layer="layer4")


@pytest.mark.parametrize(
    ("method", "package", "module"),
    [("sscam", "torchcam", "torchcam.methods"), ("occlusion", "captum", "captum.attr"),
     ("integrated_gradients", "captum", "captum.attr")],
)  # fmt: skip
def test_missing_packages_are_named(families, monkeypatch, method, package, module):
    classifier = families("test_resnet")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(
        MissingPackageError, match=rf"needs {package}, not installed here. Run: pip .*octlib\[explain\]"
    ):
        octlib.explain(classifier, noise(classifier, 1), method=method)


def test_noise_of_a_method_is_the_same_every_time_and_nobody_elses(families):
    pytest.importorskip("torchcam", reason="needs octlib[explain]")
    classifier = families("test_resnet")
    scans = noise(classifier, 3)
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    module = classifier.to_torch().requires_grad_(False)
    torch.manual_seed(1)
    tensor, classes = torch.from_numpy(scans).float().unsqueeze(1), np.array([0, 1, 2])
    whole = METHODS["smoothgradcam++"](module, tensor, classes, None)
    assert torch.equal(torch.rand(3), expected)
    alone = METHODS["smoothgradcam++"](module, tensor[2:], classes[2:], None)
    np.testing.assert_allclose(whole[2:], alone, atol=1e-5)


@pytest.mark.parametrize("method", ["gradcam", "shapleycam", "smoothgradcam++", "scorecam", "ablationcam"])
@pytest.mark.parametrize(("name", "layer"), [("test_resnet", "layer3"), ("test_vit", "blocks.3")])
def test_layers_by_name_take_every_method_of_layers(families, method, name, layer):
    """A layer in the architecture's own layout gives a map too, and not that of the last one."""
    classifier = families(name)
    if method == "smoothgradcam++":
        pytest.importorskip("torchcam", reason="needs octlib[explain]")
    module = classifier.to_torch().requires_grad_(False)
    tensor = torch.from_numpy(noise(classifier, 4)).float().unsqueeze(1)
    found = METHODS[method](module, tensor, np.arange(4), layer)
    assert found.shape == (4, SIZE, SIZE)
    assert np.ptp(found, axis=(1, 2)).max() > 0.5
    assert np.abs(found - METHODS[method](module, tensor, np.arange(4), None)).max() > 0.01
