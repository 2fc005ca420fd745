"""Requests a second and waiting times of a service that takes aligned crops.

    python benches/peers/service_load.py closed CROPS SECONDS ROUNDS NAME=PORT=PID ...     1 to 32 clients, in turn at each
    python benches/peers/service_load.py open CROPS SECONDS RATE ROUTE NAME=PORT=PID       so many a second, whatever comes back
    python benches/peers/service_load.py memory CROPS REQUESTS NAME=PORT=PID               memory over many requests

A line of JSON for each measure. It needs nothing but Python: connections of its own, kept alive, on one thread. In the open loop
a waiting time begins when a request was due, also if the client was late with it. Memory is the resident set of PID, in MiB; `cpu_ms` the processor time that PID took
for a request, which other work on the machine changes least.
"""

import asyncio
import json
import os
import statistics
import sys
import time
from collections import Counter
from pathlib import Path

CLIENTS = (1, 2, 4, 8, 16, 32)
ROUTES = ("/v1/embed", "/v1/identify")
# Below the 512 connections that the program accepts.
CONNECTIONS = 400


def requests(crops, route):
    files = sorted(Path(crops).rglob("*.jpg"))
    chosen = files[:: max(1, len(files) // 200)]
    head = f"POST {route} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/jpeg\r\nContent-Length: "
    bodies = [file.read_bytes() for file in chosen]
    return [f"{head}{len(body)}\r\n\r\n".encode() + body for body in bodies]


async def ask(connection, request):
    """The status of the answer, and its headers."""
    reader, writer = connection
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
    await reader.readexactly(length)
    return int(lines[0].split()[1]), lines


def memory(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return round(next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024, 1)


def processor(pid):
    """Seconds that a process has worked, all threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def told(times):
    times = sorted(times)
    at = lambda share: round(1000 * times[min(len(times) - 1, int(share * len(times)))], 2)
    return {"p50_ms": at(0.5), "p99_ms": at(0.99)} if times else {"p50_ms": None, "p99_ms": None}


async def closed(port, pid, all_requests, clients, seconds):
    times, failed, turn = [], 0, iter(range(10**9))
    end = time.perf_counter() + seconds

    async def client():
        nonlocal failed
        connection = await asyncio.open_connection("127.0.0.1", port)
        while (began := time.perf_counter()) < end:
            status, _ = await ask(connection, all_requests[next(turn) % len(all_requests)])
            if status == 200:
                times.append(time.perf_counter() - began)
            else:
                failed += 1
        connection[1].close()

    began, worked = time.perf_counter(), processor(pid)
    await asyncio.gather(*(client() for _ in range(clients)))
    took, worked = time.perf_counter() - began, processor(pid) - worked
    cost = round(1000 * worked / max(1, len(times)), 2)
    return {"per_second": round(len(times) / took, 1), "cpu_ms": cost, "failed": failed, **told(times)}


async def opened(port, pid, all_requests, rate, seconds):
    free, made, tasks = [], 0, set()
    accepted, refused, with_hint, other, unsent, peak = [], [], 0, Counter(), 0, 0.0

    async def one(request, due, connection):
        nonlocal with_hint, made
        try:
            if connection is None:
                connection = await asyncio.open_connection("127.0.0.1", port)
            status, lines = await ask(connection, request)
            free.append(connection)
        except (OSError, asyncio.IncompleteReadError) as error:
            other[type(error).__name__] += 1
            made -= 1
            return
        took = time.perf_counter() - due
        if status == 200:
            accepted.append(took)
        elif status == 429:
            refused.append(took)
            with_hint += any(line.startswith(b"retry-after:") for line in lines)
        else:
            other[status] += 1

    began = time.perf_counter()
    for number in range(int(rate * seconds)):
        due = began + number / rate
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        elif number % 16 == 0:
            await asyncio.sleep(0)
        if not free and made >= CONNECTIONS:
            unsent += 1
            continue
        connection = free.pop() if free else None
        made += connection is None
        task = asyncio.create_task(one(all_requests[number % len(all_requests)], due, connection))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        if number % 500 == 0:
            peak = max(peak, memory(pid))
    offered = time.perf_counter() - began
    await asyncio.gather(*tasks)
    took = time.perf_counter() - began
    return {
        "offered_per_second": round(rate * seconds / offered, 1),
        "accepted_per_second": round(len(accepted) / took, 1),
        "refused": len(refused),
        "refused_with_retry_after": with_hint,
        "not_sent": unsent,
        "other": other,
        **told(accepted),
        "refused_p99_ms": told(refused)["p99_ms"],
        "peak_mib": peak,
    }


def server(text):
    name, port, pid = text.split("=")
    return name, int(port), int(pid)


def main():
    kind, crops = sys.argv[1:3]
    if kind == "closed":
        seconds, rounds = float(sys.argv[3]), int(sys.argv[4])
        servers = [server(text) for text in sys.argv[5:]]
        for route in ROUTES:
            all_requests = requests(crops, route)
            for clients in CLIENTS:
                for number in range(rounds):
                    for name, port, pid in servers:
                        found = asyncio.run(closed(port, pid, all_requests, clients, seconds))
                        line = {"route": route, "clients": clients, "round": number, "server": name, **found}
                        print(json.dumps(line), flush=True)
    elif kind == "open":
        seconds, rate, route = float(sys.argv[3]), float(sys.argv[4]), sys.argv[5]
        name, port, pid = server(sys.argv[6])
        before = memory(pid)
        found = asyncio.run(opened(port, pid, requests(crops, route), rate, seconds))
        alive = asyncio.run(closed(port, pid, requests(crops, route), 1, 1.0))
        found |= {"before_mib": before, "after_mib": memory(pid), "after_p50_ms": alive["p50_ms"]}
        print(json.dumps({"route": route, "rate": rate, "server": name, **found}))
    elif kind == "memory":
        count = int(sys.argv[3])
        name, port, pid = server(sys.argv[4])
        all_requests = requests(crops, "/v1/embed")
        asyncio.run(over_many(port, pid, name, all_requests, count))
    else:
        sys.exit(__doc__)


async def over_many(port, pid, name, all_requests, count):
    done, times = 0, []

    async def client():
        nonlocal done
        connection = await asyncio.open_connection("127.0.0.1", port)
        while done < count:
            done += 1
            number, began = done, time.perf_counter()
            status, _ = await ask(connection, all_requests[number % len(all_requests)])
            assert status == 200, status
            times.append(time.perf_counter() - began)
            if number % 10_000 == 0 or number == 1:
                line = {"server": name, "requests": number, "mib": memory(pid)}
                print(json.dumps({**line, "mean_ms": round(1000 * statistics.fmean(times[-10_000:]), 2)}), flush=True)

    await asyncio.gather(*(client() for _ in range(8)))


if __name__ == "__main__":
    main()
