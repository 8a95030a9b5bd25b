"""Input series: the families `x` is drawn from."""

from s2jax.inputs._arma import ARMA as ARMA
from s2jax.inputs._base import AbstractFamily as AbstractFamily
from s2jax.inputs._base import AbstractInput as AbstractInput
from s2jax.inputs._base import AbstractRowInput as AbstractRowInput
from s2jax.inputs._base import Drawn as Drawn
from s2jax.inputs._draws import Draws as Draws
from s2jax.inputs._given import Given as Given
from s2jax.inputs._given import Window as Window
from s2jax.inputs._mixture import Mixture as Mixture
from s2jax.inputs._process import LinearProcess as LinearProcess
from s2jax.inputs.choice import Choice as Choice
from s2jax.inputs.choice import Source as Source
from s2jax.inputs.choice import as_choice as as_choice
