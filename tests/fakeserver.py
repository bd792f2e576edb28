"""A server with the OpenAI chat API on loopback, which answers what a test tells it to."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests import specimen

ANSWERS = {p.type: p.answer_json for p in (specimen.TERMINATION, specimen.LIABILITY, specimen.INDEMNITY)}
LISTED = (
    ("termination", "11. Termination. Either party may terminate", "cure period of ten (10) Business Days."),
    ("liability_cap", "12. Limitation of Liability. In no event", "be liable for consequential damages."),
    ("indemnity", "13. Indemnity. Supplier shall indemnify", "defend and hold harmless Customer."),
)


def listing(*passages) -> str:
    keys = ("type", "first_words", "last_words")
    return json.dumps({"passages": [dict(zip(keys, p, strict=True)) for p in passages]})


def completion(text, reason="stop") -> bytes:
    return json.dumps({"choices": [{"finish_reason": reason, "message": {"role": "assistant", "content": text}}]}).encode()


def asked(body) -> str:
    """What a request asks about: `page` or a clause type."""
    text = body["messages"][1]["content"][1]["text"]
    return text.split("Clause type: ")[1].split("\n")[0] if "Clause type: " in text else "page"


def well(body, listed=None, answers=None) -> bytes:
    """A good model's reply."""
    kind = asked(body)
    if kind == "page":
        return completion(listing(*LISTED) if listed is None else listed)
    return completion((answers or {}).get(kind, ANSWERS[kind]))


class FakeServer:
    """`reply` takes the request's body and the request's number; gives bytes or (status, headers, bytes)."""

    def __init__(self, reply: Callable = lambda body, n: well(body)) -> None:
        self.reply = reply
        self.bodies: list[dict] = []
        self.headers: list[dict] = []
        self.paths: list[str] = []
        self.now = self.most = 0
        self.listed: dict = {"data": [{"id": "some/model:7b"}]}
        self.url = ""
        self.lock = threading.Lock()

    @property
    def option(self) -> str:
        return f"openai:{self.url}#some/model:7b"


@contextmanager
def served(reply=lambda body, n: well(body)):
    state = FakeServer(reply)

    class Handler(BaseHTTPRequestHandler):
        disable_nagle_algorithm = True  # or each reply's second packet waits for an acknowledgement

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with state.lock:
                state.bodies.append(body)
                state.headers.append(dict(self.headers))
                state.paths.append(self.path)
                number = len(state.bodies)
                state.now += 1
                state.most = max(state.most, state.now)
            try:
                answer = state.reply(body, number)
            finally:
                with state.lock:
                    state.now -= 1
            status, headers, content = answer if isinstance(answer, tuple) else (200, {}, answer)
            try:
                self.send_response(status)
                for key, value in headers.items():
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except OSError:
                pass  # the client gave up, as it should

        def do_GET(self):
            state.paths.append(self.path)
            content = json.dumps(state.listed).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()


def slowly(seconds, then=well):
    def reply(body, n):
        time.sleep(seconds)
        return then(body)

    return reply
