"""Threads: results in the order of the items, the first error in that order, and one pool that never locks up."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from octlib.data import threads
from octlib.data.threads import AHEAD, in_threads

# Reads in this process, then in a child made by the named way; prints whether both read the same.
CHILDREN = {
    "fork": "child = os.fork()\nif child == 0:\n    signal.alarm(60)\n    sys.exit(int(not same(scans.images(8))))\n"
    "print(os.waitpid(child, 0)[1] == 0)",
    "fork pool": "with multiprocessing.get_context('fork').Pool(1, signal.alarm, (60,)) as pool:\n"
    "    print(same(pool.apply(scans.images, (8,))))",
    "spawn pool": "with multiprocessing.get_context('spawn').Pool(1, signal.alarm, (60,)) as pool:\n"
    "    print(same(pool.apply(scans.images, (8,))))",
}
READ_FIRST = """
import multiprocessing, os, signal, sys
import numpy as np
import octlib
scans = octlib.load_oct_dataset(np.arange(640, dtype=np.uint8).reshape(10, 8, 8))
images = scans.images(8)
unfinished = scans.batches(8, size=2)
next(unfinished)
def same(others):
    return bool((others == images).all())
"""


@pytest.fixture
def pool_of(monkeypatch):
    """Start anew with a pool of n threads."""

    def make(n):
        monkeypatch.setattr(threads, "_pools", {})
        monkeypatch.setattr(threads, "THREADS", n)

    return make


def finished(function):
    """Say whether something ends, without waiting for ever where it doesn't."""
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    thread.join(timeout=60)
    return not thread.is_alive()


@pytest.mark.parametrize("n", [0, 1, AHEAD, AHEAD + 1, 3 * AHEAD])
def test_order_survives_threads(n):
    assert list(in_threads(lambda number: 2 * number, range(n))) == [2 * number for number in range(n)]


def test_several_at_once(pool_of):
    pool_of(2)
    both = threading.Barrier(2, timeout=30)  # one thread alone would never pass
    assert len(list(in_threads(lambda _: both.wait(), range(8)))) == 8


def test_the_first_error_comes_through():
    with pytest.raises(ZeroDivisionError):
        list(in_threads(lambda number: 1 / (number - 3), range(10)))
    assert list(in_threads(abs, [-1])) == [1]  # the pool outlives an error


def test_the_bar_has_a_title(capsys):
    list(in_threads(abs, [1], title="Counting", show=True))
    assert "Counting" in capsys.readouterr().err
    list(in_threads(abs, [1], title="Counting"))
    assert capsys.readouterr().err == ""


def test_nothing_more_is_begun_for_a_caller_who_has_left(pool_of):
    pool_of(1)
    begun, left = [], threading.Event()

    def work(number):
        begun.append(number)
        return number == 0 or left.wait(timeout=30)

    results = in_threads(work, range(20), ahead=8)
    assert next(results)
    results.close()
    left.set()
    assert list(in_threads(abs, range(20))) == list(range(20))  # after all that was begun before
    assert begun in ([0], [0, 1])


def test_no_more_than_asked_is_begun_ahead(pool_of):
    pool_of(2)
    begun = []
    results = in_threads(begun.append, range(50), ahead=4)
    for taken in range(1, 20):
        next(results)
        assert len(begun) <= taken + 4


def test_a_use_inside_another_does_not_lock_up(pool_of):
    pool_of(1)
    sums = []
    assert finished(lambda: sums.extend(in_threads(lambda n: sum(in_threads(abs, range(n))), range(40))))
    assert sums == [n * (n - 1) // 2 for n in range(40)]


def test_all_callers_share_one_pool(pool_of):
    pool_of(2)
    names = set()

    def use(_):
        return sum(in_threads(lambda n: names.add(threading.current_thread().name) or n, range(100)))

    with ThreadPoolExecutor(8) as callers:
        assert set(callers.map(use, range(16))) == {4950}
    assert len(names) <= 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that can fork")
@pytest.mark.parametrize("way", CHILDREN)
def test_a_child_process_reads_after_its_parent_has(way):
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", READ_FIRST + CHILDREN[way]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == "True\n", done.stderr
