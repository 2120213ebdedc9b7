"""Threads: results in the order of the items, and the first error in that order."""

from __future__ import annotations

import threading

import pytest

from octlib.data import threads
from octlib.data.threads import BATCH, in_threads


@pytest.mark.parametrize("n", [0, 1, BATCH, BATCH + 3])
def test_order_survives_threads_and_batches(n):
    assert list(in_threads(lambda number: 2 * number, range(n), title="")) == [2 * number for number in range(n)]


def test_several_at_once(monkeypatch):
    monkeypatch.setattr(threads.os, "cpu_count", lambda: 2)
    both = threading.Barrier(2, timeout=30)  # one thread alone would never pass
    assert len(list(in_threads(lambda _: both.wait(), range(8), title=""))) == 8


def test_the_first_error_comes_through():
    with pytest.raises(ZeroDivisionError):
        list(in_threads(lambda number: 1 / (number - 3), range(10), title=""))


def test_the_bar_has_a_title(capsys):
    list(in_threads(abs, [1], title="Counting", show=True))
    assert "Counting" in capsys.readouterr().err
    list(in_threads(abs, [1], title="Counting"))
    assert capsys.readouterr().err == ""
