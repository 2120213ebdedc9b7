"""Splits: no leak, nothing lost, fair to patients of any size, and the same everywhere."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octlib.data import load_oct_dataset
from octlib.data.splits import distinct, fold_indices, missing_classes, shuffled, split_indices

SEEDS = range(30)
FRACTIONS = [(0.7, 0.15, 0.15), (0.8, 0.2), (0.2,) * 5]


@st.composite
def clinics(draw: st.DrawFn) -> tuple[list[str], list[int]]:
    """Draw patients with scans of one to three classes; classes 0-2 have at least five patients of their own."""
    keys: list[str] = []
    labels: list[int] = []
    for patient in range(draw(st.integers(15, 40))):
        own = [patient % 3] * draw(st.integers(1, 6))
        others = draw(st.lists(st.integers(0, 2), max_size=2)) if patient % 4 == 0 else []
        keys += [f"p{patient}"] * len(own + others)
        labels += own + others
    return keys, labels


@given(clinics(), st.sampled_from(FRACTIONS), st.integers(0, 10**6))
def test_parts_are_complete_and_share_no_patient(clinic, fractions, seed):
    keys, labels = clinic
    parts = split_indices(keys, labels, fractions, seed=seed)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(keys)))
    owners = [{keys[place] for place in part} for part in parts]
    assert sum(len(owner) for owner in owners) == len(set(keys))


@given(clinics(), st.permutations(range(200)), st.integers(0, 99))
def test_order_of_files_has_no_say(clinic, order, seed):
    keys, labels = clinic
    order = [place for place in order if place < len(keys)]
    order += [place for place in range(len(keys)) if place not in order]
    plain = split_indices(keys, labels, (0.7, 0.15, 0.15), seed=seed)
    mixed = split_indices([keys[i] for i in order], [labels[i] for i in order], (0.7, 0.15, 0.15), seed=seed)
    for one, other in zip(plain, mixed, strict=True):
        assert {keys[place] for place in one} == {keys[order[place]] for place in other}


@given(st.integers(2, 6), st.integers(0, 3), st.integers(0, 99))
def test_every_part_has_every_class_if_patients_suffice(parts, spare, seed):
    keys = [f"{label}-{patient}" for label in range(3) for patient in range(parts + spare)]
    labels = [int(key[0]) for key in keys]
    uneven = [0.9] + [0.1 / (parts - 1)] * (parts - 1)
    for part in split_indices(keys, labels, uneven, seed=seed):
        assert {labels[place] for place in part} == {0, 1, 2}


def test_known_answer_on_every_machine():
    keys = [f"p{number // 2}" for number in range(20)]
    parts = split_indices(keys, [0, 1] * 10, (0.5, 0.3, 0.2), seed=7)
    assert [sorted({keys[place] for place in part}) for part in parts] == [
        ["p0", "p2", "p4", "p8", "p9"],
        ["p5", "p6", "p7"],
        ["p1", "p3"],
    ]


def test_seeds_differ():
    keys = [f"p{number}" for number in range(40)]
    outcomes = {tuple(split_indices(keys, [0] * 40, (0.5, 0.5), seed=seed)[0].tolist()) for seed in range(10)}
    assert len(outcomes) == 10


def test_sizes_follow_unequal_fractions():
    keys = [f"p{number}" for number in range(1000)]
    sizes = [len(part) for part in split_indices(keys, [0] * 1000, (0.05, 0.6, 0.35))]
    assert sizes == pytest.approx([50, 600, 350], abs=2)


def test_large_patients_are_tested_as_often_as_small_ones():
    sizes = [1] * 60 + [2] * 30 + [12] * 6
    keys = [f"p{patient}" for patient, size in enumerate(sizes) for _ in range(size)]
    tested: Counter[int] = Counter()
    for seed in range(300):
        for patient in {keys[place] for place in split_indices(keys, [0] * len(keys), (0.8, 0.2), seed=seed)[1]}:
            tested[sizes[int(patient[1:])]] += 1
    for size, patients in Counter(sizes).items():
        # The standard error for the six large patients is 0.009.
        assert tested[size] / (300 * patients) == pytest.approx(0.2, abs=0.03)


def test_real_scans_keep_class_shares_and_sizes(kermany: Path):
    scans = load_oct_dataset(kermany)
    assert scans.labels is not None
    whole = np.bincount(scans.labels) / len(scans)
    for fractions in FRACTIONS:
        for seed in SEEDS:
            for part, fraction in zip(scans.split(fractions, seed=seed), fractions, strict=True):
                share = np.bincount(part.labels, minlength=4) / len(part)
                assert np.abs(share - whole).max() <= 0.03
                assert len(part) / len(scans) == pytest.approx(fraction, abs=0.02)


@pytest.mark.parametrize("fractions", [(0.7, 0.2), (1.2, -0.2), (0.5, 0.5, 0.0), (), (float("nan"), 0.5)])
def test_fractions_must_be_positive_and_sum_to_one(fractions):
    with pytest.raises(ValueError, match="positive and sum to 1"):
        split_indices(list("abcd"), [0] * 4, fractions)


def test_fractions_are_named_with_their_sum():
    with pytest.raises(ValueError, match=r"sum to 1, got \(0\.7, 0\.2\) with the sum 0\.9\. "):
        split_indices(list("abcd"), [0] * 4, (0.7, 0.2))


@pytest.mark.parametrize("fractions", [np.array([0.7, 0.15, 0.15], np.float32), (0.3333333,) * 3])
def test_fractions_may_be_rounded(fractions):
    assert len(split_indices(list("abcd"), [0] * 4, fractions)) == 3


@pytest.mark.parametrize("fractions", [0.8, None, (0.8, None), (0.8, "rest"), "0.8"])
def test_fractions_must_be_numbers(fractions):
    with pytest.raises(TypeError, match=f"sequence of numbers, got {re.escape(repr(fractions))}"):
        split_indices(list("abcd"), [0] * 4, fractions)


def test_too_few_patients_are_named():
    with pytest.raises(ValueError, match="Class DME has 2 patients, 3 parts need at least 3"):
        split_indices(list("aabbcd"), [0, 1, 0, 1, 0, 0], (0.6, 0.2, 0.2), class_names=("CNV", "DME"))
    with pytest.raises(ValueError, match="Class CNV has 1 patient, 2 parts"):  # the first class, not the first scan's
        split_indices(list("ab"), [1, 0], (0.5, 0.5), class_names=("CNV", "DME"))
    with pytest.raises(ValueError, match=r"The dataset has 1 scan, 2 parts need at least 2.*add scans"):
        split_indices(["a"], [0], (0.5, 0.5), unit="scan")
    with pytest.raises(ValueError, match="The dataset has 0 patients"):
        split_indices([], [], (0.5, 0.5))
    with pytest.raises(ValueError, match="Class CNV has 0 patients"):
        split_indices([], [], (0.5, 0.5), class_names=("CNV",))


def test_folds_test_each_scan_once():
    keys = [f"p{number // 3}" for number in range(60)]
    folds = fold_indices(keys, [number % 2 for number in range(60)], 4, seed=3)
    assert len(folds) == 4
    assert sorted(np.concatenate([test for _, test in folds]).tolist()) == list(range(60))
    for train, test in folds:
        assert sorted([*train, *test]) == list(range(60))
        assert not {keys[i] for i in train} & {keys[i] for i in test}


@pytest.mark.parametrize("n", [1, 0, 2.0, True])
def test_folds_must_be_a_whole_number_from_two(n):
    with pytest.raises(ValueError, match=f"The number of folds must be a whole number from 2 on, got {n!r}"):
        fold_indices(list("abcd"), [0] * 4, n)


def test_shuffled_depends_on_keys_not_on_their_order():
    keys = [f"k{number}" for number in range(50)]
    order = [keys[place] for place in shuffled(keys, 1)]
    assert order == [keys[::-1][place] for place in shuffled(keys[::-1], 1)]
    assert order not in (keys, [keys[place] for place in shuffled(keys, 2)])
    assert shuffled(list("abcdef"), 1) == [3, 0, 5, 4, 1, 2]  # on every machine
    with pytest.raises(ValueError, match=r"seed must be a whole number .* got -1"):
        shuffled(keys, -1)


def test_distinct_numbers_repeated_names():
    assert distinct(["a", "a", "b", "a"]) == ["a", "a#2", "b", "a#3"]


@given(st.lists(st.sampled_from(["0", "0#2", "0#3", "0#2#2", "1"]), max_size=8))
def test_distinct_names_are_all_different(names):
    found = distinct(names)
    assert len(set(found)) == len(names)
    assert set(names) <= set(found)


def test_names_that_are_no_unicode_can_be_split():
    assert len(split_indices(["\udcff", "b"], [0, 0], (0.5, 0.5))) == 2


def of_clinic(clinic):
    """Give keys and labels: a scan of each patient for each class beside the patient's name; "?" is none."""
    pairs = [(key, "ABCD".find(name)) for key, classes in clinic.items() for name in classes]
    return [key for key, _ in pairs], np.array([label for _, label in pairs])


@pytest.mark.parametrize("seed", range(40))
def test_patients_of_several_classes_are_drawn_again_where_a_part_lacked_a_class(seed):
    # Of the 16 ways to divide these patients, two give both parts all classes.
    keys, labels = of_clinic({"1": "AB", "2": "AC", "3": "BD", "4": "CD"})
    parts = split_indices(keys, labels, (0.5, 0.5), seed=seed)
    assert missing_classes(parts, labels, "ABCD") == []


@pytest.mark.parametrize("seed", range(40))
def test_a_part_without_unlabelled_scans_is_no_lack(seed):
    # For A and B, 1 and 3 must be in one part; for the scans without a label they would have to be apart.
    keys, labels = of_clinic({"1": "A?", "2": "AB", "3": "B?"})
    assert missing_classes(split_indices(keys, labels, (0.5, 0.5), seed=seed), labels, "AB") == []


@pytest.mark.parametrize("seed", range(40))
def test_where_no_draw_gives_every_part_all_classes_the_best_is_kept(seed):
    # A, B and C have three patients each, so each of them is in a part of its own. That leaves the part of 4 without D.
    # One draw alone leaves two lacks in a quarter of the cases.
    keys, labels = of_clinic({"0": "BC", "1": "AD", "2": "CD", "3": "BD", "4": "ABC", "5": "AD"})
    parts = split_indices(keys, labels, [1 / 3] * 3, seed=seed)
    assert len(missing_classes(parts, labels, "ABCD")) == 1


@pytest.mark.parametrize(
    ("clinic", "fractions", "seed", "expected"),
    [
        (["AAAA", "A", "CCC", "BBC", "B", "AAB", "AAC"], (0.4, 0.3, 0.3), 2, ["025", "46", "13"]),
        (["AAAAA", "AAC", "CCC", "??CCC", "AAAC", "?AAA"], (0.4, 0.3, 0.3), 0, ["14", "35", "02"]),
        (["BC", "AD", "CD", "BD", "ABC", "AD"], [1 / 3] * 3, 25, ["4", "123", "05"]),
    ],
    ids=["drawn again", "some unlabelled", "best kept"],
)
def test_known_answers_where_patients_are_of_several_classes(clinic, fractions, seed, expected):
    keys, labels = of_clinic(dict(zip("0123456", clinic, strict=False)))
    parts = split_indices(keys, labels, fractions, seed=seed)
    assert ["".join(sorted({keys[place] for place in part})) for part in parts] == expected


def test_lacks_are_found_part_by_part():
    parts = [np.array([0, 1]), np.array([2]), np.array([3])]
    labels = np.array([0, 1, 1, -1])
    assert missing_classes(parts, labels, ("A", "B", "C")) == [(2, "A"), (3, "A"), (3, "B")]


def test_scans_without_a_label_are_spread_and_asked_of_no_part():
    keys = [str(number) for number in range(100)]
    parts = split_indices(keys, [0, -1] * 50, (0.5, 0.5))
    assert [sum(int(place) % 2 for place in part) for part in parts] == [25, 25]
    assert sum(map(len, split_indices(["a", "b", "c"], [0, 0, -1], (0.5, 0.5)))) == 3


def test_parts_follow_their_seed_which_is_zero_by_default():
    keys = [f"p{number}" for number in range(40)]

    def test_part(**kwargs):
        return split_indices(keys, [0] * 40, (0.8, 0.2), **kwargs)[1].tolist()

    assert test_part() == test_part(seed=0) != test_part(seed=1)


def test_folds_follow_their_seed_which_is_zero_by_default():
    keys = [f"p{number}" for number in range(40)]

    def tests(**kwargs):
        return [test.tolist() for _, test in fold_indices(keys, [0] * 40, 4, **kwargs)]

    assert tests() == tests(seed=0) != tests(seed=1)


def test_too_few_patients_for_folds_are_named():
    with pytest.raises(ValueError, match="Class DME has 1 scan, 2 parts"):
        fold_indices(list("abc"), [0, 0, 1], 2, class_names=("CNV", "DME"), unit="scan")
