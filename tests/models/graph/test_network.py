"""Network graph: a module of torch as plain data, and what comes out when Keras carries it out."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import timm
import torch
from torch import nn

from octlib.models.graph.network import Graph, Node, Ref, trace
from octlib.models.graph.operators import OPERATORS
from octlib.models.keras_backend import keras

ARCHITECTURES = ["test_resnet", "test_vit", "test_convnext", "test_efficientnet", "test_byobnet", "test_mambaout"]


def drawn(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def carried_out(graph: Graph, module: nn.Module, inputs: torch.Tensor) -> np.ndarray:
    weights = {name: keras.ops.convert_to_tensor(value.numpy()) for name, value in module.state_dict().items()}
    return keras.ops.convert_to_numpy(graph.run([keras.ops.convert_to_tensor(inputs.numpy())], weights, OPERATORS)[0])


def compare(module: nn.Module, inputs: torch.Tensor, graph: Graph) -> None:
    with torch.inference_mode():
        wanted = module(inputs).numpy()
    np.testing.assert_allclose(carried_out(graph, module, inputs), wanted, rtol=1e-4, atol=1e-4 * np.abs(wanted).max())


class Planted(nn.Module):
    """Something that constants, dead ends and lengths of a batch come up in."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(drawn(4))
        self.unused = nn.Parameter(drawn(4))
        self.register_buffer("own", drawn(4), persistent=False)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        torch.sin(values * self.unused)  # nobody takes it
        ramp = torch.arange(4).float() / 4 + torch.eye(4).sum(0)
        batch, rows, columns = values.shape
        joined = (values * self.weight + ramp - self.own).view(batch, -1, 2)
        return joined.reshape(batch, rows, columns)[:, torch.tensor([1, 0])]


@pytest.fixture(scope="module")
def planted() -> tuple[Planted, Graph]:
    module = Planted().eval()
    graph, shape = trace(module, (3, 4))
    assert shape == (2, 4)
    return module, graph


@pytest.mark.parametrize("batch", [1, 2, 7])
def test_a_batch_may_have_any_length(planted: Any, batch: int) -> None:
    module, graph = planted
    compare(module, drawn(batch, 3, 4), graph)


def test_what_depends_on_neither_scans_nor_weights_is_computed_once(planted: Any) -> None:
    _, graph = planted
    packets = {name.split(".")[1] for name in graph.operators}
    assert not packets & {"arange", "eye", "div", "sum", "_to_copy", "lift_fresh_copy"}
    ramp = np.arange(4) / 4 + 1
    assert any(np.shape(value) == (4,) and np.allclose(value, ramp) for value in graph.constants.values())


def test_what_nobody_takes_is_left_out(planted: Any) -> None:
    _, graph = planted
    assert "aten.sin.default" not in graph.operators
    assert set(graph.weights.values()) == {"weight"}
    used = {*graph.outputs}
    for node in reversed(graph.nodes):
        assert node.name in used
        used |= {each.name for each in references((node.args, node.kwargs))}
    assert used == {node.name for node in graph.nodes} | {*graph.inputs, *graph.weights, *graph.constants}


def references(content: Any) -> list[Ref]:
    if isinstance(content, dict):
        content = tuple(content.values())
    if isinstance(content, tuple):
        return [ref for each in content for ref in references(each)]
    return [content] if isinstance(content, Ref) else []


def test_what_a_reshape_leaves_open_is_settled_but_for_the_batch() -> None:
    # TensorFlow knows the length of a batch in training as little as torch does, and one length alone may be open.
    class Reshapes(torch.nn.Module):
        def forward(self, values: torch.Tensor) -> torch.Tensor:
            return values.reshape(values.shape[0], -1, 4).flatten(1).view(-1, 8, 3)

    graph, shape = trace(Reshapes(), (4, 6))
    shapes = [node.args[1] for node in graph.nodes if "reshape" in node.operator or "view" in node.operator]
    assert shape == (8, 3)
    assert len(shapes) == 3
    for lengths in shapes:
        assert sum(not isinstance(length, int) or length == -1 for length in lengths) == 1


def test_a_graph_is_plain_data(planted: Any) -> None:
    _, graph = planted

    def plain(content: Any) -> Any:
        return f"-> {content.name}" if isinstance(content, Ref) else f"not plain: {content!r}"

    text = json.dumps([(node.name, node.operator, node.args, node.kwargs) for node in graph.nodes], default=plain)
    assert "not plain" not in text
    assert all(isinstance(value, np.ndarray | int | float) for value in graph.constants.values())


def test_tracing_leaves_a_module_and_the_random_state_alone() -> None:
    module = timm.create_model("test_resnet", num_classes=0).eval()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    random = torch.get_rng_state()
    trace(module, (3, 64, 64))
    assert torch.equal(torch.get_rng_state(), random)
    assert not any(part.training for part in module.modules())
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert all(parameter.requires_grad for parameter in module.parameters())


@pytest.mark.parametrize("architecture", [name for name in ARCHITECTURES if timm.is_model(name)])
def test_a_network_gives_what_timm_gives(architecture: str, learned: Callable[[Any], Any]) -> None:
    torch.manual_seed(0)
    module = learned(
        timm.create_model(architecture, num_classes=0, img_size=64)
        if "vit" in architecture
        else timm.create_model(architecture, num_classes=0)
    ).eval()
    graph, shape = trace(module, (3, 64, 64))
    assert graph.operators <= set(OPERATORS)
    assert shape == (module.num_features if not hasattr(module, "head_hidden_size") else module.head_hidden_size,)
    for batch in (1, 3):
        compare(module, drawn(batch, 3, 64, 64) - 0.5, graph)


def test_layers_and_attention_stay_whole() -> None:
    module = timm.create_model("test_vit", num_classes=0, img_size=64).eval()
    graph, _ = trace(module, (3, 64, 64))
    packets = {name.split(".")[1] for name in graph.operators}
    assert packets >= {"linear", "layer_norm", "scaled_dot_product_attention"}
    assert not packets & {"addmm", "mm", "native_layer_norm"}


def test_nested_arguments_are_filled_in() -> None:
    nodes = (
        Node("pair", "both", ((Ref("scans"), Ref("w")),), {"more": [Ref("c")]}),
        Node("last", "first", (Ref("pair"),), {}),
    )
    graph = Graph(nodes, {"w": "bias"}, {"c": 3}, ("scans",), ("last",))
    functions: dict[str, Any] = {"both": lambda given, more: (given, more), "first": lambda pair: pair}
    assert graph.run([1], {"bias": 2}, functions) == [([1, 2], [3])]


def test_what_torch_cannot_trace_is_an_error() -> None:
    class Deciding(nn.Module):
        def forward(self, values: torch.Tensor) -> torch.Tensor:
            return values if values.sum() > 0 else -values

    with pytest.raises(RuntimeError):
        trace(Deciding(), (3,))
