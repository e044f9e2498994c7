"""Who the gateway is must be proved before the key is sent."""

import asyncio
import datetime
import ssl
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ledger.providers.midtrans.connection import Connection
from ledger.providers.port import DidNot


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Signed by nobody but itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "certificate.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return file


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "NONE"])
async def test_a_gateway_that_nobody_vouches_for_gets_nothing(
    certificate: Path, variable: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(variable, str(certificate))  # the environment cannot vouch either
    read: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        read.append(await reader.read())

    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    connection = Connection("SB-Mid-server-abc123cde456", connect_seconds=1, max_connections=1)
    async with server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        outcome = await connection.exchange("POST", url, seconds=2, body=b"{}")
        await connection.close()

    assert isinstance(outcome, DidNot)
    assert (outcome.code, outcome.retryable) == ("service_unavailable", True)
    assert b"".join(read) == b""


async def test_a_handshake_that_does_not_end_is_cut_and_nothing_was_sent():
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    connection = Connection("SB-Mid-server-abc123cde456", connect_seconds=0.2, max_connections=1)
    async with server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        outcome = await connection.exchange("POST", url, seconds=5, body=b"{}")
        await connection.close()

    assert isinstance(outcome, DidNot)
    assert outcome.code == "service_unavailable"
