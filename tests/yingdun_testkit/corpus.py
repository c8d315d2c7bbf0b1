"""Real files: everything that pydicom and pydicom-data bring along, whole or broken."""

import os
from pathlib import Path

import data_store
import pydicom.data

#: A folder of further files, of a hospital's own for example: compared bit for bit, without an expectation.
EXTRA = "YINGDUN_EXTRA_CORPUS"


def files() -> dict:
    """Paths by stable names, in the order of the names."""
    pydicom_data = Path(pydicom.data.__file__).parent
    found = {}
    for prefix, folder in [
        ("pydicom/test_files", pydicom_data / "test_files"),
        ("pydicom/charset_files", pydicom_data / "charset_files"),
        ("pydicom/palettes", pydicom_data / "palettes"),
        ("pydicom-data", Path(data_store.__file__).parent / "data"),
    ]:
        for path in folder.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".py":
                found[f"{prefix}/{path.relative_to(folder)}"] = path
    return dict(sorted(found.items()))


def extra_files() -> list:
    """The files of the folder that `YINGDUN_EXTRA_CORPUS` names."""
    folder = os.environ.get(EXTRA)
    return sorted(path for path in Path(folder).rglob("*") if path.is_file()) if folder else []
