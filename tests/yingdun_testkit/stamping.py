"""A time-stamping authority of the tests' own: `openssl ts`, behind a small HTTP server that can also answer wrongly."""

import os
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def openssl(*arguments, code=0) -> subprocess.CompletedProcess:
    said = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True)
    assert code is None or said.returncode == code, said.stderr
    return said


class Authority:
    """An authority with a certificate of a root of its own."""

    def __init__(self, folder: Path, name="tsa", usage="critical,timeStamping", key="rsa", digest="sha256"):
        self.folder = Path(folder) / name
        self.folder.mkdir(parents=True)
        self.root, self.certificate = self.folder / "root.pem", self.folder / "tsa.pem"
        self.keys = self.folder / "root.key", self.folder / "tsa.key"
        algorithm = ["rsa:2048"] if key == "rsa" else ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        openssl("req", "-x509", "-newkey", *algorithm, "-nodes", "-subj", f"/CN={name} root", "-days", 30,
                "-keyout", self.keys[0], "-out", self.root)
        request, extensions = self.folder / "tsa.csr", self.folder / "tsa.ext"
        extensions.write_text(f"extendedKeyUsage={usage}\nkeyUsage=critical,digitalSignature\n" if usage else "")
        openssl("req", "-newkey", *algorithm, "-nodes", "-subj", f"/CN={name}", "-keyout", self.keys[1], "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.root, "-CAkey", self.keys[0], "-CAcreateserial",
                "-days", 20, "-extfile", extensions, "-out", self.certificate)
        (self.folder / "serial").write_text("01\n")
        self.config = self.folder / "tsa.conf"
        self.config.write_text(f"""
[tsa]
default_tsa = one
[one]
serial = {self.folder}/serial
signer_cert = {self.certificate}
signer_key = {self.keys[1]}
certs = {self.root}
signer_digest = {digest}
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
""")
        #: Requests as they came, oldest first.
        self.requests = []
        #: What is done with an answer before it leaves: a function of request and answer.
        self.twist = lambda request, answer: answer
        #: More variables for `openssl ts`, such as those of libfaketime.
        self.environment = {}
        self.server = None
        self.port = None

    def reply(self, request: bytes) -> bytes:
        """The answer of `openssl ts` to a request."""
        asked, answered = self.folder / "request.tsq", self.folder / "answer.tsr"
        asked.write_bytes(request)
        command = ["openssl", "ts", "-reply", "-config", self.config, "-queryfile", asked, "-out", answered]
        subprocess.run(list(map(str, command)), check=True, capture_output=True, env={**os.environ, **self.environment})
        return answered.read_bytes()

    def start(self):
        authority, lock = self, threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                request = self.rfile.read(int(self.headers["Content-Length"]))
                assert self.headers["Content-Type"] == "application/timestamp-query"
                with lock:
                    authority.requests.append(request)
                    answer = authority.twist(request, authority.reply(request))
                self.send_response(200)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", self.port or 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def settings(self, interval_s=1) -> dict:
        return {
            "TIME_STAMPS__URL": f"http://127.0.0.1:{self.port}/tsr",
            "TIME_STAMPS__CERTIFICATE_FILE": str(self.certificate),
            "TIME_STAMPS__INTERVAL_S": str(interval_s),
        }

    def verify(self, stamp: Path, code=0) -> subprocess.CompletedProcess:
        """What `openssl ts -verify` says of a stamp beside a log."""
        return openssl("ts", "-verify", "-in", stamp, "-data", stamp.with_suffix(".checkpoint"),
                       "-CAfile", self.root, "-untrusted", self.certificate, code=code)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


def stamps(audit_directory) -> list:
    """The stamps beside a log, oldest first."""
    return sorted((Path(audit_directory) / "time-stamps").glob("*.tsr"))


def wait_a_while():
    """Longer than several attempts of an archive whose interval is a second."""
    time.sleep(5)
