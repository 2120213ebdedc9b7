"""Stages: the parts of a backbone in the order in which scans pass through them."""

from __future__ import annotations

from typing import Any

from timm.models import group_parameters


def parameter_stages(module: Any) -> tuple[tuple[str, ...], ...]:
    """Group the parameters of a timm module into its stages.

    timm itself says what a stage is: the stem, then a stage of a ResNet or a ConvNeXt, a block of a transformer. A last
    normalisation counts with the stage before it.

    Args:
        module: the timm module.

    Returns:
        For each stage the names of its parameters, from the input to the output.
    """
    if not hasattr(module, "group_matcher"):  # timm has not said; all of it is one stage
        return (tuple(name for name, parameter in module.named_parameters() if parameter.requires_grad),)
    groups = group_parameters(module, module.group_matcher(coarse=True), reverse=False)
    parameters = dict(module.named_parameters())
    stages: list[list[str]] = []
    for _, names in sorted(groups.items()):
        learning = [name for name in names if parameters[name].requires_grad]  # timm holds some still
        if not learning:
            continue
        if stages and all(parameters[name].ndim == 1 for name in learning):
            stages[-1] += learning
        else:
            stages.append(learning)
    return tuple(map(tuple, stages))


def undecayed_parameters(module: Any) -> frozenset[str]:
    """Name the parameters that weight decay leaves alone because the architecture says so.

    Args:
        module: the timm module.

    Returns:
        Names, such as that of the position embeddings.
    """
    named: set[str] = getattr(module, "no_weight_decay", set)()
    return frozenset(named)
