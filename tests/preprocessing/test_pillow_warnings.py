"""Pillow warnings: ignored in the thread that reads, heard everywhere else."""

from __future__ import annotations

import pickle
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
from sklearn.utils.parallel import Parallel, delayed

from octlib.preprocessing import pillow_warnings
from octlib.preprocessing.pillow_warnings import pillow_warnings_ignored


def warn(module: str = "PIL.TiffImagePlugin") -> None:
    warnings.warn_explicit("corrupt EXIF data", UserWarning, "file", 1, module=module)


@pytest.mark.parametrize("action", ["always", "default", "error"])
def test_pillow_is_not_heard_whatever_the_filters_say(action: str) -> None:
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter(action)
        with pillow_warnings_ignored():
            warn()
    assert heard == []


def test_filters_put_in_front_later_change_nothing_and_pile_nothing_up() -> None:
    with warnings.catch_warnings(record=True) as heard:
        for category in (UserWarning, Warning, DeprecationWarning):
            warnings.simplefilter("always", category)
            with pillow_warnings_ignored():
                warn()
        assert sum(each is pillow_warnings._FILTER for each in warnings.filters) == 1
    assert heard == []


def test_everybody_else_is_heard() -> None:
    with pytest.warns(UserWarning, match="corrupt"), pillow_warnings_ignored():
        warn("octlib.data.loading")


def fail() -> None:
    with pillow_warnings_ignored():
        raise KeyError


def test_pillow_is_heard_again_afterwards() -> None:
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        with pytest.raises(KeyError):
            fail()
        warn()
    assert len(heard) == 1


def test_other_threads_hear_pillow() -> None:
    with pytest.warns(UserWarning, match="corrupt"), pillow_warnings_ignored(), ThreadPoolExecutor(1) as other:
        other.submit(warn).result()


def test_threads_that_overlap_leave_the_filters_as_they_were() -> None:
    # Both enter, then both leave in the same order, which warnings.catch_warnings does not survive.
    before = [each for each in warnings.filters if each is not pillow_warnings._FILTER]
    entered, left = threading.Barrier(2, timeout=30), threading.Event()

    def read(first: bool) -> None:
        with pillow_warnings_ignored():
            entered.wait()
            warn()
            if not first:
                left.wait(timeout=30)
        left.set()

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(read, (True, False))) == [None, None]
    assert [each for each in warnings.filters if each is not pillow_warnings._FILTER] == before
    assert sum(each is pillow_warnings._FILTER for each in warnings.filters) == 1


def test_the_filter_can_go_to_another_process() -> None:
    # joblib, for one, sends all filters to its workers.
    with pillow_warnings_ignored():
        assert len(pickle.loads(pickle.dumps(pillow_warnings._FILTER))) == 5  # noqa: S301


def test_scikit_learn_can_build_the_filter_anew() -> None:
    with warnings.catch_warnings(), pillow_warnings_ignored():
        assert Parallel()([delayed(len)("ab")]) == [2]
