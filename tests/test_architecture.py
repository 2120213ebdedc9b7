"""The rooms of octlib: who imports whom, read from the sources without running them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[1] / "src" / "octlib"
MODULES = sorted(SOURCES.rglob("*.py"))

# The table of CONTRIBUTING.md: what each room may import of octlib.
LEAVES = {"_bootstrap", "_cache", "_checks", "_files", "_interrupts", "_lazy", "_progress", "_suggest", "errors"}
MAY_IMPORT = {
    "archives": set(),
    "preprocessing": {"archives"},
    "phantoms": {"preprocessing"},
    "data": {"archives", "preprocessing", "phantoms"},
    "models": {"preprocessing"},
    "features": {"preprocessing", "data", "models"},
    "training": {"preprocessing", "data", "models", "features"},
    "evaluation": {"preprocessing", "data", "models", "features"},
    "calibration": {"data", "models", "features", "evaluation"},
    "explanation": {"preprocessing", "data", "models", "features"},
    "estimator": {"data", "models", "features", "training"},
    "report": {"data", "models", "training", "calibration", "evaluation", "explanation"},
}
# The shell may take what a room offers to everybody, and nothing from a room's modules.
PUBLIC = {f"octlib.{room}.{name}" for room in MAY_IMPORT for name in import_module(f"octlib.{room}").__all__}
NETWORK_ROOMS = {"models", "features", "explanation"}
NETWORKS = {"pytorch_grad_cam", "timm", "torch", "torchvision"}
HEAVY = {"IPython", "jinja2", "keras", "matplotlib", "pandas", "scipy", "sklearn"} | NETWORKS


def room_of(path: Path) -> str:
    """Name the room of a module: the folder or, for a room of one file, the file."""
    return path.relative_to(SOURCES).parts[0].removesuffix(".py")


def package_of(path: Path) -> list[str]:
    return ["octlib", *path.relative_to(SOURCES).parts[:-1]]


def imports(path: Path, *, at_module_level: bool = False, for_types: bool = False) -> Iterator[str]:
    """Yield the absolute dotted name of everything that a module imports; TYPE_CHECKING blocks count only for types."""
    todo: list[ast.AST] = list(ast.parse(path.read_text(encoding="utf-8")).body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package_of(path)[: len(package_of(path)) + 1 - node.level] if node.level else []
            module = ".".join([*above, *filter(None, [node.module])])
            yield from (f"{module}.{alias.name}" for alias in node.names)
        elif not for_types and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            todo.extend(node.orelse)
        elif not (at_module_level and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)):
            todo.extend(ast.iter_child_nodes(node))


def module_name(path: Path) -> str:
    """Name a module as it is imported, octlib left out: ``data.splits``, or ``data`` for the index of a room."""
    return ".".join(path.relative_to(SOURCES).with_suffix("").parts).removesuffix("__init__").removesuffix(".")


def module_graph() -> dict[str, set[str]]:
    """Map each module to those of octlib that it imports anywhere, for types and inside functions too."""
    modules = {module_name(path): path for path in sorted(SOURCES.rglob("*.py"))}
    graph = {}
    for name, path in modules.items():
        found = [
            imported.removeprefix("octlib").removeprefix(".")
            for imported in imports(path, for_types=True)
            if imported.split(".")[0] == "octlib"
        ]
        # A name that is no module is in one: in octlib.data.OctDataset, that is the room's index.
        graph[name] = {each if each in modules else each.rpartition(".")[0] for each in found} & set(modules) - {name}
    return graph


def room_graph(modules: dict[str, set[str]]) -> dict[str, set[str]]:
    """Map each room to those that its modules import from."""
    graph: dict[str, set[str]] = {name.split(".")[0]: set() for name in modules}
    for name, imported in modules.items():
        graph[name.split(".")[0]] |= {each.split(".")[0] for each in imported} - {name.split(".")[0]}
    return graph


def circles(graph: dict[str, set[str]]) -> set[frozenset[str]]:
    """Collect the groups of nodes that all lead to each other."""
    reached = {node: _reached(graph, node) for node in graph}
    groups = {
        frozenset({node, *(other for other in there if node in reached[other])}) for node, there in reached.items()
    }
    return {group for group in groups if len(group) > 1}


def _reached(graph: dict[str, set[str]], start: str) -> set[str]:
    reached, todo = set(), [start]
    while todo:
        new = graph[todo.pop()] - reached
        reached |= new
        todo.extend(new)
    return reached


def octlib_rooms(path: Path) -> set[str]:
    """Collect what a module knows of octlib, by name or by type, its own room left out."""
    parts = [name.split(".") for name in imports(path, for_types=True)]
    return {part[1] for part in parts if part[0] == "octlib" and len(part) > 1} - {room_of(path)}


def used_of_rooms(path: Path) -> set[str]:
    """Collect the names that the shell takes from rooms, such as octlib.data.match_labels."""
    return {name for name in imports(path) if name.split(".")[0] == "octlib" and name.split(".")[1:2] != ["cli"]} - {
        "octlib"
    }


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCES)))
def test_a_module_imports_only_what_its_room_may_know(path):
    room = room_of(path)
    if room in MAY_IMPORT:
        assert octlib_rooms(path) <= MAY_IMPORT[room] | LEAVES
    elif room in LEAVES:
        assert octlib_rooms(path) == set()
    elif room in {"cli", "__main__"}:
        used = {name for name in used_of_rooms(path) if name.split(".")[1] not in LEAVES}
        assert used <= PUBLIC
    else:
        assert room == "__init__", f"{room} is a new room: give it a row here and in CONTRIBUTING.md"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCES)))
def test_torch_and_timm_stay_in_their_rooms(path):
    if room_of(path) not in NETWORK_ROOMS:
        assert not {name.partition(".")[0] for name in imports(path)} & NETWORKS


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCES)))
def test_heavy_packages_are_imported_where_they_are_used(path):
    if room_of(path) not in NETWORK_ROOMS:
        allowed = {"sklearn"} if room_of(path) == "estimator" else set()  # a class of it is what the room is
        assert not {name.partition(".")[0] for name in imports(path, at_module_level=True)} & HEAVY - allowed


def test_the_index_imports_no_room():
    rooms = [name for name in imports(SOURCES / "__init__.py", at_module_level=True) if name.startswith("octlib.")]
    assert {name.rpartition(".")[0] for name in rooms} == {"octlib._lazy"}


def test_modules_import_each_other_in_no_circle():
    found = "\n".join(" <-> ".join(sorted(circle)) for circle in circles(module_graph()))
    assert not found, f"circles of modules:\n{found}"


def test_rooms_import_each_other_in_no_circle():
    found = "\n".join(" <-> ".join(sorted(circle)) for circle in circles(room_graph(module_graph())))
    assert not found, f"circles of rooms:\n{found}"


def test_a_planted_circle_is_seen(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "SOURCES", tmp_path)
    sources = {
        "__init__": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from octlib.data import OctDataset\n",
        "data/__init__": "from octlib.data.dataset import OctDataset\n",
        "data/dataset": "def f():\n    from octlib.data.readable import check\n",
        "data/readable": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .dataset import OctDataset\n",
        "data/scan": "from octlib import data\n",
        "models/__init__": "from octlib.data import OctDataset\n",
        "models/zoo": "import octlib.data.splits\n",
        "data/splits": "import octlib.models.zoo\n",
    }
    for name, text in sources.items():
        (tmp_path / f"{name}.py").parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    modules = module_graph()
    assert circles(modules) == {
        frozenset({"data.dataset", "data.readable"}),
        frozenset({"data.splits", "models.zoo"}),
    }
    assert circles(room_graph(modules)) == {frozenset({"data", "models"})}


def test_a_planted_fault_is_seen(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "SOURCES", tmp_path)
    (tmp_path / "data").mkdir()
    module = tmp_path / "data" / "bad.py"
    module.write_text("from ..models import zoo\ndef f():\n    import torch\n", encoding="utf-8")
    assert octlib_rooms(module) == {"models"}
    assert "torch" in set(imports(module))
    assert "torch" not in set(imports(module, at_module_level=True))
