"""Corpora on disk: pairs as Parquet files any reader opens."""

from s2jax.corpus._tokens import decode_tokens as decode_tokens
from s2jax.corpus._tokens import encode_tokens as encode_tokens
from s2jax.corpus._tokens import vocabulary as vocabulary
from s2jax.corpus._writer import read_manifest as read_manifest
from s2jax.corpus._writer import write_corpus as write_corpus
