"""Oscillators that feed themselves, are driven, or drive each other."""

from collections.abc import Mapping

from s2jax.ode.known._base import Known

_BOX = ((-1.0, 1.0),)

SYSTEMS: Mapping[str, Known] = {
    "van_der_pol": Known(
        "x: y; y: mu*(1 - x**2)*y - x", dict(mu=1.0), [(-3.0, 3.0)] * 2, 20.0, "oscillating",
        "van der Pol 1926, Philosophical Magazine 2, 978",
    ),
    "forced_van_der_pol": Known(
        "x: y; y: mu*(1 - x**2)*y - x + a*sin(omega*t)", dict(mu=3.0, a=5.0, omega=1.788),
        [(-2.0, 2.0)] * 2, 16.0, "chaotic",
        "van der Pol and van der Mark 1927, Nature 120, 363; values of Sprott 2003, Chaos and"
        " Time-Series Analysis, appendix A",
    ),
    "coupled_van_der_pol": Known(
        "x: u; y: v; u: mu*(1 - x**2)*u - x + k*(v - u); "
        "v: mu*(1 - y**2)*v - detuning*y + k*(u - v)",
        dict(mu=0.5, k=0.3, detuning=1.2), [(-2.0, 2.0)] * 4, 40.0, "oscillating",
        "Rand and Holmes 1980, International Journal of Non-Linear Mechanics 15, 387"
        " (typical values)",
    ),
    "rayleigh": Known(
        "x: y; y: mu*(1 - y**2/3)*y - x", dict(mu=1.0), [(-2.5, 2.5)] * 2, 25.0, "oscillating",
        "Rayleigh 1883, Philosophical Magazine 15, 229",
    ),
    "rayleigh_duffing": Known(
        "x: y; y: mu*(1 - gamma*y**2)*y - x**3 + a*sin(omega*t)",
        dict(mu=0.2, gamma=4.0, a=0.3, omega=1.1), _BOX * 2, 50.0, "chaotic",
        "Sprott 2003, Chaos and Time-Series Analysis, appendix A",
    ),
    "duffing_van_der_pol": Known(
        "x: y; y: mu*(1 - gamma*x**2)*y - x**3 + a*sin(omega*t)",
        dict(mu=0.2, gamma=8.0, a=0.35, omega=1.02), _BOX * 2, 60.0, "chaotic",
        "Ueda 1992, The Road to Chaos; values of Sprott 2003, Chaos and Time-Series Analysis,"
        " appendix A",
    ),
    "duffing": Known(
        "x: v; v: gamma*cos(omega*t) - delta*v - alpha*x - beta*x**3",
        dict(alpha=-1.0, beta=1.0, delta=0.3, gamma=0.5, omega=1.2), [(-1.5, 1.5)] * 2, 50.0,
        "chaotic",
        "Duffing 1918, Erzwungene Schwingungen; Holmes 1979, Phil. Trans. R. Soc. A 292, 419",
    ),
    "ueda": Known(
        "x: v; v: b*cos(t) - k*v - x**3", dict(k=0.05, b=7.5), [(-3.0, 3.0), (-4.0, 4.0)], 30.0,
        "chaotic", "Ueda 1979, Journal of Statistical Physics 20, 181",
    ),
    "forced_cubic": Known(
        "x: v; v: a*sin(omega*t) - x**3", dict(a=1.0, omega=1.88), [(-0.5, 0.5)] * 2, 60.0,
        "chaotic", "Gottlieb and Sprott 2001, Physics Letters A 291, 385",
    ),
    "stuart_landau": Known(
        "x: mu*x - omega*y - (x**2 + y**2)*x; y: omega*x + mu*y - (x**2 + y**2)*y",
        dict(mu=1.0, omega=2.0), [(-1.5, 1.5)] * 2, 12.0, "oscillating",
        "Landau 1944, Doklady 44, 339; Stuart 1960, Journal of Fluid Mechanics 9, 353",
    ),
    "subcritical_hopf": Known(
        "x: (mu + x**2 + y**2 - (x**2 + y**2)**2)*x - omega*y; "
        "y: (mu + x**2 + y**2 - (x**2 + y**2)**2)*y + omega*x",
        dict(mu=-0.1, omega=1.0), [(-0.5, 0.5)] * 2, 30.0, "bistable",
        "Strogatz 1994, Nonlinear Dynamics and Chaos, 8.2",
    ),
    "kuramoto": Known(
        "a: -spread + k*(sin(b - a) + sin(c - a))/3; b: k*(sin(a - b) + sin(c - b))/3; "
        "c: spread + k*(sin(a - c) + sin(b - c))/3",
        dict(spread=0.5, k=1.2), [(-1.5, 1.5)] * 3, 15.0, "settling",
        "Kuramoto 1975, in Araki (ed.), International Symposium on Mathematical Problems in"
        " Theoretical Physics, 420 (three oscillators; typical values)",
    ),
    "chua": Known(
        "x: alpha*(y - a*x**3 - c*x); y: x - y + z; z: -beta*y",
        dict(alpha=10.0, beta=16.0, a=1.0, c=-0.143), [(-0.3, 0.3), (-0.1, 0.1), (-0.3, 0.3)], 30.0,
        "chaotic",
        "Zhong 1994, IEEE Transactions on Circuits and Systems I 41, 934 (cubic nonlinearity)",
    ),
    "double_scroll": Known(
        "x: alpha*(y - x + b*x + (a - b)*(abs(x + 1) - abs(x - 1))/2); y: x - y + z; z: -beta*y",
        dict(alpha=9.0, beta=100/7, a=8/7, b=5/7),
        [(-1.0, 1.0), (-0.2, 0.2), (-1.0, 1.0)], 30.0, "chaotic",
        "Matsumoto 1984, IEEE Transactions on Circuits and Systems 31, 1055",
    ),
    "murali_lakshmanan_chua": Known(
        "x: y - b*x - (a - b)*(abs(x + 1) - abs(x - 1))/2; "
        "y: force*sin(omega*t) - beta*(1 + nu)*y - beta*x",
        dict(a=-1.02, b=-0.55, beta=1.0, nu=0.015, force=0.15, omega=0.75),
        [(-1.5, 1.5), (-0.5, 0.5)], 80.0, "chaotic",
        "Murali, Lakshmanan and Chua 1994, IEEE Transactions on Circuits and Systems I 41, 462",
    ),
}  # fmt: skip
