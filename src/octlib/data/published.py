"""Published: data sets that are loaded by name, with their addresses, hashes, licences and citations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

_ZENODO = "https://zenodo.org/records/10519652"
_MENDELEY = "https://data.mendeley.com"


@dataclass(frozen=True)
class Published:
    """A data set that somebody has published.

    Args:
        title: what it is called, with its version or size.
        page: where people read about it and download it by hand.
        licence: as its publisher names it.
        citation: what its authors ask to be cited.
        url: of the one file that is downloaded; empty where no hash of it was published.
        file: what it is called on disk; a ``.zip`` is unpacked.
        known_hash: as published, ``algorithm:digest``.
    """

    title: str
    page: str
    licence: str
    citation: str
    url: str = ""
    file: str = ""
    known_hash: str = ""

    @property
    def packed(self) -> bool:
        """Whether the file is an archive."""
        return self.file.endswith(".zip")


def _octmnist(stem: str, pixels: int, md5: str) -> Published:
    return Published(
        title=f"OCTMNIST, {pixels} x {pixels} pixels",
        page=_ZENODO,
        licence="CC BY 4.0",
        citation=(
            "Yang et al., MedMNIST v2, Scientific Data 10, 41 (2023), doi:10.1038/s41597-022-01721-8; and "
            "Kermany et al., Cell 172, 1122-1131 (2018), doi:10.1016/j.cell.2018.02.010"
        ),
        url=f"{_ZENODO}/files/{stem}.npz?download=1",
        file=f"{stem}.npz",
        known_hash=f"md5:{md5}",
    )


# OCTMNIST's hashes are those of the package medmnist 3.0.2; Kermany's is that of version 3, as others have
# recorded it from the interface of Mendeley Data.
PUBLISHED: Mapping[str, Published] = MappingProxyType(
    {
        "octmnist": _octmnist("octmnist", 28, "c68d92d5b585d8d81f7112f81e2d0842"),
        "octmnist_64": _octmnist("octmnist_64", 64, "e229e9440236b774d9f0dfef9d07bdaf"),
        "octmnist_128": _octmnist("octmnist_128", 128, "0a97e76651ace45c5d943ee3f65b63ae"),
        "octmnist_224": _octmnist("octmnist_224", 224, "abc493b6d529d5de7569faaef2773ba3"),
        "kermany": Published(
            title="Kermany's OCT scans, version 3",
            page=f"{_MENDELEY}/datasets/rscbjbr9sj/3",
            licence="CC BY 4.0",
            citation=(
                "Kermany, Zhang, Goldbaum, Large Dataset of Labeled Optical Coherence Tomography (OCT) and Chest X-Ray "
                "Images, Mendeley Data, V3 (2018), doi:10.17632/rscbjbr9sj.3"
            ),
            url=f"{_MENDELEY}/public-files/datasets/rscbjbr9sj/files/810b2ce2-11c3-4424-996e-3bef36600907/file_downloaded",
            file="ZhangLabData.zip",
            known_hash="sha256:acbc42869440eec719361942d0ba560f132742230262f22e78bfb93eb5ea4563",
        ),
        "octdl": Published(
            title="OCTDL",
            page=f"{_MENDELEY}/datasets/sncdhf53xc",
            licence="on its page",
            citation="Kulyabin et al., OCTDL, Scientific Data 11, 365 (2024), doi:10.1038/s41597-024-03182-7",
        ),
    }
)
