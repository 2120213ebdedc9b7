"""The package as a whole: cheap to import, complete, documented, the same in all its files."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

import octlib

ROOT = Path(__file__).parents[1]
HEAVY = {"IPython", "PIL", "keras", "matplotlib", "numpy", "pandas", "scipy", "sklearn", "tensorflow", "timm", "torch"}
VERBS = {"load_oct_dataset", "build_classifier", "load_classifier", "fit", "evaluate", "explain", "predict"}
RESULTS = {"OctDataset", "OctClassifier", "History", "Evaluation", "Explanation"}


def modules_after(code: str) -> set[str]:
    """Run code in a fresh interpreter, and say which top-level modules it has loaded."""
    report = "import json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "code",
    ["import octlib", "import octlib; dir(octlib)", "import octlib; octlib.__version__", "import octlib.cli.main"],
)
def test_importing_loads_nothing_heavy(code):
    assert not modules_after(code) & HEAVY


def test_importing_the_data_room_loads_no_network():
    assert not modules_after("import octlib; octlib.load_oct_dataset") & {"keras", "tensorflow", "timm", "torch"}


def test_the_contract_is_public():
    assert set(octlib.__all__) >= VERBS | RESULTS


def test_all_names_exist_once_and_are_listed():
    assert len(octlib.__all__) == len(set(octlib.__all__))
    assert set(octlib.__all__) <= set(dir(octlib))
    for name in octlib.__all__:
        assert getattr(octlib, name) is not None


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="load_oct_datset"):
        octlib.load_oct_datset  # noqa: B018


@pytest.mark.parametrize("name", sorted(VERBS | RESULTS))
def test_public_names_are_documented(name):
    thing = getattr(octlib, name)
    assert inspect.getdoc(thing)
    for attribute, value in vars(thing).items() if inspect.isclass(thing) else ():
        if not attribute.startswith("_") and (inspect.isfunction(value) or isinstance(value, property)):
            assert inspect.getdoc(value), f"{name}.{attribute}"


def test_versions_agree():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    cited = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE)
    assert octlib.__version__ == version("octlib") == declared
    assert cited is not None
    assert cited[1] == declared


def test_every_dependency_has_a_reason():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    requirements = [*project["project"]["dependencies"]]
    for group in [*project["project"]["optional-dependencies"].values(), *project["dependency-groups"].values()]:
        requirements += [requirement for requirement in group if isinstance(requirement, str)]
    tables = "\n".join(re.findall(r"^\|.*\|$", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.MULTILINE))
    for requirement in requirements:
        name = re.match(r"[\w.-]+", requirement)[0]
        assert re.search(rf"[\s|]{re.escape(name)}[\s,|]", tables), f"{name} has no reason in CONTRIBUTING.md"
