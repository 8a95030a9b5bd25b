"""Targets whose series solve differential equations: their rows, their batches, their columns."""

import abc
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from s2jax.core import checks
from s2jax.core.tiles import at_a_time, power_of_two
from s2jax.core.types import Number
from s2jax.ode._forms import FORMS, NOISE, Layout
from s2jax.ode._judge import Limits
from s2jax.ode._round import Work
from s2jax.ode._search import search
from s2jax.ode._tries import AbstractSource, Found, unpack_equations
from s2jax.ode.dynamics import COLUMNS, Dynamics, fields_of, fill_noise, name_forms, values_of
from s2jax.programs.program import MAX_STATES, packed_width
from s2jax.targets import AbstractTarget, Sizes, Task
from s2jax.targets.acceptance import REASONS, moments

_CPU_LANES, _CPU_VALUES = 512, 2**22  # of the series of all lanes: what caches hold
_MAX_LANES, _MAX_BYTES = 8192, 2**31  # elsewhere; more lanes do not fill an accelerator better
_TRIES_AT_ONCE = 4  # there; the few rows that need more take a second round


class AbstractDifferential(AbstractTarget):
    """A target whose series solve differential equations; outputs are its states."""

    least_inputs: ClassVar[int] = 0
    most_outputs: ClassVar[int] = MAX_STATES
    chooses_channels: ClassVar[bool] = True
    tries_outputs_together: ClassVar[bool] = True

    tolerance: eqx.AbstractVar[Number]
    noise_tolerance: eqx.AbstractVar[Number]
    min_tail: eqx.AbstractVar[Number]
    max_jump: eqx.AbstractVar[Number]

    @abc.abstractmethod
    def source(self, sizes: Sizes, num_lanes: int) -> AbstractSource:
        """Where the equations come from. All arguments are static."""

    @property
    @abc.abstractmethod
    def limits(self) -> Limits:
        """What is refused beside what `Acceptance` refuses."""

    @property
    def form_names(self) -> tuple[str, ...]:
        """Names of forms by their number in a batch."""
        return FORMS

    def blank(self, num_rows: int, sizes: Sizes) -> Found:
        dtype, num_states = jnp.result_type(float), sizes.num_outputs
        width = packed_width(self.num_nodes(sizes.num_inputs, num_states)) + packed_width(1)
        return Found(
            series=jnp.zeros((num_rows, num_states, sizes.length), dtype),
            scale=jnp.ones((num_rows, num_states), dtype),
            shift=jnp.zeros((num_rows, num_states), dtype),
            equations=jnp.zeros((num_rows, num_states * width), jnp.int32),
            form=jnp.zeros(num_rows, jnp.int32),
            span=jnp.zeros(num_rows, dtype),
            error=jnp.zeros(num_rows, dtype),
            growth=jnp.zeros(num_rows, dtype),
            turns=jnp.zeros(num_rows, jnp.int32),
            num_steps=jnp.zeros(num_rows, jnp.int32),
            usable=jnp.zeros(num_rows, bool),
            rejections=jnp.zeros((num_rows, len(REASONS)), jnp.int32),
        )

    def search(self, task: Task, results: Found) -> Found:
        layout: Layout = task.layout
        lanes = num_lanes(self, task.sizes, task.n, task.backend)
        work = Work(
            task=task,
            source=self.source(task.sizes, lanes),
            limits=self.limits.at_ticks(task.sizes.ticks),
            x=task.x.transpose(2, 1, 0),
            num_lanes=lanes,
        )
        form = jnp.where(layout.is_stochastic, NOISE, layout.form)
        return _rescale(task, search(work, results._replace(form=form)))

    def missing(self, results, y_mask):
        return y_mask & ~results.usable[:, None]

    def fields(self, results, y_mask, sizes):
        program, diffusion = unpack_equations(results.equations, sizes.num_outputs, self.protected)
        return {
            "y": results.series,
            "program": program,
            "y_scale": results.scale,
            "y_shift": results.shift,
            "rejections": jnp.where(y_mask[..., None], results.rejections[:, None], 0),
            "t": times(results.span, sizes.length),
            "dynamics": Dynamics(
                results.form,
                diffusion,
                results.error,
                results.growth,
                results.turns,
                results.num_steps,
                self.form_names,
            ),
        }

    def columns(self):
        return COLUMNS

    def column_values(self, batch):
        return values_of(batch)

    def column_programs(self, batch):
        return {"diffusion_tokens": fill_noise(batch.dynamics.diffusion, batch.y_mask)}

    def fields_of_columns(self, values):
        return fields_of(values)

    def row_kinds(self, batch: Any) -> list[str]:
        return name_forms(batch.dynamics)


def _rescale(task: Task, found: Found) -> Found:
    """Solutions of the rows that were searched for, scaled as the configuration says."""
    num_rows, num_states = found.scale.shape
    new = (task.wanted & found.usable)[:, None] & task.layout.y_mask(num_states)
    row = jnp.arange(num_rows, dtype=jnp.int32)[:, None]
    scale, shift = task.rescale(moments(found.series), row)
    scale, shift = jnp.where(new, scale, found.scale), jnp.where(new, shift, found.shift)
    scaled = found.series * scale[..., None] + shift[..., None]
    series = jnp.where(new[..., None], scaled, found.series)
    return found._replace(series=series, scale=scale, shift=shift)


def num_lanes(target: AbstractDifferential, sizes: Sizes, n: int, backend: str) -> int:
    """Trajectories followed at a time: what caches hold or, on an accelerator, what fills it.

    `n` is the number of rows of each key.
    """
    length, num_inputs, num_states = sizes[:3]
    if backend == "cpu":
        most, room = min(_CPU_LANES, power_of_two(n)), _CPU_VALUES // (num_states * length)
    else:
        # an integral stores what every instruction of every state is at four times the points
        width = num_inputs + target.num_nodes(num_inputs, num_states)
        most = min(at_a_time(n, _TRIES_AT_ONCE), _MAX_LANES)
        room = _MAX_BYTES // (4 * 4 * length * width * num_states)
    return max(64, min(most, 2 ** room.bit_length() // 2))


def times(span: Float[Array, " rows"], length: int) -> Float[Array, "rows time"]:
    """The times of the points of each row, from 0 to its span."""
    return span[:, None] * (jnp.arange(length, dtype=span.dtype) / (length - 1))


def check_options(owner: str, target: Any) -> None:
    """Refuse what no target of differential equations may have, given systems included."""
    checks.check_number(owner, "tolerance", target.tolerance, 0, 1, strict=True)
    checks.check_number(owner, "noise_tolerance", target.noise_tolerance, 0, strict=True)
    checks.check_number(owner, "min_tail", target.min_tail, 0, 1)
    checks.check_number(owner, "max_jump", target.max_jump, 0, strict=True)
    if target.max_substeps not in (1, 2, 4):
        raise ValueError(
            f"{owner}(max_substeps={target.max_substeps!r}): must be 1, 2 or 4, because steps are "
            "halved until they are accurate. Choose one of these."
        )
    if target.solver is None:
        return
    import diffrax

    if not isinstance(target.solver, diffrax.AbstractERK):
        raise ValueError(
            f"{owner}(solver={target.solver!r}): must be an explicit Runge-Kutta method of "
            "diffrax, because all rows take the same steps. Pass for example diffrax.Tsit5(); "
            "implicit solvers work in `solve`."
        )
