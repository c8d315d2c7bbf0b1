"""What pydicom sees in DICOM files, as JSON lines, for the test `corpus.rs`.

usage: oracle.py DIRECTORY... > oracle.jsonl

Each line: {"file", "error"} or {"file", "transfer_syntax", "pixel_offset", "json"}; `pixel_offset` counts from
the start of the file and is null for deflated files, `json` is the DICOM JSON model without pixel data.
"""

import io
import json
import pathlib
import sys
import warnings

from pydicom.filereader import dcmread

warnings.simplefilter("ignore")
PIXELS = [0x7FE00008, 0x7FE00009, 0x7FE00010]


def describe(path):
    data = path.read_bytes()
    dataset = dcmread(io.BytesIO(data), force=True)
    if len(dataset) == 0:
        raise ValueError("no data element")
    syntax = getattr(dataset.file_meta, "TransferSyntaxUID", None)
    offset = None
    for tag in PIXELS:
        if tag in dataset:
            raw = dataset.get_item(tag)
            offset = getattr(raw, "value_tell", None) or getattr(raw, "file_tell", None)
            del dataset[tag]
    if syntax == "1.2.840.10008.1.2.1.99":
        offset = None
    for element in dataset.iterall():  # resolves what is read late, so that faults show here
        element.value
    model = dataset.to_json_dict(
        bulk_data_threshold=1024, bulk_data_element_handler=lambda element: "bulk", suppress_invalid_tags=True
    )
    return {"transfer_syntax": syntax, "pixel_offset": offset, "json": model}


def is_dicom(path):
    with path.open("rb") as file:
        return path.suffix == ".dcm" or file.read(132)[128:] == b"DICM"


def main():
    for root in sys.argv[1:]:
        for path in sorted(pathlib.Path(root).rglob("*")):
            if not path.is_file() or not is_dicom(path):
                continue
            try:
                result = describe(path)
            except Exception as error:  # pydicom raises anything on broken files
                result = {"error": f"{type(error).__name__}: {error}"}
            print(json.dumps({"file": str(path), **result}))


if __name__ == "__main__":
    main()
