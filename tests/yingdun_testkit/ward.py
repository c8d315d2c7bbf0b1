"""A small hospital for the console: people of every role, and studies whose pictures look like something. Names and images are made up."""

import datetime

import numpy

from . import part10
from .web import Web

CT = "1.2.840.10008.5.1.4.1.1.2"
CR = "1.2.840.10008.5.1.4.1.1.1"

#: Login name and role of everybody who signs in.
PEOPLE = {
    "chen-jing": "clinician",
    "li-wei": "radiologist",
    "zhao-min": "chief",
    "sun-hao": "technician",
    "wu-yan": "researcher",
}

#: Name, patient ID, sex, date of birth, description, modality, images, and whether the clinician treats the patient.
STUDIES = [
    ("Zhang^San=张^三", "P20260001", "M", "19600214", "胸部CT平扫", "CT", 24, True),
    ("Zhang^Li=张^丽", "P20260044", "F", "19750908", "上腹部CT增强", "CT", 12, True),
    ("Wang^Jianguo=王^建国", "P20260107", "M", "19530421", "头颅CT平扫", "CT", 8, True),
    ("Ouyang^Xiu=欧阳^修", "P20260130", "M", "19920630", "胸部正位", "CR", 1, True),
    ("Zhao^Min=赵^敏", "P20260152", "F", "19810101", "腰椎CT", "CT", 6, False),
]


class Ward:
    """People and studies on one running installation; `tokens` are those of the people and of the officers by role."""

    def __init__(self, installation, now=None):
        self.installation = installation
        self.office = office = installation.office
        self.tokens = {role: office.person_token(name, role) for name, role in PEOPLE.items()}
        self.names = {role: name for name, role in PEOPLE.items()}
        for role in ("system-administrator", "security-administrator", "audit-administrator"):
            self.names[role] = office.names[role]
            self.tokens[role] = office.sign_in(office.names[role])
        gateway = Web(installation, office.client_token("pacs-gateway", "store"))
        now = now or datetime.datetime.now()
        self.studies = []
        for number, study in enumerate(STUDIES):
            files = list(images(number, *study[:7], now - datetime.timedelta(minutes=47 * number)))
            gateway.must_store(*[part10.file_bytes(image) for image in files])
            self.studies.append(files[0].StudyInstanceUID)
            if study[7]:
                office.care(self.names["clinician"], study[1], hours=8)


def images(number, name, patient_id, sex, birth, description, modality, count, at):
    """The images of one study: slices of a body that is made up, or one projection."""
    study = f"1.2.826.0.1.3680043.10.1492.{number + 1}"
    for index in range(count):
        picture = slice_of(number, index / max(count - 1, 1)) if modality == "CT" else projection()
        image = part10.image(
            patient_name=name, patient_id=patient_id, study=study, series=f"{study}.1", instance=f"{study}.1.{index + 1}",
            rows=picture.shape[0], columns=picture.shape[1],
            PatientSex=sex, PatientBirthDate=birth, StudyDescription=description, SeriesDescription=description,
            StudyDate=f"{at:%Y%m%d}", StudyTime=f"{at:%H%M%S}", AccessionNumber=f"A{at:%Y%m%d}{number:03}", StudyID=str(number + 1),
            Modality=modality, SeriesNumber=1, InstanceNumber=index + 1, BodyPartExamined="CHEST",
        )
        image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = CT if modality == "CT" else CR
        image.PixelRepresentation = 1
        image.PixelData = picture.astype("<i2").tobytes()
        image.RescaleIntercept, image.RescaleSlope = 0, 1
        image.WindowCenter, image.WindowWidth = (40, 400) if modality == "CT" else (1500, 3000)
        image.PixelSpacing = [0.7, 0.7]
        image.SliceThickness = 5
        image.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        image.ImagePositionPatient = [-180, -180, -5.0 * index]
        image.FrameOfReferenceUID = f"{study}.9"
        yield image


def slice_of(seed, depth, size=512):
    """One slice of a chest, in Hounsfield units: body, lungs with vessels, heart, spine and ribs."""
    y, x = numpy.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]

    def ellipse(cx, cy, rx, ry):
        return ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 <= 1

    noise = numpy.random.default_rng(seed * 1000 + int(depth * 999))
    picture = numpy.full((size, size), -1000.0)
    picture[ellipse(0, 0, 0.88, 0.66)] = -90
    picture[ellipse(0, 0, 0.82, 0.6)] = 45
    width = 0.30 + 0.05 * numpy.sin(3.1 * depth)
    for side in (-1, 1):
        picture[ellipse(0.41 * side, -0.04, width, 0.44)] = -820
        for _ in range(26):
            angle, far = noise.uniform(0, 6.28), noise.uniform(0, 0.8)
            cx, cy = 0.41 * side + width * far * numpy.cos(angle), -0.04 + 0.44 * far * numpy.sin(angle)
            radius = noise.uniform(0.006, 0.018)
            picture[ellipse(cx, cy, radius, radius)] = 20
    picture[ellipse(0.1, -0.12, 0.24 - 0.05 * depth, 0.22)] = 55
    picture[ellipse(0, 0.42, 0.11, 0.11)] = 240
    picture[ellipse(0, 0.42, 0.075, 0.075)] = 130
    picture[ellipse(0, 0.5, 0.035, 0.035)] = 15
    for step in range(16):
        angle = step * 6.283 / 16 + 0.2 + 0.5 * depth
        picture[ellipse(0.76 * numpy.cos(angle), 0.555 * numpy.sin(angle), 0.04, 0.025)] = 520
    return numpy.clip(picture + noise.normal(0, 11, picture.shape), -1024, 3071)


def projection(size=768):
    """A chest as a projection radiograph."""
    total = sum(slice_of(7, step / 11, 256).clip(-1000, 800) + 1000 for step in range(12)) / 12
    rows = numpy.linspace(0, 255, size).astype(int)
    column = total.sum(axis=0) / 256
    fade = 0.75 + 0.25 * numpy.cos(numpy.linspace(-1.2, 1.2, size))
    return (numpy.outer(fade, column[rows]) * 1.4 + numpy.random.default_rng(7).normal(0, 8, (size, size))).clip(0, 4000)
