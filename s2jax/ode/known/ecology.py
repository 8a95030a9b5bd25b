"""Populations that grow, compete and eat each other."""

from collections.abc import Mapping

from s2jax.ode.known._base import Known

SYSTEMS: Mapping[str, Known] = {
    "logistic": Known(
        "n: r*n*(1 - n/k)", dict(r=1.0, k=1.0), [(0.01, 1.5)], 10.0, "settling",
        "Verhulst 1838, Correspondance mathematique et physique 10, 113",
    ),
    "gompertz": Known(
        "n: r*n*log(k/n)", dict(r=0.5, k=1.0), [(0.01, 1.5)], 12.0, "settling",
        "Gompertz 1825, Philosophical Transactions of the Royal Society 115, 513",
    ),
    "richards": Known(
        "n: r*n*(1 - (n/k)**theta)", dict(r=1.0, k=1.0, theta=0.5), [(0.01, 1.5)], 16.0,
        "settling", "Richards 1959, Journal of Experimental Botany 10, 290 (typical values)",
    ),
    "von_bertalanffy": Known(
        "w: a*w**(2/3) - b*w", dict(a=1.0, b=0.5), [(0.1, 10.0)], 20.0, "settling",
        "von Bertalanffy 1957, Quarterly Review of Biology 32, 217 (typical values)",
    ),
    "allee": Known(
        "n: r*n*(n/a - 1)*(1 - n/k)", dict(r=0.5, a=0.3, k=1.0), [(0.05, 1.4)], 20.0, "bistable",
        "Courchamp, Clutton-Brock and Grenfell 1999, Trends in Ecology and Evolution 14, 405"
        " (typical values)",
    ),
    "budworm": Known(
        "n: r*n*(1 - n/k) - n**2/(1 + n**2)", dict(r=0.4, k=15.0), [(0.1, 15.0)], 40.0, "bistable",
        "Ludwig, Jones and Holling 1978, Journal of Animal Ecology 47, 315",
    ),
    "shallow_lake": Known(
        "p: a - b*p + p**2/(1 + p**2)", dict(a=0.04, b=0.52), [(0.02, 2.0)], 60.0, "bistable",
        "Carpenter, Ludwig and Brock 1999, Ecological Applications 9, 751 (typical values)",
    ),
    "lotka_volterra": Known(
        "prey: alpha*prey - beta*prey*predator; predator: delta*prey*predator - gamma*predator",
        dict(alpha=1.1, beta=0.4, delta=0.1, gamma=0.4), [(2.0, 12.0), (1.0, 6.0)], 40.0,
        "conservative",
        "Lotka 1920, PNAS 6, 410; Volterra 1926, Nature 118, 558",
    ),
    "competition": Known(
        "n1: r1*n1*(1 - n1 - a12*n2); n2: r2*n2*(1 - n2 - a21*n1)",
        dict(r1=1.0, r2=0.8, a12=0.6, a21=0.7), [(0.05, 1.5)] * 2, 20.0, "settling",
        "Gause 1934, The Struggle for Existence; Murray 2002, Mathematical Biology I, 3.5",
    ),
    "rosenzweig_macarthur": Known(
        "n: r*n*(1 - n/k) - a*n*p/(1 + a*h*n); p: efficiency*a*n*p/(1 + a*h*n) - m*p",
        dict(r=1.0, k=4.0, a=1.0, h=1.0, efficiency=1.0, m=0.4), [(0.3, 3.0), (0.3, 2.0)], 60.0,
        "oscillating",
        "Rosenzweig and MacArthur 1963, American Naturalist 97, 209",
    ),
    "holling_tanner": Known(
        "n: r*n*(1 - n/k) - a*n*p/(d + n); p: s*p*(1 - h*p/n)",
        dict(r=1.0, k=7.0, a=6 / 7, d=1.0, s=0.2, h=0.5), [(0.5, 5.0), (0.5, 4.0)], 80.0,
        "oscillating",
        "Tanner 1975, Ecology 56, 855; values of Gasull et al. 1997, Publ. Mat. 41, 149",
    ),
    "plankton": Known(
        "p: r*p*(1 - p/k) - g*p**2*z/(a**2 + p**2); z: e*g*p**2*z/(a**2 + p**2) - m*z",
        dict(r=0.3, k=108.0, g=0.7, a=5.7, e=0.05, m=0.012), [(3.0, 12.0), (2.0, 6.0)], 200.0,
        "settling", "Truscott and Brindley 1994, Bulletin of Mathematical Biology 56, 981",
    ),
    "hastings_powell": Known(
        "x: x*(1 - x) - a1*x*y/(1 + b1*x); "
        "y: a1*x*y/(1 + b1*x) - a2*y*z/(1 + b2*y) - d1*y; z: a2*y*z/(1 + b2*y) - d2*z",
        dict(a1=5.0, b1=3.0, a2=0.1, b2=2.0, d1=0.4, d2=0.01),
        [(0.4, 0.9), (0.1, 0.3), (8.0, 10.0)], 300.0, "chaotic",
        "Hastings and Powell 1991, Ecology 72, 896",
    ),
    "blasius": Known(
        "x: a*x - k1*x*y/(1 + h*x); y: k1*x*y/(1 + h*x) - b*y - k2*y*z; z: k2*y*z - c*(z - w)",
        dict(a=1.0, b=1.0, c=10.0, k1=0.2, k2=1.0, h=0.05, w=0.006),
        [(4.0, 7.0), (4.0, 7.0), (0.01, 0.02)], 45.0, "chaotic",
        "Blasius, Huppert and Stone 1999, Nature 399, 354",
    ),
    "rock_paper_scissors": Known(
        "x: a*x*(y - z); y: a*y*(z - x); z: a*z*(x - y)", dict(a=1.0), [(0.1, 0.6)] * 3, 40.0,
        "conservative", "Hofbauer and Sigmund 1998, Evolutionary Games and Population Dynamics, 7",
    ),
    "may_leonard": Known(
        "n1: n1*(1 - n1 - a*n2 - b*n3); n2: n2*(1 - b*n1 - n2 - a*n3); "
        "n3: n3*(1 - a*n1 - b*n2 - n3)",
        dict(a=0.8, b=1.3), [(0.1, 0.9)] * 3, 80.0, "oscillating",
        "May and Leonard 1975, SIAM Journal on Applied Mathematics 29, 243",
    ),
    "three_species": Known(
        "x: x*(1.1 - x/2 - y/2 - z/10); y: y*(-0.5 + x/2 + y/10 - z/10); "
        "z: z*(alpha + 0.2 - alpha*x - y/10 - z/10)",
        dict(alpha=1.5), [(0.5, 1.5)] * 3, 150.0, "chaotic",
        "Arneodo, Coullet and Tresser 1980, Physics Letters A 79, 259",
    ),
    "four_species": Known(
        "a: r1*a*(1 - a - 1.09*b - 1.52*c); b: r2*b*(1 - b - 0.44*c - 1.36*d); "
        "c: r3*c*(1 - 2.33*a - c - 0.47*d); d: r4*d*(1 - 1.21*a - 0.51*b - 0.35*c - d)",
        dict(r1=1.0, r2=0.72, r3=1.53, r4=1.27), [(0.2, 0.5)] * 4, 200.0, "chaotic",
        "Vano, Wildenberg, Anderson, Noel and Sprott 2006, Nonlinearity 19, 2391",
    ),
    "chemostat": Known(
        "s: dilution*(feed - s) - growth*s*x/(half + s); x: growth*s*x/(half + s) - dilution*x",
        dict(dilution=0.3, feed=2.0, growth=1.0, half=0.5), [(0.1, 2.0), (0.05, 1.0)], 30.0,
        "settling",
        "Monod 1950, Annales de l'Institut Pasteur 79, 390",
    ),
    "daisyworld": Known(
        "w: w*((1 - w - b)*(1 - 0.003265*((light*(1 - (2 + w - b)/4)/s)**0.25"
        " + q*((2 + w - b)/4 - 0.75) - 295.5)**2) - death); "
        "b: b*((1 - w - b)*(1 - 0.003265*((light*(1 - (2 + w - b)/4)/s)**0.25"
        " + q*((2 + w - b)/4 - 0.25) - 295.5)**2) - death)",
        dict(light=917.0, s=5.67e-8, q=20.0, death=0.3), [(0.05, 0.5)] * 2, 40.0, "settling",
        "Watson and Lovelock 1983, Tellus 35B, 284",
    ),
}  # fmt: skip
