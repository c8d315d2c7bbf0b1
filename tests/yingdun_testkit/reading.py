"""Studies for the viewer: a long one, an earlier one of the same patient, and what can be measured in them."""

import numpy

from . import part10, ward
from .web import Web

#: What the test object of the long study is made of, in Hounsfield units.
WATER_HU, INSERT_HU = 0, 312

#: How much values differ from that, as a standard deviation.
NOISE_HU = 9

#: Where the insert is, in rows and columns of the picture: a square around the middle.
INSERT = slice(192, 320)

LONG = "1.2.826.0.1.3680043.10.1493.1"
EARLIER = "1.2.826.0.1.3680043.10.1493.2"
PATIENT = ("Qian^Yi=钱^毅", "P20260301", "F", "19711003")


def gateway(archive) -> Web:
    """What images come in by."""
    return Web(archive.installation, archive.office.client_token_again("pacs-gateway"))


def store(archive, study: str, *, slices: int, date: str, description: str):
    """A test object in a scanner: slice after slice the same but for its noise and a bar that tells the number of the slice."""
    client, batch = gateway(archive), []
    archive.office.care(archive.names["clinician"], PATIENT[1], hours=8)
    ground = numpy.full((512, 512), -1000.0)
    ground[64:448, 64:448] = WATER_HU
    ground[INSERT, INSERT] = INSERT_HU
    noise = numpy.random.default_rng(1).normal(0, NOISE_HU, (4, 512, 512))
    for index in range(slices):
        picture = ground + noise[index % len(noise)]
        picture[400:420, 80 : 80 + max(1, index)] = 900
        batch.append(part10.file_bytes(image(study, index, picture, date, description)))
        if len(batch) == 50 or index == slices - 1:
            client.must_store(*batch)
            batch = []


def image(study, index, picture, date, description):
    """One slice of it."""
    name, patient_id, sex, birth = PATIENT
    made = part10.image(
        patient_name=name, patient_id=patient_id, study=study, series=f"{study}.1", instance=f"{study}.1.{index + 1}",
        rows=512, columns=512, PatientSex=sex, PatientBirthDate=birth, StudyDescription=description, SeriesDescription="1.0 mm",
        StudyDate=date, StudyTime="083000", AccessionNumber=f"B{date}", StudyID="1", Modality="CT", SeriesNumber=1, InstanceNumber=index + 1,
    )
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = ward.CT
    made.PixelRepresentation = 1
    made.PixelData = picture.round().astype("<i2").tobytes()
    made.RescaleIntercept, made.RescaleSlope = 0, 1
    made.WindowCenter, made.WindowWidth = 40, 400
    made.PixelSpacing, made.SliceThickness = [0.7, 0.7], 1
    made.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    made.ImagePositionPatient = [-180, -180, -1.0 * index]
    made.FrameOfReferenceUID = f"{study}.9"
    return made
