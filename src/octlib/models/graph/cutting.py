"""Cutting: a network in two, before the first weight that learns."""

from __future__ import annotations

from collections.abc import Collection

from octlib.models.graph.network import Graph, Node, graph_of, names_in

LENGTH = "aten.sym_size.int"


def cut(graph: Graph, learning: Collection[str]) -> tuple[Graph, Graph] | None:
    """Cut a network into what is computed without any of the weights that learn, and the rest.

    What depends on weights alone belongs to the rest, where it is needed: it is the same for every scan. So does what
    counts the scans of a batch: the rest counts them in its first input, whose values it ignores.

    Args:
        graph: with one input and one output.
        learning: keys of the state dict.

    Returns:
        The part that stays as it is, from scans to values between; and the part that learns, from anything as long as
        the batch and these values to the output. ``None`` if a weight that learns meets the scans themselves, or none
        meets any values.
    """
    (scans,) = graph.inputs
    seeing, changing = {scans}, {name for name, key in graph.weights.items() if key in learning}
    counting: set[str] = set()
    for node in graph.nodes:
        taken = set(names_in(node))
        if node.operator == LENGTH or (_is_scalar(node) and taken <= counting):
            counting.add(node.name)
        elif taken & seeing:
            seeing.add(node.name)
        if taken & changing:
            changing.add(node.name)
    kept = seeing - changing
    later = [node for node in graph.nodes if node.name not in kept]
    taken_later = {name for node in _needed(later, graph) if node.operator != LENGTH for name in names_in(node)}
    if scans in taken_later or not taken_later & kept:
        return None
    between, derived = [], set()
    at_hand = {*graph.constants, *counting}
    for node in graph.nodes:
        if node.name not in kept:
            continue
        if set(names_in(node)) <= at_hand:  # what follows without a weight, such as a pooling, needn't be kept
            derived.add(node.name)
        elif node.name in taken_later:
            between.append(node.name)
        else:
            continue
        at_hand.add(node.name)
    rest = [node for node in graph.nodes if node.name not in kept or node.name in derived]
    return (
        graph_of(graph.nodes, graph.weights, graph.constants, inputs=graph.inputs, outputs=tuple(between)),
        graph_of(rest, graph.weights, graph.constants, inputs=(scans, *between), outputs=graph.outputs),
    )


def _needed(nodes: list[Node], graph: Graph) -> tuple[Node, ...]:
    return graph_of(nodes, graph.weights, graph.constants, inputs=(), outputs=graph.outputs).nodes


def _is_scalar(node: Node) -> bool:
    """Tell whether an operation is on Python's numbers, as lengths are."""
    return node.operator.startswith("operator.") and node.operator != "operator.getitem"
