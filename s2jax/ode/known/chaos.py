"""Chaotic flows that have a name."""

from collections.abc import Mapping

from s2jax.ode.known._base import Known

SYSTEMS: Mapping[str, Known] = {
    "lorenz": Known(
        "x: sigma*(y - x); y: x*(rho - z) - y; z: x*y - beta*z",
        dict(sigma=10.0, rho=28.0, beta=8 / 3), [(-10.0, 10.0)] * 2 + [(15.0, 35.0)], 10.0,
        "chaotic",
        "Lorenz 1963, Journal of the Atmospheric Sciences 20, 130",
    ),
    "lorenz84": Known(
        "x: -y**2 - z**2 - a*x + a*f; y: x*y - b*x*z - y + g; z: b*x*y + x*z - z",
        dict(a=0.25, b=4.0, f=8.0, g=1.0), [(0.0, 2.0), (-1.5, 1.5), (-1.5, 1.5)], 20.0, "chaotic",
        "Lorenz 1984, Tellus 36A, 98",
    ),
    "lorenz96": Known(
        "x1: (x2 - x4)*x5 - x1 + forcing; x2: (x3 - x5)*x1 - x2 + forcing; "
        "x3: (x4 - x1)*x2 - x3 + forcing; x4: (x5 - x2)*x3 - x4 + forcing; "
        "x5: (x1 - x3)*x4 - x5 + forcing",
        dict(forcing=8.0), [(-2.0, 8.0)] * 5, 10.0, "chaotic",
        "Lorenz 1996, Predictability: a problem partly solved, ECMWF Seminar",
    ),
    "lorenz_stenflo": Known(
        "x: sigma*(y - x) + s*w; y: x*(r - z) - y; z: x*y - b*z; w: -x - sigma*w",
        dict(sigma=2.0, b=0.7, r=26.0, s=1.5), [(-5.0, 5.0)] * 2 + [(15.0, 30.0), (-3.0, 3.0)],
        20.0,
        "chaotic", "Stenflo 1996, Physica Scripta 53, 83",
    ),
    "diffusionless_lorenz": Known(
        "x: -y - x; y: -x*z; z: x*y + r", dict(r=1.0), [(-2.0, 2.0)] * 3, 50.0, "chaotic",
        "van der Schrier and Maas 2000, Physica D 141, 19",
    ),
    "rossler": Known(
        "x: -y - z; y: x + a*y; z: b + z*(x - c)",
        dict(a=0.2, b=0.2, c=5.7), [(-6.0, 6.0)] * 2 + [(0.0, 2.0)], 30.0, "chaotic",
        "Rossler 1976, Physics Letters A 57, 397",
    ),
    "chen": Known(
        "x: a*(y - x); y: (c - a)*x - x*z + c*y; z: x*y - b*z",
        dict(a=35.0, b=3.0, c=28.0), [(-10.0, 10.0)] * 2 + [(15.0, 30.0)], 5.0, "chaotic",
        "Chen and Ueta 1999, International Journal of Bifurcation and Chaos 9, 1465",
    ),
    "lu": Known(
        "x: a*(y - x); y: -x*z + c*y; z: x*y - b*z",
        dict(a=36.0, b=3.0, c=20.0), [(-10.0, 10.0)] * 2 + [(10.0, 25.0)], 5.0, "chaotic",
        "Lu and Chen 2002, International Journal of Bifurcation and Chaos 12, 659",
    ),
    "liu": Known(
        "x: a*(y - x); y: b*x - k*x*z; z: h*x**2 - c*z",
        dict(a=10.0, b=40.0, c=2.5, k=1.0, h=4.0), [(-3.0, 3.0)] * 2 + [(25.0, 55.0)], 7.0,
        "chaotic", "Liu, Liu, Liu and Liu 2004, Chaos, Solitons and Fractals 22, 1031",
    ),
    "tigan": Known(
        "x: a*(y - x); y: (c - a)*x - a*x*z; z: x*y - b*z", dict(a=2.1, b=0.6, c=30.0),
        [(-3.0, 3.0)] * 2 + [(8.0, 18.0)], 15.0, "chaotic",
        "Tigan and Opris 2008, Chaos, Solitons and Fractals 36, 1315",
    ),
    "qi": Known(
        "x: a*(y - x) + y*z; y: c*x - y - x*z; z: x*y - b*z", dict(a=35.0, b=8/3, c=55.0),
        [(-10.0, 10.0)] * 2 + [(20.0, 50.0)], 2.5, "chaotic",
        "Qi, Chen, Du, Chen and Yuan 2005, Physica A 352, 295 (c of their range)",
    ),
    "chen_lee": Known(
        "x: a*x - y*z; y: b*y + x*z; z: c*z + x*y/3", dict(a=5.0, b=-10.0, c=-0.38),
        [(-10.0, 10.0)] * 3, 15.0, "chaotic",
        "Chen and Lee 2004, Chaos, Solitons and Fractals 21, 957",
    ),
    "shimizu_morioka": Known(
        "x: y; y: x - lam*y - x*z; z: x**2 - alpha*z", dict(lam=0.75, alpha=0.45),
        [(-1.0, 1.0)] * 2 + [(0.3, 1.5)], 80.0, "chaotic",
        "Shimizu and Morioka 1980, Physics Letters A 76, 201",
    ),
    "thomas": Known(
        "x: sin(y) - b*x; y: sin(z) - b*y; z: sin(x) - b*z", dict(b=0.208186), [(-3.0, 3.0)] * 3,
        80.0, "chaotic", "Thomas 1999, International Journal of Bifurcation and Chaos 9, 1889",
    ),
    "labyrinth": Known(
        "x: a*sin(y); y: a*sin(z); z: a*sin(x)", dict(a=1.0), [(-3.0, 3.0)] * 3, 40.0, "chaotic",
        "Thomas 1999, International Journal of Bifurcation and Chaos 9, 1889 (without damping)",
    ),
    "halvorsen": Known(
        "x: -a*x - b*y - b*z - y**2; y: -a*y - b*z - b*x - z**2; z: -a*z - b*x - b*y - x**2",
        dict(a=1.4, b=4.0), [(-2.0, 0.5)] * 3, 11.0, "chaotic",
        "Sprott 2003, Chaos and Time-Series Analysis, appendix A",
    ),
    "rucklidge": Known(
        "x: -kappa*x + lam*y - y*z; y: x; z: -z + y**2",
        dict(kappa=2.0, lam=6.7), [(-4.0, 4.0)] * 2 + [(0.0, 8.0)], 30.0, "chaotic",
        "Rucklidge 1992, Journal of Fluid Mechanics 237, 209",
    ),
    "burke_shaw": Known(
        "x: -s*(x + y); y: -y - s*x*z; z: s*x*y + v", dict(s=10.0, v=13.0),
        [(-1.5, 1.5)] * 3, 6.0, "chaotic",
        "Shaw 1981, Zeitschrift fur Naturforschung 36a, 80; values of Sprott 2003, Chaos and"
        " Time-Series Analysis, appendix A",
    ),
    "newton_leipnik": Known(
        "x: y - a*x + 10*y*z; y: 5*x*z - x - 0.4*y; z: b*z - 5*x*y", dict(a=0.4, b=0.175),
        [(-0.4, 0.4), (-0.4, 0.4), (-0.3, 0.0)], 60.0, "chaotic",
        "Leipnik and Newton 1981, Physics Letters A 86, 63",
    ),
    "genesio_tesi": Known(
        "x: y; y: z; z: -c*x - b*y - a*z + x**2",
        dict(a=0.44, b=1.1, c=1.0), [(-0.1, 0.1)] * 3, 40.0, "chaotic",
        "Genesio and Tesi 1992, Automatica 28, 531",
    ),
    "coullet": Known(
        "x: y; y: z; z: a*x - b*y - c*z - x**3", dict(a=0.8, b=1.1, c=0.45),
        [(-0.8, 0.8), (-0.5, 0.5), (-0.5, 0.5)], 50.0, "chaotic",
        "Coullet, Tresser and Arneodo 1979, Physics Letters A 72, 268",
    ),
    "arneodo": Known(
        "x: y; y: z; z: -a*x - b*y - c*z - x**3", dict(a=-5.5, b=3.5, c=1.0),
        [(-2.0, 2.0), (-2.0, 2.0), (-3.0, 3.0)], 40.0, "chaotic",
        "Arneodo, Coullet and Tresser 1981, Physics Letters A 81, 197",
    ),
    "act": Known(
        "x: alpha*(x - y); y: x*z - 4*alpha*y + mu*x**3; z: x*y - delta*alpha*z + beta*z**2",
        dict(alpha=1.8, beta=-0.07, delta=1.5, mu=0.02), [(0.2, 1.0), (0.0, 0.5), (-0.2, 0.5)],
        20.0, "chaotic",
        "Arneodo, Coullet and Tresser 1981, Physics Letters A 81, 197 (Lorenz-like); values of"
        " Sprott 2003, Chaos and Time-Series Analysis, appendix A",
    ),
    "nose_hoover": Known(
        "q: p; p: -q - zeta*p; zeta: (p**2 - temperature)/mass",
        dict(temperature=1.0, mass=1.0), [(-1.5, 1.5)] * 2 + [(-0.5, 0.5)], 40.0, "conservative",
        "Hoover 1985, Physical Review A 31, 1695",
    ),
    "four_wing": Known(
        "x: a*x + y*z; y: b*x + c*y - x*z; z: -z - x*y",
        dict(a=0.2, b=-0.01, c=-0.4), [(-1.5, 1.5)] * 3, 80.0, "chaotic",
        "Wang, Sun, van Wyk, Qi and van Wyk 2009, Brazilian Journal of Physics 39, 547",
    ),
    "dadras": Known(
        "x: y - p*x + o*y*z; y: r*y - x*z + z; z: c*x*y - h*z",
        dict(p=3.0, o=2.7, r=1.7, c=2.0, h=9.0), [(-3.0, 3.0)] * 3, 15.0, "chaotic",
        "Dadras and Momeni 2009, Physics Letters A 373, 3637",
    ),
    "aizawa": Known(
        "x: (z - b)*x - d*y; y: d*x + (z - b)*y;"
        " z: c + a*z - z**3/3 - (x**2 + y**2)*(1 + k*z) + f*z*x**3",
        dict(a=0.95, b=0.7, c=0.6, d=3.5, k=0.25, f=0.1), [(-0.5, 0.5)] * 2 + [(0.0, 1.0)], 25.0,
        "chaotic",
        "Aizawa and Uezu 1982, Progress of Theoretical Physics 67, 982; Langford 1984",
    ),
    "hyper_rossler": Known(
        "x: -y - z; y: x + a*y + w; z: b + x*z; w: d*w - c*z",
        dict(a=0.25, b=3.0, c=0.5, d=0.05), [(-20.0, -8.0), (-8.0, 8.0), (0.0, 0.3), (12.0, 25.0)],
        15.0, "chaotic", "Rossler 1979, Physics Letters A 71, 155",
    ),
    "hyper_lorenz": Known(
        "x: a*(y - x) + w; y: c*x - y - x*z; z: x*y - b*z; w: r*w - y*z",
        dict(a=10.0, b=8/3, c=28.0, r=-1.0),
        [(-10.0, 10.0)] * 2 + [(15.0, 35.0), (-30.0, 30.0)], 7.5, "chaotic",
        "Wang and Wang 2008, Physica A 387, 3751",
    ),
}  # fmt: skip
