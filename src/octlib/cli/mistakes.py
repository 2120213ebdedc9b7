"""Mistakes: what the shell says of wrong input and of Ctrl-C, in one line and its own words, and the exit status."""

from __future__ import annotations

import re
import warnings
from typing import IO, Any

import click

from octlib.cli.speaking import STAYS, colour, warn

MISTAKES = (ValueError, TypeError, OSError)  # what octlib raises for bad input; anything else is a fault of its own
STOPPED = 130  # what shells expect of a program that Ctrl-C has ended: 128 and the number of SIGINT

# What errors advise in Python, and its name at the shell.
WORDS = (
    (r"on_error='skip'", "--on-error skip"),
    (r"weights=None", "--weights none"),
    (r"\bor None for random", "or none for random"),
    (r"\bweights= ?", "--weights "),
    (r"\bcache='(\w+)'", r"--cache \1"),
    (r"\bcache=True", "--cache on"),
    (r"\bcache=False", "--cache off"),
    (r"\bNone unfreezes all", "--no-freeze unfreezes all"),
    (r"resume=True", "--resume"),
    (r"checkpoint=FOLDER", "--checkpoint FOLDER"),
    (r"dataset\.split\(\)", "octlib train"),
    (r"\bsplit=\.", "--split."),
    (r"layout=", "--layout "),
    (r"leave (the class|their scans) out with subset", r"move \1 out of the folder"),
    (r"call classifier\.unfreeze\(\) first", "add --no-freeze"),
)


class Mistake(click.ClickException):
    """A mistake of the user's: one line, and exit status 1."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the line to standard error."""
        click.echo(f"{click.style('Error:', fg='red')} {self.format_message()}", file=file, err=True, color=colour())


class Shell(click.Group):
    """Commands whose mistakes and warnings cost one line, not a traceback."""

    def list_commands(self, context: click.Context) -> list[str]:
        """List the commands in the order in which they are used, not in that of the alphabet."""
        return list(self.commands)

    def invoke(self, context: click.Context) -> Any:
        """Run a command; turn what octlib says of bad input into one line and exit status 1, Ctrl-C into 130."""
        with warnings.catch_warnings():
            warnings.showwarning = _one_line
            try:
                return super().invoke(context)
            except KeyboardInterrupt:
                click.echo(f"\nStopped; {context.meta.get(STAYS, 'no results were written')}.", err=True)
                raise click.exceptions.Exit(STOPPED) from None
            except BrokenPipeError:  # somebody piped the output to head; click knows what to do
                raise
            except MISTAKES as error:
                if context.params["debug"]:
                    raise
                raise Mistake(in_shell_words(str(error))) from error


def in_shell_words(text: str) -> str:
    """Write the arguments that errors advise on as the shell's options, and everything in one line.

    Example:
        >>> in_shell_words("Use weights=None, or load the scans with on_error='skip'.")
        'Use --weights none, or load the scans with --on-error skip.'
    """
    for python, shell in WORDS:
        text = re.sub(python, shell, text)
    return " ".join(text.split("\n"))


def _one_line(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    """Show a warning as a user wants to read it: octlib's in full, those meant for developers not at all."""
    if issubclass(category, UserWarning):
        warn(in_shell_words(str(message)))
