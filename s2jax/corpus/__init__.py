"""Corpora on disk: pairs as Parquet files any reader opens."""

from s2jax.corpus._heads import read_manifest
from s2jax.corpus._ray import ray_engine
from s2jax.corpus._reference import ReferencePairs, read_reference, write_reference
from s2jax.corpus._verify import Damage, repair_corpus, verify_corpus
from s2jax.corpus._write import Estimate, estimate_corpus, write_corpus
from s2jax.corpus.card import write_card
from s2jax.corpus.footers import DamagedError
from s2jax.corpus.info import describe_corpus
from s2jax.corpus.rows import Corpus, read_corpus
from s2jax.corpus.tokens import padded, ragged

__all__ = (
    "Corpus",
    "Damage",
    "DamagedError",
    "Estimate",
    "ReferencePairs",
    "describe_corpus",
    "estimate_corpus",
    "padded",
    "ragged",
    "ray_engine",
    "read_corpus",
    "read_manifest",
    "read_reference",
    "repair_corpus",
    "verify_corpus",
    "write_card",
    "write_corpus",
    "write_reference",
)


def __dir__() -> tuple[str, ...]:
    return __all__
