"""`python -m simulator` as the command line starts and stops it."""

import signal
import socket
import subprocess
import sys
import time
from json import dumps
from urllib.request import Request, urlopen


def test_the_process_says_when_it_listens_and_dies_when_told():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "simulator", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        said = process.stdout.readline()
        fault = dumps({"fault": "hang", "seconds": 60}).encode()
        urlopen(Request(f"{url}/_control/faults", fault)).close()
        with socket.create_connection(("127.0.0.1", port)) as hanging:
            hanging.sendall(b"GET /v2/x/status HTTP/1.1\r\nhost: x\r\n\r\n")
            time.sleep(0.1)
            begun = time.monotonic()
            process.send_signal(signal.SIGTERM)
            process.wait(5)
            took = time.monotonic() - begun

    assert said == f"Midtrans simulator listening on {url}\n"
    assert took < 2
