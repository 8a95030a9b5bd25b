"""Train a forecaster on series that are drawn inside the training step, and resume bit for bit.

Nothing is stored and nothing leaves the device: a scan draws block after block of a stream and
takes a gradient step on each.

    python examples/in_the_loop.py
"""

import jax
import jax.numpy as jnp

import s2jax
from s2jax.stream import Stream
from s2jax.transforms import forecast, z_score

LENGTH, HORIZON, ROWS, RATE = 64, 16, 64, 0.1
STREAM = Stream(s2jax.presets.s2(length=LENGTH), seed=0, block_size=ROWS)


def loss_of(weights: jax.Array, series: jax.Array) -> jax.Array:
    """Mean squared error of a linear forecast."""
    context, target = series[:, :-HORIZON], series[:, -HORIZON:]
    return ((context @ weights - target) ** 2).mean()


@jax.jit
def train(weights: jax.Array, blocks: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Gradient steps on these blocks of the stream."""

    def step(weights: jax.Array, block: jax.Array) -> tuple[jax.Array, jax.Array]:
        batch = STREAM[block]
        series = z_score(batch.y[:, 0]).series
        loss, slope = jax.value_and_grad(loss_of)(weights, series)
        return weights - RATE * slope, loss

    return jax.lax.scan(step, weights, blocks)


def main() -> None:
    start = jnp.zeros((LENGTH - HORIZON, HORIZON))
    weights, losses = train(start, jnp.arange(0, 500, dtype=jnp.uint32))
    weights, more = train(weights, jnp.arange(500, 1000, dtype=jnp.uint32))
    print(
        f"loss of the first steps {losses[:100].mean():.3f}, of the last {more[-100:].mean():.3f}"
    )

    again, _ = train(start, jnp.arange(0, 500, dtype=jnp.uint32))  # the number is the whole state
    again, _ = train(again, jnp.arange(500, 1000, dtype=jnp.uint32))
    print("resumed run has the same weights:", bool((again == weights).all()))
    cut = forecast(STREAM[1000], HORIZON)
    print("held out:", cut.context.shape, "to", cut.target.shape)


if __name__ == "__main__":
    main()
