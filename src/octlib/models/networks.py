"""Networks: timm modules without a head, built from a specification."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import timm
import torch

from octlib.errors import WeightsError
from octlib.models.checkpoints import read_checkpoint
from octlib.models.lora import adapt
from octlib.models.spec import BackboneSpec
from octlib.models.weights import load_weights

NORM_OF_MEAN, NORM_OF_MAP = "fc_norm.weight", "norm.weight"  # of a vision transformer
# What timm raises where arguments don't fit an architecture, or each other.
MISFITS = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


def random_module(spec: BackboneSpec, seed: int = 0) -> Any:
    """Build the timm module of a specification with random weights, without touching the global random state.

    Args:
        spec: the specification.
        seed: of the weights.

    Returns:
        The module.

    Raises:
        WeightsError: if timm can't build it.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            module = timm.create_model(spec.architecture, pretrained=False, num_classes=0, **spec.model_args)
        except MISFITS as error:
            reason = str(error) or type(error).__name__  # many an assertion says nothing
            raise WeightsError(
                f"timm can't build {spec.architecture!r} with the arguments {dict(spec.model_args)}: {reason}."
            ) from error
    if spec.lora is not None:
        adapt(module, spec.lora, seed)
    return module


def loaded_module(spec: BackboneSpec, file: Path) -> tuple[BackboneSpec, Any]:
    """Build the timm module of a specification with the weights of a file.

    Args:
        spec: the specification.
        file: a ``.safetensors`` file or a torch checkpoint.

    Returns:
        The specification, whose origin says what of the file was resized or dropped, and the module.

    Raises:
        WeightsError: if timm can't build it, or the file is damaged or does not fit.
    """
    module = random_module(spec)
    weights = read_checkpoint(file, module.state_dict())
    if hasattr(module, "fc_norm") and NORM_OF_MEAN in weights and NORM_OF_MAP not in weights:
        # A transformer that pooled by the mean, whatever timm's default is, norms what it has pooled.
        spec = replace(spec, model_args={**spec.model_args, "global_pool": "avg"})
        module = random_module(spec)
    report = load_weights(module, weights, spec, file)
    return replace(spec, origin=f"{spec.origin} ({report})") if report.resized or report.dropped else spec, module
