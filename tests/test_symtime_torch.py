"""SymTime beside modules of PyTorch that are written here from the paper, defects mended."""

import math
import warnings
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from s2jax import symtime
from s2jax.core.optional import require
from s2jax.symtime._layers import Layer
from s2jax.symtime._masks import hide
from s2jax.symtime._model import unit
from s2jax.symtime._state import enqueue
from s2jax.symtime._train import move_slowly

pytestmark = pytest.mark.floats
ROWS = 16
CONFIG = symtime.Config.tiny(
    length=64, channels="y", width=24, num_heads=3, hidden_width=40, num_layers=3, norm="batch",
    pre_norm=False, symbol_width=20, symbol_heads=2, symbol_hidden_width=28, symbol_layers=2,
    projection=12, contrast_on="masked", order="time", masked_every=1, words_see_series=False,
    queue=48, batch=ROWS, mtm_weight=3.0, mlm_weight=2.0, contrast_weight=0.5,
)  # fmt: skip


@pytest.fixture
def torch(peer: Callable[[str], Any]) -> Any:
    """PyTorch, whose own warnings are its own affair."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return peer("torch")


def tensor(torch: Any, array: Any, learnt: bool = False) -> Any:
    """A tensor of the same numbers."""
    out = torch.tensor(np.array(array))
    return out.requires_grad_() if learnt else out


class Twin:
    """The same weights in PyTorch, and what the paper does with them."""

    def __init__(self, torch: Any, model: symtime.SymTime) -> None:
        self.torch = torch
        leaves = jax.tree_util.tree_leaves_with_path(model)
        names = [jax.tree_util.keystr(path) for path, _ in leaves]
        self.weights = {
            name: tensor(torch, leaf, "running" not in name)
            for name, (_, leaf) in zip(names, leaves, strict=True)
        }

    def linear(self, x: Any, name: str, layer: int | None = None) -> Any:
        pick = lambda one: self.weights[one] if layer is None else self.weights[one][layer]
        out = x @ pick(f"{name}.weight")
        return out + pick(f"{name}.bias") if f"{name}.bias" in self.weights else out

    def norm(self, x: Any, name: str, layer: int | None = None) -> Any:
        """`batch_norm` with running statistics, or `layer_norm`."""
        functional = self.torch.nn.functional
        pick = lambda part: (
            (one := self.weights[f"{name}.{part}"])
            if layer is None
            else (self.weights[f"{name}.{part}"][layer])
        )
        gain, shift = pick("gain"), pick("shift")
        if f"{name}.running_mean" not in self.weights:
            return functional.layer_norm(x, x.shape[-1:], gain, shift)
        mean, variance = pick("running_mean"), pick("running_variance")
        flat = functional.batch_norm(x.reshape(-1, x.shape[-1]), mean, variance, gain, shift)
        return flat.reshape(x.shape)

    def layers(self, x: Any, sees: Any, name: str, heads: int) -> Any:
        torch = self.torch
        for layer in range(len(self.weights[f"{name}.query.weight"])):
            split = lambda part, layer=layer, x=x: (
                self.linear(x, f"{name}.{part}", layer)
                .reshape(*x.shape[:2], heads, -1)
                .transpose(1, 2)
            )
            scores = split("query") @ split("key").transpose(2, 3)
            scores = scores / math.sqrt(x.shape[-1] // heads)
            scores = scores.masked_fill(~sees[:, None, None], -math.inf)
            mixed = (torch.softmax(scores, -1) @ split("value")).transpose(1, 2).reshape(x.shape)
            x = x + self.linear(mixed, f"{name}.out", layer)
            x = self.norm(x, f"{name}.norms[0]", layer)
            inner = torch.nn.functional.gelu(self.linear(x, f"{name}.up", layer))
            x = self.norm(x + self.linear(inner, f"{name}.down", layer), f"{name}.norms[1]", layer)
        return x

    def series(self, patches: Any, sees: Any) -> Any:
        torch, (rows, number, _) = self.torch, patches.shape
        x = patches @ self.weights[".series.patches"][0] + self.weights[".series.bias"]
        width = x.shape[-1]
        cls = self.weights[".series.cls"].expand(rows, 1, width)
        x = torch.cat([cls, x], 1)
        place = torch.arange(number + 1)[:, None]
        rate = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000.0) / width))
        positions = torch.zeros(number + 1, width)
        positions[:, 0::2], positions[:, 1::2] = torch.sin(place * rate), torch.cos(place * rate)
        sees = torch.cat([torch.ones(rows, 1, dtype=torch.bool), sees], 1)
        return self.layers(x + positions, sees, ".series.layers", CONFIG.num_heads)

    def symbols(self, ids: Any) -> Any:
        x = self.weights[".symbols.words"][ids] + self.weights[".symbols.places"]
        x = self.norm(x, ".symbols.start")
        return self.layers(x, ids != 0, ".symbols.layers", CONFIG.symbol_heads)

    def project(self, features: Any, side: str) -> Any:
        cls = self.linear(features[:, 0], f".project_{side}")
        return self.torch.nn.functional.normalize(cls, dim=-1)

    def losses(self, slow: "Twin", patches: Any, ids: Any, masks: Any, queues: Any) -> list[Any]:
        """The terms as in the paper, with targets that went through one softmax."""
        torch, functional = self.torch, self.torch.nn.functional
        hidden, masked_ids, chosen = masks
        visible = patches.masked_fill(hidden[..., None], 0.0)
        series, symbols = self.series(visible, ~hidden), self.symbols(masked_ids)
        guess = self.linear(series[:, 1:], ".reconstruct")
        error = ((guess - patches) ** 2).mean(-1)
        mtm = (error * hidden).sum() / hidden.sum()
        inner = functional.gelu(self.linear(symbols, ".symbols.guess"))
        inner = self.norm(inner, ".symbols.guess_norm")
        logits = inner @ self.weights[".symbols.words"].T + self.weights[".symbols.guess_bias"]
        labels = torch.where(chosen, ids, -100)
        mlm = functional.cross_entropy(logits.flatten(0, 1), labels.flatten())
        with torch.no_grad():
            slow_pair = (
                slow.project(slow.series(visible, ~hidden), "series"),
                slow.project(slow.symbols(masked_ids), "symbols"),
            )
        tau = self.weights[".log_temperature"].exp()
        contrast = []
        sides = ((series, "series", 0), (symbols, "symbols", 1))
        for features, side, own in sides:
            bank = torch.cat([slow_pair[1 - own], queues[1 - own]]).T
            with torch.no_grad():
                judged = functional.softmax(slow_pair[own] @ bank / tau, dim=1)
                partner = torch.zeros_like(judged)
                partner.fill_diagonal_(1)
                goal = 0.4 * judged + 0.6 * partner
            logits = self.project(features, side) @ bank / tau
            contrast.append(-(functional.log_softmax(logits, dim=1) * goal).sum(1).mean())
        total = CONFIG.mtm_weight * mtm + CONFIG.mlm_weight * mlm
        total = total + CONFIG.contrast_weight * (contrast[0] + contrast[1]) / 2
        return [total, mtm, mlm, *contrast]


@pytest.fixture(scope="module")
def model() -> symtime.SymTime:
    """Random in all that begins with zeros or ones, running statistics too."""
    model = symtime.SymTime(jax.random.key(0), CONFIG)
    leaves, structure = jax.tree.flatten(model)
    keys = jax.random.split(jax.random.key(1), len(leaves))
    noise = lambda key, leaf: 0.05 * jax.random.normal(key, leaf.shape, jnp.float32)
    noisy = [leaf + noise(key, leaf) for leaf, key in zip(leaves, keys, strict=True)]
    return jax.tree.unflatten(structure, noisy)


@pytest.fixture(scope="module")
def inputs() -> symtime.Inputs:
    keys = jax.random.split(jax.random.key(2), 2)
    ids = jax.random.randint(keys[1], (ROWS, CONFIG.max_tokens), 5, 1338, jnp.int32)
    ids = jnp.where(jnp.arange(CONFIG.max_tokens) < 9 + jnp.arange(ROWS)[:, None], ids, 0)
    everyone = jnp.ones(ROWS, bool)
    return symtime.Inputs(
        patches=jax.random.normal(keys[0], (ROWS, 1, 4, 16)), is_there=jnp.ones((ROWS, 4), bool),
        scales=None, ids=ids.at[:, 0].set(1), has_series=everyone, has_symbols=everyone,
    )  # fmt: skip


def test_the_series_encoder(torch: Any, model: symtime.SymTime, inputs: symtime.Inputs) -> None:
    hidden = hide(jax.random.key(3), CONFIG, inputs).hidden
    weigh = jax.random.normal(jax.random.key(4), (ROWS, 5, 24))

    def ours(model: symtime.SymTime) -> Any:
        features = symtime.encode_series(model, inputs, hidden).features
        return (features * weigh).sum(), features

    (_, features), slopes = eqx.filter_jit(eqx.filter_value_and_grad(ours, has_aux=True))(model)
    twin = Twin(torch, model)
    visible = np.where(np.asarray(hidden)[..., None], 0, np.asarray(inputs.patches[:, 0]))
    theirs = twin.series(tensor(torch, visible), tensor(torch, ~hidden))
    np.testing.assert_allclose(features, theirs.detach().numpy(), atol=1e-5)
    (theirs * tensor(torch, weigh)).sum().backward()
    assert compare_slopes(twin, slopes, ".series") > 15


def compare_slopes(twin: Twin, slopes: symtime.SymTime, prefix: str = "") -> int:
    """Check gradients of all weights in units of the largest of each; how many there were."""
    number = 0
    for path, leaf in jax.tree_util.tree_leaves_with_path(slopes):
        name = jax.tree_util.keystr(path)
        known = twin.weights[name].grad
        if known is not None and name.startswith(prefix):
            scale = max(1.0, float(known.abs().max()))
            np.testing.assert_allclose(leaf / scale, known.numpy() / scale, atol=1e-4, err_msg=name)
            number += 1
    return number


def test_the_losses(torch: Any, model: symtime.SymTime, inputs: symtime.Inputs) -> None:
    masks = symtime.sample_masks(jax.random.key(5), CONFIG, inputs)
    drawn = [jax.random.normal(jax.random.key(k), (48, 12)) for k in (6, 7)]
    queues = symtime.Queues(unit(drawn[0]), unit(drawn[1]), jnp.int32(0))
    slow = jax.tree.map(lambda leaf: 1.03 * leaf, model)

    def ours(model: symtime.SymTime) -> Any:
        losses, aside = symtime.loss(model, slow, queues, inputs, masks)
        return losses.total, (losses, aside)

    (_, (losses, _)), slopes = eqx.filter_jit(eqx.filter_value_and_grad(ours, has_aux=True))(model)
    twin = Twin(torch, model)
    theirs = twin.losses(
        Twin(torch, slow), tensor(torch, inputs.patches[:, 0]), tensor(torch, inputs.ids).long(),
        (tensor(torch, masks.hidden), tensor(torch, masks.ids).long(), tensor(torch, masks.chosen)),
        (tensor(torch, queues.series), tensor(torch, queues.symbols)),
    )  # fmt: skip
    known = [loss.item() for loss in theirs]
    np.testing.assert_allclose(losses[:5], known, rtol=1e-5, atol=1e-5)
    theirs[0].backward()
    assert compare_slopes(twin, slopes) == sum(
        weight.requires_grad for weight in twin.weights.values()
    )


def test_the_slow_copy_and_the_queue(torch: Any, model: symtime.SymTime) -> None:
    slow = jax.tree.map(lambda leaf: 1.1 * leaf, model)
    ours = move_slowly(0.995, slow, model)
    for old, fast, new in zip(*map(jax.tree.leaves, (slow, model, ours)), strict=True):
        known = tensor(torch, old) * 0.995 + tensor(torch, fast) * (1.0 - 0.995)
        np.testing.assert_allclose(new, known.numpy(), rtol=1e-5, atol=1e-7)
    rows = jax.random.normal(jax.random.key(1), (16, 12))
    queues = symtime.Queues(jnp.zeros((48, 12)), jnp.zeros((48, 12)), jnp.int32(32))
    ours = enqueue(queues, rows, 2 * rows, jnp.ones(16, bool))
    queue = torch.zeros(12, 48)
    queue[:, 32 : 32 + 16] = tensor(torch, rows).T
    assert np.array_equal(ours.series, queue.T.numpy())
    assert np.array_equal(ours.symbols, 2 * queue.T.numpy())
    assert int(ours.place) == (32 + 16) % 48


def test_the_optimiser_and_its_schedule(torch: Any) -> None:
    """AdamW, whose rate and first beta a OneCycle turns, on slopes of one kind."""
    config = symtime.Config.small(weight_decay=0.1, learning_rate=0.05, clip_norm=0.0)
    steps = 24
    weight = torch.nn.Parameter(torch.ones(3))
    adam = torch.optim.AdamW([weight], lr=0.05, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.1)
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        adam, max_lr=0.05, total_steps=steps, pct_start=0.125, anneal_strategy="cos"
    )
    rate, ours = symtime.schedule(config, steps), symtime.optimizer(config, steps)
    optax, value = require("optax", "Tests"), jnp.ones(3)
    moments = ours.init(value)
    for step in range(steps):
        group = adam.param_groups[0]
        np.testing.assert_allclose(float(rate(step)), group["lr"], rtol=1e-5, atol=1e-9)
        slope = np.array([1.0, -2.0, 0.1], np.float32) * np.float32(1 + step % 3)
        weight.grad = tensor(torch, slope)
        adam.step()
        with jax.numpy_dtype_promotion("standard"):
            updates, moments = ours.update(jnp.asarray(slope), moments, value)
        value = optax.apply_updates(value, updates)
        np.testing.assert_allclose(value, weight.detach().numpy(), rtol=1e-4, atol=1e-5)
        if step < steps - 1:
            cycle.step()


def test_the_released_attention_would_be_told(torch: Any, model: symtime.SymTime) -> None:
    """The check bites: with the mask inverted, as released, features are others."""
    layer = jax.tree.map(lambda leaf: leaf[0], model.series.layers)
    assert isinstance(layer, Layer)
    x = jax.random.normal(jax.random.key(0), (2, 5, 24))
    sees = jnp.array([[1, 1, 1, 0, 0]] * 2, bool)
    right, wrong = (layer(x, mask, None)[0] for mask in (sees, ~sees))
    assert np.abs(right - wrong).max() > 0.1
