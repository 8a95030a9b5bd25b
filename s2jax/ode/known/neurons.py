"""Neurons, networks of them, and hearts."""

from collections.abc import Mapping

from s2jax.ode.known._base import Known

SYSTEMS: Mapping[str, Known] = {
    "fitzhugh_nagumo": Known(
        "v: v - v**3/3 - w + current; w: (v + a - b*w)/tau",
        dict(a=0.7, b=0.8, tau=12.5, current=0.5), [(-2.0, 2.0), (-1.0, 1.5)], 60.0, "oscillating",
        "FitzHugh 1961, Biophysical Journal 1, 445; Nagumo et al. 1962, Proc. IRE 50, 2061",
    ),
    "fitzhugh_rinzel": Known(
        "v: v - v**3/3 - w + y + current; w: delta*(a + v - b*w); y: mu*(c - v - d*y)",
        dict(current=0.3125, a=0.7, b=0.8, c=-0.775, d=1.0, delta=0.08, mu=0.002),
        [(-1.5, 1.5), (-0.5, 1.0), (-0.1, 0.1)], 210.0, "oscillating",
        "Rinzel 1987, in Teramoto and Yamaguti (eds.), Mathematical Topics in Population Biology"
        " (a faster mu than usual)",
    ),
    "hindmarsh_rose": Known(
        "x: y - a*x**3 + b*x**2 - z + current; y: c - d*x**2 - y; z: r*(s*(x - rest) - z)",
        dict(a=1.0, b=3.0, c=1.0, d=5.0, r=0.006, s=4.0, rest=-1.6, current=3.25),
        [(-1.5, 1.0), (-6.0, 0.0), (2.5, 3.5)], 90.0, "chaotic",
        "Hindmarsh and Rose 1984, Proceedings of the Royal Society B 221, 87",
    ),
    "morris_lecar": Known(
        "v: (current - g_l*(v - v_l) - g_ca*(1 + tanh((v - v1)/v2))/2*(v - v_ca)"
        " - g_k*w*(v - v_k))/c; "
        "w: phi*((1 + tanh((v - v3)/v4))/2 - w)*(exp((v - v3)/(2*v4)) + exp((v3 - v)/(2*v4)))/2",
        dict(current=90.0, c=20.0, g_l=2.0, g_ca=4.4, g_k=8.0, v_l=-60.0, v_ca=120.0, v_k=-84.0,
             v1=-1.2, v2=18.0, v3=2.0, v4=30.0, phi=0.04),
        [(-60.0, 20.0), (0.0, 0.5)], 300.0, "oscillating",
        "Morris and Lecar 1981, Biophysical Journal 35, 193; values of Rinzel and Ermentrout 1989",
    ),
    "hodgkin_huxley": Known(
        "v: (current - g_na*m**3*h*(v - v_na) - g_k*n**4*(v - v_k) - g_l*(v - v_l))/c; "
        "m: 0.1*(25 - v)/(exp((25 - v)/10) - 1)*(1 - m) - 4*exp(-v/18)*m; "
        "h: 0.07*exp(-v/20)*(1 - h) - h/(exp((30 - v)/10) + 1); "
        "n: 0.01*(10 - v)/(exp((10 - v)/10) - 1)*(1 - n) - 0.125*exp(-v/80)*n",
        dict(current=10.0, c=1.0, g_na=120.0, g_k=36.0, g_l=0.3, v_na=115.0, v_k=-12.0, v_l=10.613),
        [(-5.0, 8.0), (0.03, 0.1), (0.4, 0.6), (0.3, 0.4)], 30.0, "oscillating",
        "Hodgkin and Huxley 1952, Journal of Physiology 117, 500",
    ),
    "wilson_cowan": Known(
        "u: -u + (1 - u)*(1/(1 + exp(-a1*(c1*u - c2*v + drive - th1))) - 1/(1 + exp(a1*th1))); "
        "v: -v + (1 - v)*(1/(1 + exp(-a2*(c3*u - c4*v - th2))) - 1/(1 + exp(a2*th2)))",
        dict(c1=16.0, c2=12.0, c3=15.0, c4=3.0, a1=1.3, th1=4.0, a2=2.0, th2=3.7, drive=1.25),
        [(0.0, 0.5)] * 2, 60.0, "oscillating",
        "Wilson and Cowan 1972, Biophysical Journal 12, 1",
    ),
    "jansen_rit": Known(
        "y0: y3; y1: y4; y2: y5; "
        "y3: big_a*a*5/(1 + exp(r*(v0 - y1 + y2))) - 2*a*y3 - a**2*y0; "
        "y4: big_a*a*(p + 0.8*c*5/(1 + exp(r*(v0 - c*y0)))) - 2*a*y4 - a**2*y1; "
        "y5: big_b*b*0.25*c*5/(1 + exp(r*(v0 - 0.25*c*y0))) - 2*b*y5 - b**2*y2",
        dict(big_a=3.25, big_b=22.0, a=100.0, b=50.0, c=135.0, p=200.0, v0=6.0, r=0.56),
        [(0.05, 0.15), (10.0, 30.0), (5.0, 20.0), (-1.0, 1.0), (-100.0, 100.0), (-50.0, 50.0)],
        0.75,
        "oscillating", "Jansen and Rit 1995, Biological Cybernetics 73, 357",
    ),
    "hopfield": Known(
        "u: (w*tanh(v) - u)/tau_u; v: (w*tanh(u) - v)/tau_v",
        dict(w=1.5, tau_u=1.0, tau_v=2.0), [(-1.5, 1.5)] * 2, 20.0, "bistable",
        "Hopfield 1984, PNAS 81, 3088 (two neurons; typical values)",
    ),
    "aliev_panfilov": Known(
        "u: -k*u*(u - a)*(u - 1) - u*v; v: (eps + mu1*v/(u + mu2))*(-v - k*u*(u - a - 1))",
        dict(k=8.0, a=0.15, eps=0.002, mu1=0.2, mu2=0.3), [(0.2, 1.0), (0.0, 0.3)], 50.0,
        "settling", "Aliev and Panfilov 1996, Chaos, Solitons and Fractals 7, 293",
    ),
}  # fmt: skip
