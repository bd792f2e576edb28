"""A model on a server that is busy, slow, failing or not there: how often it is asked, and how each failure is told."""

import gc
import threading
import time
import weakref
from dataclasses import replace

import numpy as np
import pytest

from clausescan import errors
from clausescan.providers import served
from clausescan.providers.served import ServedModel, parse_address
from tests import fakeserver
from tests.fakeserver import well
from tests.test_served import ask, extract, question  # noqa: F401 (a fixture among them)


@pytest.fixture
def waits(monkeypatch):
    """How long the client would have waited."""
    out = []
    monkeypatch.setattr(ServedModel.__init__, "__kwdefaults__", {**ServedModel.__init__.__kwdefaults__, "wait": out.append})
    return out


@pytest.mark.parametrize(("status", "count"), [(429, 1), (500, 2), (503, 4), (502, 1), (508, 1), (520, 1)])
def test_a_busy_server_is_asked_again(waits, status, count):
    with fakeserver.served(lambda body, n: well(body) if n > count else (status, {}, b"zebrafish")) as server:
        (answer,) = ask(server)
    assert answer.text == fakeserver.ANSWERS["termination"]
    assert len(waits) == count
    assert all(0.5 * 2**i <= w <= 0.75 * 2**i for i, w in enumerate(waits))


def test_the_wait_that_a_server_asks_for_is_kept(waits):
    with fakeserver.served(lambda body, n: well(body) if n > 1 else (429, {"Retry-After": "7"}, b"")) as server:
        ask(server)
    assert waits == [7]
    with (
        fakeserver.served(lambda body, n: (429, {"Retry-After": "86400"}, b"")) as server,
        pytest.raises(errors.ServerBusyError),
    ):
        ask(server)
    assert waits == [7]
    assert served._retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert served._retry_after("soon") is None


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, errors.ServerDeniedError),
        (403, errors.ServerDeniedError),
        (404, errors.ServerModelMissingError),
        (400, errors.ServerReplyError),
        (418, errors.ServerReplyError),
        (429, errors.ServerBusyError),
        (500, errors.ServerBusyError),
    ],
)
def test_each_refusal_has_its_error(waits, status, error):
    with fakeserver.served(lambda body, n: (status, {}, b"zebrafish " * 9)) as server, pytest.raises(error) as caught:
        ask(server)
    assert caught.value.exit_code == 4
    assert "zebrafish" not in str(caught.value)
    assert len(server.bodies) == {400: 2, 429: 5, 500: 5}.get(status, 1)


def test_a_slow_server_runs_into_the_time_limit():
    ended = threading.Event()
    with fakeserver.served(lambda body, n: well(body) if ended.wait(60) else b"") as server:
        began = time.monotonic()
        with pytest.raises(errors.ServerTimeoutError, match=r"0\.2 seconds"):
            ask(server, timeout_s=0.2)
        assert time.monotonic() - began < 30
        ended.set()


def test_a_host_that_is_not_there_is_unreachable_and_not_tried_twice(waits):
    with fakeserver.served() as server:
        pass
    model = ServedModel(parse_address(server.option))
    with pytest.raises(errors.ServerUnreachableError, match=r"127\.0\.0\.1"):
        model.ask([question()])
    assert len(waits) == served.ATTEMPTS - 1
    with pytest.raises(errors.ServerUnreachableError):
        model.ask([question()])
    assert len(waits) == served.ATTEMPTS - 1


def test_a_server_that_cannot_be_used_ends_the_run_with_4(extract, waits):  # noqa: F811
    with (
        fakeserver.served(lambda body, n: (404, {}, b"")) as server,
        pytest.raises(errors.ServerModelMissingError, match="some/model"),
    ):
        extract(server)


def test_a_server_that_comes_back_is_asked_again(waits, monkeypatch):
    with fakeserver.served() as server:
        pass
    model = ServedModel(parse_address(server.option))
    for _ in range(2):
        with pytest.raises(errors.ServerUnreachableError):
            model.ask([question()])
        monkeypatch.setattr(served, "GIVEN_UP_SECONDS", 0.0)
    assert len(waits) == 2 * (served.ATTEMPTS - 1)


def test_nothing_is_sent_after_an_interrupt(monkeypatch):
    """Neither a question that waits for its turn nor a second attempt. The first question's thread stands in for the keyboard."""
    asked, ended = threading.Event(), threading.Event()

    def data_uri(picture):
        if len(picture) == 1:
            asked.wait(60)
            raise KeyboardInterrupt
        if len(picture) > 2:
            ended.wait(60)
        return ""

    def reply(body, n):
        asked.set()
        ended.wait(60)
        return 503, {}, b""

    monkeypatch.setattr(served, "data_uri", data_uri)
    questions = [replace(question(), picture=np.zeros((n, 1), np.uint8)) for n in range(1, 9)]
    with fakeserver.served(reply) as server:
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            ServedModel(parse_address(server.option), parallel=2).ask(questions)
        assert time.monotonic() - began < 30  # it does not wait for the reply that is under way
        ended.set()
        time.sleep(1.0)  # for what must not be sent
    assert len(server.bodies) == 1


def test_an_error_that_is_told_again_does_not_keep_the_pages_it_was_told_for(waits):
    with fakeserver.served() as server:
        pass
    model = ServedModel(parse_address(server.option))
    kept = []
    for _ in range(4):
        page = np.zeros((3, 3), np.uint8)
        kept.append(weakref.ref(page))

        def ask(page):
            with pytest.raises(errors.ServerUnreachableError):
                model.ask([replace(question(), picture=page)])

        ask(page)
        del page
    gc.collect()
    assert sum(ref() is not None for ref in kept) <= 1
