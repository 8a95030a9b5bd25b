"""What works when the package is installed without extras, and what the rest says instead."""

import subprocess
import sys
from pathlib import Path

import jax

import s2jax
from s2jax import plotting

config = s2jax.presets.s2(length=64)
batch = s2jax.sample(jax.random.key(0), config, 16)
assert int(batch.status.sum()) == 0
assert s2jax.to_text(batch.program)[0]
assert next(s2jax.batches(config, batch=8)).y.shape == (8, 1, 64)

CALLS = {
    "pyarrow": (
        lambda: s2jax.corpus.write_corpus("corpus", config, 8),
        lambda: plotting.summarize("corpus"),
    ),
    "matplotlib": (
        lambda: plotting.plot_pairs(batch),
        lambda: plotting.plot_family(s2jax.inputs.ARMA(), length=64),
    ),
    "grain": (lambda: s2jax.feeds.grain_source(config),),
    "ray": (lambda: s2jax.corpus.ray_engine(),),
    "orbax": (
        lambda: s2jax.symtime.pretrain("run", s2jax.symtime.Config.tiny(length=64), config, 10),
    ),
    "optax": (lambda: s2jax.symtime.optimizer(s2jax.symtime.Config.tiny(), 100),),
}
for library, calls in CALLS.items():
    for call in calls:
        said = ""
        try:
            call()
        except ImportError as error:
            said = str(error)
        print(said)
        assert f"need {library}, which cannot be imported" in said
        assert "python -m pip install" in said
assert not Path("corpus").exists()

command = [str(Path(sys.executable).parent / "s2jax"), "show", "corpus"]
done = subprocess.run(command, capture_output=True, text=True)
print(done.stderr, end="")
assert done.returncode == 1
assert done.stderr.startswith("s2jax: The commands of s2jax need tyro"), done.stderr

timed = "import time; begin = time.process_time(); import s2jax; print(time.process_time() - begin)"
done = subprocess.run([sys.executable, "-c", timed], capture_output=True, text=True, check=True)
print(f"import s2jax: {float(done.stdout):.2f} CPU s")
