"""Questions asked in threads: which error is told, and what is still asked after it."""

import threading
import time

import pytest

from clausescan.providers.threads import answers


def test_answers_come_in_the_questions_order():
    assert answers(lambda n: (time.sleep(0.02 * (3 - n)), n)[1], range(4), 4, threading.Event()) == [0, 1, 2, 3]


def test_after_an_error_no_question_is_taken_up():
    for _ in range(100):
        asked, ended = [], threading.Event()

        def ask(number, asked=asked):
            asked.append(number)
            raise OSError

        with pytest.raises(OSError):  # noqa: PT011
            answers(ask, range(3), 1, ended)
        assert (asked, ended.is_set()) == ([0], True)


def test_the_error_that_ended_the_run_is_told_and_not_one_that_follows_from_it():
    class Slow(threading.Event):
        def set(self):
            super().set()
            time.sleep(0.2)

    ended = Slow()

    def ask(number):
        if number == 0:
            raise KeyError("the cause")
        ended.wait()
        raise OSError("not asked again: the run has ended")

    with pytest.raises(KeyError, match="the cause"):
        answers(ask, range(2), 2, ended)
