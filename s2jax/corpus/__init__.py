"""Corpora on disk: pairs as Parquet files any reader opens."""

from s2jax.corpus._heads import read_manifest as read_manifest
from s2jax.corpus._ray import ray_engine as ray_engine
from s2jax.corpus._reference import ReferencePairs as ReferencePairs
from s2jax.corpus._reference import read_reference as read_reference
from s2jax.corpus._reference import write_reference as write_reference
from s2jax.corpus._verify import Damage as Damage
from s2jax.corpus._verify import repair as repair
from s2jax.corpus._verify import verify as verify
from s2jax.corpus._write import write_corpus as write_corpus
from s2jax.corpus.footers import DamagedError as DamagedError
from s2jax.corpus.info import describe_corpus as describe_corpus
from s2jax.corpus.rows import Corpus as Corpus
from s2jax.corpus.rows import read as read
from s2jax.corpus.tokens import padded as padded
from s2jax.corpus.tokens import ragged as ragged
