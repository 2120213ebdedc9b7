"""Listing: names by pattern, what there is of each, suggestions for misspelt ones."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
import timm

import octlib
from octlib.models import list_backbones


def names(pattern="*", **options):
    return [backbone.name for backbone in list_backbones(pattern, **options)]


def test_all_are_octlibs_own_and_then_timms():
    assert names() == ["octlib", *timm.list_models()]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("resnet1*t", ["resnet10t", "resnet14t"]),
        ("RESNET10T", ["resnet10t"]),
        ("octlib", ["octlib"]),
        ("mobilenetv2_05?", ["mobilenetv2_050"]),
        ("resnet10t.*", ["resnet10t.c3_in1k"]),
    ],
)
def test_a_pattern_has_wildcards_or_is_a_part(pattern, expected):
    assert names(pattern) == expected


def test_those_with_weights_and_those_without_are_all():
    with_weights, without = names(pretrained=True), names(pretrained=False)
    assert sorted([*with_weights, *without]) == sorted(names())
    assert with_weights[0] == "octlib"
    assert {name for name in with_weights if timm.is_model_pretrained(name)} == {*with_weights} - {"octlib"}
    assert without
    assert not any(map(timm.is_model_pretrained, without))


def test_the_size_is_the_backbones_own():
    (inception,) = (each for each in list_backbones("inception_v3") if each.name == "inception_v3")
    assert (inception.image_size, inception.pretrained) == ((299, 299), True)


def test_nothing_is_built(monkeypatch):
    monkeypatch.setattr(timm, "create_model", lambda *_, **__: pytest.fail("a model was built"))
    assert names("resnet10t") == ["resnet10t"]


@pytest.mark.parametrize(
    ("pattern", "meant"), [("resnt50", "resnet50"), ("mobilnetv2_*", "mobilenet"), ("otclib", "octlib")]
)
def test_a_pattern_that_fits_nothing_gets_a_suggestion(pattern, meant):
    with pytest.raises(ValueError, match=f"Unknown backbone '.*': did you mean '{meant}"):
        list_backbones(pattern)


def one(name):
    (found,) = (each for each in list_backbones(name) if each.name == name)
    return found


def test_parameters_are_those_of_the_network_without_a_head():
    for name in ("octlib", "test_vit", "test_resnet"):
        weights = "pretrained" if name == "octlib" else None
        network = octlib.build_classifier(name, weights=weights).to_torch().backbone.module
        assert one(name).parameters == sum(each.numel() for each in network.parameters())


def test_weights_share_the_parameters_of_their_architecture():
    assert {each.parameters for each in list_backbones("resnet50.*")} == {one("resnet50").parameters}


def test_the_licence_is_that_of_the_weights():
    assert one("octlib").license == "apache-2.0"
    (known,) = list_backbones("resnet10t.c3_in1k")
    assert known.license == timm.get_pretrained_cfg(known.name).license
    assert all(each.license is None for each in list_backbones(pretrained=False))
    assert "unknown" not in {each.license for each in list_backbones()}


def test_it_is_a_tuple_that_shows_a_table():
    found = list_backbones("resnet1*t")
    assert (len(found), found[0].name, found[:1] == (found[0],)) == (2, "resnet10t", True)
    head, *rows = str(found).splitlines()
    assert head.split() == ["name", "parameters", "image", "size", "weights", "licence"]
    assert [row.split()[0] for row in rows] == ["resnet10t", "resnet14t"]
    column = head.index("weights")
    assert {row[column - 2 : column] for row in rows} == {"  "}
    assert str(found[1:]).splitlines()[1:] == [rows[1]]  # a part of it is a table too
    assert f"{found[0].parameters / 1e6:.1f} M" in rows[0]


def test_a_long_list_shows_its_beginning():
    found = list_backbones()
    *rows, last = repr(found).splitlines()
    assert last == f"and {len(found) - len(rows) + 1:,} more, which a narrower pattern shows"
    assert found._repr_html_().count("<tr>") == len(rows)
    assert len(found.as_text().splitlines()) == len(found) + 1


class Cells(HTMLParser):
    def __init__(self):
        super().__init__()
        self.cells = []

    def handle_data(self, data):
        self.cells.append(data)


def test_a_notebook_shows_the_same_cells():
    found, parser = list_backbones("octlib"), Cells()
    parser.feed(found._repr_html_())
    assert parser.cells[:5] == ["name", "parameters", "image size", "weights", "licence"]
    assert parser.cells[5:] == ["octlib", "1.2 M", "224 x 224", "on this machine", "apache-2.0"]
