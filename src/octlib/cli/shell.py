"""Shell: a group of commands whose errors, warnings and interruptions cost one line, not a traceback."""

from __future__ import annotations

import warnings
from typing import IO, Any

import click

from octlib.cli.advice import in_shell_words
from octlib.cli.console import STAYS, colour, warn
from octlib.errors import OctlibError

# What octlib raises for bad input, and what too small a machine does; anything else is a fault of its own.
BAD_INPUT = (OctlibError, ValueError, TypeError, OSError, MemoryError)
STOPPED = 130  # what shells expect of a program that Ctrl-C has ended: 128 and the number of SIGINT


class OneLineError(click.ClickException):
    """Bad input: one line, and exit status 1."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the line to standard error."""
        click.echo(f"{click.style('Error:', fg='red')} {self.format_message()}", file=file, err=True, color=colour())


class Shell(click.Group):
    """Commands whose errors and warnings cost one line, not a traceback."""

    def list_commands(self, context: click.Context) -> list[str]:
        """List the commands in the order in which they are used, not in that of the alphabet."""
        return list(self.commands)

    def invoke(self, context: click.Context) -> Any:
        """Run a command; turn what octlib says of bad input into one line and exit status 1, Ctrl-C into 130."""
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            try:
                return super().invoke(context)
            except KeyboardInterrupt:
                click.echo(f"\nStopped; {context.meta.get(STAYS, 'no results were written')}.", err=True)
                raise click.exceptions.Exit(STOPPED) from None
            except BrokenPipeError:  # somebody piped the output to head; click knows what to do
                raise
            except BAD_INPUT as error:
                if context.params["debug"]:
                    raise
                command = self.commands.get(context.invoked_subcommand or "")
                raise OneLineError(in_shell_words(error, command)) from error


def _show_warning(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    """Show the warnings that are meant for users, octlib's own and those of others, and none for developers."""
    if issubclass(category, UserWarning):
        context = click.get_current_context(silent=True)
        warn(in_shell_words(message, context.command if context else None))
