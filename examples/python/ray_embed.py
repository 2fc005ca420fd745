"""Embeds a sharded set with Ray Data: photos packed in tar files in, a Parquet file for each out.

    pip install facenet 'ray[data]'
    python ray_embed.py shards/ embeddings/ --workers 2

A shard is a tar file of photos, as WebDataset has them. Its Parquet file appears when it is complete, so a run that was
stopped goes on with the shards that are missing. A photo that cannot be used is a row with its `error`.
"""

from __future__ import annotations

import argparse
import os
import tarfile
import time
from pathlib import Path
from typing import Any, Iterator

import pyarrow as pa
import pyarrow.parquet as pq
import ray

ENDINGS = (".jpg", ".jpeg", ".png", ".webp")
#: Photos that are in memory at a time.
BATCH = 64
SCHEMA = pa.schema(
    [
        ("photo", pa.string()),
        ("face", pa.int32()),
        ("box", pa.list_(pa.float32(), 4)),
        ("score", pa.float32()),
        ("quality", pa.float32()),
        ("embedding", pa.list_(pa.float32())),
        ("error", pa.string()),
    ]
)


class EmbedShard:
    """An actor: it loads the model once, and then takes shard after shard."""

    def __init__(self, output: str, model: str | None, threads: int) -> None:
        # Before the first photo: each worker has its share of the machine.
        os.environ["RAYON_NUM_THREADS"] = str(threads)
        from facenet import FaceNet

        self.net = FaceNet(model)
        self.output = Path(output)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        shard, begin = Path(row["shard"]), time.perf_counter()
        target = target_of(shard, self.output)
        beside = target.with_suffix(f".{os.getpid()}.partial")
        photos = faces = failed = 0
        schema = SCHEMA.with_metadata({"model": self.net.contract.to_json()})
        with pq.ParquetWriter(beside, schema) as writer:
            for batch in batches(shard):
                rows = list(self.rows(batch))
                writer.write_table(pa.Table.from_pylist(rows, schema=schema))
                photos += len(batch)
                failed += sum(row["error"] is not None for row in rows)
                faces += sum(row["error"] is None for row in rows)
        beside.rename(target)
        seconds = time.perf_counter() - begin
        counts = {"photos": photos, "faces": faces, "failed": failed}
        return {"shard": shard.name, **counts, "seconds": seconds, "worker": os.getpid()}

    def rows(self, batch: list[tuple[str, bytes]]) -> Iterator[dict[str, Any]]:
        found = self.net.faces([photo for _, photo in batch], return_exceptions=True)
        for (name, _), faces in zip(batch, found):
            if isinstance(faces, Exception):
                yield dict.fromkeys(SCHEMA.names) | {"photo": name, "error": str(faces)}
                continue
            for number, face in enumerate(faces):
                yield {
                    "photo": name,
                    "face": number,
                    "box": face.box,
                    "score": face.score,
                    "quality": face.quality,
                    "embedding": face.embedding,
                    "error": None,
                }


def batches(shard: Path) -> Iterator[list[tuple[str, bytes]]]:
    """The photos of a shard with their names, some at a time."""
    batch: list[tuple[str, bytes]] = []
    with tarfile.open(shard) as tar:
        for member in tar:
            if member.isfile() and member.name.lower().endswith(ENDINGS):
                file = tar.extractfile(member)
                assert file is not None, "a regular file has content"
                batch.append((member.name, file.read()))
            if len(batch) == BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


def target_of(shard: Path, output: Path) -> Path:
    return output / f"{shard.stem}.parquet"


def main() -> None:
    arguments = argparse.ArgumentParser(description="Embed the photos of tar shards with Ray Data.")
    arguments.add_argument("shards", type=Path)
    arguments.add_argument("output", type=Path)
    arguments.add_argument("--workers", type=int, default=2)
    arguments.add_argument("--threads", type=int, default=1, help="of each worker")
    arguments.add_argument("--model", help="a model file instead of the shipped model")
    given = arguments.parse_args()

    given.output.mkdir(parents=True, exist_ok=True)
    for stopped in given.output.glob("*.partial"):
        stopped.unlink()
    output = given.output.resolve()
    shards = sorted(given.shards.resolve().glob("*.tar"))
    missing = [shard for shard in shards if not target_of(shard, output).exists()]
    print(f"{len(shards)} shards, {len(shards) - len(missing)} of them done before")
    if not missing:
        return

    begin = time.perf_counter()
    done = (
        # A block for each shard, so that workers take them one by one.
        ray.data.from_items([{"shard": str(shard)} for shard in missing], override_num_blocks=len(missing))
        .map(
            EmbedShard,
            fn_constructor_args=(str(output), given.model, given.threads),
            concurrency=given.workers,
            num_cpus=given.threads,
        )
        .take_all()
    )
    seconds = time.perf_counter() - begin
    for row in sorted(done, key=lambda row: row["shard"]):
        print("{shard}: {faces} faces of {photos} photos, {failed} failed, {seconds:.1f} s by {worker}".format(**row))
    photos = sum(row["photos"] for row in done)
    print(f"{photos} photos in {seconds:.1f} s by {given.workers} workers: {photos / seconds:.1f} a second")


if __name__ == "__main__":
    main()
