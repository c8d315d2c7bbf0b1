"""C-FIND as other programs ask it: DCMTK and pynetdicom, over TLS and in plain."""

import pydicom
import pynetdicom
import pytest
from pynetdicom.sop_class import PatientRootQueryRetrieveInformationModelFind

from yingdun_testkit import part10
from yingdun_testkit.workstation import FIND, identifier, study_of


#: Zhang^Wei in the character sets in which Chinese equipment asks, and the bytes of the name there.
CHINESE = [
    ("ISO_IR 192", "Zhang^Wei=张^伟=".encode()),
    ("GB18030", "Zhang^Wei=张^伟=".encode("gb18030")),
    ("GBK", "Zhang^Wei=张^伟=".encode("gbk")),
    # PS3.5 annex K: announced anew in every component.
    ("\\ISO 2022 IR 58", b"Zhang^Wei=\x1b$)A\xd5\xc5^\x1b$)A\xce\xb0="),
]


@pytest.mark.parametrize("transport", ["tls", "plain"])
def test_findscu_finds_studies_over_tls_and_in_plain(archive, images, workstation, plain_workstation, tmp_path, transport):
    peer = workstation if transport == "tls" else plain_workstation
    address = archive.addresses.dicom_tls if transport == "tls" else archive.addresses.dicom_plain
    done, found = peer.find(
        address, "-S", tmp_path, "QueryRetrieveLevel=STUDY", "PatientID=qr-1", "StudyInstanceUID", "PatientName",
        "StudyDate", "NumberOfStudyRelatedInstances", "ModalitiesInStudy",
    )
    assert done.returncode == 0, done.stdout
    assert {row.StudyInstanceUID for row in found} == {study_of(images, 0), study_of(images, 1)}
    for row in found:
        assert (row.QueryRetrieveLevel, row.RetrieveAETitle) == ("STUDY", "YINGDUN")
        assert (row.NumberOfStudyRelatedInstances, row.ModalitiesInStudy) == (4, "OT")
        assert "PatientSex" not in row, "only what was asked for"


def test_every_level_of_both_models_is_answered(images, entity):
    study, series = study_of(images, 0), images[0].SeriesInstanceUID
    patient_root = PatientRootQueryRetrieveInformationModelFind
    asked = [
        (patient_root, "PATIENT", {"PatientID": "qr-*", "PatientName": ""}, 2),
        (patient_root, "STUDY", {"PatientID": "qr-1", "StudyInstanceUID": ""}, 2),
        (patient_root, "SERIES", {"PatientID": "qr-1", "StudyInstanceUID": study, "SeriesNumber": ""}, 2),
        (FIND, "STUDY", {"PatientID": "qr-*", "StudyDate": "20260102-20260103"}, 2),
        (FIND, "STUDY", {"PatientID": "qr-*", "AccessionNumber": "QR2"}, 1),
        (FIND, "STUDY", {"StudyInstanceUID": [study, study_of(images, 2)]}, 2),
        (FIND, "SERIES", {"StudyInstanceUID": study, "SeriesInstanceUID": "", "Modality": "OT"}, 2),
        (FIND, "SERIES", {"StudyInstanceUID": study, "Modality": "CT"}, 0),
        (FIND, "IMAGE", {"StudyInstanceUID": study, "SeriesInstanceUID": series, "SOPInstanceUID": ""}, 2),
        (FIND, "IMAGE", {"StudyInstanceUID": study, "SeriesInstanceUID": series, "InstanceNumber": "2"}, 1),
    ]
    for model, level, keys, matches in asked:
        answers = entity.find(model, QueryRetrieveLevel=level, **keys)
        assert [status for status, _ in answers] == [0xFF00] * matches + [0], (level, keys, answers)
        assert all(row.QueryRetrieveLevel == level for _, row in answers[:-1])


@pytest.mark.parametrize("charset, name", CHINESE, ids=[charset for charset, _ in CHINESE])
def test_chinese_names_are_asked_and_answered_in_the_character_set_of_the_asker(images, entity, charset, name):
    answers = entity.find(charset=charset, QueryRetrieveLevel="STUDY", PatientName="张*", PatientID="qr-*")
    rows = [row for status, row in answers if status == 0xFF00]
    assert len(rows) == 2, answers
    for row in rows:
        declared = row.SpecificCharacterSet
        assert ("\\".join(declared) if not isinstance(declared, str) else declared) == charset
        assert row.PatientName.original_string.rstrip(b" =") == name.rstrip(b"=")


def test_who_declares_no_character_set_gets_utf8(images, entity):
    (status, row), _ = entity.find(QueryRetrieveLevel="STUDY", PatientID="qr-2", PatientName="")
    assert (status, row.SpecificCharacterSet) == (0xFF00, "ISO_IR 192")
    assert str(row.PatientName).startswith("Li^Na=李^娜")


def test_keys_that_are_not_supported_are_left_out_and_told(images, entity):
    answers = entity.find(QueryRetrieveLevel="STUDY", PatientID="qr-2", KVP="", StudyDate="")
    (status, row), last = answers
    assert (status, last[0]) == (0xFF01, 0)
    assert "KVP" not in row and row.StudyDate == "20260103"


@pytest.mark.parametrize(
    "keys, status",
    [
        ({"QueryRetrieveLevel": "PATIENT", "PatientID": "qr-1"}, 0xA900),
        ({"QueryRetrieveLevel": "NONSENSE"}, 0xA900),
        ({"PatientID": "qr-1"}, 0xA900),
        ({"QueryRetrieveLevel": "SERIES"}, 0xA900),
        ({"QueryRetrieveLevel": "SERIES", "StudyInstanceUID": ["1.2", "1.3"]}, 0xA900),
        ({"QueryRetrieveLevel": "IMAGE", "StudyInstanceUID": "1.2"}, 0xA900),
        ({"QueryRetrieveLevel": "STUDY", "StudyDate": "yesterday"}, 0xC000),
    ],
)
def test_an_identifier_that_does_not_fit_its_model_is_answered_with_its_status(images, entity, keys, status):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pydicom.config.settings, "writing_validation_mode", pydicom.config.IGNORE)
        answers = entity.find(**keys)
    assert [code for code, _ in answers] == [status]


def test_relational_queries_are_agreed_and_answered(images, entity):
    wish = pynetdicom.pdu_primitives.SOPClassExtendedNegotiation()
    wish.sop_class_uid, wish.service_class_application_information = FIND, b"\x01\x00\x01"
    association = entity.associate(FIND, roles=[wish])
    try:
        assert association.acceptor.sop_class_extended[FIND] == b"\x01\x00\x01"
        asked = identifier(QueryRetrieveLevel="SERIES", PatientID="qr-1", SeriesInstanceUID="")
        statuses = [status.Status for status, _ in association.send_c_find(asked, FIND)]
        assert statuses == [0xFF00] * 4 + [0]
        asked = identifier(QueryRetrieveLevel="STUDY", PatientName="wei zh", PatientID="qr-*")
        statuses = [status.Status for status, _ in association.send_c_find(asked, FIND)]
        assert statuses == [0xFF00] * 2 + [0], "parts of a name in any order"
    finally:
        association.release()


def test_a_query_that_is_cancelled_ends_with_a_cancel(archive, entity, gateway):
    first = part10.image(patient_id="many-instances")
    study, series = first.StudyInstanceUID, first.SeriesInstanceUID
    many = [part10.image(patient_id="many-instances", study=study, series=series, rows=1, columns=2) for _ in range(600)]
    gateway.must_store(*map(part10.file_bytes, many))
    association = entity.associate(FIND)
    try:
        asked = identifier(
            QueryRetrieveLevel="IMAGE", StudyInstanceUID=study, SeriesInstanceUID=series, SOPInstanceUID=""
        )
        statuses = []
        for status, _ in association.send_c_find(asked, FIND, msg_id=7):
            if not statuses:
                association.send_c_cancel(7, None, FIND)
            statuses.append(status.Status)
        assert statuses[-1] in (0xFE00, 0), "a cancel that comes too late is ignored (PS3.7 §9.3.2.3)"
        assert len(statuses) <= 601
        asked.SOPInstanceUID = many[0].SOPInstanceUID
        assert [status.Status for status, _ in association.send_c_find(asked, FIND)] == [0xFF00, 0]
    finally:
        association.release()
