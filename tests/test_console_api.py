"""What the first screens of the console are made of: the list of studies, searched while somebody types, and the overview of an office. Rows are
those that the person may open, and numbers those that the log tells."""

import time
from datetime import datetime, timedelta, timezone

import pytest

from yingdun_testkit import part10
from yingdun_testkit.administration import Api, Office
from yingdun_testkit.installation import wait_until
from yingdun_testkit.web import Web

#: The clocks of the institution.
CHINA = timezone(timedelta(hours=8))
#: What a machine may take in which everything else runs at the same time.
BUSY_SECONDS = 20.0

PATIENTS = [
    ("Zhang^San=张^三", "HZ000123", "A100", "CT", "20261121", "chest"),
    ("Zhang^San=张^三", "HZ000123", "A101", "MR", "20261103", "head"),
    ("Zhao^Si=赵^四", "HZ000999", "A200", "CT", "20261120", "abdomen"),
    ("Wang^Xiaodong=王^小东", "4711", "B300", "DX", "20261001", "hand"),
    ("Müller-Lüdenscheidt^Hans", "DE-77", "C400", "US", "20250601", "liver"),
]


@pytest.fixture(scope="module")
def hospital(make_installation):
    """An installation of its own, with masked technicians: lists are compared whole."""
    installation = make_installation("console", serve=False)
    with installation.config.open("a") as config:
        config.write('\n[identity.masking.technician]\nnames = "initials"\nidentifiers = "pseudonym"\n')
    installation.start()
    installation.office = Office(installation)
    return installation


@pytest.fixture(scope="module")
def gateway(hospital):
    return Web(hospital, hospital.office.client_token("gateway", "store", "search", "view"))


@pytest.fixture(scope="module")
def images(gateway):
    """The studies of the house, by their accession numbers."""
    made = {}
    for name, patient_id, accession, modality, date, description in PATIENTS:
        image = part10.image(patient_name=name, patient_id=patient_id)
        image.AccessionNumber, image.Modality, image.StudyDescription = accession, modality, description
        image.StudyDate, image.StudyTime = date, "101500"
        image.PatientBirthDate, image.PatientSex, image.PatientAge = "19700203", "F", "056Y"
        gateway.must_store(part10.file_bytes(image))
        made[accession] = image
    return made


def api(hospital, token) -> Api:
    return Api(hospital.addresses.web, str(hospital.ca_file), token)


@pytest.fixture(scope="module")
def reader(hospital, images):
    return api(hospital, hospital.office.person_token("reader", "radiologist"))


def search(who: Api, text="", **filters) -> dict:
    return who.get("/studies/search", {"text": text, **filters})


def found(who: Api, text="", **filters) -> list:
    """Accession numbers of what is found, in its order."""
    return [row["accession_number"] for row in search(who, text, **filters)["studies"]]


NEWEST_FIRST = ["A100", "A200", "A101", "B300", "C400"]


@pytest.mark.parametrize(
    "text,expected",
    [
        ("", NEWEST_FIRST),
        ("   ", NEWEST_FIRST),
        ("zs", ["A100", "A200", "A101"]),  # initials of 张三 and 赵四
        ("张三", ["A100", "A101"]),
        ("张", ["A100", "A101"]),
        ("zhangsan", ["A100", "A101"]),  # seven letters: a beginning that the index has in part
        ("san zhang", ["A100", "A101"]),
        ("zhangsi", []),
        ("wxd", ["B300"]),
        ("王小东", ["B300"]),
        ("muller", ["C400"]),
        ("lüdenscheidt hans", ["C400"]),
        ("Müller-Lüdenscheidt", ["C400"]),
        ("hz0001", ["A100", "A101"]),
        ("HZ00", ["A100", "A200", "A101"]),
        ("hz000", ["A100", "A200", "A101"]),  # five characters of an identifier have no token of their own
        ("4711", ["B300"]),
        ("a1", ["A100", "A101"]),
        ("A101", ["A101"]),
        ("ct", ["A100", "A200"]),
        ("zs ct", ["A100", "A200"]),
        ("CT zhang", ["A100"]),
        ("dr", ["B300"]),
        ("mri 张", ["A101"]),
        ("2026-11-21", ["A100"]),
        ("2026-11", ["A100", "A200", "A101"]),
        ("zs 2026-11-03", ["A101"]),
        ("2026-11-21 2026-11-20", []),
        ("2025年6月", ["C400"]),
        ("nobody", []),
    ],
)
def test_words_in_any_order_find_what_they_begin(reader, text, expected):
    assert found(reader, text) == expected


def test_a_row_says_what_a_list_shows(hospital, reader, images):
    (row,) = search(reader, "a100")["studies"]
    assert row == {
        "study_uid": images["A100"].StudyInstanceUID,
        "patient": {
            "name": {"alphabetic": "Zhang^San", "ideographic": "张^三", "phonetic": None},
            "id": "HZ000123",
            "issuer": None,
            "birth_date": "1970-02-03",
            "sex": "F",
            "age": "056Y",
        },
        "modalities": ["CT"],
        "description": "chest",
        "date": "2026-11-21",
        "time": "10:15:00",
        "accession_number": "A100",
        "series": 1,
        "instances": 1,
        "grade": "L4",
        "patient_conflict": False,
        "state": "readable",
        "reason": "reads-for-institution",
        "until_ms": None,
    }
    assert search(reader, "ct 王")["read_as"] == [
        ["patient-name", "patient-id", "accession-number", "modality"],
        ["patient-name", "patient-id", "accession-number"],
    ]


def test_filters_and_pages_hold_together(reader):
    assert found(reader, modality="CT") == ["A100", "A200"]
    assert found(reader, modality=["CT", "MR"]) == ["A100", "A200", "A101"]
    assert found(reader, **{"from": "20261101", "until": "20261120"}) == ["A200", "A101"]
    assert found(reader, "2026-11", **{"from": "20261121"}) == ["A100"]
    assert found(reader, **{"from": "20261122", "until": "20261121"}) == []
    pages, cursor = [], None
    for _ in range(5):
        page = search(reader, limit=2, **({"cursor": cursor} if cursor else {}))
        assert page["whole"]
        pages.append([row["accession_number"] for row in page["studies"]])
        cursor = page["next"]
        if cursor is None:
            break
    assert pages == [NEWEST_FIRST[:2], NEWEST_FIRST[2:4], NEWEST_FIRST[4:]]


@pytest.mark.parametrize(
    "query",
    [
        {"text": "wang*"},
        {"text": "a b c d e f g h i"},
        {"text": "x" * 65},
        {"modality": "ct"},
        {"from": "2026-11-21"},
        {"cursor": "20261121"},
        {"limit": "0"},
        {"limit": "201"},
        {"nothing": "1"},
    ],
)
def test_what_is_not_described_is_refused(reader, query):
    answer = reader.raw("GET", "/studies/search", params=query)
    assert answer.status_code == 400, answer.text
    assert answer.json()["type"].startswith("urn:yingdun:problem:")


def test_each_search_is_a_leaf_that_is_there_before_its_rows(hospital, reader):
    before = len(hospital.office.leaves(kind="query", actor="reader"))
    rows = search(reader, "zs")["studies"]
    leaves = hospital.office.leaves(kind="query", actor="reader")
    assert len(leaves) == before + 1
    assert leaves[0]["counts"] == {"rows": len(rows)} and leaves[0]["action"] == "search"


def ends_at(row, moment_ms: int) -> bool:
    """Whether a row says this moment: to the second, and never later. Grants live by a running clock beside that of the wall."""
    return moment_ms - 1000 < row["until_ms"] <= moment_ms


def listed_and_opened(hospital, token, images) -> tuple[set, set]:
    """What the list of a person shows as open, and what opens."""
    rows = search(api(hospital, token), limit=200)["studies"]
    shown = {row["study_uid"] for row in rows if row["state"] in ("readable", "timed", "emergency")}
    web = Web(hospital, token)
    opened = {
        image.StudyInstanceUID
        for image in images.values()
        if web.get(f"/studies/{image.StudyInstanceUID}/metadata").status_code == 200
    }
    return shown, opened


def test_a_row_is_there_if_and_only_if_it_opens_and_says_on_what_that_rests(hospital, images):
    office = hospital.office
    token = office.person_token("doctor", "clinician")
    mine = api(hospital, token)
    assert found(mine) == [] and found(mine, "zs") == [], "nobody in care, nothing to see"

    office.care("doctor", "HZ000123")
    rows = search(mine, "zs")["studies"]
    assert [row["accession_number"] for row in rows] == ["A100", "A101"]
    assert {(row["state"], row["reason"]) for row in rows} == {("readable", "in-care")}
    ends = rows[0]["until_ms"]
    assert 0 < ends - int(time.time() * 1000) <= 3_600_000, "the care relation ends by itself"

    chief = api(hospital, office.person_token("chief", "chief"))
    body = {"name": "doctor", "study": images["A200"].StudyInstanceUID, "reason": "a second look", "minutes": 5}
    given = chief.post("/grants", body, 201)
    (row,) = search(mine, "a200")["studies"]
    assert (row["state"], row["reason"]) == ("timed", "timed-grant")
    assert ends_at(row, given["valid_until_ms"])
    assert found(mine, mine="true") == ["A100", "A101"], "what was granted is nobody's care"

    case = {"patient_id": "4711", "code": "emergency-treatment", "reason": "unconscious, bleeding", "minutes": 5}
    broken = mine.post("/break-glass", case, 201)
    (row,) = search(mine, "4711")["studies"]
    assert (row["state"], row["reason"]) == ("emergency", "break-glass")
    assert ends_at(row, broken["valid_until_ms"])

    shown, opened = listed_and_opened(hospital, token, images)
    assert shown == opened == {images[number].StudyInstanceUID for number in ("A100", "A101", "A200", "B300")}
    mine.delete(f"/break-glass/{broken['grant']}", 200)
    office.end_care("doctor", "HZ000123")

    def is_over():
        return listed_and_opened(hospital, token, images) == ({images["A200"].StudyInstanceUID},) * 2

    wait_until(is_over, "what ended is listed no more", 10)


def test_a_reader_is_shown_the_own_patients_when_asking_for_them(hospital, images):
    token = hospital.office.person_token("reader-in-care", "radiologist")
    mine = api(hospital, token)
    assert found(mine) == NEWEST_FIRST and found(mine, mine="true") == []
    hospital.office.care("reader-in-care", "4711")
    assert found(mine, mine="true") == ["B300"] and found(mine, "wxd", mine="true") == ["B300"]
    assert found(mine, "zs", mine="true") == []


def test_offices_and_programs_without_the_right_hear_nothing(hospital, gateway, images):
    for officer in (hospital.office.system, hospital.office.security, hospital.office.audit):
        assert officer.raw("GET", "/studies/search").status_code == 403
    archivist = api(hospital, hospital.office.client_token("archivist", "store"))
    assert archivist.raw("GET", "/studies/search").status_code == 403
    assert found(api(hospital, gateway.token)) == NEWEST_FIRST


def test_who_is_masked_learns_no_name_and_searches_by_none(hospital, images):
    masked = api(hospital, hospital.office.person_token("masked", "technician"))
    rows = search(masked)["studies"]
    assert len(rows) == len(PATIENTS)
    # Without what is numbers by chance.
    told = str([{name: value for name, value in row.items() if name != "study_uid" and not name.endswith("_ms")} for row in rows])
    for secret in ("Zhang", "张", "HZ000123", "A100", "4711"):
        assert secret not in told, secret
    assert [row["modalities"] for row in search(masked, "ct")["studies"]] == [["CT"], ["CT"]]
    assert search(masked, "2026-11-21 ct")["read_as"] == [["modality"]]
    refused = masked.raw("GET", "/studies/search", params={"text": "zhang"})
    assert refused.status_code == 400 and "masked-role" in refused.text


# === the overview ===

#: Parts that each office has; nothing else is in its answer.
PARTS = {
    "system": {"audit", "storage", "certificates", "jobs", "approvals"},
    "security": {"keys", "alerts", "reasons", "jobs", "approvals"},
    "audit": {"accesses", "audit", "reviews", "alerts", "jobs", "approvals"},
}
EVERYBODY = {"role", "at_ms", "missing", "health"}


@pytest.mark.parametrize("office", PARTS)
def test_an_office_sees_its_parts_and_no_others(hospital, images, office):
    overview = getattr(hospital.office, office).get("/overview")
    assert set(overview) == EVERYBODY | PARTS[office]
    assert overview["missing"] == [] and overview["role"] == f"{office}-administrator"
    assert abs(overview["at_ms"] / 1000 - time.time()) < 60


@pytest.mark.parametrize("role", ["radiologist", "clinician", "researcher"])
def test_it_is_for_officers(hospital, role):
    person = api(hospital, hospital.office.person_token(f"no-officer-{role}", role))
    assert person.raw("GET", "/overview").status_code == 403


def test_the_answers_are_those_that_the_description_promises(hospital, reader):
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed: it comes with what script/bootstrap test installs")
    description = reader.raw("GET", "/api/openapi.json", prefix="").json()
    for who, path in [
        (reader, "/studies/search"),
        (hospital.office.system, "/overview"),
        (hospital.office.security, "/overview"),
        (hospital.office.audit, "/overview"),
    ]:
        schema = description["paths"][f"/api/v1{path}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        jsonschema.validate(who.get(path), {**schema, "components": description["components"]})


def test_accesses_and_refusals_are_counted_as_the_log_tells_them(hospital, gateway, images):
    office = hospital.office
    name = "counted"
    web = Web(hospital, office.person_token(name, "clinician"))
    office.care(name, "DE-77")
    opened, closed = images["C400"].StudyInstanceUID, images["B300"].StudyInstanceUID

    def sums():
        today = office.audit.get("/overview")["accesses"]["today"]
        return sum(today["accesses"]), sum(today["refusals"])

    def told():
        everything = office.leaves(kind="access", outcome="permitted"), office.leaves(outcome="refused")
        return tuple(len(leaves) for leaves in everything)

    assert web.get(f"/studies/{opened}/metadata").status_code == 200
    assert web.get(f"/studies/{closed}/metadata").status_code == 404
    before = sums()
    assert web.get(f"/studies/{closed}/metadata").status_code == 404
    wait_until(lambda: sums()[1] > before[1], "the refusal is counted", BUSY_SECONDS)
    # Refused sign-ins of the same second and whatever else is refused are in the log as well: the two agree.
    wait_until(lambda: sums() == told(), "what is counted is what the log tells", BUSY_SECONDS)

    overview = office.audit.get("/overview")
    accesses = overview["accesses"]
    assert accesses["whole"] and accesses["logs"] == 1 and accesses["log"] == overview["audit"]["log"]
    days = [datetime.now(CHINA).date() - timedelta(days=back) for back in range(6, -1, -1)]
    told_days = [day["date"] for day in accesses["week"]]
    assert told_days == [str(day) for day in days] or datetime.now(CHINA).hour == 0
    assert sum(accesses["week"][-1]["accesses"]) == sum(accesses["today"]["accesses"])
    assert all(sum(day["accesses"]) == 0 for day in accesses["week"][:-1]) or datetime.now(CHINA).hour == 0
    minutes = (overview["at_ms"] - accesses["today"]["begins_ms"]) // accesses["today"]["stretch_ms"] + 1
    assert len(accesses["today"]["accesses"]) == len(accesses["today"]["refusals"]) == minutes


def test_whoever_reads_sums_of_the_log_is_in_it(hospital):
    office = hospital.office

    def readings():
        found = office.leaves(actor=office.names["audit-administrator"], action="read-audit")
        return len(found)

    before = readings()
    office.audit.get("/overview")
    assert readings() == before + 2, "the overview, and this look at the log"


def test_what_waits_for_an_office_is_there_until_it_is_done(hospital, images):
    office = hospital.office
    office.person("emergency-doctor", "radiologist")
    doctor = api(hospital, office.sign_in("emergency-doctor"))
    case = {"patient_id": "HZ000999", "code": "emergency-treatment", "reason": "bleeding", "minutes": 5}
    broken = doctor.post("/break-glass", case, 201)
    doctor.delete(f"/break-glass/{broken['grant']}", 200)

    def waiting():
        return [row["case"] for row in office.audit.get("/overview")["reviews"]["first"]]

    assert broken["grant"] in waiting()
    alerts = office.audit.get("/overview")["alerts"]
    assert alerts["medium"] >= 1 and "monitor-break-glass" in {row["kind"] for row in alerts["first"]}
    assert alerts["waiting"] == alerts["high"] + alerts["medium"] + alerts["low"]
    verdict = {"verdict": "justified", "reason": "the patient lives"}
    office.audit.post(f"/break-glass/{broken['grant']}/review", verdict, 200)
    assert broken["grant"] not in waiting()

    body = {"study": images["C400"].StudyInstanceUID, "reason": "trial"}
    asked = office.security.post("/destructions", body, 201)
    row = next(row for row in office.audit.get("/overview")["approvals"] if row["id"] == asked["id"])
    assert row == {
        "kind": "destruction",
        "id": asked["id"],
        "by": office.names["security-administrator"],
        "since_ms": asked["requested_ms"],
        "own": False,
    }
    assert asked["id"] not in str(office.system.get("/overview")), "no matter of that office"
    office.security.delete(f"/destructions/{asked['id']}", 204)
    assert office.audit.get("/overview")["approvals"] == []

    proposed = office.system.post("/policies", {"text": "// None.", "reason": "to try it"}, 201)
    for officer in (office.security, office.audit):
        rows = officer.get("/overview")["approvals"]
        assert [(row["kind"], row["id"], row["own"]) for row in rows] == [("policy", str(proposed["version"]), False)]
    office.system.delete(f"/policies/{proposed['version']}", 200)


def test_the_system_and_its_keys_are_told_in_numbers(hospital, images):
    office = hospital.office
    overview = office.system.get("/overview")
    storage, audit = overview["storage"], overview["audit"]
    assert storage["writable"] and {replica["state"] for replica in storage["replicas"]} == {"ready"}
    assert audit["accepting"] and audit["leaves"] >= audit["signed_leaves"] > 0
    assert overview["certificates"] and all(one["not_after_ms"] > overview["at_ms"] for one in overview["certificates"])
    keys = office.security.get("/overview")["keys"]
    assert keys["studies"] >= len(PATIENTS) and keys["keks"]
    for kek in keys["keks"]:
        assert not kek["is_due"] and kek["created_ms"] < overview["at_ms"] < kek["due_ms"]
