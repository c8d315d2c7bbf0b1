"""A small hospital for comparisons: files that every archive can hold, the same in every run."""

import hashlib

import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import UID, generate_uid

from . import corpus, part10

#: Longest real file that is taken, in bytes: queries are compared here, not pixels.
FILE_BYTES_MAX = 300_000

#: Files that DCMTK does not read: pixel data with an odd length.
ODD = {"explicit_VR-UN.dcm"}

#: What archives that keep trees need: without these an object has no place in one.
PLACES = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")

#: Patient ID, name, sex, date of birth; a character set for the file.
PATIENTS = [
    ("HZ-0001", "Zhang^Wei=张^伟=", "M", "19800101", "ISO_IR 192"),
    ("HZ-0002", "Zhang^Wei=章^玮=", "F", "19551230", "GB18030"),
    ("HZ-0010", "Wang^XiaoDong=王^小东=", "M", "20010228", "GB18030"),
    ("HZ-0011", "OuYang^Xiu=欧阳^修=", "", "", "ISO_IR 192"),
    ("hz-0001", "Smith^John^Q^Dr^Jr", "M", "19600615", "ISO_IR 100"),
    ("HZ 77", "SMITH^Anna", "F", "19600616", "ISO_IR 192"),
    ("4711", "Müller-Lüdenscheidt^Hans", "O", "19481112", "ISO_IR 100"),
    ("4711/A", "Yamada^Tarou=山田^太郎=やまだ^たろう", "M", "19700707", "\\ISO 2022 IR 87"),
    ("4712", "Hong^Gildong=洪^吉洞=홍^길동", "M", "19700707", "\\ISO 2022 IR 149"),
    ("NONAME-1", "", "", "", "ISO_IR 192"),
]

#: Date, time, accession number, study ID, description, referring physician, modalities of its series.
STUDIES = [
    ("20260101", "000000", "A1000", "1", "CT Thorax", "Chen^Li", ["CT"]),
    ("20260101", "235959.999999", "A1001", "2", "CT Abdomen", "Chen^Li", ["CT", "SR"]),
    ("20260102", "0815", "B1000", "S-3", "MR Schädel", "", ["MR"]),
    ("20251231", "12", "", "", "", "Liu^Yang=刘^洋", ["US", "US"]),
    ("20260228", "101500.5", "a1000", "4", "ct thorax", "CHEN^LI", ["CT", "PR", "KO"]),
    ("", "", "C-1", "5", "胸部CT", "", ["DX"]),
    ("20260301", "", "C-2", "6", "Angiography [left]", "O'Neil^Pat", ["XA", "OT"]),
]


def files() -> list:
    """Every file, as bytes: generated ones first, then the real ones that fit."""
    made = [part10.file_bytes(image) for image in generated()]
    return made + list(real())


def real():
    """Files that pydicom brings along, small ones and the first of each instance, with a place in a tree."""
    seen = set()
    places = {}
    for path in corpus.files().values():
        content = path.read_bytes()
        if len(content) > FILE_BYTES_MAX or content[128:132] != b"DICM":
            continue
        try:
            data_set = pydicom.dcmread(path, stop_before_pixels=True)
            place = tuple(str(data_set.get(keyword) or "") for keyword in PLACES)
        except Exception:  # What pydicom cannot read is not compared here.
            continue
        if not all(place) or "TransferSyntaxUID" not in data_set.file_meta or path.name in ODD:
            continue
        patient, study, series, instance, _ = place
        if not all(UID(uid).is_valid for uid in place[1:]):
            continue
        # One study of two patients, or one series of two studies: every archive keeps that in its own way.
        above = [(study, patient), (series, study)]
        if instance in seen or any(places.setdefault(low, high) != high for low, high in above):
            continue
        seen.add(instance)
        yield content


def generated():
    """Patients with studies and series, some with empty values, some with sequences."""
    for number, (patient_id, name, sex, born, charset) in enumerate(PATIENTS):
        for turn in range(1 + number % 3):
            study = STUDIES[(2 * number + turn) % len(STUDIES)]
            yield from _study(f"{patient_id}/{turn}", study, charset, {
                "patient_name": name, "patient_id": patient_id, "PatientSex": sex, "PatientBirthDate": born,
            })


def _study(seed, study, charset, patient):
    date, time, accession, study_id, description, physician, modalities = study
    if charset not in ("ISO_IR 192", "GB18030"):
        # The others have no room for all of the texts above.
        description, physician = "Knie", ""
    for series_number, modality in enumerate(modalities, start=1):
        for instance_number in (1, 2):
            requested = Dataset()
            requested.RequestedProcedureID = f"RP-{accession}"
            requested.ScheduledProcedureStepID = f"SPS-{series_number}"
            code = Dataset()
            code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = f"P{study_id}", "99LOCAL", "procedure"
            image = part10.image(
                **patient,
                study=_uid(seed), series=_uid(seed, series_number),
                instance=_uid(seed, series_number, instance_number), rows=2, columns=2,
                charset=charset.split("\\") if "\\" in charset else charset,
                StudyDate=date, StudyTime=time, AccessionNumber=accession, StudyID=study_id,
                StudyDescription=description, ReferringPhysicianName=physician, Modality=modality,
                SeriesNumber=series_number, SeriesDescription=f"Series {series_number}", InstanceNumber=instance_number,
                BodyPartExamined="CHEST" if modality == "CT" else "",
                RequestAttributesSequence=[requested], ProcedureCodeSequence=[code],
                Manufacturer="Yingdun", StationName=f"ST{series_number}", ProtocolName="protocol",
            )
            yield image


def _uid(*parts) -> str:
    return generate_uid(entropy_srcs=[hashlib.sha256(repr(parts).encode()).hexdigest()])
