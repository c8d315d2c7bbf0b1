"""Documents of a study, as other systems make them: a structured report, an encapsulated PDF, a selection of key images."""

from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

COMPREHENSIVE_SR = "1.2.840.10008.5.1.4.1.1.88.33"
ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"
KEY_OBJECT_SELECTION = "1.2.840.10008.5.1.4.1.1.88.59"
CT = "1.2.840.10008.5.1.4.1.1.2"

#: What the report says, and is looked for.
FINDING = "右肺上叶见一实性结节，边缘毛刺。\n余肺野清晰。"
IMPRESSION = "右肺上叶结节，建议 3 个月后复查。"


def code(value, scheme, meaning) -> Dataset:
    """A coded concept."""
    made = Dataset()
    made.CodeValue, made.CodingSchemeDesignator, made.CodeMeaning = value, scheme, meaning
    return made


def item(kind, relation="CONTAINS", name=None, children=(), **values) -> Dataset:
    """An item of a content tree."""
    made = Dataset()
    made.RelationshipType, made.ValueType = relation, kind
    if name is not None:
        made.ConceptNameCodeSequence = Sequence([name])
    for keyword, value in values.items():
        setattr(made, keyword, value)
    if children:
        made.ContentSequence = Sequence(children)
    return made


def of_image(uid, frames=None, relation="CONTAINS", children=()) -> Dataset:
    """A reference to an image of a content tree."""
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = CT, uid
    if frames:
        reference.ReferencedFrameNumber = frames
    return item("IMAGE", relation, children=children, ReferencedSOPSequence=Sequence([reference]))


def report(about, number, children, **values) -> FileDataset:
    """A structured report with this content, of the study of an image."""
    made = _document(about, number, COMPREHENSIVE_SR, "SR")
    made.ValueType, made.ContinuityOfContent = "CONTAINER", "SEPARATE"
    made.ConceptNameCodeSequence = Sequence([code("18748-4", "LN", "诊断影像报告")])
    made.CompletionFlag, made.VerificationFlag = "COMPLETE", "UNVERIFIED"
    made.ContentSequence = Sequence(children)
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def findings(about, image_uid) -> list:
    """Sections with text, a measurement, a code and an image."""
    millimetre = code("mm", "UCUM", "毫米")
    measured = Dataset()
    measured.NumericValue, measured.MeasurementUnitsCodeSequence = "8.4", Sequence([millimetre])
    size = item(
        "NUM", name=code("410668003", "SCT", "长径"), MeasuredValueSequence=Sequence([measured]),
        children=[of_image(image_uid, relation="INFERRED FROM")],
    )
    return [
        item("PNAME", "HAS OBS CONTEXT", code("121008", "DCM", "报告医师"), PersonName="Sun^Wei=孙^薇"),
        item("CONTAINER", name=code("121070", "DCM", "影像所见"), ContinuityOfContent="SEPARATE", children=[
            item("TEXT", name=code("121071", "DCM", "所见"), TextValue=FINDING),
            size,
            item("CODE", name=code("363698007", "SCT", "部位"), ConceptCodeSequence=Sequence([code("45653009", "SCT", "右肺上叶")])),
            of_image(image_uid),
        ]),
        item("CONTAINER", name=code("121072", "DCM", "诊断意见"), ContinuityOfContent="SEPARATE", children=[
            item("TEXT", name=code("121073", "DCM", "意见"), TextValue=IMPRESSION),
        ]),
    ]


def evidence(about, *uids) -> Sequence:
    """Which series of the study of an image these objects are in."""
    references = []
    for uid in uids:
        reference = Dataset()
        reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = CT, uid
        references.append(reference)
    series = Dataset()
    series.SeriesInstanceUID, series.ReferencedSOPSequence = about.SeriesInstanceUID, Sequence(references)
    study = Dataset()
    study.StudyInstanceUID, study.ReferencedSeriesSequence = about.StudyInstanceUID, Sequence([series])
    return Sequence([study])


def pdf(about, number, content, title="会诊记录") -> FileDataset:
    """An encapsulated PDF of the study of an image."""
    made = _document(about, number, ENCAPSULATED_PDF, "DOC")
    made.BurnedInAnnotation, made.DocumentTitle = "YES", title
    made.MIMETypeOfEncapsulatedDocument, made.EncapsulatedDocument = "application/pdf", content + b"\0" * (len(content) % 2)
    return made


def key_images(about, number, uids, title=("113000", "Of Interest"), description=None, frames=None) -> FileDataset:
    """A selection of images of the study of an image (PS3.3 A.35.4)."""
    made = _document(about, number, KEY_OBJECT_SELECTION, "KO")
    made.ValueType, made.ContinuityOfContent = "CONTAINER", "SEPARATE"
    made.ConceptNameCodeSequence = Sequence([code(title[0], "DCM", title[1])])
    made.CurrentRequestedProcedureEvidenceSequence = evidence(about, *uids)
    children = [item("PNAME", "HAS OBS CONTEXT", code("121008", "DCM", "Person Observer Name"), PersonName="Sun^Wei=孙^薇")]
    if description:
        children.append(item("TEXT", name=code("113012", "DCM", "Key Object Description"), TextValue=description))
    made.ContentSequence = Sequence(children + [of_image(uid, frames) for uid in uids])
    return made


def page(text: str) -> bytes:
    """A PDF of one page with a line of text."""
    stream = f"BT /F1 24 Tf 72 700 Td ({text}) Tj ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    trailer = b"trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(out)
    return out + b"xref\n0 6\n0000000000 65535 f \n" + table + trailer


# === helpers ===

_OF_STUDY = (
    "PatientName", "PatientID", "PatientSex", "PatientBirthDate", "StudyInstanceUID", "StudyDate", "StudyTime", "StudyDescription",
    "AccessionNumber", "StudyID",
)


def _document(about, number, sop_class, modality) -> FileDataset:
    meta = FileMetaDataset()
    instance = f"{about.StudyInstanceUID}.{number}.1"
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = sop_class, instance
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    made.SpecificCharacterSet = "ISO_IR 192"
    made.SOPClassUID, made.SOPInstanceUID = sop_class, instance
    for keyword in _OF_STUDY:
        if keyword in about:
            setattr(made, keyword, about[keyword].value)
    made.SeriesInstanceUID, made.SeriesNumber, made.InstanceNumber = f"{about.StudyInstanceUID}.{number}", number, 1
    made.Modality, made.Manufacturer = modality, "Test"
    made.ContentDate, made.ContentTime = about.StudyDate, "120000"
    return made
