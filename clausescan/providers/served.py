"""A model on a server with the OpenAI chat API: vLLM, llama.cpp, Ollama, LM Studio and others.

Pictures go as data URIs, and only to the host that the user named: no proxy of the environment, no redirect to another host.
Neither the key nor anything of the page or the reply stands in an error.
"""

from __future__ import annotations

import base64
import email.utils
import functools
import io
import json
import os
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from clausescan.errors import (
    AnswerError,
    ModelError,
    ServerBusyError,
    ServerDeniedError,
    ServerError,
    ServerModelMissingError,
    ServerRedirectError,
    ServerReplyError,
    ServerTimeoutError,
    ServerUnreachableError,
    TruncatedAnswerError,
    UsageError,
)
from clausescan.providers.question import Question, Written
from clausescan.providers.threads import answers

KEY = "CLAUSESCAN_API_KEY"
"""Environment variable with the server's key, if it wants one."""
ATTEMPTS = 5
"""At one question, the first included."""
FIRST_WAIT_S = 0.5
"""Before the second attempt; doubled before each further one, and spread by a random half so that many clients do not agree."""
MAX_WAIT_S = 60.0
"""A server that asks for a longer wait is given up."""
CONNECT_S = 10.0
"""To a host that does not even take the connection, at each attempt."""
MAX_REPLY_BYTES = 4_000_000
MAX_REDIRECTS = 3
GIVEN_UP_SECONDS = 30.0
"""A server that cannot be used at all is not asked again for so long; then it may have come back."""
LONGEST_SIDE = 1792
"""Of a picture, in pixels: 10 pt print on a whole A4 page is still 13 px high."""
QUALITY = 90


@dataclass(frozen=True)
class Address:
    """Where a model is served."""

    base: str
    """With the API's path, such as http://localhost:8000/v1."""
    model: str


def parse_address(text: str) -> Address:
    """`openai:URL#NAME` as an address; a URL without a path gets /v1. Raises `UsageError`."""
    url, mark, model = text.removeprefix("openai:").partition("#")
    try:
        parsed = httpx2.URL(url)
        wrong = parsed.scheme not in ("http", "https") or not parsed.host or parsed.query or not url.isprintable()
    except (httpx2.InvalidURL, ValueError, TypeError):
        wrong = True
    if wrong:
        raise UsageError("--model openai:URL#NAME needs a URL such as http://localhost:8000/v1")
    if parsed.userinfo:
        raise UsageError(f"--model openai:URL#NAME: a key does not belong into the URL but into the variable {KEY}")
    if not mark or not model.strip() or not model.isprintable():
        raise UsageError("--model openai:URL#NAME needs the model's name on the server after the #")
    path = "/v1" if parsed.path in ("", "/") else parsed.path.rstrip("/")
    return Address(str(parsed.copy_with(path=path)), model)


class ServedModel:
    """Fulfils `clausescan.providers.question.Asker`. Several questions are asked at once, at most `parallel`.

    After an error that would meet every question (no such host, key or model) the next call fails with it at once.
    """

    def __init__(
        self, address: Address, *, timeout_s: float = 180.0, parallel: int = 4, wait: Callable[[float], object] | None = None
    ) -> None:
        self.address, self._timeout_s, self._parallel, self._wait = address, timeout_s, parallel, wait
        self._refused_schemas: set[str] = set()
        self._given_up: tuple[float, ServerError] | None = None
        self._headers = _headers()

    @property
    def name(self) -> str:
        """For the report; the host is not told there."""
        return f"openai:{self.address.model}"

    @property
    def sha256(self) -> None:
        """A served model's files cannot be seen."""
        return None

    @property
    def budget(self) -> int:
        """Servers do not tell."""
        return 0

    def ask(self, questions: Sequence[Question]) -> list[Written | AnswerError]:
        """Answers in order; an error for each that was cut off or refused. Raises `ServerError` when the server fails."""
        if self._given_up is not None and time.monotonic() - self._given_up[0] < GIVEN_UP_SECONDS:
            raise self._given_up[1].with_traceback(None)  # or it would keep every page that it was raised for
        client = self._client  # made here, not in several threads at once
        ended = threading.Event()
        try:
            return answers(lambda question: self._answer(client, question, ended), questions, self._parallel, ended)
        except (ServerUnreachableError, ServerDeniedError, ServerModelMissingError, ServerRedirectError) as error:
            self._given_up = (time.monotonic(), type(error)(str(error)))  # a new one: this one keeps its page
            raise

    def models(self) -> list[str]:
        """Names of the models that the server lists. Raises `ServerError`."""
        reply = self._sent(self._client, "GET", "/models", None, threading.Event())
        try:
            return [str(entry["id"]) for entry in _json(reply)["data"]]
        except (KeyError, TypeError):
            raise ServerReplyError(f"the server {self._host()} does not list its models as the OpenAI API does") from None

    @functools.cached_property
    def _client(self) -> httpx2.Client:
        limits = httpx2.Limits(max_connections=self._parallel)
        timeout = httpx2.Timeout(self._timeout_s, connect=min(CONNECT_S, self._timeout_s))
        # Certificates take long to load, and a client for http:// never speaks https: `_once` follows no redirect to it.
        verify = httpx2.URL(self.address.base).scheme != "http"
        return httpx2.Client(
            headers=self._headers, timeout=timeout, limits=limits, follow_redirects=False, trust_env=False, verify=verify
        )

    def _answer(self, client: httpx2.Client, question: Question, ended: threading.Event) -> Written | AnswerError:
        body = self._body(question)
        key = json.dumps(question.schema)
        structured = key not in self._refused_schemas
        if structured:
            shape = {"name": "answer", "strict": True, "schema": question.schema}
            body["response_format"] = {"type": "json_schema", "json_schema": shape}
        try:
            reply = self._sent(client, "POST", "/chat/completions", body, ended)
        except _MalformedError:
            if not structured:
                raise
            body.pop("response_format")
            reply = self._sent(client, "POST", "/chat/completions", body, ended)
            self._refused_schemas.add(key)  # no grammar for this one: the schema stands in the prompt as well
        try:
            return Written(_content(_json(reply)), 0)
        except AnswerError as error:
            return error

    def _body(self, question: Question) -> dict[str, Any]:
        picture = {"type": "image_url", "image_url": {"url": data_uri(question.picture)}}
        return {
            "model": self.address.model,
            "messages": [
                {"role": "system", "content": question.system},
                {"role": "user", "content": [picture, {"type": "text", "text": question.user}]},
            ],
            "max_tokens": question.max_tokens,
            "temperature": 0,
        }

    def _sent(self, client: httpx2.Client, method: str, path: str, body: dict[str, Any] | None, ended: threading.Event) -> bytes:
        """A reply's body, after retries where waiting may help; none once the run has `ended`."""
        wait = FIRST_WAIT_S
        for attempt in range(1, ATTEMPTS + 1):
            if ended.is_set():
                raise ServerError(f"the server {self._host()} was not asked again: the run has ended")
            pause = wait * (1 + random.random() / 2)  # noqa: S311 - nothing secret depends on it
            try:
                status, headers, content = self._once(client, method, self.address.base + path, body)
            except (httpx2.ReadTimeout, httpx2.WriteTimeout, httpx2.PoolTimeout, _TooLongError):
                raise ServerTimeoutError(f"the server {self._host()} gave no answer within {self._timeout_s:g} seconds") from None
            except httpx2.TransportError as error:
                if attempt == ATTEMPTS:
                    raise ServerUnreachableError(
                        f"the server {self._host()} cannot be reached ({type(error).__name__})"
                    ) from None
            except httpx2.HTTPError as error:
                raise ServerReplyError(f"the server {self._host()} sent what is no answer ({type(error).__name__})") from None
            else:
                if status < 300:
                    return content
                if status != 429 and status < 500:
                    raise self._refused(status)
                asked = _retry_after(headers.get("retry-after"))
                if attempt == ATTEMPTS or (asked or 0) > MAX_WAIT_S:
                    raise ServerBusyError(f"the server {self._host()} is busy or failing (status {status})")
                pause = pause if asked is None else asked
            (self._wait or ended.wait)(pause)
            wait *= 2
        raise AssertionError("the last attempt returns or raises")

    def _once(
        self, client: httpx2.Client, method: str, url: str, body: dict[str, Any] | None
    ) -> tuple[int, httpx2.Headers, bytes]:
        """One request within the time limit as a whole, redirects within the same host followed."""
        deadline = time.monotonic() + self._timeout_s
        for _ in range(MAX_REDIRECTS + 1):
            with client.stream(method, url, json=body) as response:
                if not response.is_redirect:
                    return response.status_code, response.headers, _read(response, deadline)
                target = response.url.join(response.headers.get("location", ""))
                same = (target.scheme, target.host, target.port) == (response.url.scheme, response.url.host, response.url.port)
                if not same or response.status_code not in (307, 308):
                    raise ServerRedirectError(f"the server {self._host()} redirects to another address, which is not followed")
                url = str(target)
        raise ServerRedirectError(f"the server {self._host()} redirects in a circle")

    def _refused(self, status: int) -> ModelError:
        where = f"the server {self._host()}"
        if status in (401, 403):
            return ServerDeniedError(f"{where} wants another key than the one in {KEY} (status {status})")
        if status == 404:
            return ServerModelMissingError(f"{where} has no model {self.address.model}, or no chat API at this address")
        if status in (400, 422):
            return _MalformedError(f"{where} refuses the question as malformed (status {status}): can its model see pictures?")
        return ServerReplyError(f"{where} answers with status {status}")

    def _host(self) -> str:
        url = httpx2.URL(self.address.base)
        return url.host if url.port is None else f"{url.host}:{url.port}"


def data_uri(picture: NDArray[np.uint8]) -> str:
    """A gray picture, (H, W), as a JPEG data URI, no side longer than `LONGEST_SIDE`."""
    image = Image.fromarray(picture)
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


class _MalformedError(ServerReplyError):
    """The request was refused as malformed: perhaps only its `response_format` was."""


class _TooLongError(Exception):
    """A reply that trickles past the time limit."""


def _headers() -> dict[str, str]:
    key = os.environ.get(KEY, "")
    if not key:
        return {}
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise UsageError(f"the key in {KEY} holds characters that no key has")
    return {"Authorization": f"Bearer {key}"}


def _read(response: httpx2.Response, deadline: float) -> bytes:
    content = bytearray()
    for piece in response.iter_bytes():
        content += piece
        if time.monotonic() > deadline:
            raise _TooLongError
        if len(content) > MAX_REPLY_BYTES:
            raise ServerReplyError("the server's reply is endless")
    return bytes(content)


def _json(reply: bytes) -> Any:
    try:
        return json.loads(reply)
    except (ValueError, RecursionError):
        raise ServerReplyError("the server's reply is no JSON") from None


def _content(reply: Any) -> str:
    """The answer's text. Raises `AnswerError` when it was cut off or withheld, `ServerReplyError` when there is none."""
    try:
        choice = reply["choices"][0]
        reason, text = choice.get("finish_reason"), choice["message"].get("content")
    except (KeyError, IndexError, TypeError, AttributeError):
        raise ServerReplyError("the server's reply is no chat completion") from None
    if reason == "length":
        raise TruncatedAnswerError("the server's model was cut off at its length limit")
    if not isinstance(text, str) or reason == "content_filter":
        raise AnswerError("the server's model gave no answer")
    return _unfenced(text)


def _unfenced(text: str) -> str:
    """Without the code fence that models without a grammar like to put around JSON."""
    stripped = text.strip()
    if stripped.startswith("```") and stripped.endswith("```") and "\n" in stripped:
        return stripped[stripped.index("\n") : -3].strip()
    return stripped


def _retry_after(value: str | None) -> float | None:
    """Seconds that a server asks to wait: given as such or as a date."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value.strip()[:9])
    try:
        return max(email.utils.parsedate_to_datetime(value).timestamp() - time.time(), 0.0)
    except (TypeError, ValueError):
        return None
