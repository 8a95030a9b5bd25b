"""Tables of well-known systems, one per subject; one row is one system."""

from collections.abc import Mapping

from s2jax.ode.known import (
    cells,
    chaos,
    chemistry,
    delays,
    ecology,
    economics,
    epidemics,
    mechanics,
    neurons,
    oscillators,
    physics,
    sprott,
)
from s2jax.ode.known._base import MEANINGS as MEANINGS
from s2jax.ode.known._base import Known as Known

SUBJECTS: Mapping[str, Mapping[str, Known]] = {
    "ecology": ecology.SYSTEMS,
    "epidemics": epidemics.SYSTEMS,
    "neurons": neurons.SYSTEMS,
    "chemistry": chemistry.SYSTEMS,
    "cells": cells.SYSTEMS,
    "economics": economics.SYSTEMS,
    "mechanics": mechanics.SYSTEMS,
    "oscillators": oscillators.SYSTEMS,
    "physics": physics.SYSTEMS,
    "chaos": chaos.SYSTEMS,
    "sprott": sprott.SYSTEMS,
    "delays": delays.SYSTEMS,
}

SYSTEMS: Mapping[str, Known] = {
    name: known for table in SUBJECTS.values() for name, known in table.items()
}
