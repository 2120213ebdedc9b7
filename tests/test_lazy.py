"""Lazy packages: names come when they are asked for, and nothing heavy before."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import octlib
import octlib.models


def test_importing_models_waits_for_neither_torch_nor_keras():
    program = "import sys, octlib.models as m; m.Postprocessing; print({'torch', 'keras', 'timm'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
    assert set(octlib.models.__all__) <= set(dir(octlib.models))


@pytest.mark.parametrize("package", [octlib, octlib.models])
def test_every_name_is_there_and_no_other(package):
    assert set(package.__all__) <= set(dir(package))
    assert all(getattr(package, name).__name__ == name for name in package.__all__)
    with pytest.raises(AttributeError, match=f"module '{package.__name__}' has no attribute 'build'"):
        _ = package.build


@pytest.mark.parametrize(
    ("before", "kept_out"),
    [("", False), ("sys.modules['tensorflow'] = 1;", True), ("os.environ['KERAS_BACKEND'] = 'tensorflow';", True)],
)
@pytest.mark.parametrize("first", ["import octlib; {} octlib.load_oct_dataset", "{} import octlib.data"])
def test_triton_stays_out_before_anybody_could_import_it(before, kept_out, first):
    program = f"import os, sys; {first.format(before)}; print('triton' in sys.modules)"
    environment = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(kept_out)
