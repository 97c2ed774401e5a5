"""Signals, as many and as close together as they like."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from app.stopping import Flag, Stopped, stopping


def test_the_first_signal_asks_and_the_second_is_known() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stopping() as stop:
        assert not stop.asked.is_set()
        os.kill(os.getpid(), signal.SIGTERM)
        stop.asked.wait()
        assert (stop.signal, stop.patient) == (signal.SIGTERM, True)
        os.kill(os.getpid(), signal.SIGTERM)
        stop.again.wait()
        assert (stop.signal, stop.patient) == (signal.SIGTERM, False)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGTERM) is before


def test_ctrl_c_gives_balancers_no_time() -> None:
    with stopping() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        stop.asked.wait()
        assert (stop.signal, stop.patient) == (signal.SIGINT, False)


def test_what_has_begun_nothing_is_interrupted() -> None:
    with stopping() as stop:
        with pytest.raises(Stopped), stop.interrupting():
            os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Stopped), stop.interrupting():  # nor is anything begun after it
            pytest.fail("begun after a stop")


def test_a_flag_wakes_other_threads() -> None:
    flag = Flag()
    waiting = threading.Thread(target=flag.wait)
    waiting.start()
    flag.wait(0.01)
    assert not flag.is_set()
    flag.set()
    waiting.join(60)
    assert not waiting.is_alive()


_WAITS = """
from app.stopping import stopping
with stopping() as stop:
    print("ready", flush=True)
    stop.asked.wait()
    for _ in range(200):
        stop.again.wait(0.001)
"""


def test_a_hail_of_signals_does_not_hang_it() -> None:
    for _ in range(5):
        command = [sys.executable, "-c", _WAITS]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            process.send_signal(signal.SIGINT)
            while process.poll() is None:
                process.send_signal(signal.SIGTERM)
            assert process.returncode in (0, -signal.SIGTERM)  # the latter after the handlers' end
