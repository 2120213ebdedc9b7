"""Cache: ``octlib cache``."""

from __future__ import annotations

import click

from octlib.cli.console import answer, say
from octlib.cli.options import json_option


@click.group(short_help="Show, verify or clear the features and data sets that are kept on disk.")
def cache() -> None:
    """Show, verify or clear the features and data sets that are kept on disk.

    OCTLIB_CACHE says where they are kept, OCTLIB_CACHE_LIMIT how many features, such as '20 GB', or 0 for nothing.
    """


@cache.command(short_help="Say what is kept, and where.")
@json_option
def show() -> None:
    """Say what is kept, and where.

    A line for each backbone: the size on disk, how many scans have features, the day on which some were last used, and
    the name: backbone, image size, precision, and a digest of the weights. Then one for each downloaded data set.
    """
    from octlib.data import downloaded_datasets
    from octlib.features import cache_contents, cache_folder, cache_limit

    found, limit = cache_contents(), cache_limit()
    total = sum(each.bytes for each in found)
    for each in found:
        say(f"{_megabytes(each.bytes):>12}  {each.rows:>9,} scans  {each.last_used:%Y-%m-%d}  {each.name}")
    say(f"{_megabytes(total)} of at most {_megabytes(limit)} in {cache_folder()}")
    datasets = downloaded_datasets()
    for dataset in datasets:
        say(f"{_megabytes(dataset.bytes):>12}  data set {dataset.name} in {dataset.path}")
    answer(
        {
            "folder": cache_folder(),
            "bytes": total,
            "limit": limit,
            "backbones": [
                {
                    "name": each.name,
                    "backbone": each.backbone,
                    "rows": each.rows,
                    "bytes": each.bytes,
                    "last_used": each.last_used.isoformat(),
                }
                for each in found
            ],
            "data_sets": [{"name": each.name, "path": each.path, "bytes": each.bytes} for each in datasets],
        }
    )


@cache.command(short_help="Look for damage.")
@click.option("--remove", is_flag=True, help="Remove damaged files; their features are computed again when needed.")
@json_option
def verify(remove: bool) -> None:
    """Compare every row of features with the digest that was written with it.

    Damaged rows are never used, with this command or without it.
    """
    from octlib.features import verify_cache

    checked = verify_cache(remove_damaged=remove)
    damaged = [each for each in checked if not each.sound]
    for each in damaged:
        say(f"{each.path}: {f'{each.damaged:,} of {each.rows:,} rows' if each.rows else 'all'} damaged")
    rows = sum(each.rows - each.damaged for each in checked)
    say(f"{rows:,} rows in {len(checked):,} files are sound; {len(damaged):,} files have damage.")
    if damaged:
        say("They were removed." if remove else "--remove removes them.")
    answer(
        {
            "files": len(checked),
            "sound_rows": rows,
            "damaged": [{"path": each.path, "rows": each.rows, "damaged": each.damaged} for each in damaged],
            "removed": remove,
        }
    )


@cache.command(short_help="Remove what is kept.")
@click.option(
    "--backbone", metavar="NAME", show_default="all", help="Its features alone; 'octlib cache show' lists names."
)
@click.option(
    "--older-than", type=click.FloatRange(0), metavar="DAYS", show_default="all", help="What was not used for so long."
)
@click.option("--data-sets", is_flag=True, help="All downloaded data sets, and no features.")
@click.option("--yes", is_flag=True, help="Don't ask.")
@json_option
def clear(backbone: str | None, older_than: float | None, data_sets: bool, yes: bool) -> None:
    """Remove features, or data sets, that octlib has kept, and nothing else.

    They are computed, or downloaded, again when they are needed.
    """
    if data_sets:
        if backbone is not None or older_than is not None:
            raise click.UsageError("--data-sets removes no features: leave --backbone and --older-than out.")
        _clear_data_sets(yes)
        return
    from octlib.features import cache_folder, clear_cache

    size = clear_cache(backbone, older_than=older_than, dry_run=True)
    if size and not yes:
        _confirm(f"Remove {_megabytes(size)} of features in {cache_folder()}?")
    removed = clear_cache(backbone, older_than=older_than) if size else 0
    say(f"{_megabytes(removed)} removed.")
    answer({"folder": cache_folder(), "removed_bytes": removed})


def _clear_data_sets(yes: bool) -> None:
    from octlib.data import downloaded_datasets, remove_downloaded_datasets
    from octlib.features import cache_folder

    found = downloaded_datasets()
    names, size = ", ".join(each.name for each in found), sum(each.bytes for each in found)
    if found and not yes:
        _confirm(f"Remove {_megabytes(size)} of data sets ({names}) in {cache_folder()}?")
    removed = remove_downloaded_datasets()
    say(f"{_megabytes(removed)} removed.")
    answer({"folder": cache_folder(), "removed_bytes": removed})


def _confirm(question: str) -> None:
    try:
        click.confirm(question, abort=True, err=True)
    except click.Abort as stopped:
        if not isinstance(stopped.__context__, EOFError):  # it was answered no, or Ctrl-C
            raise
        click.echo(err=True)
        raise click.UsageError("Nobody was there to answer: --yes removes them without asking.") from None


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
