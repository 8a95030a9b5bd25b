"""What is made of the inputs: y = f(x) with a random f, or y = x."""

from s2jax.targets._algebraic import Algebraic as Algebraic
from s2jax.targets._algebraic import Identity as Identity
from s2jax.targets._base import AbstractLayout as AbstractLayout
from s2jax.targets._base import AbstractTarget as AbstractTarget
from s2jax.targets._base import Column as Column
from s2jax.targets._base import Sizes as Sizes
from s2jax.targets._base import Task as Task
from s2jax.targets._pointwise import AbstractPointwise as AbstractPointwise
from s2jax.targets.acceptance import Acceptance as Acceptance
from s2jax.targets.acceptance import Status as Status
