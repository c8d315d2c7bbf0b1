"""A proxy with TLS before an S3 server that makes faults: the mock of a bad line and a bad server. The server behind it is a real peer."""

import http.client
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

#: What goes wrong with every second request of a method, in this order, until all of it went wrong. No dice: how many requests there are depends on
#: the machine, and that what was begun ends must not.
FAULTS = {
    "GET": ["cut-answer", "wrong-byte", "slow-down", "cut-request", "wrong-byte", "cut-answer"],
    "PUT": ["lost-answer", "cut-request", "etag-lie", "slow-down", "lost-answer"],
    "POST": ["lost-answer", "slow-down"],
}


class MockFaults:
    """Passes requests on, and spoils some of them from `spoil` on."""

    def __init__(self, port: int, identity):
        self.lock = threading.Lock()
        self.left, self.asked, self.made, self.down = {}, {}, [], False
        faults = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self):
                try:
                    super().handle_one_request()
                except OSError:
                    self.close_connection = True

            def pass_on(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                fault = faults.next(self.command)
                if fault == "cut-request":
                    self.close_connection = True
                    return
                if fault == "slow-down":
                    self.answer(503, [], b"<Error><Code>SlowDown</Code></Error>")
                    return
                behind = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
                behind.request(self.command, self.path, body, headers)
                came = behind.getresponse()
                content, kept = came.read(), [pair for pair in came.getheaders() if pair[0].lower() not in HOP]
                behind.close()
                if fault == "lost-answer":
                    self.close_connection = True
                    return
                if fault == "etag-lie":
                    kept = [(name, '"0123456789abcdef"' if name.lower() == "etag" else value) for name, value in kept]
                if fault == "wrong-byte" and content and came.status in (200, 206):
                    spoilt = bytearray(content)
                    spoilt[len(spoilt) // 2] ^= 1
                    content = bytes(spoilt)
                bytes_ = came.getheader("Content-Length") if self.command == "HEAD" else str(len(content))
                self.answer(came.status, kept, content, bytes_, cut=fault == "cut-answer")

            def answer(self, status, headers, content, bytes_=None, cut=False):
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                if status != 204:
                    self.send_header("Content-Length", bytes_ or str(len(content)))
                self.end_headers()
                self.wfile.write(content[: len(content) // 2] if cut else content)
                if cut:
                    self.wfile.flush()
                    self.close_connection = True

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = pass_on

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(identity)
        # The handshake is made by the thread of the connection.
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"https://127.0.0.1:{self.server.server_port}"

    def spoil(self):
        with self.lock:
            self.left = {method: list(faults) for method, faults in FAULTS.items()}

    def next(self, method: str):
        """The fault of one request, if any."""
        with self.lock:
            if self.down:
                return "cut-request"
            self.asked[method] = self.asked.get(method, 0) + 1
            if self.asked[method] % 2 or not self.left.get(method):
                return None
            fault = self.left[method].pop(0)
            self.made.append(fault)
            return fault

    def close(self):
        self.server.shutdown()
        self.server.server_close()


#: Headers of one connection, and those that are written anew.
HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "server", "date"}
