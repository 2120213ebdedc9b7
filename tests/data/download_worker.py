"""Load a data set by its name in a process of its own: address, file and hash come as arguments; say "loaded"."""

from __future__ import annotations

import signal
import sys

from octlib.data import downloading, load_oct_dataset, loading
from octlib.data.published import Published


def main(url: str, file: str, known_hash: str) -> None:
    """Load it."""
    published = Published(
        "Scans, version 1", "https://example.org/page", "CC BY 4.0", "Doe (2020)", url, file, known_hash
    )
    loading.PUBLISHED = downloading.PUBLISHED = {"scans": published}
    sys.stdout.write(f"loaded {len(load_oct_dataset('scans'))}\n")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell ignores for jobs in the background
    main(*sys.argv[1:])
