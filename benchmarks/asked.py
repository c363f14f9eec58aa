"""Asks a server over HTTP: so many requests one after another on some connections, or so many a second."""

import asyncio
import time
from dataclasses import dataclass

from benchmarks.measure import BenchmarkError

_SECOND = 1.0


@dataclass(frozen=True)
class Took:
    """What came of it: requests a second, and how long single answers took (seconds, ascending)."""

    rate: float
    seconds: list[float]

    def percentile(self, share: float) -> float:
        """The time within which this share of the answers came."""
        return self.seconds[min(len(self.seconds) - 1, int(share * len(self.seconds)))]


def request(path: str, body: bytes, kind: str) -> bytes:
    """A POST as bytes."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def one_after_another(port: int, message: bytes, count: int, connections: int) -> Took:
    """Ask `count` times over some connections, each waiting for its answer."""

    async def ask(each: int) -> list[float]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        took = [await _answer(reader, writer, message) for _ in range(each)]
        writer.close()
        return took

    async def all_of_them() -> list[list[float]]:
        return await asyncio.gather(*(ask(count // connections) for _ in range(connections)))

    began = time.perf_counter()
    took = sorted(one for part in asyncio.run(all_of_them()) for one in part)
    return Took(len(took) / (time.perf_counter() - began), took)


def at_a_rate(port: int, message: bytes, rate: int, seconds: int) -> Took:
    """Ask so many times a second, whether or not answers come; an answer's time counts from when it was to be asked for."""

    async def ask(free: asyncio.Queue, due: float) -> float:
        reader, writer = await free.get()
        await _answer(reader, writer, message)
        free.put_nowait((reader, writer))
        return time.perf_counter() - due

    async def all_of_them() -> list[float]:
        free: asyncio.Queue = asyncio.Queue()
        for _ in range(16):
            free.put_nowait(await asyncio.open_connection("127.0.0.1", port))
        began, tasks = time.perf_counter(), []
        for number in range(rate * seconds):
            due = began + number * _SECOND / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.append(asyncio.create_task(ask(free, due)))
        return await asyncio.gather(*tasks)

    began = time.perf_counter()
    took = sorted(asyncio.run(all_of_them()))
    return Took(len(took) / (time.perf_counter() - began), took)


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, message: bytes) -> float:
    began = time.perf_counter()
    writer.write(message)
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
    )
    body = await reader.readexactly(length)
    if b" 200 " not in head.partition(b"\r\n")[0]:
        raise BenchmarkError(f"answered {head.partition(b'\r\n')[0].decode()}: {body[:300].decode()}")
    return time.perf_counter() - began
