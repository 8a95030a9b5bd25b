"""Input series: the families `x` is drawn from."""

from s2jax.inputs._arma import ARMA
from s2jax.inputs._base import AbstractFamily, AbstractInput, AbstractRowInput, Drawn
from s2jax.inputs._draws import Draws
from s2jax.inputs._garch import GARCH, GARCHLaw
from s2jax.inputs._given import Given, Window
from s2jax.inputs._mixture import Mixture
from s2jax.inputs._ornstein_uhlenbeck import OrnsteinUhlenbeck, OrnsteinUhlenbeckLaw
from s2jax.inputs._process import LinearProcess
from s2jax.inputs._random_walk import RandomWalk, RandomWalkLaw
from s2jax.inputs._sarima import SARIMA, SARIMALaw
from s2jax.inputs._state_space import StateSpace, StateSpaceLaw
from s2jax.inputs.choice import Choice, Source, as_choice

__all__ = (
    "ARMA",
    "GARCH",
    "SARIMA",
    "AbstractFamily",
    "AbstractInput",
    "AbstractRowInput",
    "Choice",
    "Drawn",
    "Draws",
    "GARCHLaw",
    "Given",
    "LinearProcess",
    "Mixture",
    "OrnsteinUhlenbeck",
    "OrnsteinUhlenbeckLaw",
    "RandomWalk",
    "RandomWalkLaw",
    "SARIMALaw",
    "Source",
    "StateSpace",
    "StateSpaceLaw",
    "Window",
)


def __dir__() -> tuple[str, ...]:
    return __all__
