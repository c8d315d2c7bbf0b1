"""DICOM files as bytes: where the data set begins, and files made for tests.

The split is written from PS3.10 §7.1 and not with a DICOM library, so that "the data set bytes of this file" has
one meaning for every test.
"""

import io
import struct

import numpy
import pydicom
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

EXPLICIT_LITTLE_ENDIAN = str(ExplicitVRLittleEndian)
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"

#: VRs whose length has four bytes behind two reserved ones (PS3.5 §7.1.2).
LONG_VRS = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}


def data_set_offset(content: bytes) -> int:
    """Where the data set begins: behind preamble and group 0002, whatever the group length says."""
    if content[128:132] == b"DICM":
        at = 132
    elif content[:2] == b"\x02\x00":
        at = 0
    else:
        return 0
    while content[at : at + 2] == b"\x02\x00":
        if content[at + 4 : at + 6] in LONG_VRS:
            (length,) = struct.unpack_from("<I", content, at + 8)
            at += 12 + length
        else:
            (length,) = struct.unpack_from("<H", content, at + 6)
            at += 8 + length
    return at


def data_set_bytes(content: bytes) -> bytes:
    """The bytes behind the file meta information."""
    return content[data_set_offset(content) :]


def file_bytes(data_set: FileDataset) -> bytes:
    """The data set as a file."""
    out = io.BytesIO()
    pydicom.dcmwrite(out, data_set, enforce_file_format=True)
    return out.getvalue()


def parse(content: bytes, force=True) -> FileDataset:
    """A file as pydicom reads it."""
    return pydicom.dcmread(io.BytesIO(content), force=force)


def image(
    *,
    patient_name="Test^Patient",
    patient_id="4711",
    study=None,
    series=None,
    instance=None,
    frames=1,
    rows=64,
    columns=64,
    seed=0,
    charset="ISO_IR 192",
    **attributes,
) -> FileDataset:
    """A small secondary capture with noise in its pixels."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = SECONDARY_CAPTURE
    meta.MediaStorageSOPInstanceUID = instance or generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data_set = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    data_set.SpecificCharacterSet = charset
    data_set.SOPClassUID = meta.MediaStorageSOPClassUID
    data_set.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    data_set.StudyInstanceUID = study or generate_uid()
    data_set.SeriesInstanceUID = series or generate_uid()
    data_set.PatientName = patient_name
    data_set.PatientID = patient_id
    data_set.StudyDate = "20260301"
    data_set.StudyTime = "101500"
    data_set.Modality = "OT"
    data_set.InstanceNumber = 1
    data_set.SamplesPerPixel = 1
    data_set.PhotometricInterpretation = "MONOCHROME2"
    data_set.Rows, data_set.Columns = rows, columns
    data_set.BitsAllocated = data_set.BitsStored = 16
    data_set.HighBit = 15
    data_set.PixelRepresentation = 0
    if frames > 1:
        data_set.NumberOfFrames = frames
    noise = numpy.random.default_rng(seed).integers(0, 4096, (frames, rows, columns), numpy.uint16)
    data_set.PixelData = noise.tobytes()
    for keyword, value in attributes.items():
        setattr(data_set, keyword, value)
    return data_set


def element(tag: int, vr: bytes, value: bytes) -> bytes:
    """One element, explicit little endian, with an even length."""
    value += b"\0" if len(value) % 2 else b""
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr
    if vr in LONG_VRS:
        return head + struct.pack("<HI", 0, len(value)) + value
    return head + struct.pack("<H", len(value)) + value


def raw_file(data_set: bytes, *, sop_class: str, sop_instance: str, syntax=EXPLICIT_LITTLE_ENDIAN) -> bytes:
    """Data set bytes, legal or not, as a file."""
    meta = element(0x00020001, b"OB", b"\0\1")
    for tag, text in [(0x00020002, sop_class), (0x00020003, sop_instance), (0x00020010, syntax)]:
        meta += element(tag, b"UI", text.encode())
    length = element(0x00020000, b"UL", struct.pack("<I", len(meta)))
    return bytes(128) + b"DICM" + length + meta + data_set
