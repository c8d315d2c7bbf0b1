"""A hospital in which a week has passed, for pictures of the console: people of every role, what they opened, what was refused, an emergency, alerts
and what waits for a second person. Everything is made up; everything is done over the interfaces that anybody uses.

The week is the same each time: the wall clock of the server goes where it is put, and chance has a seed."""

import datetime
import os
import random

from . import authenticator, part10, ward
from .administration import SESSION_COOKIE, Office
from .installation import Installation, wait_until
from .program import PASSWORD
from .web import Web

__all__ = ["NOW", "SESSION_COOKIE", "Hospital"]

CHINA = datetime.timezone(datetime.timedelta(hours=8))

#: The moment of the pictures: a Friday afternoon.
NOW = datetime.datetime(2026, 11, 20, 16, 42, tzinfo=CHINA)

#: Patients that somebody opens within an hour before the monitor stops it, with no step before that.
AT_MOST = 9
LIMITS = f"""
[limits]
usual = [{{ measure = "patients", within_minutes = 60, at_most = {AT_MOST} }}]
"""

#: Login name and role of those who are there beside the people of the ward.
MORE_PEOPLE = {
    "xu-lan": "clinician", "he-jun": "clinician", "deng-yu": "clinician", "lin-yue": "radiologist", "fang-ning": "radiologist",
    "ma-chao": "chief", "qin-mei": "specialist", "gao-jie": "technician",
}  # fmt: skip

#: Name, patient ID, sex, date of birth, description, modality, days ago, and who treats the patient.
MORE_STUDIES = [
    ("Liu^Yang=刘^洋", "P20260163", "M", "19880317", "膝关节MR平扫", "MR", 0, "xu-lan"),
    ("Huang^Ting=黄^婷", "P20260171", "F", "19930802", "甲状腺超声", "US", 0, "xu-lan"),
    ("Zhou^Guoqiang=周^国强", "P20260188", "M", "19490110", "胸部正位", "DX", 0, "chen-jing"),
    ("Wu^Xiulan=吴^秀兰", "P20260190", "F", "19571124", "双乳X线摄影", "MG", 0, "deng-yu"),
    ("Sun^Peng=孙^鹏", "P20260204", "M", "19790506", "腰椎MR平扫", "MR", 1, "deng-yu"),
    ("Ma^Xiaoyan=马^晓燕", "P20260211", "F", "19850719", "上腹部超声", "US", 1, "chen-jing"),
    ("Zhu^Zhiming=朱^志明", "P20260225", "M", "19660228", "冠状动脉CTA", "CT", 1, "chen-jing"),
    ("Hu^Meiling=胡^美玲", "P20260233", "F", "19721212", "头颅MR增强", "MR", 1, "xu-lan"),
    ("Guo^Hao=郭^浩", "P20260240", "M", "20040901", "手部正斜位", "DX", 2, "deng-yu"),
    ("He^Fengying=何^凤英", "P20260256", "F", "19510606", "髋关节正位", "DX", 2, "xu-lan"),
    ("Luo^Tao=罗^涛", "P20260267", "M", "19820415", "鼻窦CT平扫", "CT", 3, "xu-lan"),
    ("Liang^Yu=梁^玉", "P20260279", "F", "19690930", "盆腔超声", "US", 3, "deng-yu"),
    ("Song^Jianjun=宋^建军", "P20260281", "M", "19561101", "胸部CT复查", "CT", 4, "chen-jing"),
    ("Xie^Fang=谢^芳", "P20260294", "F", "19910218", "踝关节正侧位", "DX", 4, "he-jun"),
]

#: Who opens something now and then.
READERS = ["chen-jing", "xu-lan", "deng-yu", "li-wei", "lin-yue", "fang-ning"]

#: Opened images of the whole house by the hour of a working day; on other days there are fewer.
DAY = {7: 3, 8: 14, 9: 22, 10: 26, 11: 18, 12: 5, 13: 9, 14: 21, 15: 24, 16: 16, 17: 8, 19: 3, 22: 2}
#: The same at night and at the weekend.
QUIET = {1: 1, 9: 4, 10: 6, 11: 3, 15: 4, 16: 3, 20: 2}

MODALITY_CLASSES = {"CT": ward.CT, "MR": "1.2.840.10008.5.1.4.1.1.4", "US": "1.2.840.10008.5.1.4.1.1.6.1", "MG": "1.2.840.10008.5.1.4.1.1.1.2"}
PROJECTION = "1.2.840.10008.5.1.4.1.1.1.1"

#: Rules that wait for two officers.
RULES = """@id("local-no-export-by-specialists")
forbid (principal is Person, action == Action::"export", resource)
when { principal.role == Role::"specialist" };
"""


class Hospital:
    """One running installation with its week behind it; `token(name)` signs somebody in."""

    def __init__(self, folder, clock):
        """`clock` puts the clock of server and script to a moment: `clock.go(datetime)`, with the `environment` of the server."""
        self.clock, self.sessions = clock, {}
        (folder / "limits.toml").write_text(LIMITS)
        clock.go(NOW - datetime.timedelta(days=7, hours=7))
        settings = {"MONITOR__LIMITS_FILE": str(folder / "limits.toml"), "IDENTITY__PATIENT_RELEASE_HOURS": "0"}
        # Its certificates begin then, too.
        os.environ.update(clock.environment)
        self.installation = Installation(folder / "hospital", settings=settings)
        for name in clock.environment:
            del os.environ[name]
        try:
            self.installation.start(clock.environment)
            self.office = self.installation.office = Office(self.installation)
            self.dice = random.Random(20261120)
            self._furnish()
            self._live()
            self._settle()
        except BaseException:
            self.installation.kill()
            raise

    def token(self, name: str) -> str:
        """A session of a person or officer that begins now."""
        return self.office.sign_in(name)

    def session(self, name: str) -> str:
        """The one session in which somebody looks at the screens; officers by their office."""
        name = self.names.get(name, name)
        if name not in self.sessions:
            self.sessions[name] = self.token(name)
        return self.sessions[name]

    def close(self):
        self.installation.kill()

    # === what is there from the start ===

    def _furnish(self):
        office = self.office
        self.ward = ward.Ward(self.installation, now=NOW.replace(tzinfo=None))
        self.names = dict(self.ward.names)
        for name, role in MORE_PEOPLE.items():
            office.person(name, role)
        for department, name in (("radiology", "放射科"), ("cardiology", "心内科"), ("emergency", "急诊科"), ("orthopaedics", "骨科")):
            office.security.put(f"/departments/{department}", {"name": name}, 204)
        self._member("radiology", "li-wei", "lin-yue", "fang-ning", "zhao-min")
        self._member("cardiology", "chen-jing", "qin-mei")
        self._member("emergency", "he-jun", "deng-yu")
        self._member("orthopaedics", "xu-lan")
        self.studies = [(uid, row[1], "chen-jing" if row[7] else "he-jun") for uid, row in zip(self.ward.studies, ward.STUDIES, strict=True)]
        gateway = Web(self.installation, office.client_token_again("pacs-gateway"))
        for number, row in enumerate(MORE_STUDIES):
            images = list(pictures(number, *row[:7]))
            gateway.must_store(*[part10.file_bytes(image) for image in images])
            self.studies.append((images[0].StudyInstanceUID, row[1], row[7]))
        # An earlier study of the first patient, to compare with.
        earlier = list(pictures(40, *ward.STUDIES[0][:4], "胸部CT平扫", "CT", 184, slices=12))
        gateway.must_store(*[part10.file_bytes(image) for image in earlier])
        for uid, patient_id, treats in self.studies:
            office.care(treats, patient_id, hours=24 * 9)
        for ae_title, port, scopes in (("CT_ROOM1", 2762, ["store"]), ("MR_ROOM2", 2762, ["store"]), ("DX_EMERGENCY", 2762, ["store"]), ("READING_WS1", 2762, ["view"])):
            certificate = self.installation.issue_certificate(ae_title)["sha256"]
            address = f"10.20.{len(ae_title)}.15"
            office.device(ae_title, certificate_sha256=certificate, destination=f"{address}:{port}", addresses=[address])
            office.grant_device(ae_title, *scopes)
        office.client_token("ris-bridge", "search")
        office.client_token("lung-nodule-model", "search", "view")
        for name, role in (("expert-shen", "remote-expert"), ("zhang-san", "patient")):
            authenticator.outsider_token(office, name, role)
        office.security.post("/patient-accounts", {"name": "zhang-san", "patient_id": "P20260001", "checked": "窗口核验身份证"}, 201)
        office.person("weixiu-gong", "vendor")

    def _member(self, department, *names):
        begins = int(self.clock.now().timestamp() * 1000)
        for name in names:
            body = {"department": department, "name": name, "valid_from_ms": begins, "valid_until_ms": begins + 300 * 86_400_000}
            self.office.security.put("/department-members", body, 204)

    # === what was done ===

    def _live(self):
        """The week, one thing after the other: who opened what, and today's requests, cases and alerts between."""
        plan = [*self._looks(), *((NOW - ago, act) for ago, act in self._acts())]
        readers, day, officers_until = {}, None, self.clock.now()
        for moment, act in sorted(plan, key=lambda one: one[0]):
            self.clock.go(moment)
            if moment.date() != day:
                # Over night nobody is there, and sessions end.
                readers, day = {}, moment.date()
            if moment > officers_until:
                self.office.sign_in_officers()
                officers_until = moment + datetime.timedelta(hours=6)
            act(readers)

    def _looks(self):
        """When somebody opens something, of each day of the week."""
        for back in range(6, -1, -1):
            day = (NOW - datetime.timedelta(days=back)).replace(minute=0)
            for hour, most in (DAY if day.weekday() < 5 else QUIET).items():
                # The day of the pictures is drawn in stretches of five minutes, the others by the hour.
                parts = 12 if back == 0 else 2
                for part in range(parts):
                    moment = day.replace(hour=hour) + datetime.timedelta(minutes=60 / parts * (part + 0.4))
                    spread = most / parts * self.dice.uniform(0.6, 1.4)
                    for _ in range(int(spread) + (self.dice.random() < spread % 1)):
                        if moment < NOW:
                            yield moment, self._look(self.dice.choice(["deng-yu"] if hour < 7 else READERS))

    def _look(self, name):
        """A treating doctor opens the own patients, a radiologist those of the list of the day: few enough that the monitor stops nobody."""
        own = [uid for uid, _, treats in self.studies if treats == name]
        others = [uid for uid, _, treats in self.studies if treats != name]
        strays = bool(own) and self.dice.random() < 0.025
        study = self.dice.choice(others if strays else own or [uid for uid, *_ in self.studies[:5]])

        def act(readers):
            web = readers.setdefault(name, Web(self.installation, None))
            answer = web.get(f"/studies/{study}/metadata") if web.token else None
            if answer is None or answer.status_code == 401:
                # Who rested for half a day signs in again.
                web.use(self.token(name))
                answer = web.get(f"/studies/{study}/metadata")
            assert answer.status_code == (404 if strays else 200), f"{name} at {self.clock.now()}: {answer.status_code} {answer.text}"

        return act

    def _acts(self):
        """What there is to look at on the screens: how long ago it was, and what was done."""
        office = self.office
        made = {}
        give = {"patient_id": "P20260001", "purpose": "TREAT"}

        def at(name):
            return office.api(self.token(name))

        def morning(_):
            office.system.post("/system/scrub", None, 202)
            made["reviewed"] = self._break_glass("deng-yu", "P20260107", "unconscious-patient", "街头发现，意识不清，查既往头颅影像")

        def review(_):
            verdict = {"verdict": "justified", "reason": "急诊接诊记录相符"}
            office.audit.post(f"/break-glass/{made['reviewed']['grant']}/review", verdict, 200)
            made["hold"] = office.audit.post("/holds", {"patient_id": "P20260130", "reason": "litigation"}, 201)
            office.audit.post("/holds", {"patient_id": "P20260107", "reason": "incident"}, 201)
            office.security.post("/dissents", {"against": "research", "patient_id": "P20260044"}, 201)
            office.security.post("/dissents", {"against": "person", "name": "xu-lan", "patient_id": "P20260152"}, 201)
            paper = {"form": "paper", "giver": "patient"}
            office.security.post("/consents", {**paper, "patient_id": "P20260130", "to": "research", "reference": "知情同意书 2026-0130，科研处三号柜"}, 201)
            office.security.post("/consents", {**paper, "patient_id": "P20260001", "to": "sharing", "reference": "转诊同意书 2026-0412，门诊办公室"}, 201)

        def requests(_):
            office.audit.post(f"/holds/{made['hold']['id']}/release", {"reason": "ended"}, 200)
            office.system.post("/policies", {"text": RULES, "reason": "专科医生不导出影像"}, 201)
            office.security.post("/destructions", {"study": self.studies[15][0], "reason": "trial"}, 201)

        def too_many(_):
            # More patients than anybody opens in an hour.
            chief = Web(self.installation, self.token("ma-chao"))
            answers = [chief.get(f"/studies/{uid}/metadata").status_code for uid, *_ in self.studies[: AT_MOST + 2]]
            assert answers[-1] == 403, answers

        def rights(_):
            chen, li = at("chen-jing"), at("li-wei")
            self._break_glass("he-jun", "P20260001", "emergency-treatment", "胸痛待查，急诊介入前阅片")
            chen.post("/grants", {**give, "name": "xu-lan", "minutes": 120, "reason": "术前再次阅片"}, 201)
            chen.post("/grants", {**give, "name": "qin-mei", "patient_id": "P20260225", "minutes": 480, "reason": "心内科会诊"}, 201)
            li.post("/consultations", {"name": "expert-shen", "study": self.studies[0][0], "minutes": 1440, "reason": "右肺结节性质，请会诊"}, 201)
            chen.post("/me/reasons", {"patient_id": "P20260190", "code": "follow-up", "reason": "上月由我主刀，术后复查"}, 201)
            li.post("/devices/READING_WS1/store", {"studies": [self.studies[0][0]]}, 202)
            office.system.post("/maintenance", {"name": "weixiu-gong", "scopes": ["health"], "reason": "工单 4711：磁盘柜风扇报警"}, 201)
            office.security.post("/keys/rotation", {"grade": "L4"}, 200)

        hours, minutes = (lambda count: datetime.timedelta(hours=count)), (lambda count: datetime.timedelta(minutes=count))
        return [(hours(7.5), morning), (hours(5), review), (hours(3.3), requests), (minutes(24), rights), (minutes(11), too_many)]

    def _settle(self):
        """What the server does by itself is done."""
        self.clock.go(NOW)
        self.office.sign_in_officers()
        wait_until(lambda: len(self.office.audit.get("/alerts")) >= 4, "the monitor tells of it", 60)

    def _break_glass(self, name, patient_id, code, reason) -> dict:
        body = {"patient_id": patient_id, "code": code, "reason": reason, "password": PASSWORD}
        return self.office.api(self.token(name)).post("/break-glass", body, 201)


def pictures(number, name, patient_id, sex, birth, description, modality, days_ago, slices=3):
    """The images of one study that is not of the ward."""
    at = NOW - datetime.timedelta(days=days_ago, minutes=23 * (number + 3))
    study = f"1.2.826.0.1.3680043.10.1494.{number + 1}"
    is_stack = modality in ("CT", "MR")
    for index in range(slices if is_stack else 1):
        picture = ward.slice_of(100 + number, (index + 1) / (slices + 1)) if is_stack else ward.projection()
        image = part10.image(
            patient_name=name, patient_id=patient_id, study=study, series=f"{study}.1", instance=f"{study}.1.{index + 1}",
            rows=picture.shape[0], columns=picture.shape[1],
            PatientSex=sex, PatientBirthDate=birth, StudyDescription=description, SeriesDescription=description,
            StudyDate=f"{at:%Y%m%d}", StudyTime=f"{at:%H%M%S}", AccessionNumber=f"A{at:%Y%m%d}{number + 20:03}", StudyID=str(number + 20),
            Modality=modality, SeriesNumber=1, InstanceNumber=index + 1,
        )  # fmt: skip
        image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = MODALITY_CLASSES.get(modality, PROJECTION)
        image.PixelRepresentation = 1
        image.PixelData = picture.astype("<i2").tobytes()
        image.RescaleIntercept, image.RescaleSlope = 0, 1
        image.WindowCenter, image.WindowWidth = (40, 400) if is_stack else (1500, 3000)
        image.PixelSpacing, image.SliceThickness = [0.7, 0.7], 5
        image.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        image.ImagePositionPatient = [-180, -180, -5.0 * index]
        image.FrameOfReferenceUID = f"{study}.9"
        yield image
