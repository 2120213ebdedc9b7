"""Network graph: what torch.export finds a module to be, as plain data."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from octlib.models.keras_backend import keras

RESHAPES = ("aten.view.default", "aten._unsafe_view.default", "aten.reshape.default", "aten.view_copy.default")
PLACES = ("device", "layout", "memory_format", "pin_memory")  # arguments that change no value


@dataclass(frozen=True)
class Ref:
    """Stands for the result of a node among the arguments of a later one."""

    name: str


@dataclass(frozen=True)
class Node:
    """One operation.

    Attributes:
        name: of its result.
        operator: torch's name, such as ``"aten.linear.default"``.
        args: plain values, lists of them, and ``Ref``.
        kwargs: the same, by name.
    """

    name: str
    operator: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


@dataclass(frozen=True)
class Graph:
    """A network: operations in the order in which they can be carried out.

    Attributes:
        nodes: the operations.
        weights: for each name in the graph the key of the state dict that it stands for.
        constants: for each name in the graph an array that belongs to the architecture and is in no state dict.
        input: name of the scans.
        output: name of the result.
    """

    nodes: tuple[Node, ...]
    weights: Mapping[str, str]
    constants: Mapping[str, Any]
    input: str
    output: str

    @property
    def operators(self) -> set[str]:
        """Names of the operators that it takes."""
        return {node.operator for node in self.nodes}

    def run(self, inputs: Any, weights: Mapping[str, Any], operators: Mapping[str, Callable[..., Any]]) -> Any:
        """Carry it out.

        Args:
            inputs: the scans.
            weights: key of the state dict to tensor.
            operators: torch's name to a function.

        Returns:
            What the module gives.
        """
        values: dict[str, Any] = {name: weights[key] for name, key in self.weights.items()}
        values[self.input] = inputs
        for name, value in self.constants.items():
            values[name] = keras.ops.convert_to_tensor(value) if isinstance(value, np.ndarray) else value
        for node in self.nodes:
            args, kwargs = _filled(node.args, values), _filled(node.kwargs, values)
            values[node.name] = operators[node.operator](*args, **kwargs)
        return values[self.output]


def _filled(content: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(content, Ref):
        return values[content.name]
    if isinstance(content, tuple | list):
        return [_filled(each, values) for each in content]
    if isinstance(content, Mapping):
        return {name: _filled(each, values) for name, each in content.items()}
    return content


def trace(module: torch.nn.Module, shape: tuple[int, ...]) -> tuple[Graph, tuple[int, ...]]:
    """Trace a module, with a batch of any length.

    Nothing is decomposed that torch has an operator for: a linear layer stays one, and attention too. What depends on
    neither scans nor weights is computed here, once.

    Args:
        module: in evaluation mode; it is left as it was.
        shape: of one input, without the batch.

    Returns:
        The graph, and the shape of one output.

    Raises:
        RuntimeError: if torch can't trace it.
    """
    # Two scans: a batch of one would be taken for a size that never changes.
    example, sizes = torch.zeros(2, *shape), ({0: torch.export.Dim("batch")},)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # meant for who exports by hand
        program = torch.export.export(module, (example,), dynamic_shapes=sizes, strict=False).run_decompositions({})
    signature = program.graph_signature
    keys = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
    weights = {name: key for name, key in keys.items() if key in program.state_dict}
    others = {name: key for name, key in keys.items() if name not in weights}
    others |= signature.inputs_to_lifted_tensor_constants
    held = {**program.constants, **dict(module.named_buffers())}
    constants = {name: held[key].detach().cpu() for name, key in others.items()}
    (output,) = (node for node in program.graph.nodes if node.op == "output")
    (result,) = output.args[0]
    nodes = _folded(program.graph, constants)
    used = _needed(nodes, result.name)
    graph = Graph(
        nodes=tuple(node for node in nodes if node.name in used),
        weights={name: key for name, key in weights.items() if name in used},
        constants={name: _as_array(value) for name, value in constants.items() if name in used},
        input=signature.user_inputs[0],
        output=result.name,
    )
    return graph, tuple(result.meta["val"].shape[1:])


def _folded(graph: torch.fx.Graph, constants: dict[str, Any]) -> list[Node]:
    """List the operations, but for those on constants alone: their results become constants."""
    nodes = []
    for node in graph.nodes:
        if node.op != "call_function":
            continue
        if all(each.name in constants for each in node.all_input_nodes):
            look_up = {each: constants[each.name] for each in node.all_input_nodes}
            args, kwargs = torch.fx.map_arg((node.args, node.kwargs), look_up.__getitem__)
            constants[node.name] = node.target(*args, **kwargs)
        else:
            name = str(node.target) if hasattr(node.target, "overloadpacket") else f"operator.{node.target.__name__}"
            nodes.append(Node(node.name, name, _plain(_settled(node)), _plain(node.kwargs)))
    return nodes


def _needed(nodes: list[Node], result: str) -> set[str]:
    """Return the names of all that a result depends on."""
    needed = {result}
    for node in reversed(nodes):
        if node.name in needed:
            needed |= set(_names((node.args, node.kwargs)))
    return needed


def _names(content: Any) -> Iterator[str]:
    if isinstance(content, Ref):
        yield content.name
    elif isinstance(content, tuple | Mapping):
        for each in content.values() if isinstance(content, Mapping) else content:
            yield from _names(each)


def _as_array(value: Any) -> Any:
    return value.numpy() if isinstance(value, torch.Tensor) else value


def _settled(node: Any) -> Any:
    """Write the lengths that a reshape leaves open and torch has found out: one may be open, and the batch's may be."""
    if str(node.target) not in RESHAPES:
        return node.args
    values, shape = node.args
    found = node.meta["val"].shape
    lengths: Any = zip(shape, found, strict=True)
    return values, [known if length == -1 and isinstance(known, int) else length for length, known in lengths]


def _plain(content: Any) -> Any:
    """Turn what torch writes into plain data."""
    if isinstance(content, torch.fx.Node):
        return Ref(content.name)
    if isinstance(content, tuple | list):
        return tuple(map(_plain, content))
    if isinstance(content, Mapping):
        # Where a result lies and how is the backend's business.
        return {name: _plain(each) for name, each in content.items() if name not in PLACES}
    if isinstance(content, torch.dtype):
        return str(content).removeprefix("torch.")
    return content
