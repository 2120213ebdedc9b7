"""Table: a function stands under all of its names, and each name is tried beside torch."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from octlib.models.graph.operators import OPERATORS
from octlib.models.graph.operators.table import operator

TESTS = [path for path in sorted(Path(__file__).parent.glob("test_*.py")) if path != Path(__file__)]
# Of plain numbers; Python itself carries it out, and test_arithmetic.py holds it to that. A size is no tensor either.
OF_SIZES = {name for name in OPERATORS if name.startswith("operator.")} | {"aten.sym_size.int"}


def strings(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict):
        yield from strings([*content, *content.values()])
    elif isinstance(content, list | tuple):
        for each in content:
            yield from strings(each)


def tried(path: Path) -> set[str]:
    """Collect the names in the tables of a test file and those that are written out in its tests."""
    spec = spec_from_file_location(f"cases_of_{path.stem}", path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    tables = [value for name, value in vars(module).items() if name.isupper()]
    written = re.findall(r'beside_torch\("([\w.]+)"', path.read_text(encoding="utf-8"))
    return {f"aten.{name}" for name in (*strings(tables), *written)}


def test_every_operator_is_tried_beside_torch() -> None:
    assert set(OPERATORS) - OF_SIZES - set().union(*map(tried, TESTS)) == set()


def test_a_function_stands_under_all_of_its_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OPERATORS, "aten.planted.one", None)
    monkeypatch.setitem(OPERATORS, "aten.planted.other", None)

    @operator("planted.one", "planted.other")
    def same(values: Any) -> Any:
        return values

    assert OPERATORS["aten.planted.one"] is OPERATORS["aten.planted.other"] is same
