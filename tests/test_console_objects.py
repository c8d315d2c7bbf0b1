"""Documents, key images and badges in the viewer and the list of studies, in a real browser; and what the API behind them decides."""

import json
import re

import pytest
import requests

from yingdun_testkit import documents, hangings, part10, ward as wards
from yingdun_testkit.administration import SESSION_COOKIE
from yingdun_testkit.authenticator import outsider_token
from yingdun_testkit.reading import gateway

SHOWN = "[data-testid=pane-1][data-shown]"
STUDY = "1.2.826.0.1.3680043.10.1496.1"
PATIENT = ("He^Ping=何^平", "P20260401", "F", "19680402", "胸部CT增强", "CT", 10)
HOSTILE = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"


@pytest.fixture(scope="module")
def study(ward):
    """A study with a report, a PDF, a report that means harm, and a selection that a workstation made."""
    import datetime

    images = []
    for image in wards.images(0, *PATIENT, datetime.datetime.now() - datetime.timedelta(minutes=5)):
        image.StudyInstanceUID, image.SeriesInstanceUID = STUDY, f"{STUDY}.1"
        image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = f"{STUDY}.1.{image.InstanceNumber}"
        image.FrameOfReferenceUID = f"{STUDY}.9"
        images.append(image)
    about, uids = images[0], [image.SOPInstanceUID for image in images]
    report = documents.report(
        about, 50, documents.findings(about, uids[6]), CurrentRequestedProcedureEvidenceSequence=documents.evidence(about, uids[6])
    )
    hostile = documents.report(about, 53, [documents.item("TEXT", name=documents.code("1", "99", HOSTILE), TextValue=HOSTILE)])
    made = [
        report, hostile, documents.pdf(about, 51, documents.page("Consultation 2026")),
        documents.key_images(about, 52, [uids[2], uids[6]], description="结节层面"),
    ]
    gateway(ward).must_store(*[part10.file_bytes(one) for one in images + made])
    ward.office.care(ward.names["clinician"], PATIENT[1], hours=8)
    return STUDY


def look(window, study):
    hangings.always(window, "CT", "single")
    window.page.goto(f"{window.web}/console/viewer/{study}")
    window.page.locator(SHOWN).wait_for()
    return window.page


def mark(ward, role, study, uids, **body):
    """Asks for a selection, as this role."""
    asked = {"title": "113000", "images": [{"instance": uid} for uid in uids], **body}
    return ward.office.api(ward.tokens[role]).raw("POST", f"/studies/{study}/key-images", asked)


def metadata(ward, role, path):
    answer = requests.get(
        f"{ward.installation.addresses.web}/dicom-web/studies/{path}/metadata",
        headers={"Authorization": f"Bearer {ward.tokens[role]}", "Accept": "application/dicom+json"},
        verify=str(ward.installation.ca_file), timeout=60,
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


# === reports ===


def test_a_report_is_read_beside_the_image_that_it_names(desk, study):
    window = desk("clinician")
    page = look(window, study)
    page.get_by_role("button", name="结构化报告").first.click()
    report = page.get_by_test_id("report")
    report.wait_for()
    text = report.inner_text()
    for words in ("诊断影像报告", "未审核", "何平", "孙薇", "影像所见", "右肺上叶见一实性结节", "余肺野清晰", "8.4 mm", "右肺上叶", "建议 3 个月后复查"):
        assert words in text, words
    assert [one.inner_text() for one in report.get_by_role("heading", level=3).all()] == ["影像所见", "诊断意见"]
    assert window.axe() == []
    report.get_by_role("button", name="查看图像").first.click()
    page.locator("[data-testid=pane-2] [data-slice='7']").wait_for()
    assert report.is_visible()


def test_a_report_is_text_whatever_it_says(desk, study):
    page = look(desk("clinician"), study)
    page.get_by_role("button", name="结构化报告").nth(1).click()
    page.get_by_test_id("report").get_by_text("onerror=").first.wait_for()
    assert page.get_by_test_id("report").locator("img, script").count() == 0
    assert page.title() != "taken"


# === PDF ===


def test_a_pdf_opens_in_a_window_of_its_own(desk, ward, study):
    page = look(desk("clinician"), study)
    page.get_by_role("button", name="PDF 文档").click()
    link = page.get_by_role("link", name="在新窗口打开")
    link.wait_for()
    assert "会诊记录" in page.get_by_test_id("pane-1").inner_text()
    assert (link.get_attribute("target"), link.get_attribute("rel")) == ("_blank", "noopener noreferrer")
    # As the browser asks that follows it.
    answer = requests.get(
        ward.installation.addresses.web + link.get_attribute("href"), cookies={SESSION_COOKIE: ward.tokens["clinician"]},
        headers={"Sec-Fetch-Site": "same-origin", "Accept": "text/html,*/*;q=0.8"}, verify=str(ward.installation.ca_file), timeout=30,
    )
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.content.startswith(b"%PDF-")
    assert answer.headers["x-content-type-options"] == "nosniff" and answer.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_who_is_given_pictures_only_gets_no_pdf_in_any_way(desk, ward, study):
    token = outsider_token(ward.office, "objects-expert", "remote-expert")
    reader = ward.office.api(ward.tokens["radiologist"])
    reader.post("/consultations", {"name": "objects-expert", "study": study, "reason": "a second look", "minutes": 60}, 201)
    window = desk(None)
    window.sign_in(token)
    window.page.goto(f"{window.web}/console/viewer/{study}")
    window.page.get_by_role("button", name="PDF 文档").click()
    window.page.get_by_text("此 PDF 无法加水印").wait_for()
    assert window.page.get_by_role("link", name="在新窗口打开").count() == 0
    at = f"{ward.installation.addresses.web}/dicom-web/studies/{study}/series/{study}.51/instances/{study}.51.1"
    for path in ("rendered?accept=application/pdf", "bulk/00420011", "bulkdata/00420011", "bulkdata", ""):
        answer = requests.get(
            f"{at}/{path}".rstrip("/"), headers={"Authorization": f"Bearer {token}"}, verify=str(ward.installation.ca_file), timeout=30
        )
        assert answer.status_code == 403 and b"%PDF" not in answer.content, (path, answer.status_code)
    shown = requests.get(
        f"{at}/metadata", headers={"Authorization": f"Bearer {token}", "Accept": "application/dicom+json"},
        verify=str(ward.installation.ca_file), timeout=30,
    )
    assert shown.status_code == 200 and "00420011" not in shown.json()[0]
    # Nor does such a person mark anything.
    answer = ward.office.api(token).raw("POST", f"/studies/{study}/key-images", {"title": "113000", "images": [{"instance": f"{study}.1.1"}]})
    assert answer.status_code == 403, answer.text


# === key images ===


def test_key_images_are_shown_alone(desk, study):
    page = look(desk("clinician"), study)
    page.get_by_role("button", name=re.compile("^关键图像 [0-9]+ 幅")).click()
    page.locator("[data-testid=pane-1] [data-key-image=saved]").wait_for()
    assert "/ 10" not in page.locator("[data-testid=pane-1] [data-slice]").inner_text()
    page.keyboard.press("End")
    page.locator("[data-testid=pane-1] [data-key-image=saved]").wait_for()


def test_a_reader_marks_an_image_and_everybody_sees_it(desk, ward, study):
    page = look(desk("radiologist"), study)
    page.keyboard.press("ArrowDown")
    page.locator("[data-testid=pane-1] [data-slice='2']").wait_for()
    page.keyboard.press("k")
    page.locator("[data-key-image=marked]").wait_for()
    page.keyboard.press("k")
    page.locator("[data-key-image=marked]").wait_for(state="detached")
    page.keyboard.press("k")
    page.get_by_role("button", name="保存标记 1 幅").click()
    page.get_by_label("用途").select_option("113004")
    page.get_by_label("说明").fill("教学病例")
    page.get_by_role("button", name="保存", exact=True).click()
    page.locator("[data-testid=pane-1] [data-key-image=saved]").wait_for()
    # What is saved stays.
    page.keyboard.press("k")
    page.get_by_text("已保存为关键图像").wait_for()
    other = look(desk("clinician"), study)
    other.keyboard.press("ArrowDown")
    other.locator("[data-testid=pane-1] [data-key-image=saved]").wait_for()
    found = [one for one in metadata(ward, "clinician", study) if one["00080060"]["Value"] == ["KO"] and one["00080070"]["Value"] == ["Yingdun"]]
    [made] = [one for one in found if one["0040A043"]["Value"][0]["00080100"]["Value"] == ["113004"]]
    assert made["00100020"]["Value"] == [PATIENT[1]]
    texts = [item["0040A160"]["Value"] for item in made["0040A730"]["Value"] if item["0040A040"]["Value"] == ["TEXT"]]
    assert texts == [["教学病例"]]
    [image] = [item for item in made["0040A730"]["Value"] if item["0040A040"]["Value"] == ["IMAGE"]]
    assert image["00081199"]["Value"][0]["00081155"]["Value"] == [f"{study}.1.2"]
    [name] = [item["0040A123"]["Value"] for item in made["0040A730"]["Value"] if item["0040A040"]["Value"] == ["PNAME"]]
    assert name == [{"Alphabetic": ward.names["radiologist"]}]


def test_who_may_not_mark_is_not_offered_it_and_refused(desk, ward, study):
    page = look(desk("technician"), study)
    page.keyboard.press("k")
    page.get_by_text("您的角色不能标记关键图像").wait_for()
    assert page.get_by_role("button", name="标记 / 取消标记关键图像").count() == 0
    before = len(metadata(ward, "technician", study))
    assert mark(ward, "technician", study, [f"{study}.1.1"]).status_code == 403
    for officer in ("system-administrator", "security-administrator", "audit-administrator"):
        assert mark(ward, officer, study, [f"{study}.1.1"]).status_code == 403, officer
    assert mark(ward, "researcher", study, [f"{study}.1.1"]).status_code == 404
    # Not the clinician's patient: there is no such study for the clinician.
    assert mark(ward, "clinician", ward.studies[4], [f"{ward.studies[4]}.1.1"]).status_code == 404
    assert len(metadata(ward, "technician", study)) == before


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"title": "113001"}, 400),
        ({"title": "113039"}, 400),
        ({"description": ""}, 400),
        ({"description": "x" * 501}, 400),
        ({"images": []}, 422),
        ({"images": [{"instance": "1.2.3"}]}, 422),
        ({"images": [{"instance": f"{STUDY}.50.1"}]}, 422),
        ({"images": [{"instance": f"{STUDY}.1.1", "frames": [2]}]}, 422),
        ({"images": [{"instance": f"{STUDY}.1.1"}] * 2}, 422),
        ({"images": [{"instance": f"{STUDY}.1.{n}"} for n in range(300)]}, 400),
        ({"patient": "another"}, 400),
    ],
)
def test_what_is_no_selection_is_refused(ward, study, body, status):
    answer = mark(ward, "radiologist", study, [f"{study}.1.1"], **body)
    assert answer.status_code == status, answer.text


def test_a_selection_is_on_the_record_as_what_it_is(ward, study):
    assert mark(ward, "chief", study, [f"{study}.1.3"]).status_code == 201
    officer = ward.office.api(ward.tokens["audit-administrator"])
    leaves = officer.raw("POST", "/audit/accesses", {"study_uid": study, "limit": 200}).json()
    marks = [leaf for leaf in leaves if leaf["action"] == "mark-key-images"]
    assert marks and {leaf["outcome"] for leaf in marks} <= {"permitted", "refused"}
    assert any(leaf["actor"] == ward.names["chief"] and leaf["outcome"] == "permitted" for leaf in marks)


# === badges ===


def test_the_viewer_and_the_preview_say_grade_and_integrity_in_words(desk, ward, study):
    known = ward.office.api(ward.tokens["clinician"]).get(f"/studies/{study}/integrity")
    assert known["grade"] == "L4" and known["state"] in ("not-checked-yet", "checked")
    assert known["instances"] == len(metadata(ward, "clinician", study))
    words = {"not-checked-yet": "待全量核验", "checked": "已核验"}[known["state"]]
    window = desk("clinician")
    page = look(window, study)
    badges = page.get_by_test_id("study-badges")
    badges.wait_for()
    assert "L4 一般诊疗" in badges.inner_text() and words in badges.inner_text()
    page = window.go("studies?text=P20260401")
    page.get_by_role("row").filter(has_text="何平").click()
    preview = page.locator("aside")
    preview.get_by_text(words).wait_for()
    assert "L4 一般诊疗" in preview.inner_text()


def test_integrity_is_for_who_may_look(ward, study):
    def status(role, uid):
        return ward.office.api(ward.tokens[role]).raw("GET", f"/studies/{uid}/integrity").status_code

    assert status("clinician", ward.studies[4]) == 404
    assert status("audit-administrator", study) == 403
    assert status("radiologist", "1.2.3.4") == 404


# === order ===


def test_studies_of_a_day_are_listed_the_newest_first(ward):
    client, day = gateway(ward), "20260815"
    times = {"1": "080000", "2": "235959", "3": "", "4": "080001.5", "5": "000000", "6": "133000"}
    client.must_store(*[
        part10.file_bytes(part10.image(
            patient_name="Order^Of=顺^序", patient_id=f"ORDER-{number}", study=f"1.2.826.0.1.3680043.10.1495.{number}",
            StudyDate=day, StudyTime=time, AccessionNumber=f"O{number}",
        ))
        for number, time in times.items()
    ])
    reader = ward.office.api(ward.tokens["radiologist"])
    wanted = ["2", "6", "4", "1", "5", "3"]

    def pages(**query):
        found, cursor = [], None
        while True:
            page = reader.raw("GET", "/studies/search", params={**query, **({"cursor": cursor} if cursor else {})}).json()
            found += [row["accession_number"][1:] for row in page["studies"]]
            cursor = page["next"]
            if cursor is None:
                return found

    for limit in (1, 2, 50):
        assert pages(**{"from": day, "until": day, "limit": limit}) == wanted
        assert pages(text="order", limit=limit) == wanted
        assert pages(text="顺", modality="OT", limit=limit) == wanted
    rows = gateway_search(ward, "radiologist", StudyDate=day)
    assert [row["00080050"]["Value"][0][1:] for row in rows] == wanted


def gateway_search(ward, role, **keys):
    answer = requests.get(
        f"{ward.installation.addresses.web}/dicom-web/studies", params=keys,
        headers={"Authorization": f"Bearer {ward.tokens[role]}", "Accept": "application/dicom+json"},
        verify=str(ward.installation.ca_file), timeout=60,
    )
    assert answer.status_code == 200, answer.text
    return json.loads(answer.content)


# === who looked ===


def test_who_looked_is_offered_to_whom_it_is_to_know(desk, ward, study):
    window = desk("clinician")
    page = look(window, study)
    assert page.get_by_role("link", name="谁看过此检查").count() == 0
    page = desk("audit-administrator").go(f"accesses?of=others&study_uid={study}")
    page.get_by_role("row").filter(has_text=ward.names["clinician"]).first.wait_for()
