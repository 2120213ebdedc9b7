"""How an evaluation shows itself: three digits, aligned, escaped, and honest about what it is."""

from __future__ import annotations

import html.parser
import re

import numpy as np
import pytest

from octlib.evaluation import METRICS, score
from octlib.evaluation.rendering import NOTICE


@pytest.fixture(scope="module")
def evaluation():
    truth = np.arange(1200) % 2
    predicted = np.where(np.arange(1200) % 7 == 0, 1 - truth, truth)
    return score(truth, np.eye(2)[predicted], np.arange(1200) // 3, ["CNV", "<b>&x"], confidence=0.9)


def test_text_is_a_short_aligned_table(evaluation):
    lines = repr(evaluation).splitlines()
    assert lines[0] == "Evaluation of 1,200 scans of 400 patients; 90 % intervals over patients"
    assert [line.split("0.")[0].rstrip() for line in lines[1:-1]] == [
        "accuracy",
        "balanced accuracy",
        "macro F1",
        "F1 CNV",
        "F1 <b>&x",
    ]
    assert all(re.search(r"  0\.\d{3} \[0\.\d{3}, 0\.\d{3}\]$", line) for line in lines[1:-1])
    assert len({line.index("0.") for line in lines[1:-1]}) == 1
    assert "not a medical device" in lines[-1]


@pytest.mark.filterwarnings("ignore::octlib.errors.OctlibWarning")
def test_unknown_patients_and_single_ones_are_said():
    shown = repr(score([0], np.eye(2)[:1], None, ["CNV", "DME"]))
    assert shown.startswith("Evaluation of 1 scan of unknown patients; 95 % intervals over scans")
    assert "accuracy           1.000\n" in shown
    assert "F1 DME             undefined\n" in shown


def test_intervals_of_perfect_figures_say_what_they_are(evaluation):
    perfect = score([0, 1, 0, 1], np.eye(2)[[0, 1, 0, 1]], list("abcd"), ["CNV", "DME"])
    exact = "Shares of exactly 0 or 1 have Clopper-Pearson's interval for the effective number of patients."
    caveat = "An interval without width is no certainty: the bootstrap can't draw what was never seen."
    assert repr(perfect).splitlines()[-3:] == [exact, caveat, NOTICE]
    assert f"<small>{exact} {caveat} {NOTICE}</small>" in perfect._repr_html_()
    for text in (exact, caveat):
        assert text not in repr(evaluation) + evaluation._repr_html_()


class Checker(html.parser.HTMLParser):
    """Notes the tags that are open, the tags that are seen and the text."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.seen.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_html_is_escaped_and_complete(evaluation):
    checker = Checker()
    checker.feed(evaluation._repr_html_())
    assert not checker.open
    assert "b" not in checker.seen
    assert "<b>&x" in checker.text
    assert METRICS["auroc"].show(evaluation.auroc["CNV"], evaluation.intervals["auroc"]["CNV"]) in checker.text
    assert checker.seen.count("tr") == sum(not metric.by_class for metric in METRICS.values()) + 1 + 2
    assert "Brier score (0 to 2, lower is better)" in checker.text
    assert NOTICE in checker.text
