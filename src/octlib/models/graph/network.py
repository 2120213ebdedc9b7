"""Network graph: what torch.export finds a module to be, as plain data."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
        inputs: names of what comes in; a whole network has one, the scans.
        outputs: names of what comes out; a whole network has one, the features.
    """

    nodes: tuple[Node, ...]
    weights: Mapping[str, str]
    constants: Mapping[str, Any]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @property
    def operators(self) -> set[str]:
        """Names of the operators that it takes."""
        return {node.operator for node in self.nodes}

    def run(
        self, inputs: Sequence[Any], weights: Mapping[str, Any], operators: Mapping[str, Callable[..., Any]]
    ) -> list[Any]:
        """Carry it out.

        Args:
            inputs: in the order of their names.
            weights: key of the state dict to tensor.
            operators: torch's name to a function.

        Returns:
            What comes out, in the order of the names.
        """
        values: dict[str, Any] = {name: weights[key] for name, key in self.weights.items()}
        values.update(zip(self.inputs, inputs, strict=True))
        for name, value in self.constants.items():
            values[name] = keras.ops.convert_to_tensor(value) if isinstance(value, np.ndarray) else value
        for node in self.nodes:
            args, kwargs = _filled(node.args, values), _filled(node.kwargs, values)
            values[node.name] = operators[node.operator](*args, **kwargs)
        return [values[name] for name in self.outputs]


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
    arrays = {name: _as_array(value) for name, value in constants.items()}
    graph = graph_of(nodes, weights, arrays, inputs=tuple(signature.user_inputs), outputs=(result.name,))
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


def graph_of(
    nodes: Sequence[Node],
    weights: Mapping[str, str],
    constants: Mapping[str, Any],
    *,
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
) -> Graph:
    """Make a graph of what its outputs depend on, and leave out all else.

    Args:
        nodes: operations, in the order in which they can be carried out.
        weights: as a graph has them.
        constants: as a graph has them.
        inputs: names.
        outputs: names.
    """
    needed = set(outputs)
    for node in reversed(nodes):
        if node.name in needed:
            needed |= set(names_in(node))
    needed -= set(inputs)
    return Graph(
        nodes=tuple(node for node in nodes if node.name in needed),
        weights={name: key for name, key in weights.items() if name in needed},
        constants={name: value for name, value in constants.items() if name in needed},
        inputs=inputs,
        outputs=outputs,
    )


def names_in(node: Node) -> Iterable[str]:
    """Name what an operation takes."""
    return _names((node.args, node.kwargs))


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
