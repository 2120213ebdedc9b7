"""The prose: every name, argument, command and option that the documentation shows exists."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import json
import re
import shlex
from collections import Counter
from pathlib import Path

import click
import pytest

import octlib

ROOT = Path(__file__).parents[1]
COMMANDS = (
    "inspect", "train", "calibrate", "evaluate", "compare", "explain", "predict", "report", "export", "phantoms",
    "backbones", "cache", "demo",
)  # fmt: skip
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
ROOM_PAGES = [page for page in PAGES if "::: octlib" in page.read_text(encoding="utf-8")]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def commands(page: Path) -> list[list[str]]:
    lines = "\n".join(blocks(page, "console")).replace("&&", "\n").splitlines()
    words = [shlex.split(line.strip().removeprefix("$ "), comments=True) for line in lines]
    return [line[1:] for line in words if line[:1] == ["octlib"]]


def commands_of(command: click.Command) -> list[click.Command]:
    """List a command, and those of a group."""
    return [command, *(command.commands.values() if isinstance(command, click.Group) else ())]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_calls_in_python_blocks_fit_the_signatures(page):
    for block in blocks(page, "python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "octlib":
                assert node.attr in octlib.__all__, f"octlib.{node.attr} is not public"
            if isinstance(node, ast.Call) and re.fullmatch(r"octlib\.\w+", ast.unparse(node.func)):
                function = getattr(octlib, node.func.attr)
                keywords = {keyword.arg: None for keyword in node.keywords}
                inspect.signature(function).bind(*node.args, **keywords)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_in_console_blocks_exist_with_their_options(page):
    from octlib.cli.main import main

    assert isinstance(main, click.Group)
    for name, *arguments in commands(page):
        if name in main.commands:
            parameters = [parameter for command in commands_of(main.commands[name]) for parameter in command.params]
            known = {option for parameter in parameters for option in (*parameter.opts, *parameter.secondary_opts)}
            assert {word for word in arguments if word.startswith("--")} <= known | {"--help"}
        else:
            assert name == "COMMAND", f"octlib {name} is no command"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_reference_names_every_option_of(command):
    from octlib.cli.main import main

    text = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    section = text.partition(f"## octlib {command}\n")[2].partition("\n## ")[0]
    for parameter in (parameter for each in commands_of(main.commands[command]) for parameter in each.params):
        if isinstance(parameter, click.Option):
            name = max(parameter.opts, key=len)
            assert name in section, f"octlib {command} {name} is not in the reference"


@pytest.mark.parametrize("page", ROOM_PAGES, ids=lambda page: page.stem)
def test_the_reference_shows_every_public_name_of_a_room(page):
    text = page.read_text(encoding="utf-8")
    package = importlib.import_module(f"octlib.{page.stem}")
    for name in package.__all__:
        # A function that is named like its module is hidden by it, so it must be asked for by its full path.
        path = f"{package.__name__}.{name}"
        is_module = importlib.util.find_spec(path) is not None
        shown = [f"{path}.{name}"] if is_module else [package.__name__, path]
        assert any(f"::: {block}\n" in text for block in shown), f"{page.name} does not show {name}"


def test_docstrings_hold_no_sphinx_roles():
    # The site is written in Markdown, which shows a role as it stands.
    for path in sorted((ROOT / "src").rglob("*.py")):
        found = re.search(r":(func|class|meth|mod|attr|data|exc):`[^`]+`", path.read_text(encoding="utf-8"))
        assert found is None, f"{path.name}: write double backticks instead of {found[0]}"


def test_no_two_pages_bear_one_name():
    pages = [page.read_text(encoding="utf-8") for page in (ROOT / "docs").rglob("*.md")]
    notebooks = [json.loads(path.read_text(encoding="utf-8")) for path in (ROOT / "notebooks").glob("*.ipynb")]
    texts = pages + ["".join(notebook["cells"][0]["source"]) for notebook in notebooks]
    titles = Counter(text.splitlines()[0].removeprefix("# ").lower() for text in texts)
    assert [title for title, times in titles.items() if times > 1] == []
    nav = re.findall(r"^ +- ([^:\n]+): \S+\.md$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    assert nav
    assert len(set(nav)) == len(nav)
