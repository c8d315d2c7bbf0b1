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


@pytest.fixture(scope="module")
def moments(gateway):
    """Studies of one patient: two days and two nights, one in another zone; some values are missing."""
    made = {}
    for name, date, time, more in [
        ("day", "20260705", "090000", {"AccessionNumber": "M1", "Modality": "CT"}),
        ("night", "20260705", "233000", {"AccessionNumber": "", "Modality": "CT"}),
        ("utc", "20260706", "190000", {"AccessionNumber": "M3", "TimezoneOffsetFromUTC": "+0000"}),
        ("last", "20260707", "120000", {"Modality": "PT"}),
    ]:
        image = part10.image(patient_id="moments", StudyDate=date, StudyTime=time, **more)
        gateway.must_store(part10.file_bytes(image))
        made[image.StudyInstanceUID] = name
    second = part10.image(patient_id="moments", study=image.StudyInstanceUID, StudyDate=date, StudyTime=time, Modality="CT")
    gateway.must_store(part10.file_bytes(second))
    return made


#: Keys, which kind of matching is wished for by its byte, what is found with it and without it.
WISHES = [
    ({"StudyDate": "20260705-20260707", "StudyTime": "1000-1800"}, 2, "night utc last", "last"),
    ({"StudyDate": "20260705-", "StudyTime": "1000-"}, 2, "night utc last", "night utc last"),
    ({"StudyDate": "-20260706", "StudyTime": "-1000"}, 2, "day night", "day"),
    ({"StudyDate": "20260705", "StudyTime": "1000-"}, 2, "night", "night"),
    ({"AccessionNumber": '""'}, 6, "night last", ""),
    ({"ModalitiesInStudy": ["CT", "PT"]}, 7, "last", "day night last"),
]


@pytest.mark.parametrize("keys, byte, wished, plain", WISHES, ids=[f"{byte}-{next(iter(keys))}" for keys, byte, *_ in WISHES])
def test_what_is_wished_for_in_extended_negotiation_is_how_values_are_matched(moments, entity, keys, byte, wished, plain):
    for bits, found in [(1 << byte - 1, wished), (0, plain)]:
        information = bytes(bits >> place & 1 for place in range(7))
        wish = pynetdicom.pdu_primitives.SOPClassExtendedNegotiation()
        wish.sop_class_uid, wish.service_class_application_information = FIND, information
        association = entity.associate(FIND, roles=[wish])
        try:
            assert association.acceptor.sop_class_extended[FIND] == information
            asked = identifier(QueryRetrieveLevel="STUDY", PatientID="moments", StudyInstanceUID="", **keys)
            answers = [(status.Status, row) for status, row in association.send_c_find(asked, FIND)]
        finally:
            association.release()
        assert answers[-1][0] == 0
        assert {moments[row.StudyInstanceUID] for _, row in answers[:-1]} == set(found.split()), (keys, information)


def test_enhanced_images_are_not_converted_and_that_is_said(entity):
    wish = pynetdicom.pdu_primitives.SOPClassExtendedNegotiation()
    wish.sop_class_uid, wish.service_class_application_information = FIND, b"\x01" * 7
    association = entity.associate(FIND, roles=[wish])
    assert association.acceptor.sop_class_extended[FIND] == b"\x01\x01\x01\x01\x00\x01\x01"
    association.release()


def test_findscu_asks_in_a_time_zone_and_learns_that_of_the_answers(moments, archive, workstation, tmp_path):
    # The institution is in China. 19:00 UTC on the 6th is 03:00 on the 7th there.
    for zone, day, expected in [
        ("+0800", "20260706", set()), ("+0800", "20260707", {"utc", "last"}), ("+0000", "20260705", {"day", "night"}),
        ("-1000", "20260704", {"day"}),
    ]:
        folder = tmp_path / f"{zone}-{day}"
        folder.mkdir()
        done, found = workstation.find(
            archive.addresses.dicom_tls, "-S", folder, "QueryRetrieveLevel=STUDY", "PatientID=moments",
            "StudyInstanceUID", f"StudyDate={day}", f"TimezoneOffsetFromUTC={zone}",
        )
        assert done.returncode == 0, done.stdout
        assert {moments[row.StudyInstanceUID] for row in found} == expected, (zone, day)
        zones = {moments[row.StudyInstanceUID]: row.get("TimezoneOffsetFromUTC") for row in found}
        assert all(said == ("+0000" if name == "utc" else None) for name, said in zones.items()), zones


def test_qido_rs_matches_as_its_parameters_say(moments, gateway):
    def found(**keys):
        rows = gateway.search("/studies", PatientID="moments", **keys)
        return {moments[row["0020000D"]["Value"][0]] for row in rows}

    span = {"StudyDate": "20260705-20260707", "StudyTime": "1000-1800"}
    assert found(**span) == {"night", "utc", "last"}, "one range, always"
    assert found(AccessionNumber='""') == set()
    assert found(AccessionNumber='""', emptyvaluematching="true") == {"night", "last"}
    assert found(ModalitiesInStudy="CT\\PT") == {"day", "night", "last"}
    assert found(ModalitiesInStudy="CT\\PT", multiplevaluematching="true") == {"last"}
    assert found(StudyDate="20260707") == {"last"}
    assert found(StudyDate="20260707", TimezoneOffsetFromUTC="+0800") == {"utc", "last"}
    assert found(StudyDate="20260705", StudyTime="1400-1600", TimezoneOffsetFromUTC="+0000") == {"night"}
    for wrong in [{"TimezoneOffsetFromUTC": "Peking"}, {"emptyvaluematching": "perhaps"}]:
        assert gateway.get("/studies", params=wrong).status_code == 400, wrong


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
