"""HTTP as servers really speak it, over real sockets: framing, endings, reuse, compression, TLS and proxies."""

from __future__ import annotations

import asyncio
import datetime
import gzip
import ipaddress
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from mozaiks.llm import http
from mozaiks.llm.wire import CannotConnect, ConnectionLost
from tests.llm.conftest import Chat
from tests.model_server import ModelServer

Handler = Callable[[int, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A server that hands each request, by its number on its connection, to ``handler``."""

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = 0
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
                number += 1
                await handler(number, writer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connection, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        await http.close()


def saying(*parts: bytes, close: bool = False) -> Handler:
    async def handler(number: int, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0)
        if close:
            writer.close()

    return handler


async def fetch(url: str) -> tuple[int, bytes]:
    async with http.post(url, headers={}, body=b"{}", connect_timeout=2) as response:
        body = b""
        while part := await response.read():
            body += part
        return response.status, body


CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\nX: y\r\n\r\n"
)
SIZED = b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + SIZED


@pytest.mark.parametrize("answer", [CHUNKED, SIZED, INTERIM], ids=["chunked", "sized", "interim"])
@pytest.mark.parametrize("cut", [1, 7, 1000])
async def test_a_body_is_the_same_however_it_is_cut_on_the_way(answer: bytes, cut: int) -> None:
    parts = [answer[start : start + cut] for start in range(0, len(answer), cut)]
    async with serving(saying(*parts)) as url:
        assert await fetch(url) == (200, b"hello world")
        assert await fetch(url) == (200, b"hello world")


async def test_a_body_without_a_length_ends_with_its_connection() -> None:
    async with serving(saying(b"HTTP/1.0 200 OK\r\n\r\nhello ", b"world", close=True)) as url:
        assert await fetch(url) == (200, b"hello world")


BROKEN = [
    (b"", "closed"),
    (b"HTTP/1.1 200 OK\r\n", "closed"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhello", "closed"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", "closed"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "closed"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello\r\n", "not HTTP"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n", "not HTTP"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n", "not HTTP"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "not HTTP"),
    (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "not HTTP"),
    (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", "not HTTP"),
]


@pytest.mark.parametrize(("answer", "reason"), BROKEN, ids=[str(number) for number in range(len(BROKEN))])
async def test_an_answer_that_breaks_off_or_is_not_http_is_lost(answer: bytes, reason: str) -> None:
    async with serving(saying(answer, close=True)) as url:
        with pytest.raises(ConnectionLost, match=reason):
            await fetch(url)


async def test_a_kept_connection_closed_under_the_next_request_is_replaced_once() -> None:
    served: list[int] = []

    async def handler(number: int, writer: asyncio.StreamWriter) -> None:
        served.append(number)
        if number == 1:
            writer.write(SIZED)
        else:
            writer.transport.abort()  # as a server does whose patience ends just as the request arrives

    async with serving(handler) as url:
        assert await fetch(url) == (200, b"hello world")
        assert await fetch(url) == (200, b"hello world")
        assert served == [1, 2, 1]


async def test_a_new_connection_that_is_closed_is_not_tried_again() -> None:
    served: list[int] = []

    async def handler(number: int, writer: asyncio.StreamWriter) -> None:
        served.append(number)
        writer.transport.abort()

    async with serving(handler) as url:
        with pytest.raises(ConnectionLost):
            await fetch(url)
    assert served == [1]


async def test_a_connection_is_not_kept_when_the_server_says_close_or_says_too_much() -> None:
    answers = [SIZED.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n"), SIZED + b"HTTP/1.1 500 smuggled"]
    for answer in answers:
        served: list[int] = []

        async def handler(number: int, writer: asyncio.StreamWriter, answer: bytes = answer) -> None:
            served.append(number)  # noqa: B023
            writer.write(answer)

        async with serving(handler) as url:
            for _ in range(2):
                assert await fetch(url) == (200, b"hello world")
        assert served == [1, 1]


async def test_a_kept_connection_that_talks_unasked_is_closed_and_not_used_again() -> None:
    async def handler(number: int, writer: asyncio.StreamWriter) -> None:
        writer.write(SIZED)
        await writer.drain()
        await asyncio.sleep(0.05)
        while number == 1 and not writer.is_closing():
            writer.write(b"HTTP/1.1 200 OK\r\n" * 1000)
            await writer.drain()

    async with serving(handler) as url:
        assert await fetch(url) == (200, b"hello world")
        await asyncio.sleep(0.2)
        assert await fetch(url) == (200, b"hello world")


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_an_answer_compressed_unasked_is_unpacked(encoding: str) -> None:
    body = b"hello world " * 100_000
    packed = gzip.compress(body) if encoding == "gzip" else zlib.compress(body)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    async with serving(saying(head, packed[:50], packed[50:])) as url:
        assert await fetch(url) == (200, body)


async def test_an_unknown_compression_is_lost_and_not_guessed() -> None:
    answer = SIZED.replace(b"OK\r\n", b"OK\r\nContent-Encoding: br\r\n")
    async with serving(saying(answer)) as url:
        with pytest.raises(ConnectionLost, match="br"):
            await fetch(url)


async def test_a_reader_that_lags_holds_the_server_back_and_loses_nothing() -> None:
    size = 20_000_000
    sent = 0

    async def handler(number: int, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode())
        while sent < size:
            writer.write(b"x" * 100_000)
            sent += 100_000
            await writer.drain()

    async with serving(handler) as url, http.post(url, headers={}, body=b"", connect_timeout=2) as response:
        await asyncio.sleep(0.3)
        assert sent < size, "the whole body was taken in without a reader"
        received = 0
        while part := await response.read():
            received += len(part)
        assert received == size


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/v1", "http://[::1]:1/v1"])
async def test_where_nothing_listens_no_connection_is_made(url: str) -> None:
    with pytest.raises(CannotConnect):
        await fetch(url)


async def test_tls_is_spoken_and_a_certificate_nobody_vouches_for_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = self_signed(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    async with serving(saying(CHUNKED), tls) as url:
        with pytest.raises(CannotConnect, match="CERTIFICATE_VERIFY_FAILED"):
            await fetch(url)
        trusting = ssl.create_default_context(cafile=str(certificate))
        monkeypatch.setattr(http, "_tls", lambda: trusting)
        assert await fetch(url) == (200, b"hello world")
        assert await fetch(url) == (200, b"hello world")


async def test_a_proxy_of_the_environment_is_used_but_never_for_loopback(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.url.removesuffix("/v1"))
    chat = Chat(server.models(base_url="http://models.invalid/v1"))
    answer = await chat.ask()
    assert answer.text == "".join(chat.deltas)
    assert [call["path"] for call in server.ledger if call["event"] == "call"] == [
        "http://models.invalid/v1/chat/completions"
    ]
    await Chat(server.models()).ask()
    assert server.ledger[-2]["path"] == "/v1/chat/completions"


def self_signed(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths
