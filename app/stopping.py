"""What SIGINT and SIGTERM ask for: an end in order, and with a second Ctrl-C one at once."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_LOOK_S = 0.05


class Stopped(BaseException):
    """A signal came while nothing was begun that would have to be finished.

    Like KeyboardInterrupt no Exception: whoever handles errors on the way must not swallow it.
    """


class Flag:
    """What a signal handler may set and any thread look at.

    threading.Event is not for handlers: one that interrupts its `set` or `wait` and calls `set`
    waits for a lock that its own thread holds.
    """

    def __init__(self) -> None:
        """Not set."""
        self._set = False

    def set(self) -> None:
        """Set it for good."""
        self._set = True

    def is_set(self) -> bool:
        """Whether it is set."""
        return self._set

    def wait(self, seconds: float = math.inf) -> None:
        """Return when it is set, or after so many seconds."""
        deadline = time.monotonic() + seconds
        while not self._set and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, _LOOK_S))


class Stop:
    """Whether a stop was asked for.

    Attributes:
        asked: set by the first signal.
        again: set by the second.
        signal: the first one, or None.
    """

    def __init__(self) -> None:
        """Nothing was asked for yet."""
        self.asked = Flag()
        self.again = Flag()
        self.signal: signal.Signals | None = None
        self._interrupting = False

    def listen(self) -> None:
        """Handle the signals; again after a library has taken them for itself."""
        for each in _SIGNALS:
            signal.signal(each, self._handle)

    @property
    def patient(self) -> bool:
        """Whether balancers may be given time: Ctrl-C comes from somebody who waits."""
        return self.signal == signal.SIGTERM and not self.again.is_set()

    @contextmanager
    def interrupting(self) -> Iterator[None]:
        """Raise Stopped in the main thread when a signal comes in here, or has come before.

        Raises:
            Stopped: see there.
        """
        self._interrupting = True
        try:
            if self.asked.is_set():
                raise Stopped
            yield
        # What Ray makes of an exception that a handler raises in its C++ calls, and what its own
        # handler of SIGTERM raises.
        except (KeyboardInterrupt, SystemExit) as error:
            if self.again.is_set():
                raise
            self.signal = self.signal or signal.SIGTERM
            self.asked.set()
            raise Stopped from error
        finally:
            self._interrupting = False

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self.asked.is_set():
            self.again.set()
            if number == signal.SIGINT:
                raise KeyboardInterrupt
            return
        self.signal = signal.Signals(number)
        self.asked.set()
        if self._interrupting:
            raise Stopped


@contextmanager
def stopping() -> Iterator[Stop]:
    """Handle SIGINT and SIGTERM in here. Only in the main thread."""
    before = {each: signal.getsignal(each) for each in _SIGNALS}
    stop = Stop()
    stop.listen()
    try:
        yield stop
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
