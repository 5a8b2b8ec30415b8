"""One try over real sockets: how bodies are framed and broken, connections kept and lost, TLS, proxies, odd bytes."""

from __future__ import annotations

import asyncio
import datetime
import gzip
import ipaddress
import json
import logging
import ssl
import subprocess
import sys
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from mozaiks.llm import ModelEntry, ModelInterrupted, ModelList, ModelUnavailable, close, connections
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
                await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
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
        await close()


def saying(*parts: bytes, close: bool = False) -> Handler:
    async def handler(number: int, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0)
        if close:
            writer.close()

    return handler


def at(url: str, **changes: Any) -> Chat:
    fields: dict[str, Any] = {"first_token_timeout": 5.0, "between_tokens_timeout": 1.0, "total_timeout": 10.0}
    entry = ModelEntry(name="raw", kind="openai", model="raw", base_url=url, **{**fields, **changes})
    return Chat(ModelList((entry,)))


def event(text: str | None = None, reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"content": text} if text else {}, "finish_reason": reason}
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"


SSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
BODY = event("hello ") + event("world") + event(reason="stop") + b"data: [DONE]\n\n"
SIZED = SSE + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
CHUNKED = SSE + b"Transfer-Encoding: chunked\r\n\r\n%x;x=y\r\n" % len(BODY) + BODY + b"\r\n0\r\nX: y\r\n\r\n"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + SIZED
CRLF = BODY.replace(b"\n\n", b"\r\n\r\n").replace(b"data: ", b": note\r\nevent: x\r\ndata:")
LINES = SSE + b"Content-Length: %d\r\n\r\n" % len(CRLF) + CRLF


@pytest.mark.parametrize("answer", [CHUNKED, SIZED, INTERIM, LINES], ids=["chunked", "sized", "interim", "crlf"])
@pytest.mark.parametrize("cut", [1, 7, 1000])
async def test_an_answer_is_the_same_however_it_is_cut_on_the_way(answer: bytes, cut: int) -> None:
    parts = [answer[start : start + cut] for start in range(0, len(answer), cut)]
    async with serving(saying(*parts)) as url:
        for _ in range(2):
            assert (await at(url).ask()).text == "hello world"


async def test_a_body_without_a_length_ends_with_its_connection() -> None:
    async with serving(saying(b"HTTP/1.0 200 OK\r\n\r\n", BODY, close=True)) as url:
        assert (await at(url).ask()).text == "hello world"


BROKEN = [
    b"",
    b"HTTP/1.1 200 OK\r\n",
    SSE + b"\r\n",
    SSE + b"Content-Length: 20\r\n\r\nhello",
    SSE + b"Content-Length: -1\r\n\r\n",
    SSE + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel",
    SSE + b"Transfer-Encoding: chunked\r\n\r\nhello\r\n",
    SSE + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n",
    SSE + b"Content-Encoding: gzip\r\n\r\nno gzip",
    b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>Sign in first</html>",
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{",
    b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"error": {"message": "no"}}',
    b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 500 Oops\r\nContent-Length: 20\r\n\r\nhello",
    b"HTTP/1.1 204 No Content\r\n\r\n",
]


@pytest.mark.parametrize("answer", BROKEN, ids=[str(number) for number in range(len(BROKEN))])
async def test_what_is_no_answer_is_told_in_a_sentence_without_an_address(answer: bytes) -> None:
    async with serving(saying(answer, close=True)) as url:
        with pytest.raises(ModelUnavailable) as caught:
            await at(url).ask()
    assert str(caught.value).startswith("The model 'raw' ")
    assert str(caught.value).endswith(".")
    assert "127.0.0.1" not in str(caught.value)


GARBAGE = [
    b"data: {not json\n\n",
    b"data: 5\n\n",
    b"data: null\n\n",
    b"data: \xff\xfe\n\n",
    b"data: " + b"[" * 200_000 + b"\n\n",
]


@pytest.mark.parametrize("frame", GARBAGE, ids=["json", "number", "null", "bytes", "deep"])
async def test_a_frame_that_cannot_be_read_ends_the_answer_as_broken(frame: bytes) -> None:
    gone = asyncio.Event()

    async def handler(number: int, writer: asyncio.StreamWriter) -> None:
        writer.write(SSE + b"\r\n" + event("hello") + frame)
        while not writer.is_closing():  # it would go on for ever
            writer.write(event("more"))
            await asyncio.sleep(0.01)
        gone.set()

    async with serving(handler) as url:
        with pytest.raises(ModelInterrupted, match="cannot be read") as caught:
            await at(url).ask()
        await asyncio.wait_for(gone.wait(), 2)
    assert caught.value.text == "hello"
    assert caught.value.retryable


@pytest.mark.parametrize("endless", [b"x" * 100_000, b"data: x\n" * 10_000], ids=["one line", "one event"])
async def test_an_event_without_an_end_is_given_up_before_it_fills_the_memory(endless: bytes) -> None:
    sent = 0

    async def handler(number: int, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(SSE + b"\r\n" + event("hello"))
        while not writer.is_closing():
            writer.write(endless)
            sent += len(endless)
            await writer.drain()

    async with serving(handler) as url:
        with pytest.raises(ModelInterrupted, match="lost the connection"):
            await at(url, between_tokens_timeout=30.0, total_timeout=60.0).ask()
    assert connections.MOST_WITHOUT_EVENT <= sent < connections.MOST_WITHOUT_EVENT + 10_000_000


async def test_a_long_answer_may_be_longer_than_what_may_come_without_an_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "MOST_WITHOUT_EVENT", 70_000)  # one read of the transport
    parts = [event(f"{number:06} ") for number in range(5_000)]
    async with serving(saying(SSE + b"\r\n", *parts, event(reason="stop"), close=True)) as url:
        assert len((await at(url, total_timeout=60.0).ask()).text) == 35_000


async def test_an_error_body_without_an_end_is_given_up_too() -> None:
    async def handler(number: int, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 500 Oops\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x" * 100_000)
            await writer.drain()

    async with serving(handler) as url:
        with pytest.raises(ModelUnavailable, match="lost the connection"):
            await at(url, first_token_timeout=60.0, total_timeout=60.0).ask()


async def test_a_kept_connection_closed_under_the_next_request_is_replaced() -> None:
    served: list[int] = []

    async def handler(number: int, writer: asyncio.StreamWriter) -> None:
        served.append(number)
        if number == 1:
            writer.write(SIZED)
        else:
            writer.transport.abort()  # as a server does whose patience ends just as the request arrives

    async with serving(handler) as url:
        chat = at(url)
        await asyncio.gather(*(at(url).ask() for _ in range(3)))  # three connections are kept, all no longer good
        assert (await chat.ask()).text == "hello world"
        assert served == [1, 1, 1, 2, 2, 2, 1]
        assert chat.tries.opened == ["raw"]


async def test_a_new_connection_that_is_closed_is_not_tried_again() -> None:
    served: list[int] = []

    async def handler(number: int, writer: asyncio.StreamWriter) -> None:
        served.append(number)
        writer.transport.abort()

    async with serving(handler) as url:
        with pytest.raises(ModelUnavailable, match="lost the connection"):
            await at(url).ask()
    assert served == [1]


async def test_a_connection_is_not_kept_when_the_server_says_close() -> None:
    served: list[int] = []

    async def handler(number: int, writer: asyncio.StreamWriter) -> None:
        served.append(number)
        writer.write(SIZED.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n"))

    async with serving(handler) as url:
        for _ in range(2):
            assert (await at(url).ask()).text == "hello world"
    assert served == [1, 1]


async def test_what_a_server_adds_after_its_answer_does_not_hurt_it() -> None:
    for after in (b"data: {not json\n\n", b'data: {"error": "late"}\n\n'):
        async with serving(saying(SSE + b"\r\n" + event("hello") + event(reason="stop") + after, close=True)) as url:
            assert (await at(url).ask()).text == "hello"


async def test_a_server_that_forgets_to_end_its_stream_is_left_after_its_reason() -> None:
    async with serving(saying(SSE + b"\r\n" + event("hello") + event(reason="stop"))) as url:
        started = time.monotonic()
        assert (await at(url, between_tokens_timeout=0.3).ask()).text == "hello"
        assert time.monotonic() - started < 3


async def test_an_answer_compressed_unasked_is_unpacked() -> None:
    packed = gzip.compress(BODY)
    head = SSE + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    async with serving(saying(head, packed[:50], packed[50:])) as url:
        assert (await at(url).ask()).text == "hello world"


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/v1", "http://[::1]:1/v1", "https://127.0.0.1:1/v1", "ftp://x/v1"])
async def test_where_nothing_listens_a_model_could_not_be_reached(url: str) -> None:
    with pytest.raises(ModelUnavailable, match="could not be reached"):
        await at(url).ask()


async def test_tls_is_spoken_and_a_certificate_nobody_vouches_for_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = self_signed(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    async with serving(saying(CHUNKED), tls) as url:
        with pytest.raises(ModelUnavailable, match="could not be reached"):
            await at(url).ask()
        await close()
        trusting = ssl.create_default_context(cafile=str(certificate))
        monkeypatch.setattr(connections, "_tls", lambda: trusting)
        for _ in range(2):
            assert (await at(url).ask()).text == "hello world"


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


async def test_a_key_that_an_endpoint_quotes_is_told_to_nobody(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="mozaiks")
    key = "sk-" + "secret"  # in parts, since a traceback shows the lines of this test
    said = json.dumps({"error": {"message": f"Incorrect API key provided: {key}"}}).encode()
    answers = [
        b"HTTP/1.1 401 No\r\nContent-Length: %d\r\n\r\n" % len(said) + said,
        SSE + b"\r\ndata: " + said + b"\n\n",
    ]
    for answer in answers:
        async with serving(saying(answer, close=True)) as url:
            with pytest.raises(ModelUnavailable) as caught:
                await at(url, api_key=key).ask()
        assert key not in "".join(traceback.format_exception(caught.value)) + caplog.text
    assert "Incorrect API key" in caplog.text


def test_the_offline_model_answers_without_the_sdk() -> None:
    program = (
        "import asyncio, sys\n"
        "from mozaiks.llm import ChatRequest, close, load_model_list, stream_chat\n"
        "class Nobody:\n"
        "    async def opening(self, entry): pass\n"
        "async def main():\n"
        "    request = ChatRequest([{'role': 'user', 'content': 'hello'}])\n"
        "    await stream_chat(request, models=load_model_list({}), on_delta=lambda text: None, observer=Nobody())\n"
        "    await close()\n"
        "asyncio.run(main())\n"
        "sys.exit('openai' in sys.modules or 'httpx2' in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


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
