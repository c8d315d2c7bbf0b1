"""An Orthanc server as a peer, in both directions."""

import json
import shutil
import socket
import subprocess

import requests

from .installation import wait_until


#: The DICOMweb plugin, where Debian puts it.
WEB_PLUGIN = "/usr/share/orthanc/plugins/libOrthancDicomWeb.so"


class Orthanc:
    """An Orthanc server in a folder of its own."""

    def __init__(self, folder, settings, auth=None):
        #: Name and password, where it asks for them.
        self.auth = auth
        self.http, self.dicom = free_port(), free_port()
        (folder / "db").mkdir()
        settings = {
            "Name": "pusher",
            "StorageDirectory": str(folder / "db"),
            "HttpPort": self.http,
            "DicomPort": self.dicom,
            "DicomAet": "ORTHANC",
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "Plugins": [],
            **settings,
        }
        path = folder / "orthanc.json"
        path.write_text(json.dumps(settings))
        orthanc = shutil.which("Orthanc", path="/usr/sbin:/usr/local/sbin:/usr/bin")
        assert orthanc, "Orthanc is missing: script/bootstrap test installs it"
        self.log_path = folder / "orthanc.log"
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen([orthanc, str(path)], stdout=log, stderr=subprocess.STDOUT)
        wait_until(self._answers, "Orthanc starts", 30)

    def _answers(self):
        assert self.process.poll() is None, self.log_path.read_text(errors="replace")[-2000:]
        try:
            return self.ask("GET", "/system").ok
        except requests.ConnectionError:
            return False

    def ask(self, method, path, **options):
        return requests.request(method, f"http://127.0.0.1:{self.http}{path}", timeout=60, auth=self.auth, **options)

    def push(self, modality, *files: bytes) -> requests.Response:
        """Takes files in and sends them on."""
        made = [self.ask("POST", "/instances", data=content).json()["ID"] for content in files]
        return self.ask("POST", f"/modalities/{modality}/store", json={"Resources": made, "Synchronous": True})

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]
