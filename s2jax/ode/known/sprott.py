"""The simplest chaotic flows: cases A to S of Sprott, and jerks."""

from collections.abc import Mapping

from s2jax.ode.known._base import Known

_BOX = ((-1.0, 1.0),)

SYSTEMS: Mapping[str, Known] = {
    "sprott_a": Known(
        "x: y; y: y*z - a*x; z: 1 - y**2", dict(a=1.0), [(-0.5, 0.5), (4.0, 5.5), (-0.5, 0.5)],
        30.0,
        "chaotic", "Sprott 1994, Physical Review E 50, R647 (case A)",
    ),
    "sprott_b": Known(
        "x: a*y*z; y: x - y; z: c - x*y", dict(a=1.0, c=1.0), [(-1.0, 1.0)] * 3, 60.0, "chaotic",
        "Sprott 1994, Physical Review E 50, R647 (case B)",
    ),
    "sprott_c": Known(
        "x: a*y*z; y: x - y; z: c - x**2", dict(a=1.0, c=1.0), _BOX * 3, 60.0, "chaotic",
        "Sprott 1994, Physical Review E 50, R647 (case C)",
    ),
    "sprott_d": Known(
        "x: -y; y: x + z; z: x*z + a*y**2", dict(a=3.0), [(-1.9, -0.7), (-0.8, 0.3), (0.9, 2.0)],
        60.0, "chaotic",
        "Sprott 1994, Physical Review E 50, R647 (case D)",
    ),
    "sprott_e": Known(
        "x: y*z; y: x**2 - y; z: 1 - a*x", dict(a=4.0), [(-0.5, 0.5), (0.0, 0.5), (-1.0, 1.0)],
        60.0, "chaotic",
        "Sprott 1994, Physical Review E 50, R647 (case E)",
    ),
    "sprott_f": Known(
        "x: y + z; y: a*y - x; z: x**2 - z", dict(a=0.5), [(-1.7, -0.8), (-1.6, -0.6), (1.0, 2.0)],
        60.0, "chaotic",
        "Sprott 1994, Physical Review E 50, R647 (case F)",
    ),
    "sprott_g": Known(
        "x: a*x + z; y: x*z - y; z: y - x", dict(a=0.4), [(-0.3, 0.3)] * 3, 70.0, "chaotic",
        "Sprott 1994, Physical Review E 50, R647 (case G)",
    ),
    "sprott_h": Known(
        "x: z**2 - y; y: x + a*y; z: x - z", dict(a=0.5), [(-0.3, 0.3)] * 3, 60.0, "chaotic",
        "Sprott 1994, Physical Review E 50, R647 (case H)",
    ),
    "sprott_i": Known(
        "x: -a*y; y: x + z; z: x + y**2 - z", dict(a=0.2),
        [(-0.3, -0.15), (-0.2, 0.2), (-0.2, 0.0)], 90.0, "chaotic",
        "Sprott 1994, Physical Review E 50, R647 (case I)",
    ),
    "sprott_j": Known(
        "x: a*z; y: z - a*y; z: y - x + y**2", dict(a=2.0), [(-0.5, 0.5)] * 3, 60.0, "chaotic",
        "Sprott 1994, Physical Review E 50, R647 (case J)",
    ),
    "sprott_k": Known(
        "x: x*y - z; y: x - y; z: x + a*z", dict(a=0.3), [(-0.2, 0.2)] * 3, 60.0, "chaotic",
        "Sprott 1994, Physical Review E 50, R647 (case K)",
    ),
    "sprott_l": Known(
        "x: y + a*z; y: b*x**2 - y; z: 1 - x", dict(a=3.9, b=0.9),
        [(3.5, 6.0), (30.0, 34.0), (-11.5, -10.0)], 40.0, "chaotic",
        "Sprott 1994, Physical Review E 50, R647 (case L)",
    ),
    "sprott_m": Known(
        "x: -z; y: -x**2 - y; z: a + a*x + y", dict(a=1.7), [(-0.5, 0.5)] * 3, 50.0, "chaotic",
        "Sprott 1994, Physical Review E 50, R647 (case M)",
    ),
    "sprott_n": Known(
        "x: -a*y; y: x + z**2; z: 1 + y - a*z", dict(a=2.0), [(-0.5, 0.5)] * 3, 50.0, "chaotic",
        "Sprott 1994, Physical Review E 50, R647 (case N)",
    ),
    "sprott_o": Known(
        "x: y; y: x - z; z: x + x*z + a*y", dict(a=2.7), [(-0.4, -0.1), (0.0, 0.3), (-0.4, 0.1)],
        50.0, "chaotic",
        "Sprott 1994, Physical Review E 50, R647 (case O)",
    ),
    "sprott_p": Known(
        "x: a*y + z; y: y**2 - x; z: x + y", dict(a=2.7), [(-0.2, 0.2)] * 3, 50.0, "chaotic",
        "Sprott 1994, Physical Review E 50, R647 (case P)",
    ),
    "sprott_q": Known(
        "x: -z; y: x - y; z: a*x + y**2 + b*z", dict(a=3.1, b=0.5), [(-0.3, 0.3)] * 3, 50.0,
        "chaotic", "Sprott 1994, Physical Review E 50, R647 (case Q)",
    ),
    "sprott_r": Known(
        "x: a - y; y: b + z; z: x*y - z", dict(a=0.9, b=0.4), [(-0.5, 0.5)] * 3, 60.0, "chaotic",
        "Sprott 1994, Physical Review E 50, R647 (case R)",
    ),
    "sprott_s": Known(
        "x: -x - a*y; y: x + z**2; z: 1 + x", dict(a=4.0), [(-1.0, 0.0), (0.0, 0.5), (-1.0, 1.0)],
        50.0, "chaotic", "Sprott 1994, Physical Review E 50, R647 (case S)",
    ),
    "jerk_quadratic": Known(
        "x: y; y: z; z: a*y**2 - x - 2.017*z", dict(a=1.0),
        [(4.7, 5.7), (1.5, 2.1), (-0.7, -0.1)], 60.0, "chaotic",
        "Sprott 1997, Physics Letters A 228, 271",
    ),
    "jerk_cubic": Known(
        "x: y; y: z; z: a*x*y**2 - x - 2.03*z", dict(a=1.0),
        [(2.6, 3.1), (0.75, 0.9), (-0.35, -0.15)],
        60.0, "chaotic",
        "Malasoma 2000, Physics Letters A 264, 383",
    ),
    "jerk_absolute": Known(
        "x: y; y: z; z: abs(x) - a*z - y - 1", dict(a=0.6), [(-0.5, 0.5)] * 3, 60.0, "chaotic",
        "Linz and Sprott 1999, Physics Letters A 259, 240",
    ),
}  # fmt: skip
