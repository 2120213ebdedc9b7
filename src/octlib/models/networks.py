"""Networks: timm modules without a head, built from a specification."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import timm
import torch

from octlib.errors import WeightsError
from octlib.models.spec import BackboneSpec
from octlib.models.weights import load_weights

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
            return timm.create_model(spec.architecture, pretrained=False, num_classes=0, **spec.model_args)
        except MISFITS as error:
            reason = str(error) or type(error).__name__  # many an assertion says nothing
            raise WeightsError(
                f"timm can't build {spec.architecture!r} with the arguments {dict(spec.model_args)}: {reason}."
            ) from error


def loaded_module(spec: BackboneSpec, file: Path) -> Any:
    """Build the timm module of a specification with the weights of a file.

    Args:
        spec: the specification.
        file: a ``.safetensors`` file or a torch checkpoint.

    Returns:
        The module.

    Raises:
        WeightsError: if timm can't build it, or the file is damaged or does not fit.
    """
    module = random_module(spec)
    load_weights(module, file, spec)
    return module
