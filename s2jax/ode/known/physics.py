"""Fluids, climate, dynamos, plasmas and spins."""

from collections.abc import Mapping

from s2jax.ode.known._base import Known

_BOX = ((-1.0, 1.0),)

SYSTEMS: Mapping[str, Known] = {
    "double_gyre": Known(
        "x: -pi*a*sin(pi*(eps*sin(omega*t)*x**2 + (1 - 2*eps*sin(omega*t))*x))*cos(pi*y); "
        "y: pi*a*cos(pi*(eps*sin(omega*t)*x**2 + (1 - 2*eps*sin(omega*t))*x))*sin(pi*y)"
        "*(2*eps*sin(omega*t)*x + 1 - 2*eps*sin(omega*t))",
        dict(a=0.1, eps=0.25, omega=0.2*3.141592653589793), [(0.8, 1.2), (0.1, 0.9)], 80.0,
        "chaotic", "Shadden, Lekien and Marsden 2005, Physica D 212, 271",
    ),
    "vallis": Known(
        "x: b*y - c*x; y: x*z - y; z: 1 - x*y - z", dict(b=102.0, c=3.0),
        [(-4.0, 4.0), (-0.5, 0.5), (0.0, 1.0)], 12.0, "chaotic",
        "Vallis 1986, Science 232, 243 (no mean wind)",
    ),
    "recharge": Known(
        "temperature: (gamma*mu*b - c)*temperature + gamma*depth - e*(depth + mu*b*temperature)**3;"
        " depth: -r*depth - alpha*mu*b*temperature",
        dict(gamma=0.75, mu=0.75, b=2.5, c=1.0, r=0.25, alpha=0.125, e=0.1),
        [(-1.5, 1.5), (-1.0, 1.0)], 60.0, "oscillating",
        "Jin 1997, Journal of the Atmospheric Sciences 54, 811 (stronger coupling)",
    ),
    "stommel": Known(
        "t_gap: eta1 - t_gap*(1 + abs(t_gap - s_gap)); "
        "s_gap: eta2 - s_gap*(eta3 + abs(t_gap - s_gap))",
        dict(eta1=3.0, eta2=1.1, eta3=0.3), [(0.5, 3.5), (0.2, 4.0)], 15.0, "bistable",
        "Stommel 1961, Tellus 13, 224; form of Dijkstra 2005, Nonlinear Physical Oceanography",
    ),
    "energy_balance": Known(
        "t_mean: (solar*(0.5 + 0.2*tanh((t_mean - t_ice)/10))"
        " - emissivity*5.67e-8*t_mean**4)/capacity",
        dict(solar=342.0, t_ice=265.0, emissivity=0.61, capacity=10.0), [(220.0, 300.0)], 40.0,
        "bistable", "Budyko 1969, Tellus 21, 611; Ghil 1976, Journal of the Atmospheric Sciences"
        " 33, 3 (typical values)",
    ),
    "ice_ages": Known(
        "x: -x - y; y: r*y - p*z + s*z**2 - y*z**2; z: -q*(x + z)",
        dict(p=1.0, q=1.2, r=0.8, s=0.8), [(-1.0, 1.0)] * 3, 50.0, "oscillating",
        "Maasch and Saltzman 1990, Journal of Geophysical Research 95, 1955",
    ),
    "rikitake": Known(
        "x: -mu*x + z*y; y: -mu*y + (z - a)*x; z: 1 - x*y",
        dict(mu=2.0, a=5.0), [(-2.0, 2.0)] * 2 + [(0.0, 4.0)], 27.0, "chaotic",
        "Rikitake 1958, Proceedings of the Cambridge Philosophical Society 54, 89",
    ),
    "gissinger": Known(
        "q: mu*q - v*d; d: v*q - nu*d; v: flow - v + q*d", dict(mu=0.119, nu=0.1, flow=0.9),
        [(-1.0, 1.0), (-1.0, 1.0), (0.2, 1.0)], 100.0, "chaotic",
        "Gissinger 2012, European Physical Journal B 85, 137",
    ),
    "bloch": Known(
        "x: offset*y - x/t2; y: rabi*z - offset*x - y/t2; z: (m - z)/t1 - rabi*y",
        dict(offset=0.5, rabi=1.0, t1=8.0, t2=5.0, m=1.0), _BOX * 3, 25.0, "settling",
        "Bloch 1946, Physical Review 70, 460 (typical values)",
    ),
    "windmi": Known(
        "x: y; y: z; z: b - a*z - y - exp(x)", dict(a=0.7, b=2.5),
        [(0.0, 1.0), (-1.0, 1.0), (-0.5, 0.5)], 60.0, "chaotic",
        "Horton, Weigel and Sprott 2001, Physics of Plasmas 8, 2946",
    ),
    "rabinovich": Known(
        "x: h*y - a*x + y*z; y: h*x - b*y - x*z; z: x*y - d*z",
        dict(h=6.75, a=4.0, b=1.0, d=1.0), [(-3.0, 3.0), (-3.0, 3.0), (3.0, 8.0)], 15.0, "chaotic",
        "Pikovskii, Rabinovich and Trakhtengerts 1978, Soviet Physics JETP 47, 715",
    ),
    "rabinovich_fabrikant": Known(
        "x: y*(z - 1 + x**2) + gamma*x; y: x*(3*z + 1 - x**2) + gamma*y; z: -2*z*(alpha + x*y)",
        dict(alpha=1.1, gamma=0.87), [(-1.4, -0.9), (0.3, 1.0), (0.5, 0.9)], 32.0, "chaotic",
        "Rabinovich and Fabrikant 1979, Soviet Physics JETP 50, 311",
    ),
    "moore_spiegel": Known(
        "x: y; y: z; z: -z - (tension - r + r*x**2)*y - tension*x",
        dict(tension=6.0, r=20.0), [(-1.0, 1.0)] * 3, 12.5, "chaotic",
        "Moore and Spiegel 1966, Astrophysical Journal 143, 871",
    ),
}  # fmt: skip
