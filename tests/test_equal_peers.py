"""The same files and the same questions in Yingdun, Orthanc and DCMTK's `dcmqrscp`: the same answers, or the paragraph of
the standard that says why not.

The questions are generated from the files, so that every attribute is asked for by values that are there. Where a peer
answers otherwise, the question stands in `expected/equal_peers.json` under the name of a reason, and the reason with its
paragraph in `REASONS`. A difference that is not listed fails, and so does a listed one that is none any more.
`YINGDUN_UPDATE_EXPECTATIONS=1` takes out what is none any more and lists what is new as `unexplained`, which fails.
"""

import json
import os
import queue
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote, urlencode

import pydicom
import pynetdicom
import pytest
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pynetdicom.sop_class import (
    PatientRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelFind,
)

from yingdun_testkit import hospital, part10
from yingdun_testkit.dcmtk import dcmqrscp
from yingdun_testkit.installation import wait_until
from yingdun_testkit.orthanc import WEB_PLUGIN, Orthanc
from yingdun_testkit.web import Web

#: Some of the real files have values that are not what their VR allows.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

EXPECTED = Path(__file__).parent / "expected" / "equal_peers.json"

MODELS = {
    "P": PatientRootQueryRetrieveInformationModelFind,
    "S": StudyRootQueryRetrieveInformationModelFind,
}

#: The unique key of each level.
UNIQUE = {
    "PATIENT": "PatientID", "STUDY": "StudyInstanceUID", "SERIES": "SeriesInstanceUID", "IMAGE": "SOPInstanceUID",
}

#: Attributes that are asked for by their values, with the kind of their values.
ASKED = {
    "PATIENT": {"PatientID": "text", "PatientName": "name", "PatientSex": "text", "PatientBirthDate": "date"},
    "STUDY": {
        "StudyInstanceUID": "uid", "PatientID": "text", "PatientName": "name", "StudyDate": "date", "StudyTime": "time",
        "AccessionNumber": "text", "StudyID": "text", "StudyDescription": "text", "ReferringPhysicianName": "name",
        "ModalitiesInStudy": "text", "PatientSex": "text", "PatientBirthDate": "date",
    },
    "SERIES": {"SeriesInstanceUID": "uid", "Modality": "text", "SeriesNumber": "number", "SeriesDescription": "text"},
    "IMAGE": {"SOPInstanceUID": "uid", "SOPClassUID": "uid", "InstanceNumber": "number"},
}

#: Attributes whose values are compared.
RETURNED = {
    "PATIENT": ["PatientName", "PatientSex", "PatientBirthDate", "NumberOfPatientRelatedStudies"],
    "STUDY": [
        "PatientID", "PatientName", "PatientSex", "PatientBirthDate", "StudyDate", "StudyTime", "AccessionNumber",
        "StudyID", "StudyDescription", "ReferringPhysicianName", "ModalitiesInStudy", "NumberOfStudyRelatedSeries",
        "NumberOfStudyRelatedInstances",
    ],
    "SERIES": ["Modality", "SeriesNumber", "SeriesDescription", "NumberOfSeriesRelatedInstances"],
    "IMAGE": ["SOPClassUID", "InstanceNumber"],
}

#: Why the answer of a peer differs: the paragraph that decides, and what it says of our answer.
REASONS = {
    "sequence keys": (
        "PS3.4 §C.2.2.2.6", "one item has to match all keys of a sequence; the peers ignore such keys, as §C.2.2.1.3 allows",
    ),
    "optional keys": (
        "PS3.4 §C.2.2.1.3", "a provider may ignore optional keys and leave them out; we match and return these",
    ),
    "case of names": ("PS3.4 §C.2.2.2.1", "only names may be matched without case; the peer minds it"),
    "case of texts": ("PS3.4 §C.2.2.2.1", "every text but a name is matched with its case; Orthanc's QIDO-RS does not mind it"),
    "component groups": (
        "PS3.5 §6.2.1.2, PS3.4 §C.2.2.2.4",
        "each of the three groups is a name; how patterns meet names is for the provider to say, and we look into every group",
    ),
    "names of delimiters": (
        "PS3.5 §6.2.1.1, PS3.4 §C.2.2.2.4",
        "components without a character are empty and delimiters at the end mean nothing, so such a name asks nothing; the "
        "peers compare the delimiters",
    ),
    "no value, no date": (
        "PS3.4 §C.2.2.2.5.1", "what has no date is not prior to a date; Orthanc takes the empty text for the earliest",
    ),
    "times as precise as written": (
        "PS3.5 table 6.2-1 (TM), PS3.4 §C.2.2.2.5.2",
        "minutes and seconds that are not written are not zero but unspecified: `-08` ends with the hour, `1200` is the minute",
    ),
    "combined date and time": (
        "PS3.18 §8.3.4.1, PS3.4 §C.2.2.2.5.4",
        "in QIDO-RS a range of dates and one of times are one range; the peer asks for the times on each of the days",
    ),
    "a star is universal": (
        "PS3.4 §C.2.2.2.4", "a key of `*` alone is universal matching, which objects without the attribute fit as well",
    ),
    "characters, not bytes": ("PS3.4 §C.2.2.2.4", "`?` stands for one character, however many bytes encode it"),
    "two character sets": (
        "PS3.5 §6.1.2.5.3", "ISO 2022 IR 13 and 87 in one name: the escape sequences belong to the encoding and not to the text",
    ),
}


class Question:
    """One query of one model and level."""

    def __init__(self, name, model, level, keys):
        self.name, self.model, self.level, self.keys = name, model, level, keys

    def identifier(self, *wanted) -> Dataset:
        asked = Dataset()
        asked.SpecificCharacterSet = "ISO_IR 192"
        asked.QueryRetrieveLevel = self.level
        for keyword in (UNIQUE[self.level], *wanted):
            setattr(asked, keyword, "")
        for keyword, value in self.keys.items():
            setattr(asked, keyword, _sequence(value) if isinstance(value, dict) else value)
        return asked


# === the questions ===


def questions(data_sets) -> list:
    """Every query, from what the files hold."""
    made = [
        Question("every patient", "P", "PATIENT", {}),
        Question("every study", "S", "STUDY", {}),
        Question("every study, by a star", "S", "STUDY", {"PatientName": "*"}),
        Question("an unknown study", "S", "STUDY", {"StudyInstanceUID": "1.2.3.4.5"}),
        Question("a patient on a day", "S", "STUDY", {"PatientID": "HZ-00*", "StudyDate": "20260101-20260102"}),
        Question("a name and a modality", "S", "STUDY", {"PatientName": "Zhang*", "ModalitiesInStudy": "CT"}),
        Question("a day from a time on", "S", "STUDY", {"StudyDate": "20260101", "StudyTime": "120000-"}),
        Question("some days from a time until a time", "S", "STUDY", {"StudyDate": "20260101-20260301", "StudyTime": "0800-1600"}),
        Question("two modalities", "S", "STUDY", {"ModalitiesInStudy": ["CT", "MR"]}),
        Question(
            "a procedure code", "S", "STUDY", {"ProcedureCodeSequence": {"CodeValue": "P2", "CodingSchemeDesignator": ""}}
        ),
        Question("an empty sequence", "S", "STUDY", {"PatientID": "HZ-0001", "ProcedureCodeSequence": {}}),
        Question("a requested procedure", "S", "STUDY", {"RequestAttributesSequence": {"RequestedProcedureID": "RP-A1001"}}),
    ]
    for model, level, above in [("P", "PATIENT", {}), ("S", "STUDY", {}), ("P", "STUDY", {"PatientID": "12345678"})]:
        made += _asked(model, level, above, data_sets)
    # Hierarchical queries below the study: in the studies that have most to tell.
    for study in _fullest(data_sets, "StudyInstanceUID", 3):
        inside = [one for one in data_sets if one.StudyInstanceUID == study]
        places = {"S": {"StudyInstanceUID": study}}
        places["P"] = {"PatientID": inside[0].PatientID, **places["S"]}
        for model, above in places.items():
            made.append(Question(f"{model} every series of {_short(study)}", model, "SERIES", above))
        made += _asked("S", "SERIES", places["S"], inside)
        for series in _fullest(inside, "SeriesInstanceUID", 1):
            images = [one for one in inside if one.SeriesInstanceUID == series]
            for model, above in places.items():
                above = {**above, "SeriesInstanceUID": series}
                made.append(Question(f"{model} every image of {_short(series)}", model, "IMAGE", above))
            made += _asked("S", "IMAGE", {**places["S"], "SeriesInstanceUID": series}, images)
    names = [one.name for one in made]
    assert len(set(names)) == len(names), "names of questions are unique"
    return made


def _asked(model, level, above, data_sets):
    place = next(reversed(above.values()), "")
    for keyword, kind in ASKED[level].items():
        # In Patient Root attributes of the patient are no keys of a study (PS3.4 §C.6.1.1.3).
        if keyword in above or (model, level) == ("P", "STUDY") and keyword.startswith("Patient"):
            continue
        held = "Modality" if keyword == "ModalitiesInStudy" else keyword
        values = sorted({str(one.get(held) or "") for one in data_sets} - {""})
        for asked in _values(kind, values, most=5 if level in ("PATIENT", "STUDY") and not above else 2):
            written = asked if isinstance(asked, str) else "+".join(map(_short, asked))
            within = f" of {_short(place)}" if above else ""
            name = f"{model} {level}{within} {keyword}={_short(written)}"
            yield Question(name, model, level, {**above, keyword: asked})


def _values(kind, values, most):
    """What is asked of an attribute that has these values somewhere."""
    some = values[:: max(1, len(values) // most)]
    if kind == "uid":
        return [*some[:3], some[:3], [*some[:2], "1.2.3.4.5"]] if len(some) > 1 else some
    if kind == "number":
        return some
    if kind in ("date", "time"):
        ranges = [f"{some[0]}-", f"-{some[-1]}", f"{some[0]}-{some[-1]}"] if some else []
        short = ["10-12", "-08", "1015-1016"] if kind == "time" else ["20260101-20261231", "-19991231"]
        return list(dict.fromkeys([*some, *ranges, *short]))
    made = []
    for value in some:
        half = max(1, len(value) // 2)
        made += [value, f"{value[:half]}*", f"*{value[half:]}", f"{value[:half - 1]}?{value[half:]}", value.swapcase()]
        if kind == "name":
            made += [f"{group}*" for group in value.split("=") if group]
    return list(dict.fromkeys(made))


def _fullest(data_sets, keyword, most):
    counts = {}
    for one in data_sets:
        counts[one[keyword].value] = counts.get(one[keyword].value, 0) + 1
    return sorted(counts, key=lambda uid: (-counts[uid], uid))[:most]


def _short(text) -> str:
    return text if len(text) <= 64 else f"…{text[-48:]}"


def _sequence(item: dict) -> Sequence:
    inner = Dataset()
    for keyword, value in item.items():
        setattr(inner, keyword, value)
    return Sequence([inner])


# === the peers ===


class Node:
    """One archive, asked over some associations beside each other."""

    #: A query is mostly waiting; more than these would wait for the processor.
    ASSOCIATIONS = 4

    def __init__(self, address, called, calling="EQUAL"):
        entity = pynetdicom.AE(ae_title=calling)
        for model in MODELS.values():
            entity.add_requested_context(model)
        self.idle = queue.Queue()
        for _ in range(self.ASSOCIATIONS):
            association = entity.associate(*address, ae_title=called)
            assert association.is_established
            association.dul.socket.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.idle.put(association)

    def ask(self, question, *wanted):
        """The identifiers of the matches, or the status of a failure."""
        association = self.idle.get()
        # Its reactor would take the answers of a query that begins before it has gone on after the last one.
        wait_until(lambda: not association._is_paused, "pynetdicom goes on", step=0.001)
        try:
            responses = association.send_c_find(question.identifier(*wanted), MODELS[question.model])
            *pending, (last, _) = responses
        finally:
            self.idle.put(association)
        return [row for _, row in pending] if last.Status == 0 else f"status {last.Status:04X}"

    def release(self):
        for _ in range(self.ASSOCIATIONS):
            self.idle.get().release()


def answers(nodes, asked, wanted=lambda _: ()):
    """Each question with the answers of all nodes, in their order."""
    with ThreadPoolExecutor(Node.ASSOCIATIONS * len(nodes)) as pool:
        pending = [[pool.submit(node.ask, one, *wanted(one)) for node in nodes.values()] for one in asked]
        for question, futures in zip(asked, pending):
            yield question, [future.result() for future in futures]


@pytest.fixture(scope="module")
def files():
    return hospital.files()


@pytest.fixture(scope="module")
def archives(make_installation, files, tmp_path_factory):
    """Yingdun with the files, Orthanc with the same, `dcmqrscp` with the same."""
    installation = make_installation("equal")
    installation.office.device("EQUAL", plain_allowed=True)
    installation.office.grant_device("EQUAL", "view")
    web = Web(installation, installation.office.client_token("equal", "store", "search", "view"))
    for start in range(0, len(files), 20):
        web.must_store(*files[start : start + 20])
    settings = {
        "DefaultEncoding": "Utf8", "DicomCheckCalledAet": False, "DicomAlwaysAllowFind": True,
        "DicomModalities": {"equal": {"AET": "EQUAL", "Host": "127.0.0.1", "Port": 1}},
        "Plugins": [WEB_PLUGIN], "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    }
    orthanc = Orthanc(tmp_path_factory.mktemp("equal-orthanc"), settings)
    try:
        for content in files:
            stored = orthanc.ask("POST", "/instances", data=content)
            assert stored.ok, stored.text
        with dcmqrscp(tmp_path_factory.mktemp("equal-dcmqrscp"), "+U8", files=files) as theirs:
            nodes = {
                "yingdun": Node(installation.addresses.dicom_plain, "YINGDUN"),
                "orthanc": Node(("127.0.0.1", orthanc.dicom), "ORTHANC"),
                "dcmqrscp": Node(theirs.address, "DCMQR"),
            }
            yield nodes, web, orthanc
            for node in nodes.values():
                node.release()
    finally:
        orthanc.stop()


# === the comparison ===


def test_the_same_questions_have_the_same_matches(archives, files):
    nodes, _, _ = archives
    differences = {"orthanc": set(), "dcmqrscp": set()}
    asked = questions([part10.parse(content) for content in files])
    assert len(asked) > 300, len(asked)
    matched = 0
    for question, found in answers(nodes, asked):
        ours, *theirs = [matches(one, UNIQUE[question.level]) for one in found]
        assert isinstance(ours, list), (question.name, ours)
        matched += bool(ours)
        for peer, answer in zip(differences, theirs):
            if answer != ours:
                differences[peer].add(question.name)
    assert matched > len(asked) // 2, "most questions find something"
    explained("matches", differences)


def test_the_same_matches_say_the_same(archives, files):
    nodes, _, _ = archives
    differences = {"orthanc": set(), "dcmqrscp": set()}
    data_sets = [part10.parse(content) for content in files]
    series = [
        Question(study, "S", "SERIES", {"StudyInstanceUID": study}) for study in _fullest(data_sets, "StudyInstanceUID", 10)
    ]
    images = [
        Question(one.SeriesInstanceUID, "S", "IMAGE", {keyword: one[keyword].value for keyword in list(UNIQUE.values())[1:3]})
        for one in data_sets[::10]
    ]
    everything = [Question("", "P", "PATIENT", {}), Question("", "S", "STUDY", {})]
    asked = [*everything, *series, *images]
    for question, found in answers(nodes, asked, lambda one: RETURNED[one.level]):
        unique, wanted = UNIQUE[question.level], RETURNED[question.level]
        ours, *theirs = [values(one, unique, wanted) for one in found]
        for peer, answer in zip(differences, theirs):
            for entity in ours.keys() & answer.keys():
                said = zip(wanted, ours[entity], answer[entity])
                differences[peer] |= {f"{question.level} {keyword}" for keyword, one, other in said if one != other}
    explained("values", differences)


def test_qido_rs_finds_what_orthanc_finds(archives, files):
    _, web, orthanc = archives
    differences = {"orthanc": set()}
    asked = [one for one in questions([part10.parse(content) for content in files]) if one.model == "S"]

    def differs(question):
        path, parameters = qido(question)
        parameters = urlencode(parameters, safe="*?,", quote_via=quote)
        # The plugin of Orthanc 1.10 compares what is percent-encoded as it is, against RFC 3986 §2.1.
        if "%" in parameters:
            return False
        ours = sorted(_uid_of(row, question.level) for row in web.search(f"{path}?{parameters}"))
        answer = orthanc.ask("GET", f"/dicom-web{path}?{parameters}", headers={"Accept": "application/dicom+json"})
        theirs = sorted(_uid_of(row, question.level) for row in answer.json()) if answer.ok else answer.status_code
        return ours != theirs

    with ThreadPoolExecutor(Node.ASSOCIATIONS) as pool:
        differences["orthanc"] |= {one.name for one, other in zip(asked, pool.map(differs, asked)) if other}
    explained("qido", differences)


def explained(part, differences):
    """Every difference has its reason in the table, and every entry of the table is a difference."""
    listed = json.loads(EXPECTED.read_text()) if EXPECTED.exists() else {}
    if os.environ.get("YINGDUN_UPDATE_EXPECTATIONS"):
        listed[part] = {peer: _sorted_out(listed.get(part, {}).get(peer, {}), found) for peer, found in differences.items()}
        EXPECTED.write_text(json.dumps(listed, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    for peer, found in differences.items():
        reasons = listed.get(part, {}).get(peer, {})
        assert set(reasons) <= set(REASONS), f"{part}: reasons without a paragraph"
        known = {name for names in reasons.values() for name in names}
        assert found - known == set(), f"{part}: {peer} differs and no paragraph says why"
        assert known - found == set(), f"{part}: {peer} does not differ any more"


def _sorted_out(reasons, found):
    kept = {reason: sorted(set(names) & found) for reason, names in reasons.items()}
    unexplained = sorted(found - {name for names in kept.values() for name in names})
    kept["unexplained"] = sorted({*kept.get("unexplained", []), *unexplained})
    return {reason: names for reason, names in kept.items() if names}


def matches(answer, unique):
    """What was found, by its unique key; or the failure as it is."""
    return answer if isinstance(answer, str) else sorted(str(row.get(unique, "")).strip() for row in answer)


def values(answer, unique, wanted) -> dict:
    """What was said of each match, as comparable texts."""
    assert not isinstance(answer, str), answer
    return {str(row.get(unique, "")): [_comparable(row, keyword) for keyword in wanted] for row in answer}


def _comparable(row, keyword) -> str:
    element = row.get_item(keyword)
    if element is None or row[keyword].value is None:
        return ""
    value = row[keyword].value
    several = value if isinstance(value, (list, tuple, MultiValue)) else [value]
    texts = sorted(str(one).strip().rstrip("=^") for one in several)
    return "\\".join(str(int(text)) if text.isdigit() and row[keyword].VR == "IS" else text for text in texts)


def qido(question):
    keys = dict(question.keys)
    parameters = {}
    for keyword, value in keys.items():
        if isinstance(value, dict):
            parameters |= {f"{keyword}.{inner}": text for inner, text in value.items() if text}
        else:
            # PS3.18 §8.3.4.1: a comma parts UIDs, a backslash everything else.
            comma = "," if keyword.endswith("UID") else "\\"
            parameters[keyword] = comma.join(value) if isinstance(value, list) else value
    path = {"STUDY": "/studies", "SERIES": "/series", "IMAGE": "/instances"}[question.level]
    if question.level != "STUDY":
        above = "".join(
            f"/{word}/{parameters.pop(keyword)}"
            for word, keyword in [("studies", "StudyInstanceUID"), ("series", "SeriesInstanceUID")]
            if keyword in parameters and UNIQUE[question.level] != keyword
        )
        path = above + path
    return path, parameters


def _uid_of(row, level) -> str:
    tag = f"{pydicom.datadict.tag_for_keyword(UNIQUE[level]):08X}"
    return row[tag]["Value"][0]
