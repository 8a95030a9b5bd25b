"""Series drawn on the fly and series of your own in one Grain pipeline, with a state to save.

python -m pip install ".[grain]"
python examples/with_grain.py
"""

import json

import grain
import numpy as np

import s2jax
from s2jax.feeds import grain_source

ROWS, LENGTH = 4, 64


def main() -> None:
    config = s2jax.presets.s2(length=LENGTH)
    shard = grain.sharding.ShardByJaxProcess()
    drawn = grain_source(
        config, seed=0, batch=ROWS, shard_index=shard.shard_index, shard_count=shard.shard_count
    )
    drawn = drawn.map(lambda batch: np.asarray(batch.y[:, 0]))
    own = grain.MapDataset.source(list(np.random.default_rng(0).normal(size=(1000, LENGTH))))
    own = own.shuffle(seed=0).repeat().batch(ROWS)

    mixed = grain.MapDataset.mix([drawn, own], weights=[0.75, 0.25])
    # drawing is one call to the device, so many reading threads would only wait for each other
    feed = iter(mixed.to_iter_dataset(grain.ReadOptions(num_threads=1, prefetch_buffer_size=2)))
    for _ in range(5):
        batch = next(feed)
    state = json.dumps(feed.get_state())
    print("batches of", batch.shape, "with state", state)

    want = next(feed)
    feed.set_state(json.loads(state))
    print("the next batch after restoring is the same:", np.array_equal(next(feed), want))


if __name__ == "__main__":
    main()
