"""Studies that hang by protocols: as modalities describe them, with pictures that are made up and told apart by what is drawn in them."""

import json

import numpy

from . import part10, reading, ward

MAMMOGRAPHY, MRI = "1.2.840.10008.5.1.4.1.1.1.2", "1.2.840.10008.5.1.4.1.1.4"
ULTRASOUND = "1.2.840.10008.5.1.4.1.1.3.1"

ROOT = "1.2.826.0.1.3680043.10.1494"
BREASTS, SPINE, FILM, EARLIER_FILM, CLIP, HEAD = (f"{ROOT}.{number}" for number in range(1, 7))
PATIENT = ("Sun^Er=孙^二", "P20260402", "F", "19680509")

AXIAL, SAGITTAL = [1, 0, 0, 0, 1, 0], [0, 1, 0, 0, 0, -1]


def store(archive):
    """All of them, for a patient of whom the clinician takes care."""
    archive.office.care(archive.names["clinician"], PATIENT[1], hours=8)
    made = [*breasts(), *spine(), *film(FILM, "20261119"), *film(EARLIER_FILM, "20250302"), clip(), *head()]
    reading.gateway(archive).must_store(*[part10.file_bytes(one) for one in made])


def always(window, modality, protocol, names=tuple(ward.PEOPLE)):
    """From now on studies of a modality hang by one protocol in this window, whoever of these people reads."""
    for name in names:
        key, kept = json.dumps(f"yingdun.viewer.hanging:{name}"), json.dumps(json.dumps({modality: protocol}))
        window.page.add_init_script(f"localStorage.setItem({key}, {kept})")


def breasts():
    """Four views, each a series, in the order in which they were taken: of the left breast the one that is oblique was taken turned round."""
    views = [("L", "MLO", "P"), ("R", "CC", "P"), ("R", "MLO", "P"), ("L", "CC", "A")]
    for number, (side, view, rows) in enumerate(views, 1):
        # The breast is a half circle whose flat side is the chest wall: rows that point back end there.
        wall = 0 if rows == "A" else 1
        picture = disc(320, 240, 160, 240 * wall, 130) * 1500 + number * 20
        yield made_of(
            BREASTS, number, 1, picture, ward_class=MAMMOGRAPHY, modality="MG", date="20261118", study_words="双乳X线摄影", words=f"{side} {view}",
            window=(1000, 2000), ViewPosition=view, ImageLaterality=side, PatientOrientation=[rows, "F" if view == "MLO" else ("R" if side == "L" else "L")],
        )


def spine():
    """Sagittal T2 and T1, and axial T2, in one frame of reference."""
    for number, words in enumerate(("t2_tse_sag", "t1_tse_sag"), 1):
        for index in range(9):
            picture = disc(256, 256, 128, 128, 60 + 4 * index) * (900 - 300 * number) + 40
            yield slice_of(SPINE, number, index, picture, words, SAGITTAL, [-16 + 4 * index, -128, 128])
    for index in range(12):
        picture = disc(256, 256, 128, 128, 90) * 700 + 10 * index
        yield slice_of(SPINE, 3, index, picture, "t2_tse_tra", AXIAL, [-128, -128, 55 - 10 * index])


def film(study, date):
    """A chest from the front and from the side, one series."""
    for index, (view, at) in enumerate((("LL", 0.35), ("PA", 0.5)), 1):
        picture = disc(320, 320, 160, 320 * at, 110) * 2000 + 300
        yield made_of(study, 1, index, picture, ward_class=ward.CR, modality="CR", date=date, study_words="胸部正侧位", words="胸部", window=(1300, 2600), ViewPosition=view)


def clip():
    """A film of an ultrasound: a dot goes round."""
    angles = numpy.linspace(0, 6.28, 12, endpoint=False)
    frames = numpy.stack([disc(120, 160, 60 + 40 * numpy.sin(angle), 80 + 40 * numpy.cos(angle), 12) * 200 for angle in angles])
    made = made_of(CLIP, 1, 1, frames[0], ward_class=ULTRASOUND, modality="US", date="20261117", study_words="心脏超声", words="Clip", window=(128, 256))
    made.NumberOfFrames = len(frames)
    made.PixelData = frames.astype("<i2").tobytes()
    return made


def head():
    """A head, of which the machine says that it were a chest."""
    for index in range(8):
        picture = disc(256, 256, 128, 128, 100) * 1035 - 1000
        yield slice_of(HEAD, 1, index, picture, "5.0 mm", AXIAL, [-128, -128, -5 * index], modality="CT", study_words="头颅CT平扫", ward_class=ward.CT, BodyPartExamined="CHEST")


# === helpers ===


def disc(rows, columns, y, x, radius):
    """Ones in a circle and noughts around it."""
    down, across = numpy.mgrid[0:rows, 0:columns]
    return ((down - y) ** 2 + (across - x) ** 2 <= radius**2).astype(float)


def slice_of(study, series, index, picture, words, orientation, position, *, modality="MR", study_words="腰椎MR平扫", ward_class=MRI, **attributes):
    return made_of(
        study, series, index + 1, picture, ward_class=ward_class, modality=modality, date="20261116", study_words=study_words, words=words, window=(400, 800),
        PixelSpacing=[1, 1], SliceThickness=4, ImageOrientationPatient=orientation, ImagePositionPatient=position, FrameOfReferenceUID=f"{study}.9", **attributes,
    )


def made_of(study, series, number, picture, *, ward_class, modality, date, study_words, words, window, **attributes):
    name, patient_id, sex, birth = PATIENT
    made = part10.image(
        patient_name=name, patient_id=patient_id, study=study, series=f"{study}.{series}", instance=f"{study}.{series}.{number}",
        rows=picture.shape[0], columns=picture.shape[1], PatientSex=sex, PatientBirthDate=birth, StudyDescription=study_words, SeriesDescription=words,
        StudyDate=date, StudyTime="091500", AccessionNumber=f"C{study[-1]}{date}", StudyID="1", Modality=modality, SeriesNumber=series, InstanceNumber=number,
        **attributes,
    )
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = ward_class
    made.PixelRepresentation = 1
    made.PixelData = picture.round().astype("<i2").tobytes()
    made.RescaleIntercept, made.RescaleSlope = 0, 1
    made.WindowCenter, made.WindowWidth = window
    return made
