"""Main: the command ``octlib`` and how it reports mistakes."""

from __future__ import annotations

import re
import warnings
from typing import Any

import click

from octlib.cli.demo import demo
from octlib.cli.evaluate import evaluate
from octlib.cli.explain import explain
from octlib.cli.predict import predict
from octlib.cli.train import train

MISTAKES = (ValueError, TypeError, OSError)  # what octlib raises for bad input; anything else is a fault of its own


class Shell(click.Group):
    """Commands whose mistakes and warnings cost one line, not a traceback."""

    def invoke(self, context: click.Context) -> Any:
        """Run a command; turn what octlib says of bad input into one line and exit status 1."""
        with warnings.catch_warnings():
            warnings.showwarning = _one_line
            try:
                return super().invoke(context)
            except BrokenPipeError:  # somebody piped the output to head; click knows what to do
                raise
            except MISTAKES as error:
                if context.params["debug"]:
                    raise
                raise click.ClickException(_in_shell_words(str(error))) from error


@click.group("octlib", cls=Shell, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(package_name="octlib", prog_name="octlib")
def main(debug: bool) -> None:
    """Turn a folder of retinal OCT B-scans into a classifier that one can trust.

    For research only: octlib is not a medical device.
    """


def _in_shell_words(text: str) -> str:
    """Write the arguments that errors advise on as the shell's options: ``weights=None`` is ``--weights none``."""
    text = text.replace("on_error='skip'", "--on-error skip")
    return re.sub(r"\bweights= ?", "--weights ", text.replace("weights=None", "weights=none"))


def _one_line(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    """Show a warning as a user wants to read it: octlib's in full, those meant for developers not at all."""
    if issubclass(category, UserWarning):
        click.echo(f"Warning: {message}", err=True)


for command in (train, evaluate, explain, predict, demo):
    main.add_command(command)
