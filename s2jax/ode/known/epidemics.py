"""Infections of populations and of bodies."""

from collections.abc import Mapping

from s2jax.ode.known._base import Known

SYSTEMS: Mapping[str, Known] = {
    "sir": Known(
        "s: -beta*s*i; i: beta*s*i - gamma*i; r: gamma*i",
        dict(beta=0.5, gamma=0.15), [(0.8, 0.99), (0.005, 0.1), (0.0, 0.1)], 80.0, "settling",
        "Kermack and McKendrick 1927, Proceedings of the Royal Society A 115, 700",
    ),
    "sirs": Known(
        "s: xi*r - beta*s*i; i: beta*s*i - gamma*i; r: gamma*i - xi*r",
        dict(beta=0.5, gamma=0.1, xi=0.01), [(0.6, 0.95), (0.005, 0.1), (0.0, 0.3)], 200.0,
        "settling", "Hethcote 1976, Mathematical Biosciences 28, 335 (typical values)",
    ),
    "seir": Known(
        "s: -beta*s*i; e: beta*s*i - sigma*e; i: sigma*e - gamma*i; r: gamma*i",
        dict(beta=0.6, sigma=0.25, gamma=0.15),
        [(0.8, 0.99), (0.0, 0.05), (0.005, 0.05), (0.0, 0.1)], 120.0, "settling",
        "Anderson and May 1991, Infectious Diseases of Humans",
    ),
    "seir_seasonal": Known(
        "s: mu - mu*s - beta*(1 + season*cos(2*pi*t))*s*i; "
        "e: beta*(1 + season*cos(2*pi*t))*s*i - (mu + sigma)*e; i: sigma*e - (mu + gamma)*i",
        dict(mu=0.02, sigma=35.84, gamma=100.0, beta=1800.0, season=0.28),
        [(0.05, 0.07), (2e-4, 1e-3), (1e-4, 5e-4)], 20.0, "chaotic",
        "Olsen and Schaffer 1990, Science 249, 499", is_stiff=True,
    ),
    "viral_dynamics": Known(
        "t_cells: source - d*t_cells - k*virus*t_cells; "
        "infected: k*virus*t_cells - delta*infected; "
        "virus: p*infected - c*virus",
        dict(source=10.0, d=0.02, k=2.4e-5, delta=0.24, p=120.0, c=2.4),
        [(200.0, 600.0), (5.0, 40.0), (200.0, 2000.0)], 90.0, "settling",
        "Perelson, Kirschner and De Boer 1993, Mathematical Biosciences 114, 81 (reduced)",
    ),
    "tumor_immune": Known(
        "e: s + p*e*x/(g + x) - m*e*x - d*e; x: a*x*(1 - b*x) - e*x",
        dict(s=0.1181, p=1.131, g=20.19, m=0.00311, d=0.3743, a=1.636, b=0.002),
        [(0.1, 3.0), (1.0, 400.0)], 60.0, "bistable",
        "Kuznetsov, Makalkin, Taylor and Perelson 1994, Bulletin of Mathematical Biology 56, 295",
    ),
}  # fmt: skip
