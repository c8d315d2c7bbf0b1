"""Devices that are told of studies which have come to rest (instance availability notification, PS3.4 annex R), pynetdicom
as the peer, plain and over TLS."""

import queue
import ssl

import pynetdicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom import evt
from pynetdicom.sop_class import InstanceAvailabilityNotification

from yingdun_testkit import part10
from yingdun_testkit.installation import wait_until
from yingdun_testkit.orthanc import free_port
from yingdun_testkit.web import Web

#: Seconds for a study to rest and a device to be called, on a machine with other work.
TOLD_SECONDS_MAX = 400


class Listener:
    """A device that is told, for the length of a `with`."""

    def __init__(self, title, port, identity=None, ca_file=None):
        self.title, self.port, self.identity, self.ca_file = title, port, identity, ca_file
        self.came = queue.Queue()
        #: Statuses of the next answers; success afterwards.
        self.statuses = []

    def __enter__(self):
        entity = pynetdicom.AE(ae_title=self.title)
        entity.add_supported_context(InstanceAvailabilityNotification)
        context = None
        if self.identity:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self.ca_file)
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_cert_chain(self.identity["certificate_file"], self.identity["private_key_file"])
        self.server = entity.start_server(
            ("127.0.0.1", self.port), block=False, ssl_context=context, evt_handlers=[(evt.EVT_N_CREATE, self._told)]
        )
        return self

    def __exit__(self, *_):
        self.server.shutdown()

    def _told(self, event):
        self.came.put((event.assoc.requestor.ae_title.strip(), event.attribute_list))
        return (self.statuses.pop(0) if self.statuses else 0), Dataset()

    def next(self):
        return self.came.get(timeout=TOLD_SECONDS_MAX)

    def of(self, study) -> Dataset:
        """The next notification of a study, past those of others."""
        while True:
            _, told = self.next()
            if told.StudyInstanceUID == study:
                return told


@pytest.fixture(scope="module")
def telling(make_installation):
    """An installation where studies rest after a second."""
    installation = make_installation("telling", settings={"CATALOGUE__STUDY_STABLE_AFTER_S": "1"})
    token = installation.office.client_token("follower", "store", "search", "view")
    return installation, Web(installation, token), installation.office.api(token)


def device(installation, title, port, *scopes, identity=None, tell=True, **facts):
    spelled = "" if identity else "plain://"
    facts |= {"certificate_sha256": identity["sha256"]} if identity else {"plain_allowed": True}
    habits = {"tell_availability": True} if tell else {}
    installation.office.device(title, destination=f"{spelled}127.0.0.1:{port}", habits=habits, **facts)
    installation.office.grant_device(title, *scopes)


def begun(web, listener):
    """Waits until the archive follows the studies for a device: a new one is told of what comes to rest from then on."""
    for _ in range(TOLD_SECONDS_MAX // 3):
        stored(web, study_of(1, patient_id="AVAILABLE-0"))
        try:
            return listener.came.get(timeout=3)
        except queue.Empty:
            pass
    raise AssertionError("the device was not told of anything")


def at_rest(api, study):
    """Waits until a study is stable."""
    told = lambda: [event["study_uid"] for event in api.get("/events?limit=1000")["events"]]
    wait_until(lambda: study in told(), "the study rests", TOLD_SECONDS_MAX)


def stored(web, images):
    web.must_store(*map(part10.file_bytes, images))
    return images[0].StudyInstanceUID


def study_of(count, **facts):
    study, series = generate_uid(), [generate_uid(), generate_uid()]
    return [part10.image(study=study, series=series[seed % 2], seed=seed, **facts) for seed in range(count)]


@pytest.mark.parametrize("transport", ["plain", "tls"])
def test_a_study_that_has_come_to_rest_is_told_with_all_its_instances(telling, transport):
    installation, web, _ = telling
    title, port = f"TOLD{transport.upper()}", free_port()
    identity = installation.issue_certificate(title, "127.0.0.1") if transport == "tls" else None
    with Listener(title, port, identity, installation.ca_file) as listener:
        device(installation, title, port, "search", "view", identity=identity)
        assert begun(web, listener)[0] == "YINGDUN"
        images = study_of(3, patient_id="AVAILABLE-1")
        told = listener.of(stored(web, images))
        assert told.ReferencedPerformedProcedureStepSequence == []
        found = {
            (series.SeriesInstanceUID, item.ReferencedSOPInstanceUID)
            for series in told.ReferencedSeriesSequence
            for item in series.ReferencedSOPSequence
        }
        assert found == {(image.SeriesInstanceUID, image.SOPInstanceUID) for image in images}
        for series in told.ReferencedSeriesSequence:
            for item in series.ReferencedSOPSequence:
                assert item.ReferencedSOPClassUID == part10.SECONDARY_CAPTURE
                assert (item.InstanceAvailability, item.RetrieveAETitle) == ("ONLINE", "YINGDUN")
        # What arrives late makes it rest anew, and is told.
        late = part10.image(study=images[0].StudyInstanceUID, series=images[0].SeriesInstanceUID, seed=9, patient_id="AVAILABLE-1")
        stored(web, [late])
        told = listener.of(late.StudyInstanceUID)
        items = [item for series in told.ReferencedSeriesSequence for item in series.ReferencedSOPSequence]
        assert len(items) == 4 and late.SOPInstanceUID in {item.ReferencedSOPInstanceUID for item in items}
    leaves = installation.office.leaves(kind="query", outcome="succeeded", actor=title)
    assert leaves, "what a device was told is on the ledger as a search of it"


def test_a_device_is_told_of_what_it_may_see_and_only_where_its_record_says_so(telling):
    installation, web, api = telling
    titles = {"TOLDALL": ("search", "view"), "TOLDNOVIEW": ("search",), "TOLDNOTHING": ("store",), "UNTOLD": ("search", "view")}
    ports = {title: free_port() for title in titles}
    listeners = {title: Listener(title, port) for title, port in ports.items()}
    for title, scopes in titles.items():
        device(installation, title, ports[title], *scopes, tell=title != "UNTOLD")
        listeners[title].__enter__()
    try:
        begun(web, listeners["TOLDALL"])
        study = stored(web, study_of(1, patient_id="AVAILABLE-2"))
        listeners["TOLDALL"].of(study)
        refused = lambda: installation.office.leaves(outcome="refused", actor="TOLDNOTHING")
        wait_until(refused, "the search of a device without the scope is refused", TOLD_SECONDS_MAX)
        assert [listeners[title].came.qsize() for title in ("TOLDNOVIEW", "TOLDNOTHING", "UNTOLD")] == [0, 0, 0]
    finally:
        for listener in listeners.values():
            listener.__exit__()


def test_a_device_that_was_away_or_refused_is_told_later_also_after_a_restart(telling):
    installation, web, api = telling
    title, port = "TOLDLATE", free_port()
    device(installation, title, port, "search", "view")
    with Listener(title, port) as listener:
        begun(web, listener)
    away = stored(web, study_of(2, patient_id="AVAILABLE-3"))
    at_rest(api, away)
    installation.stop()
    installation.start()
    installation.office.web = installation.addresses.web
    with Listener(title, port) as listener:
        listener.statuses = [0x0110]
        listener.of(away)
        # What was refused is told again.
        listener.of(away)
