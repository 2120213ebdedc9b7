"""Cutting: both parts of a network, one after the other, give what the whole gives."""

from __future__ import annotations

import pytest
import timm
import torch
from torch import nn

from octlib.models.graph.aten import OPERATORS
from octlib.models.graph.cutting import cut
from octlib.models.graph.network import trace

ARCHITECTURES = ["test_resnet", "test_vit", "test_convnext", "test_efficientnet", "test_byobnet"]


def names_of(module: nn.Module, *starts: str) -> set[str]:
    return {name for name, _ in module.named_parameters() if name.startswith(starts)}


@pytest.fixture(scope="module", params=ARCHITECTURES)
def module(request: pytest.FixtureRequest) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return timm.create_model(request.param, num_classes=0, pretrained=False).eval()


def test_the_parts_give_what_the_whole_gives(module: nn.Module) -> None:
    size = module.pretrained_cfg["input_size"][-1]
    graph, _ = trace(module, (3, size, size))
    scans = torch.rand(3, 3, size, size, generator=torch.Generator().manual_seed(1))
    weights = {name: value.detach() for name, value in module.state_dict().items()}
    names = [name for name, _ in module.named_parameters()]
    with torch.inference_mode():
        whole = module(scans)
        for first in range(len(names) // 4, len(names), len(names) // 4):
            parts = cut(graph, names[first:])
            assert parts is not None
            frozen, rest = parts
            assert not set(frozen.weights.values()) & set(names[first:])
            between = frozen.run([scans], weights, OPERATORS)
            # The first input of the rest says how many scans there are, and nothing else.
            (found,) = rest.run([torch.full((3, 0), torch.nan), *between], weights, OPERATORS)
            torch.testing.assert_close(found, whole, rtol=1e-4, atol=1e-5)


class Pooled(nn.Module):
    """Two weights in a row, and a branch that goes around the second through a pooling without one."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1)

    def forward(self, scans: torch.Tensor) -> torch.Tensor:
        values = self.first(scans).relu()
        return self.second(values).mean((2, 3)) + nn.functional.avg_pool2d(values, 8).flatten(1)


def test_what_follows_without_a_weight_is_not_kept() -> None:
    graph, _ = trace(Pooled().eval(), (3, 8, 8))
    parts = cut(graph, names_of(Pooled(), "second"))
    assert parts is not None
    frozen, rest = parts
    assert len(frozen.outputs) == 1
    assert "aten.avg_pool2d.default" in rest.operators - frozen.operators


@pytest.mark.parametrize("learning", [("first",), ("first", "second"), ()])
def test_without_a_frozen_part_or_a_learning_one_there_is_no_cut(learning: tuple[str, ...]) -> None:
    graph, _ = trace(Pooled().eval(), (3, 8, 8))
    assert cut(graph, names_of(Pooled(), *learning) if learning else set()) is None
