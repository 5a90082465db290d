"""Fetching a list of pictures from a server on this machine, making them smaller and writing them to tars: ours and
img2dataset's.

    python -m benchmarks.pool_fetch --img2dataset ENV/bin/img2dataset [--count 3000] [--size 1024x768] [--rounds 3]

Both read the same list, leave a shorter side of at most 256 pixels at the same ratio, and write JPEG of quality 95
and its sha256 into tars, with two processes and 32 requests at a time in each. CPU is counted as well as time, because
other work on the machine spares nobody's time. What starting costs, measured with a list of one address that leads
nowhere, is in all figures but the last column's.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import multiprocessing
import os
import shutil
import sys
import tarfile
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.processes import Cost, run
from builders.fetching import Settings, Wanted
from builders.fetching.fetch import Fetcher
from builders.fetching.opt_out import OptOut

PICTURES = 64
"""Different pictures that are served, each under many addresses."""
SIDE = 256
PROCESSES, REQUESTS = 2, 32


def main(words: Sequence[str] | None = None) -> int:
    """Prints a table; 0 when ours takes at most half of img2dataset's CPU."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--img2dataset", metavar="COMMAND", help="img2dataset's command; without it ours runs alone")
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--size", default="1024x768", help="of the pictures that are served")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("out/bench/fetch"))
    parser.add_argument("--ours", nargs=2, metavar=("LIST", "OUT"), help=argparse.SUPPRESS)
    said = parser.parse_args(words)
    if said.ours:
        ours(*map(Path, said.ours))
        return 0
    width, height = map(int, said.size.split("x"))
    commands = {"likeness": [sys.executable, "-m", "benchmarks.pool_fetch", "--ours"]}
    if said.img2dataset:
        commands["img2dataset"] = [said.img2dataset]
    bodies = [photo(width, height, seed) for seed in range(PICTURES)]
    print(f"{said.count} pictures of {said.size}, {sum(map(len, bodies)) // PICTURES:,} bytes each", flush=True)
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    starts = {name: measured(name, words, said.out, [], said.count) for name, words in commands.items()}
    for _ in range(said.rounds):
        for name, words_of in commands.items():
            costs[name].append(measured(name, words_of, said.out, bodies, said.count))
    print("| Who | s | CPU s | peak MB | pictures a CPU second | without starting |\n|---|---:|---:|---:|---:|---:|")
    least = {}
    for name, all_of in costs.items():
        best = min(all_of, key=lambda cost: cost.cpu)
        least[name] = best.cpu
        print(f"| {name} | {best.wall:.1f} | {best.cpu:.1f} | {max(cost.peak for cost in all_of):,.0f} |"
              f" {said.count / best.cpu:.0f} | {said.count / (best.cpu - starts[name].cpu):.0f} |")
    return int(2 * least["likeness"] > least.get("img2dataset", float("inf")))


def ours(listed: Path, out: Path) -> None:
    """The whole list by our fetcher."""
    said = Settings(user_agent="Likeness/1.0 (benchmark)", per_host=PROCESSES * REQUESTS, allow_private=True,
                    resize=SIDE)
    with listed.open() as lines:
        wanted = (Wanted(str(number), line.strip()) for number, line in enumerate(lines))
        for _ in Fetcher(out, said, OptOut(), PROCESSES).fetch(wanted, lambda rows, kept: None):
            pass


def measured(name: str, words: list[str], out: Path, bodies: list[bytes], count: int) -> Cost:
    """What a command costs with a new server that knows these pictures; without any, nothing is found."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    ours_end, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs, bodies), daemon=True)
    server.start()
    try:
        port = ours_end.recv()
        listed = out / "list.txt"
        number = count if bodies else 1
        listed.write_text("".join(f"http://127.0.0.1:{port}/{at}.jpg\n" for at in range(number)))
        os.environ |= {"WANDB_MODE": "disabled", "NO_ALBUMENTATIONS_UPDATE": "1"}
        if name == "likeness":
            cost = run([*words, str(listed), str(out / name)])
        else:
            cost = run([*words, "--url_list", str(listed), "--output_folder", str(out / name), "--output_format",
                        "webdataset", "--image_size", str(SIDE), "--resize_mode", "keep_ratio",
                        "--resize_only_if_bigger", "True", "--encode_quality", "95", "--processes_count",
                        str(PROCESSES), "--thread_count", str(REQUESTS), "--number_sample_per_shard", "500"])
        made = sum(entry.name.endswith(".jpg") for tar in (out / name).rglob("*.tar") for entry in _members(tar))
        assert made == (count if bodies else 0), f"{name} made {made} pictures"
        return cost
    finally:
        server.kill()
        server.join()


def _members(tar: Path) -> list[tarfile.TarInfo]:
    with tarfile.open(tar) as archive:
        return list(archive)


def photo(width: int, height: int, seed: int) -> bytes:
    """A JPEG (quality 85) with soft areas of colour and the grain of a camera."""
    chance = np.random.default_rng(seed)
    areas = Image.fromarray(chance.integers(0, 256, (height // 16, width // 16, 3), dtype=np.uint8))
    soft = np.asarray(areas.resize((width, height), Image.Resampling.BICUBIC)).astype(np.float32)
    grain = chance.normal(0, 3, (height, width, 1))
    out = io.BytesIO()
    Image.fromarray(np.clip(soft + grain, 0, 255).astype(np.uint8)).save(out, "JPEG", quality=85)
    return out.getvalue()


def serve(told: Connection, bodies: list[bytes]) -> None:
    """A server that spends next to nothing: whole answers are ready."""
    answers = [b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(body) + body
               for body in bodies]

    class Protocol(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport, self.head = transport, b""

        def data_received(self, data: bytes) -> None:
            self.head += data
            while (end := self.head.find(b"\r\n\r\n")) >= 0:
                head, self.head = self.head[:end], self.head[end + 4:]
                number = int(head.split(b" ", 2)[1].strip(b"/").partition(b".")[0])
                answer = answers[number % len(answers)] if answers else b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"
                self.transport.write(answer)  # type: ignore[attr-defined]
                if b"onnection: close" in head:
                    self.transport.close()

    async def live() -> None:
        server = await asyncio.get_running_loop().create_server(Protocol, "127.0.0.1", 0, backlog=1024)
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(live())


if __name__ == "__main__":
    sys.exit(main())
