"""Reactions in beakers and reactors."""

from collections.abc import Mapping

from s2jax.ode.known._base import Known

SYSTEMS: Mapping[str, Known] = {
    "michaelis_menten": Known(
        "s: kr*c - kf*(e - c)*s; c: kf*(e - c)*s - (kr + kcat)*c; p: kcat*c",
        dict(kf=1.0, kr=0.5, kcat=0.3, e=1.0), [(1.0, 5.0), (0.0, 0.2), (0.0, 0.2)], 25.0,
        "settling", "Michaelis and Menten 1913, Biochemische Zeitschrift 49, 333 (typical values)",
    ),
    "brusselator": Known(
        "x: a + x**2*y - (b + 1)*x; y: b*x - x**2*y",
        dict(a=1.0, b=3.0), [(0.2, 3.0), (0.5, 4.0)], 22.0, "oscillating",
        "Prigogine and Lefever 1968, Journal of Chemical Physics 48, 1695",
    ),
    "forced_brusselator": Known(
        "x: a + x**2*y - (b + 1)*x + force*cos(omega*t); y: b*x - x**2*y",
        dict(a=0.4, b=1.2, force=0.05, omega=0.81), [(0.2, 1.0), (2.0, 4.0)], 120.0, "chaotic",
        "Tomita and Kai 1978, Physics Letters A 66, 91",
    ),
    "schnakenberg": Known(
        "u: a - u + u**2*v; v: b - u**2*v", dict(a=0.1, b=0.5), [(0.2, 1.5), (0.5, 2.5)], 40.0,
        "oscillating",
        "Schnakenberg 1979, Journal of Theoretical Biology 81, 389",
    ),
    "lengyel_epstein": Known(
        "x: a - x - 4*x*y/(1 + x**2); y: b*x*(1 - y/(1 + x**2))",
        dict(a=10.0, b=2.0), [(0.5, 4.0), (1.0, 8.0)], 15.0, "oscillating",
        "Lengyel, Rabai and Epstein 1990, Journal of the American Chemical Society 112, 9104;"
        " form of Strogatz 1994, 8.3",
    ),
    "willamowski_rossler": Known(
        "x: k1*x - r1*x**2 - k2*x*y + r2*y**2 - k4*x*z + r4; "
        "y: k2*x*y - r2*y**2 - k3*y + r3; z: r4 - k4*x*z + k5*z - r5*z**2",
        dict(k1=30.0, r1=0.25, k2=1.0, r2=1e-4, k3=10.0, r3=1e-3, k4=1.0, r4=1e-3, k5=16.5, r5=0.5),
        [(8.0, 15.0), (8.0, 15.0), (5.0, 12.0)], 6.0, "chaotic",
        "Willamowski and Rossler 1980, Zeitschrift fur Naturforschung 35a, 317",
    ),
    "stirred_tank": Known(
        "x: damkohler*(1 - x)*exp(y/(1 + y/gamma)) - x; "
        "y: heat*damkohler*(1 - x)*exp(y/(1 + y/gamma)) - y - beta*y",
        dict(damkohler=0.072, heat=8.0, gamma=20.0, beta=0.3), [(0.0, 1.0), (0.0, 6.0)], 12.0,
        "bistable",
        "Uppal, Ray and Poore 1974, Chemical Engineering Science 29, 967 (usual values)",
    ),
    "hypercycle": Known(
        "a: k*a*(e - a*e - b*a - c*b - d*c - e*d); b: k*b*(a - a*e - b*a - c*b - d*c - e*d); "
        "c: k*c*(b - a*e - b*a - c*b - d*c - e*d); d: k*d*(c - a*e - b*a - c*b - d*c - e*d); "
        "e: k*e*(d - a*e - b*a - c*b - d*c - e*d)",
        dict(k=5.0), [(0.05, 0.4)] * 5, 40.0, "oscillating",
        "Eigen and Schuster 1979, The Hypercycle; Hofbauer, Mallet-Paret and Smith 1991,"
        " Journal of Dynamics and Differential Equations 3, 423",
    ),
    "oregonator": Known(
        "x: (q*y - x*y + x*(1 - x))/epsilon; y: (-q*y - x*y + f*z)/delta; z: x - z",
        dict(q=8e-4, f=1.0, epsilon=0.04, delta=4e-4), [(0.01, 0.8), (0.1, 1.0), (0.01, 0.3)], 20.0,
        "oscillating",
        "Field and Noyes 1974, Journal of Chemical Physics 60, 1877; scaled by Tyson 1985",
        is_stiff=True,
    ),
    "robertson": Known(
        "a: -k1*a + k3*b*c; b: k1*a - k3*b*c - k2*b**2; c: k2*b**2",
        dict(k1=0.04, k2=3e7, k3=1e4), [(0.5, 1.0), (0.0, 1e-5), (0.0, 0.5)], 40.0, "settling",
        "Robertson 1966, in Walsh (ed.), Numerical Analysis: an Introduction, 178",
        is_stiff=True,
    ),
    "hires": Known(
        "a: -1.71*a + 0.43*b + 8.32*c + inflow; b: 1.71*a - 8.75*b; "
        "c: -10.03*c + 0.43*d + 0.035*e; d: 8.32*b + 1.71*c - 1.12*d; "
        "e: -1.745*e + 0.43*f + 0.43*g; f: -k*f*h + 0.69*d + 1.71*e - 0.43*f + 0.69*g; "
        "g: k*f*h - 1.81*g; h: 1.81*g - k*f*h",
        dict(inflow=0.0007, k=280.0),
        [(0.5, 1.0)] + [(0.0, 0.1)] * 6 + [(0.005, 0.0065)], 320.0, "settling",
        "Schafer 1975, Journal of Mathematical Biology 2, 41", is_stiff=True,
    ),
}  # fmt: skip
