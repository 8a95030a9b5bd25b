"""Genes, enzymes and messengers in cells."""

from collections.abc import Mapping

from s2jax.ode.known._base import Known

SYSTEMS: Mapping[str, Known] = {
    "selkov": Known(
        "x: -x + a*y + x**2*y; y: b - a*y - x**2*y",
        dict(a=0.08, b=0.6), [(0.2, 1.5), (0.5, 2.5)], 50.0, "oscillating",
        "Selkov 1968, European Journal of Biochemistry 4, 79; form of Strogatz 1994, 7.3",
    ),
    "glycolysis": Known(
        "s1: j0 - k1*s1*s6/(1 + (s6/ki)**4); "
        "s2: 2*k1*s1*s6/(1 + (s6/ki)**4) - k2*s2*(n - s5) - k6*s2*s5; "
        "s3: k2*s2*(n - s5) - k3*s3*(a - s6); s4: k3*s3*(a - s6) - k4*s4*s5 - kappa*(s4 - s7); "
        "s5: k2*s2*(n - s5) - k4*s4*s5 - k6*s2*s5; "
        "s6: 2*k3*s3*(a - s6) - 2*k1*s1*s6/(1 + (s6/ki)**4) - k5*s6; "
        "s7: psi*kappa*(s4 - s7) - k*s7",
        dict(j0=2.5, k1=100.0, k2=6.0, k3=16.0, k4=100.0, k5=1.28, k6=12.0, k=1.8, kappa=13.0,
             ki=0.52, psi=0.1, n=1.0, a=4.0),
        [(0.2, 1.6), (0.2, 2.0), (0.04, 0.2), (0.1, 0.3), (0.08, 0.3), (0.2, 2.5), (0.05, 0.1)],
        4.0, "oscillating",
        "Ruoff, Christensen, Wolf and Heinrich 2003, Biophysical Chemistry 106, 179",
    ),
    "goodwin": Known(
        "m: a/(1 + r**10) - k*m; p: b*m - k*p; r: c*p - k*r",
        dict(a=1.0, b=0.1, c=0.1, k=0.1), [(0.1, 2.0)] * 3, 200.0, "oscillating",
        "Goodwin 1965, Advances in Enzyme Regulation 3, 425; exponent of Griffith 1968",
    ),
    "repressilator": Known(
        "m1: leak + alpha/(1 + p3**2) - m1; m2: leak + alpha/(1 + p1**2) - m2; "
        "m3: leak + alpha/(1 + p2**2) - m3; "
        "p1: beta*(m1 - p1); p2: beta*(m2 - p2); p3: beta*(m3 - p3)",
        dict(alpha=216.0, leak=0.216, beta=5.0), [(0.0, 20.0)] * 6, 30.0, "oscillating",
        "Elowitz and Leibler 2000, Nature 403, 335",
    ),
    "toggle_switch": Known(
        "u: a1/(1 + v**2.5) - u; v: a2/(1 + u) - v", dict(a1=156.25, a2=15.6),
        [(0.1, 10.0), (0.1, 12.0)], 12.0, "bistable",
        "Gardner, Cantor and Collins 2000, Nature 403, 339",
    ),
    "griffith": Known(
        "x: y - a*x; y: x**2/(1 + x**2) - b*y", dict(a=0.66, b=0.7), [(0.0, 1.5), (0.0, 0.9)], 40.0,
        "bistable", "Griffith 1968, Journal of Theoretical Biology 20, 209 (typical values)",
    ),
    "circadian": Known(
        "m: vs/(1 + (n/ki)**4) - vm*m/(km + m); p0: ks*m - v1*p0/(2 + p0) + v2*p1/(2 + p1); "
        "p1: v1*p0/(2 + p0) - v2*p1/(2 + p1) - v3*p1/(2 + p1) + v4*p2/(2 + p2); "
        "p2: v3*p1/(2 + p1) - v4*p2/(2 + p2) - k1*p2 + k2*n - vd*p2/(kd + p2); n: k1*p2 - k2*n",
        dict(vs=0.76, vm=0.65, ks=0.38, vd=0.95, v1=3.2, v2=1.58, v3=5.0, v4=2.5, k1=1.9, k2=1.3,
             ki=1.0, km=0.5, kd=0.2),
        [(0.3, 2.5), (0.2, 2.0), (0.2, 2.0), (0.2, 1.5), (0.2, 2.0)], 60.0, "oscillating",
        "Goldbeter 1995, Proceedings of the Royal Society B 261, 319",
    ),
    "cell_cycle": Known(
        "u: k4*(v - u)*(alpha + u**2) - k6*u; v: k1 - k6*u",
        dict(k1=0.015, k4=180.0, k6=1.0, alpha=1e-4), [(0.001, 0.1), (0.1, 0.5)], 60.0,
        "oscillating", "Tyson 1991, PNAS 88, 7328",
    ),
    "mitosis": Known(
        "c: vi - vd*x*c/(kd + c) - k*c; m: vm1*c/(kc + c)*(1 - m)/(k1 + 1 - m) - v2*m/(k1 + m); "
        "x: vm3*m*(1 - x)/(k1 + 1 - x) - v4*x/(k1 + x)",
        dict(vi=0.025, vd=0.25, kd=0.02, k=0.01, vm1=3.0, kc=0.5, v2=1.5, vm3=1.0, v4=0.5,
             k1=0.005),
        [(0.05, 0.5), (0.02, 0.5), (0.02, 0.5)], 100.0, "oscillating",
        "Goldbeter 1991, PNAS 88, 9107", is_stiff=True,
    ),
    "dictyostelium": Known(
        "aca: k1*car1 - k2*aca*pka; pka: k3*inner - k4*pka; erk2: k5*car1 - k6*pka*erk2; "
        "rega: k7 - k8*erk2*rega; inner: k9*aca - k10*rega*inner; outer: k11*aca - k12*outer; "
        "car1: k13*outer - k14*car1",
        dict(k1=2.0, k2=0.9, k3=2.5, k4=1.5, k5=0.6, k6=0.8, k7=1.0, k8=1.3, k9=0.3, k10=0.8,
             k11=0.7, k12=4.9, k13=23.0, k14=4.5),
        [(0.5, 2.0), (0.5, 2.0), (0.3, 1.0), (0.5, 2.0), (0.2, 1.0), (0.1, 0.4), (0.5, 2.0)], 25.0,
        "oscillating", "Laub and Loomis 1998, Molecular Biology of the Cell 9, 3521; values of"
        " Ma and Iglesias 2002, BMC Bioinformatics 3, 38",
    ),
    "calcium": Known(
        "z: v0 + v1*dose - vm2*z**2/(k2**2 + z**2)"
        " + vm3*y**2/(kr**2 + y**2)*z**4/(ka**4 + z**4) + kf*y - k*z; "
        "y: vm2*z**2/(k2**2 + z**2) - vm3*y**2/(kr**2 + y**2)*z**4/(ka**4 + z**4) - kf*y",
        dict(v0=1.0, v1=7.3, dose=0.3, vm2=65.0, vm3=500.0, k2=1.0, kr=2.0, ka=0.9, kf=1.0, k=10.0),
        [(0.1, 1.0), (0.8, 2.0)], 3.0, "oscillating",
        "Goldbeter, Dupont and Berridge 1990, PNAS 87, 1461",
    ),
}  # fmt: skip
