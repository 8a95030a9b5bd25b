"""One process of several that draw a batch together; `test_feeds` starts it.

    python tests/distributed.py RANK PROCESSES DEVICES PORT

Each process prints, as one JSON line, the hashes of its blocks of a global batch by their number.
"""

import hashlib
import json
import os
import sys

BATCH, BLOCK, SEED, STEP = 16, 4, 3, 5


def main(rank: int, processes: int, devices: int, port: int) -> None:
    os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={devices}"
    os.environ["JAX_PLATFORMS"] = "cpu"
    import jax
    import numpy as np

    address = f"127.0.0.1:{port}"
    jax.distributed.initialize(address, processes, rank, initialization_timeout=60)
    import s2jax
    from s2jax.feeds import batches

    config = s2jax.presets.s2(length=64, inputs=s2jax.inputs.ARMA(), target=s2jax.Identity())
    mesh = jax.make_mesh((processes * devices,), ("data",))
    if rank == 0:  # alone: a collective would wait for the others for ever
        jax.block_until_ready(next(batches(config, SEED, BATCH, mesh, block_size=BLOCK, ahead=1)))
    batch = next(batches(config, SEED, BATCH, mesh, STEP, block_size=BLOCK, ahead=1))
    assert batch.y.shape == (BATCH, 1, 64)
    assert batch.y.is_fully_addressable == (processes == 1)
    total = float(jax.jit(lambda y: abs(y).sum())(batch.y))  # uses rows of all processes
    leaves = [
        {shard.index[0].start or 0: np.asarray(shard.data) for shard in leaf.addressable_shards}
        for leaf in jax.tree.leaves(batch)
    ]
    hashes = {}
    for first, rows in leaves[0].items():
        for low in range(0, len(rows), BLOCK):
            parts = [leaf[first][low : low + BLOCK].tobytes() for leaf in leaves]
            hashes[(first + low) // BLOCK] = hashlib.sha256(b"".join(parts)).hexdigest()
    print(json.dumps({"hashes": hashes, "total": total}), flush=True)
    jax.distributed.shutdown()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
