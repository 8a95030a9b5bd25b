"""Evaluating random expressions: ours against NumPy, vmap(switch), compiling each, and Operon.

All evaluate the same trees in float32 on one core; where an evaluator can only read one shared
data set, all expressions read the same series. A node evaluation is one node of the tree, constants
included, at one time point. Parity is asserted before anything is timed.

    python benchmarks/evaluate.py --out benchmarks/results/today.jsonl
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import _record

_record.use_one_core()
sys.path.insert(0, str(Path(__file__).parents[1]))

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402

import s2jax  # noqa: E402
from s2jax.laws import S2Law
from s2jax.programs import Program
from s2jax.programs.engines import run
from s2jax.programs.lower import functions, lower
from s2jax.programs.operators import CONST, ID, NUM_LEAVES, TABLE
from s2jax.programs.program import constants_of

# pow3 and the named constants have no word of their own in Operon
LAW = S2Law(unary_weights={k: w for k, w in S2Law().unary_weights.items() if k != "pow3"})
Tree = tuple  # (word, children...) with leaves ("x",) and ("number", value)
NUM_COMPILED = 8


# ---- trees ----------------------------------------------------------------------------------


def to_trees(program: Program) -> list[Tree]:
    """The expressions as nested tuples, affine constants written out as nodes."""
    host = jax.device_get(program)
    rows = range(len(host.length))
    return [_to_tree(jax.tree.map(lambda leaf, i=i: leaf[i], host)) for i in rows]


def _to_tree(p: Program) -> Tree:
    results: list[Tree] = []
    operand = lambda k: ("x",) if k < 0 else results[k]
    for k in range(int(p.length)):
        op, a, b = int(p.op[k]), int(p.a[k]), int(p.b[k])
        if op == CONST:
            tree: Tree = ("number", float(a))
        elif op < NUM_LEAVES:
            tree = ("number", float(TABLE[op].function))  # pyright: ignore
        elif op == ID:
            tree = operand(a)
        elif TABLE[op].arity == 1:
            tree = (TABLE[op].name, operand(a))
        else:
            tree = (TABLE[op].name, operand(a), operand(b))
        scale = (int(p.scale_mantissa[k]), int(p.scale_exponent[k]))
        if scale != (1, 0):
            tree = ("mul", ("number", float(f"{scale[0]}e{scale[1]}")), tree)
        if int(p.bias_mantissa[k]):
            bias = float(f"{int(p.bias_mantissa[k])}e{int(p.bias_exponent[k])}")
            tree = ("add", ("number", bias), tree)
        results.append(tree)
    return results[-1]


def num_nodes(tree: Tree) -> int:
    if tree[0] in ("x", "number"):
        return 1
    return 1 + sum(num_nodes(child) for child in tree[1:])


NUMPY: dict[str, Callable[..., Any]] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "abs": np.abs, "sin": np.sin,
    "cos": np.cos, "tan": np.tan, "arctan": np.arctan, "exp": np.exp, "inv": np.reciprocal,
    "sqrt": lambda a: np.sqrt(np.abs(a)), "log": lambda a: np.log(np.abs(a)), "pow2": np.square,
}  # fmt: skip


def by_numpy(tree: Tree, x: np.ndarray) -> np.ndarray:
    """The value of a tree by recursion, one array operation per node."""
    if tree[0] == "x":
        return x
    if tree[0] == "number":
        return np.full(x.shape, tree[1], x.dtype)
    return NUMPY[tree[0]](*[by_numpy(child, x) for child in tree[1:]])


OPERON = {
    "add": "({} + {})", "sub": "({} - {})", "mul": "({} * {})", "abs": "abs({})",
    "sin": "sin({})", "cos": "cos({})", "tan": "tan({})", "arctan": "atan({})",
    "exp": "exp({})", "inv": "((1.0) / {})", "sqrt": "sqrt(abs({}))", "log": "log(abs({}))",
    "pow2": "square({})",
}  # fmt: skip


def to_operon(tree: Tree) -> str:
    """The infix form that Operon's parser reads; constants in brackets, or it drops them."""
    if tree[0] == "x":
        return "X1"
    if tree[0] == "number":
        return f"({tree[1]:.9f})"
    return OPERON[tree[0]].format(*(to_operon(child) for child in tree[1:]))


def to_sympy(tree: Tree, symbol: Any) -> Any:
    import sympy

    if tree[0] == "x":
        return symbol
    if tree[0] == "number":
        return sympy.Float(tree[1])
    values = [to_sympy(child, symbol) for child in tree[1:]]
    if tree[0] in ("sqrt", "log"):
        return getattr(sympy, tree[0])(sympy.Abs(values[0]))
    names = {"abs": sympy.Abs, "arctan": sympy.atan, "sin": sympy.sin, "cos": sympy.cos}
    functions: dict[str, Callable[..., Any]] = names | {
        "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b,
        "tan": sympy.tan, "exp": sympy.exp, "inv": lambda a: 1 / a, "pow2": lambda a: a**2,
    }  # fmt: skip
    return functions[tree[0]](*values)


# ---- evaluators -----------------------------------------------------------------------------


def draw(count: int, length: int) -> tuple[Program, jax.Array]:
    """Accepted programs of one variable and one input series for all of them."""
    config = s2jax.Config(
        length=length, target=s2jax.Algebraic(law=LAW), inputs=s2jax.inputs.Mixture()
    )
    batch = s2jax.sample(jax.random.key(1), config, count)
    program = jax.tree.map(lambda leaf: leaf[:, 0], batch.program)
    # one series for all: standard normal, so that hardly any program leaves its range
    return program, jax.random.normal(jax.random.key(2), (1, 1, length))


def ours(evaluator: Callable[..., jax.Array]) -> Callable[[Program, jax.Array], jax.Array]:
    """One of our two evaluators, with the lowering that precedes it."""

    @jax.jit
    def run(program: Program, x: jax.Array) -> jax.Array:
        lowered = lower(program, None, x.shape[-2], x.dtype)
        operators = functions(program.protected)
        return evaluator(lowered, x, operators, program.op.shape[0] // x.shape[0])

    return run


@jax.jit
def by_vmapped_switch(program: Program, x: jax.Array) -> jax.Array:
    """Every program an interpreter loop of its own, mapped: what most JAX libraries do."""
    operators = functions(program.protected)

    def one(op, a, b, scale, bias, length):
        values = jnp.zeros((op.shape[0] + 1, x.shape[-1]), x.dtype).at[-1].set(x[0, 0])

        def step(k, values):
            value = jax.lax.switch(op[k], operators, values[a[k]], values[b[k]])
            return values.at[k].set(scale[k] * value + bias[k])

        return jax.lax.fori_loop(0, op.shape[0], step, values)[length - 1]

    op, (scale, bias) = program.op.astype(jnp.int32), constants_of(program, x.dtype)
    # the variable, operand -1, is the last row
    a, b = (operand.astype(jnp.int32) for operand in (program.a, program.b))
    is_const = op == CONST
    a, b = jnp.where(is_const, -1, a), jnp.where(is_const, -1, b)
    return jax.vmap(one)(op, a, b, scale, bias, program.length)


class Operon:
    """pyoperon's `EvaluateTrees`: postfix, blocks of rows, SIMD."""

    def __init__(self, trees: list[Tree], x: np.ndarray) -> None:
        import pyoperon

        self.columns = np.asfortranarray(x[:, None].astype(np.float32))
        # it does not own what it reads: the columns must live as long
        self.module, self.data = pyoperon, pyoperon.Dataset(self.columns)
        names = {variable.Name: variable.Hash for variable in self.data.Variables}
        self.trees = [pyoperon.InfixParser.Parse(to_operon(tree), names) for tree in trees]
        self.out = np.zeros((len(trees), len(x)), np.float32)
        self.range = pyoperon.Range(0, len(x))

    def __call__(self) -> np.ndarray:
        self.module.EvaluateTrees(self.trees, self.data, self.range, self.out, 1)
        return self.out


def compile_each(trees: list[Tree], x: jax.Array) -> tuple[list[Callable[[], Any]], float]:
    """One jitted function per expression through SymPy, and the CPU seconds each of them costs."""
    import sympy

    symbol = sympy.Symbol("x", real=True)
    jobs, start = [], time.process_time()
    for tree in trees:
        function = sympy.lambdify(symbol, to_sympy(tree, symbol), "jax")
        compiled = jax.jit(lambda x, function=function: jnp.broadcast_to(function(x), x.shape))
        jax.block_until_ready(compiled(x[0, 0]))
        jobs.append(lambda compiled=compiled: compiled(x[0, 0]))
    return jobs, (time.process_time() - start) / len(trees)


# ---- parity and timing ----------------------------------------------------------------------


def check(name: str, found: Any, true: np.ndarray, least: float = 0.99) -> None:
    """Refuse an evaluator that disagrees with float64 NumPy, up to cancellation in float32."""
    scale = np.abs(true).max(-1, keepdims=True)
    error = np.abs(np.asarray(found, np.float64) - true).max(-1) / scale[:, 0]
    good = error < 1e-3
    assert good.mean() >= least, f"{name} agrees on {good.mean():.1%} of the expressions only"
    assert np.median(error) < 1e-5, f"{name}: median error {np.median(error):.2g}"


def benchmark(length: int, arguments: Any) -> None:
    program, x = draw(arguments.count, length)
    trees, series = to_trees(program), np.asarray(x[0, 0])
    with np.errstate(all="ignore"):
        true = np.stack([by_numpy(tree, series.astype(np.float64)) for tree in trees])
    usable = np.isfinite(true).all(-1) & (np.abs(true).max(-1) < 1e6)
    usable &= np.abs(true).max(-1) > 0
    assert usable.mean() > 0.9
    program = jax.tree.map(lambda leaf: leaf[np.flatnonzero(usable)], program)
    trees, true = [tree for tree, good in zip(trees, usable, strict=True) if good], true[usable]
    nodes = np.array([num_nodes(tree) for tree in trees])

    sequential, selecting = ours(run.sequential), ours(run.selecting)
    compiled, compile_seconds = compile_each(trees[:NUM_COMPILED], x)
    calls: dict[str, tuple[Callable[[], Any], int]] = {
        "ours": (lambda: sequential(program, x), len(trees)),
        "ours, select form": (lambda: selecting(program, x), len(trees)),
        "vmap(switch)": (lambda: by_vmapped_switch(program, x), len(trees)),
        "recursive NumPy": (lambda: [by_numpy(tree, series) for tree in trees], len(trees)),
        "jit each, warm": (lambda: [job() for job in compiled], NUM_COMPILED),
    }
    try:
        calls["pyoperon"] = (Operon(trees, series), len(trees))
    except ImportError:
        print("pyoperon is not installed: left out", file=sys.stderr)
    with np.errstate(all="ignore"):
        for name, (call, size) in calls.items():
            check(name, call(), true[:size], 0.99 if size == len(trees) else 0.9)

    def job(call: Callable[[], Any], size: int) -> Callable[[], float]:
        def units() -> float:
            jax.block_until_ready(call())
            return size

        return units

    jobs = {name: job(*call) for name, call in calls.items()}
    jobs["ours again"] = jobs["ours"]
    with np.errstate(all="ignore"):
        rates = _record.paired_rates(jobs, arguments.rounds, arguments.seconds)
    for name, values in rates.items():
        own_nodes = nodes[: calls[name][1]] if name in calls else nodes
        fields: dict[str, Any] = {}
        if name == "jit each, warm":
            fields["compile_s_per_expression"] = round(compile_seconds, 4)
            fields["expressions"] = NUM_COMPILED
        _record.write(
            arguments.out,
            "evaluate",
            evaluator=name,
            config={"length": length, "expressions": len(trees), "law": "S2Law without pow3"},
            unit="per CPU second, one core",
            nodes=round(float(own_nodes.mean()), 2),
            series=_record.quartiles(values),
            node_evaluations=_record.quartiles(values * own_nodes.mean() * length),
            rounds=arguments.rounds,
            ratio=_record.quartiles(rates["ours"] / values),
            **fields,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # pyright: ignore
    parser.add_argument("--out", help="append the JSON lines to this file")
    parser.add_argument("--count", type=int, default=1024, help="expressions")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.5, help="per evaluator and round")
    parser.add_argument("--lengths", type=int, nargs="+", default=[512, 256, 4096])
    arguments = parser.parse_args()
    for length in arguments.lengths:
        benchmark(length, arguments)


if __name__ == "__main__":
    main()
