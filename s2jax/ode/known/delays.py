"""Systems with delays: what happens now depends on what was before."""

from collections.abc import Mapping

from s2jax.ode.known._base import Known

SYSTEMS: Mapping[str, Known] = {
    "mackey_glass": Known(
        "x: beta*x(t - tau)/(1 + x(t - tau)**10) - gamma*x",
        dict(beta=0.2, gamma=0.1, tau=17.0), [(0.5, 1.3)], 300.0, "chaotic",
        "Mackey and Glass 1977, Science 197, 287; delay of Farmer 1982, Physica D 4, 366",
    ),
    "ikeda_delay": Known(
        "x: -x + mu*sin(x(t - tau))", dict(mu=6.0, tau=2.0), [(0.5, 3.0)], 20.0, "chaotic",
        "Ikeda and Matsumoto 1987, Physica D 29, 223 (typical values)",
    ),
    "sprott_delay": Known(
        "x: sin(x(t - tau))", dict(tau=10.0), [(-3.0, 3.0)], 100.0, "chaotic",
        "Sprott 2007, Physics Letters A 366, 397 (typical values)",
    ),
    "hutchinson": Known(
        "n: r*n*(1 - n(t - tau)/k)", dict(r=1.0, k=1.0, tau=2.0), [(0.2, 1.5)], 40.0,
        "oscillating",
        "Hutchinson 1948, Annals of the New York Academy of Sciences 50, 221 (typical values)",
    ),
    "wright": Known(
        "x: -alpha*x(t - 1)*(1 + x)", dict(alpha=1.8), [(-0.7, 0.7)], 25.0, "oscillating",
        "Wright 1955, Journal fuer die reine und angewandte Mathematik 194, 66 (typical values)",
    ),
    "blowflies": Known(
        "n: p*n(t - tau)*exp(-n(t - tau)/scale) - delta*n",
        dict(p=6.0, scale=1.0, delta=0.5, tau=12.0), [(0.5, 4.0)], 200.0, "oscillating",
        "Gurney, Blythe and Nisbet 1980, Nature 287, 17 (typical values)",
    ),
    "delayed_oscillator": Known(
        "T: T - T**3 - alpha*T(t - delta)", dict(alpha=0.75, delta=6.0), [(0.1, 1.0)], 50.0,
        "oscillating",
        "Suarez and Schopf 1988, Journal of the Atmospheric Sciences 45, 3283",
    ),
    "delayed_van_der_pol": Known(
        "x: y; y: mu*(1 - x**2)*y - x + mu*k*x(t - tau)", dict(mu=0.5, k=0.5, tau=1.0),
        [(-2.0, 2.0), (-2.0, 2.0)], 40.0, "oscillating",
        "Atay 1998, Journal of Sound and Vibration 218, 333 (typical values)",
    ),
    "hes1": Known(
        "m: alpha/(1 + (p(t - tau)/p0)**5) - mu*m; p: beta*m - nu*p",
        dict(alpha=1.0, beta=0.1, mu=0.03, nu=0.03, p0=10.0, tau=18.5),
        [(1.0, 10.0), (5.0, 25.0)], 800.0, "oscillating",
        "Monk 2003, Current Biology 13, 1409 (p in tens of molecules)",
    ),
    "vector_disease": Known(
        "i: b*i(t - tau)*(1 - i) - c*i", dict(b=2.0, c=1.0, tau=3.0), [(0.01, 0.9)], 40.0,
        "settling",
        "Cooke 1979, Rocky Mountain Journal of Mathematics 9, 31 (typical values)",
    ),
}  # fmt: skip
