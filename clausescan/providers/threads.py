"""Several questions at once, in threads that nothing has to wait for."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


def answers(ask: Callable[[Asked], Answer], questions: Sequence[Asked], at_once: int, ended: threading.Event) -> list[Answer]:
    """What `ask` returns for each question, in order; the first error that it raises is raised here, and sets `ended`.

    After an error no further question is taken up. Those under way are waited for, but not after an interrupt: the threads are
    daemons, so that neither Ctrl-C nor the end of the process waits for a reply.
    """
    waiting: queue.SimpleQueue[tuple[int, Asked]] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[int, list[Answer], BaseException | None]] = queue.SimpleQueue()
    for numbered in enumerate(questions):
        waiting.put(numbered)
    failing = threading.Lock()

    def work() -> None:
        while not ended.is_set():
            try:
                number, question = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                done.put((number, [ask(question)], None))
            except BaseException as error:
                with failing:  # or a question that gives up since the run has ended could be told in place of what ended it
                    ended.set()  # here, not where the error is raised: this thread would take up another question before
                    done.put((number, [], error))

    threads = [threading.Thread(target=work, daemon=True) for _ in range(min(at_once, len(questions)))]
    for thread in threads:
        thread.start()
    found: dict[int, Answer] = {}
    try:
        while len(found) < len(questions):
            number, answer, error = done.get()
            if error is not None:
                raise error
            found[number] = answer[0]
    except BaseException as error:
        ended.set()
        if isinstance(error, Exception):
            for thread in threads:
                thread.join()
        raise
    return [found[number] for number in range(len(questions))]
