"""Threads: one inside, as many as before outside."""

from __future__ import annotations

import pytest
import torch

from octlib.models.threads import one_thread


@pytest.mark.parametrize("before", [1, 3])
def test_the_number_comes_back_whatever_happens(before: int) -> None:
    usual = torch.get_num_threads()
    torch.set_num_threads(before)

    def interrupted() -> None:
        with one_thread():
            assert torch.get_num_threads() == 1
            raise KeyboardInterrupt

    try:
        with pytest.raises(KeyboardInterrupt):
            interrupted()
        assert torch.get_num_threads() == before
    finally:
        torch.set_num_threads(usual)
