"""What independent decoders see in DICOM files, as JSON lines, for the test `corpus.rs`.

usage: oracle.py OUTPUT DIRECTORY...

For each file with pixel data the samples of its first and last frame are written to OUTPUT, little-endian, pixel by
pixel, cut out of their cells and with their sign, without any change of colour; the name of that file is its SHA-256.
A line of OUTPUT/oracle.jsonl is {"file", "error"} or
{"file", "transfer_syntax", "data_set", "frames": [{"number", "sha256"}]}; `data_set` is where the data set begins.
"""

import hashlib
import io
import json
import pathlib
import sys
import warnings

import numpy
from pydicom.filereader import dcmread, read_preamble, _read_file_meta_info
from pydicom.pixels import get_decoder

warnings.simplefilter("ignore")

# For each transfer syntax the decoder that is exact; for DCT the one whose arithmetic everybody else's is.
PREFERRED = {
    "1.2.840.10008.1.2.4.50": ["pillow", "pylibjpeg"],
    "1.2.840.10008.1.2.4.51": ["pylibjpeg"],
    "1.2.840.10008.1.2.4.57": ["pylibjpeg"],
    "1.2.840.10008.1.2.4.70": ["pylibjpeg"],
    "1.2.840.10008.1.2.4.80": ["pyjpegls", "pylibjpeg"],
    "1.2.840.10008.1.2.4.81": ["pyjpegls", "pylibjpeg"],
    "1.2.840.10008.1.2.4.90": ["pylibjpeg"],
    "1.2.840.10008.1.2.4.91": ["pylibjpeg"],
    "1.2.840.10008.1.2.4.201": ["pylibjpeg"],
    "1.2.840.10008.1.2.4.202": ["pylibjpeg"],
    "1.2.840.10008.1.2.4.203": ["pylibjpeg"],
    "1.2.840.10008.1.2.5": ["pylibjpeg", "pydicom"],
}


def decoded(dataset, syntax, number):
    decoder = get_decoder(syntax)
    if not decoder.is_encapsulated:
        return decoder.as_array(dataset, index=number, raw=True)[0]
    error = None
    for plugin in PREFERRED[syntax]:
        try:
            return decoder.as_array(dataset, index=number, raw=True, decoding_plugin=plugin)[0]
        except Exception as why:
            error = why
    raise error


def normal(array, dataset):
    """Cut to Bits Stored and given its sign, so that what stands in unused bits does not matter."""
    bits, width = dataset.BitsStored, array.dtype.itemsize * 8
    signed = dataset.PixelRepresentation == 1
    array = array.astype(f"<{'i' if signed else 'u'}{array.dtype.itemsize}", casting="unsafe")
    low = dataset.HighBit + 1 - bits
    if dataset.BitsAllocated == 1 or dataset.HighBit >= width:
        return array
    unused = width - bits - low
    return ((array << unused) >> (unused + low)).astype(array.dtype)


def describe(path, output):
    data = path.read_bytes()
    dataset = dcmread(io.BytesIO(data))
    if "PixelData" not in dataset:
        return None
    syntax = str(dataset.file_meta.TransferSyntaxUID)
    file = io.BytesIO(data)
    read_preamble(file, False)
    _read_file_meta_info(file)
    count = int(dataset.get("NumberOfFrames", 1) or 1)
    frames = []
    for number in sorted({1, count}):
        samples = normal(decoded(dataset, syntax, number - 1), dataset).tobytes()
        digest = hashlib.sha256(samples).hexdigest()
        (output / digest).write_bytes(samples)
        frames.append({"number": number, "sha256": digest})
    return {"transfer_syntax": syntax, "data_set": file.tell(), "frames": frames}


def main():
    output = pathlib.Path(sys.argv[1])
    output.mkdir(parents=True, exist_ok=True)
    lines = []
    for root in sys.argv[2:]:
        for path in sorted(pathlib.Path(root).rglob("*")):
            if not path.is_file():
                continue
            with path.open("rb") as file:
                if file.read(132)[128:] != b"DICM":
                    continue
            try:
                result = describe(path, output)
            except Exception as error:  # decoders raise anything on broken files
                result = {"error": f"{type(error).__name__}: {error}"}
            if result:
                lines.append(json.dumps({"file": str(path), **result}) + "\n")
    (output / "oracle.jsonl").write_text("".join(lines))


if __name__ == "__main__":
    main()
