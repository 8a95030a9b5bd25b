"""Rows per second into Parquet, end to end, beside generator and writer by themselves.

python benchmarks/corpus.py --out results.jsonl
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import _record

sys.path.insert(0, str(Path(__file__).parents[1]))

import jax
import pyarrow
import pyarrow.parquet

import s2jax
from s2jax.corpus.files import replacing
from s2jax.corpus.layout import ROW_GROUP, Tables
from s2jax.corpus.plan import Plan
from s2jax.corpus.shards import _writer, blocks, draw_shard

BLOCK = 1024


def jobs(folder: Path, plan: Plan) -> dict[str, Callable[[], float]]:
    """One block's or one file's rows per call."""
    tables = Tables(pyarrow, plan.stream.config, plan.head)
    schema = tables.schema
    host = [(first, tables.table_of(batch, tokens, first, BLOCK))
            for first, batch, tokens in blocks(plan, 0)]  # fmt: skip

    def generate() -> float:
        for number in range(plan.rows // BLOCK):
            jax.block_until_ready(plan.stream[number])
        return plan.rows

    def host_side() -> float:
        return float(sum(len(batch.status) for _, batch, _ in blocks(plan, 0)))

    def store() -> float:
        with open(folder / "alone", "wb") as file, _writer(pyarrow, file, schema) as writer:
            for _, table in host:
                writer.write_table(table, row_group_size=ROW_GROUP)
        return plan.rows

    def whole() -> float:
        draw_shard(replacing(folder / "whole"), plan, 0)
        return plan.rows

    return {"ours": whole, "generator": generate, "with tokens": host_side, "writer": store}


def main() -> None:
    parser = argparse.ArgumentParser(description="Rows per second into Parquet.")
    parser.add_argument("--out", help="append the JSON lines to this file")
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--rows", type=int, default=16 * BLOCK)
    parser.add_argument("--rounds", type=int, default=7)
    arguments: Any = parser.parse_args()
    config = s2jax.presets.s2(length=arguments.length)
    plan = Plan(s2jax.Stream(config, 0, BLOCK), arguments.rows, arguments.rows)
    with tempfile.TemporaryDirectory() as name:
        rates = _record.paired_rates(
            jobs(Path(name), plan), arguments.rounds, 0.1, time.perf_counter
        )
    floor = min(_record.quartiles(rates[part])["median"] for part in ("generator", "writer"))
    _record.write(
        arguments.out, "corpus", unit="rows per wall second, all cores", length=arguments.length,
        rows=arguments.rows, share_of_slower_part=round(
            _record.quartiles(rates["ours"])["median"] / floor, 3),
        **{part: _record.quartiles(rate) for part, rate in rates.items()},
    )  # fmt: skip


if __name__ == "__main__":
    main()
