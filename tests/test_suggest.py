"""Suggestions: what an error for an unknown name says."""

from __future__ import annotations

import string

from hypothesis import given
from hypothesis import strategies as st

from octlib._suggest import unknown

NAMES = st.text(string.ascii_lowercase, min_size=4, max_size=12)


@given(NAMES, st.lists(NAMES, min_size=1, max_size=12))
def test_the_error_shows_what_came_and_every_choice(given_name, choices):
    text = str(unknown("pooling", given_name, choices))
    assert repr(given_name) in text
    assert all(choice in text.partition("Choices: ")[2] for choice in choices)


@given(NAMES)
def test_a_misspelt_name_is_recognised(name):
    misspelt = name[:1] + name[2:]
    assert f"did you mean {name!r}?" in str(unknown("method", misspelt, ["0123456789", name]))


def test_case_does_not_hide_a_choice():
    assert "did you mean 'DRUSEN'?" in str(unknown("class", "drusen", ["CNV", "DRUSEN"]))


def test_nothing_is_suggested_where_nothing_is_close():
    text = str(unknown("method", "xyz", ["average", "flatten"]))
    assert "did you mean" not in text
    assert "'xyz'. Choices: average, flatten." in text


def test_long_lists_are_cut():
    text = str(unknown("architecture", "x", (f"net{number}" for number in range(1000))))
    assert "net11, ... (1,000 in all)." in text
    assert "net12" not in text


def test_of_long_lists_the_closest_are_shown():
    text = str(unknown("backbone", "resnt50", [*(f"a{number}" for number in range(1000)), "resnet50", "resnet50d"]))
    assert text.endswith("did you mean 'resnet50'? Choices: resnet50, resnet50d, ... (1,002 in all).")


def test_a_name_that_is_no_text_is_shown_as_it_is():
    assert "Unknown pooling 3." in str(unknown("pooling", 3, ["average"]))
