"""Load a data set by its name in a process of its own: address, file and hash come as arguments; say "loaded"."""

from __future__ import annotations

import sys

from octlib.data import downloading, load_oct_dataset, loading
from octlib.data.published import Published

url, file, known_hash = sys.argv[1:]
published = Published("Scans, version 1", "https://example.org/page", "CC BY 4.0", "Doe (2020)", url, file, known_hash)
loading.PUBLISHED = downloading.PUBLISHED = {"scans": published}
sys.stdout.write(f"loaded {len(load_oct_dataset('scans'))}\n")
