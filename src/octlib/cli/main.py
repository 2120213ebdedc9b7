"""Main: the command ``octlib``."""

from __future__ import annotations

import click

from octlib.cli.backbones import backbones
from octlib.cli.cache import cache
from octlib.cli.calibrate import calibrate
from octlib.cli.compare import compare
from octlib.cli.demo import demo
from octlib.cli.evaluate import evaluate
from octlib.cli.explain import explain
from octlib.cli.export import export
from octlib.cli.inspect import inspect
from octlib.cli.phantoms import phantoms
from octlib.cli.predict import predict
from octlib.cli.report import report
from octlib.cli.shell import Shell
from octlib.cli.train import train


@click.group("octlib", cls=Shell, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(package_name="octlib", prog_name="octlib")
def main(debug: bool) -> None:
    """Turn a folder of retinal OCT B-scans into a classifier that one can trust.

    For research only: octlib is not a medical device.
    """


for command in (inspect, train, calibrate, evaluate, compare, explain, predict, report, export):
    main.add_command(command)
for command in (phantoms, backbones, cache, demo):
    main.add_command(command)
