"""Ports for programs that a test starts."""

import contextlib
import secrets
import socket

LOOPBACK = "127.0.0.1"
PORTS = range(15_000, 32_000)


def free_port() -> int:
    """None that the system gives to who connects: a program that is killed would not get it back."""
    while True:
        port = secrets.choice(PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((LOOPBACK, port))
            return port
