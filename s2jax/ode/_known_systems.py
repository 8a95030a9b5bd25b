"""A table of well-known systems; one row is one system."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Known(NamedTuple):
    """A system of the literature.

    Attributes:
        equations: `name: right-hand side` of each state, separated by `;`. Numbers that stand in
            them are structure and never jittered.
        parameters: The values of the source.
        initial: The range of each initial value.
        duration: The longest span of time drawn.
        source: Authors, year, journal or book.
        is_stiff: Whether to solve it by an implicit solver.
    """

    equations: str
    parameters: Mapping[str, float]
    initial: Sequence[tuple[float, float]]
    duration: float
    source: str
    is_stiff: bool = False


_BOX = ((-1.0, 1.0),)

SYSTEMS: Mapping[str, Known] = {
    # one population or state
    "logistic": Known(
        "n: r*n*(1 - n/k)", dict(r=1.0, k=1.0), [(0.01, 1.5)], 10.0,
        "Verhulst 1838, Correspondance mathematique et physique 10, 113",
    ),
    "gompertz": Known(
        "n: r*n*log(k/n)", dict(r=0.5, k=1.0), [(0.01, 1.5)], 12.0,
        "Gompertz 1825, Philosophical Transactions of the Royal Society 115, 513",
    ),
    "budworm": Known(
        "n: r*n*(1 - n/k) - n**2/(1 + n**2)", dict(r=0.4, k=15.0), [(0.1, 15.0)], 40.0,
        "Ludwig, Jones and Holling 1978, Journal of Animal Ecology 47, 315",
    ),
    # ecology and epidemics
    "lotka_volterra": Known(
        "prey: alpha*prey - beta*prey*predator; predator: delta*prey*predator - gamma*predator",
        dict(alpha=1.1, beta=0.4, delta=0.1, gamma=0.4), [(2.0, 12.0), (1.0, 6.0)], 40.0,
        "Lotka 1920, PNAS 6, 410; Volterra 1926, Nature 118, 558",
    ),
    "competition": Known(
        "n1: r1*n1*(1 - n1 - a12*n2); n2: r2*n2*(1 - n2 - a21*n1)",
        dict(r1=1.0, r2=0.8, a12=0.6, a21=0.7), [(0.05, 1.5)] * 2, 20.0,
        "Gause 1934, The Struggle for Existence; Murray 2002, Mathematical Biology I, 3.5",
    ),
    "rosenzweig_macarthur": Known(
        "n: r*n*(1 - n/k) - a*n*p/(1 + a*h*n); p: efficiency*a*n*p/(1 + a*h*n) - m*p",
        dict(r=1.0, k=4.0, a=1.0, h=1.0, efficiency=1.0, m=0.4), [(0.3, 3.0), (0.3, 2.0)], 60.0,
        "Rosenzweig and MacArthur 1963, American Naturalist 97, 209",
    ),
    "holling_tanner": Known(
        "n: r*n*(1 - n/k) - a*n*p/(d + n); p: s*p*(1 - h*p/n)",
        dict(r=1.0, k=7.0, a=6 / 7, d=1.0, s=0.2, h=0.5), [(0.5, 5.0), (0.5, 4.0)], 80.0,
        "Tanner 1975, Ecology 56, 855; values of Gasull et al. 1997, Publ. Mat. 41, 149",
    ),
    "may_leonard": Known(
        "n1: n1*(1 - n1 - a*n2 - b*n3); n2: n2*(1 - b*n1 - n2 - a*n3); "
        "n3: n3*(1 - a*n1 - b*n2 - n3)",
        dict(a=0.8, b=1.3), [(0.1, 0.9)] * 3, 80.0,
        "May and Leonard 1975, SIAM Journal on Applied Mathematics 29, 243",
    ),
    "chemostat": Known(
        "s: dilution*(feed - s) - growth*s*x/(half + s); x: growth*s*x/(half + s) - dilution*x",
        dict(dilution=0.3, feed=2.0, growth=1.0, half=0.5), [(0.1, 2.0), (0.05, 1.0)], 30.0,
        "Monod 1950, Annales de l'Institut Pasteur 79, 390",
    ),
    "sir": Known(
        "s: -beta*s*i; i: beta*s*i - gamma*i; r: gamma*i",
        dict(beta=0.5, gamma=0.15), [(0.8, 0.99), (0.005, 0.1), (0.0, 0.1)], 80.0,
        "Kermack and McKendrick 1927, Proceedings of the Royal Society A 115, 700",
    ),
    "seir": Known(
        "s: -beta*s*i; e: beta*s*i - sigma*e; i: sigma*e - gamma*i; r: gamma*i",
        dict(beta=0.6, sigma=0.25, gamma=0.15),
        [(0.8, 0.99), (0.0, 0.05), (0.005, 0.05), (0.0, 0.1)], 120.0,
        "Anderson and May 1991, Infectious Diseases of Humans",
    ),
    # neurons
    "fitzhugh_nagumo": Known(
        "v: v - v**3/3 - w + current; w: (v + a - b*w)/tau",
        dict(a=0.7, b=0.8, tau=12.5, current=0.5), [(-2.0, 2.0), (-1.0, 1.5)], 120.0,
        "FitzHugh 1961, Biophysical Journal 1, 445; Nagumo et al. 1962, Proc. IRE 50, 2061",
    ),
    "hindmarsh_rose": Known(
        "x: y - a*x**3 + b*x**2 - z + current; y: c - d*x**2 - y; z: r*(s*(x - rest) - z)",
        dict(a=1.0, b=3.0, c=1.0, d=5.0, r=0.006, s=4.0, rest=-1.6, current=3.25),
        [(-1.5, 1.0), (-6.0, 0.0), (2.5, 3.5)], 300.0,
        "Hindmarsh and Rose 1984, Proceedings of the Royal Society B 221, 87",
    ),
    "morris_lecar": Known(
        "v: (current - g_l*(v - v_l) - g_ca*(1 + tanh((v - v1)/v2))/2*(v - v_ca)"
        " - g_k*w*(v - v_k))/c; "
        "w: phi*((1 + tanh((v - v3)/v4))/2 - w)*(exp((v - v3)/(2*v4)) + exp((v3 - v)/(2*v4)))/2",
        dict(current=90.0, c=20.0, g_l=2.0, g_ca=4.4, g_k=8.0, v_l=-60.0, v_ca=120.0, v_k=-84.0,
             v1=-1.2, v2=18.0, v3=2.0, v4=30.0, phi=0.04),
        [(-60.0, 20.0), (0.0, 0.5)], 300.0,
        "Morris and Lecar 1981, Biophysical Journal 35, 193; values of Rinzel and Ermentrout 1989",
    ),
    "wilson_cowan": Known(
        "u: -u + (1 - u)*(1/(1 + exp(-a1*(c1*u - c2*v + drive - th1))) - 1/(1 + exp(a1*th1))); "
        "v: -v + (1 - v)*(1/(1 + exp(-a2*(c3*u - c4*v - th2))) - 1/(1 + exp(a2*th2)))",
        dict(c1=16.0, c2=12.0, c3=15.0, c4=3.0, a1=1.3, th1=4.0, a2=2.0, th2=3.7, drive=1.25),
        [(0.0, 0.5)] * 2, 60.0,
        "Wilson and Cowan 1972, Biophysical Journal 12, 1",
    ),
    # chemistry and cells
    "brusselator": Known(
        "x: a + x**2*y - (b + 1)*x; y: b*x - x**2*y",
        dict(a=1.0, b=3.0), [(0.2, 3.0), (0.5, 4.0)], 30.0,
        "Prigogine and Lefever 1968, Journal of Chemical Physics 48, 1695",
    ),
    "oregonator": Known(
        "x: (q*y - x*y + x*(1 - x))/epsilon; y: (-q*y - x*y + f*z)/delta; z: x - z",
        dict(q=8e-4, f=1.0, epsilon=0.04, delta=4e-4), [(0.01, 0.8), (0.1, 1.0), (0.01, 0.3)], 20.0,
        "Field and Noyes 1974, Journal of Chemical Physics 60, 1877; scaled by Tyson 1985",
        is_stiff=True,
    ),
    "robertson": Known(
        "a: -k1*a + k3*b*c; b: k1*a - k3*b*c - k2*b**2; c: k2*b**2",
        dict(k1=0.04, k2=3e7, k3=1e4), [(0.5, 1.0), (0.0, 1e-5), (0.0, 0.5)], 40.0,
        "Robertson 1966, in Walsh (ed.), Numerical Analysis: an Introduction, 178",
        is_stiff=True,
    ),
    "schnakenberg": Known(
        "u: a - u + u**2*v; v: b - u**2*v", dict(a=0.1, b=0.5), [(0.2, 1.5), (0.5, 2.5)], 40.0,
        "Schnakenberg 1979, Journal of Theoretical Biology 81, 389",
    ),
    "selkov": Known(
        "x: -x + a*y + x**2*y; y: b - a*y - x**2*y",
        dict(a=0.08, b=0.6), [(0.2, 1.5), (0.5, 2.5)], 50.0,
        "Selkov 1968, European Journal of Biochemistry 4, 79; form of Strogatz 1994, 7.3",
    ),
    "goodwin": Known(
        "m: a/(1 + r**10) - k*m; p: b*m - k*p; r: c*p - k*r",
        dict(a=1.0, b=0.1, c=0.1, k=0.1), [(0.1, 2.0)] * 3, 200.0,
        "Goodwin 1965, Advances in Enzyme Regulation 3, 425; exponent of Griffith 1968",
    ),
    "repressilator": Known(
        "m1: leak + alpha/(1 + p3**2) - m1; m2: leak + alpha/(1 + p1**2) - m2; "
        "m3: leak + alpha/(1 + p2**2) - m3; "
        "p1: beta*(m1 - p1); p2: beta*(m2 - p2); p3: beta*(m3 - p3)",
        dict(alpha=216.0, leak=0.216, beta=5.0), [(0.0, 20.0)] * 6, 60.0,
        "Elowitz and Leibler 2000, Nature 403, 335",
    ),
    # oscillators and mechanics
    "harmonic": Known(
        "x: v; v: -omega**2*x", dict(omega=1.0), _BOX * 2, 20.0,
        "Hooke 1678, De Potentia Restitutiva; Landau and Lifshitz 1976, Mechanics, 21",
    ),
    "damped_oscillator": Known(
        "x: v; v: -2*zeta*omega*v - omega**2*x", dict(zeta=0.1, omega=1.0), _BOX * 2, 30.0,
        "Landau and Lifshitz 1976, Mechanics, 25",
    ),
    "van_der_pol": Known(
        "x: y; y: mu*(1 - x**2)*y - x", dict(mu=1.0), [(-3.0, 3.0)] * 2, 20.0,
        "van der Pol 1926, Philosophical Magazine 2, 978",
    ),
    "rayleigh": Known(
        "x: y; y: mu*(1 - y**2/3)*y - x", dict(mu=1.0), [(-2.5, 2.5)] * 2, 25.0,
        "Rayleigh 1883, Philosophical Magazine 15, 229",
    ),
    "duffing": Known(
        "x: v; v: gamma*cos(omega*t) - delta*v - alpha*x - beta*x**3",
        dict(alpha=-1.0, beta=1.0, delta=0.3, gamma=0.5, omega=1.2), [(-1.5, 1.5)] * 2, 50.0,
        "Duffing 1918, Erzwungene Schwingungen; Holmes 1979, Phil. Trans. R. Soc. A 292, 419",
    ),
    "pendulum": Known(
        "theta: omega; omega: -(gravity/length)*sin(theta)",
        dict(gravity=9.81, length=1.0), [(-2.5, 2.5), (-2.0, 2.0)], 10.0,
        "Huygens 1673, Horologium Oscillatorium; Strogatz 1994, 6.7",
    ),
    "damped_pendulum": Known(
        "theta: omega; omega: -damping*omega - (gravity/length)*sin(theta)",
        dict(damping=0.5, gravity=9.81, length=1.0), [(-2.5, 2.5), (-6.0, 6.0)], 12.0,
        "Strogatz 1994, Nonlinear Dynamics and Chaos, 6.7",
    ),
    "driven_pendulum": Known(
        "theta: omega; omega: drive*cos(frequency*t) - damping*omega - sin(theta)",
        dict(drive=1.15, frequency=2 / 3, damping=0.5), [(-1.5, 1.5)] * 2, 60.0,
        "Baker and Gollub 1990, Chaotic Dynamics: an Introduction, 3",
    ),
    "double_pendulum": Known(
        "a1: w1; a2: w2; "
        "w1: (-g*(2*m1 + m2)*sin(a1) - m2*g*sin(a1 - 2*a2)"
        " - 2*sin(a1 - a2)*m2*(w2**2*l2 + w1**2*l1*cos(a1 - a2)))"
        "/(l1*(2*m1 + m2 - m2*cos(2*a1 - 2*a2))); "
        "w2: 2*sin(a1 - a2)*(w1**2*l1*(m1 + m2) + g*(m1 + m2)*cos(a1) + w2**2*l2*m2*cos(a1 - a2))"
        "/(l2*(2*m1 + m2 - m2*cos(2*a1 - 2*a2)))",
        dict(g=9.81, m1=1.0, m2=1.0, l1=1.0, l2=1.0), [(-2.0, 2.0)] * 2 + [(-1.0, 1.0)] * 2, 5.0,
        "Shinbrot, Grebogi, Wisdom and Yorke 1992, American Journal of Physics 60, 491",
    ),
    "henon_heiles": Known(
        "x: u; y: v; u: -x - 2*coupling*x*y; v: -y - coupling*(x**2 - y**2)",
        dict(coupling=1.0), [(-0.25, 0.25)] * 4, 60.0,
        "Henon and Heiles 1964, Astronomical Journal 69, 73",
    ),
    "toda": Known(
        "q1: p1; q2: p2; q3: p3; "
        "p1: a*(exp(b*(q3 - q1)) - exp(b*(q1 - q2))); p2: a*(exp(b*(q1 - q2)) - exp(b*(q2 - q3))); "
        "p3: a*(exp(b*(q2 - q3)) - exp(b*(q3 - q1)))",
        dict(a=1.0, b=1.0), _BOX * 6, 25.0,
        "Toda 1967, Journal of the Physical Society of Japan 22, 431; periodic, three particles",
    ),
    "kepler": Known(
        "x: u; y: v; u: -mu*x/(x**2 + y**2)**1.5; v: -mu*y/(x**2 + y**2)**1.5",
        dict(mu=1.0), [(0.8, 1.2), (-0.2, 0.2), (-0.2, 0.2), (0.7, 1.1)], 15.0,
        "Kepler 1609, Astronomia Nova; Landau and Lifshitz 1976, Mechanics, 15",
    ),
    "rigid_body": Known(
        "u: (i2 - i3)/i1*v*w; v: (i3 - i1)/i2*w*u; w: (i1 - i2)/i3*u*v",
        dict(i1=1.0, i2=2.0, i3=3.0), [(-1.5, 1.5)] * 3, 25.0,
        "Euler 1765, Theoria motus corporum; Landau and Lifshitz 1976, Mechanics, 36",
    ),
    "stuart_landau": Known(
        "x: mu*x - omega*y - (x**2 + y**2)*x; y: omega*x + mu*y - (x**2 + y**2)*y",
        dict(mu=1.0, omega=2.0), [(-1.5, 1.5)] * 2, 12.0,
        "Landau 1944, Doklady 44, 339; Stuart 1960, Journal of Fluid Mechanics 9, 353",
    ),
    # chaotic flows
    "lorenz": Known(
        "x: sigma*(y - x); y: x*(rho - z) - y; z: x*y - beta*z",
        dict(sigma=10.0, rho=28.0, beta=8 / 3), [(-10.0, 10.0)] * 2 + [(15.0, 35.0)], 10.0,
        "Lorenz 1963, Journal of the Atmospheric Sciences 20, 130",
    ),
    "lorenz84": Known(
        "x: -y**2 - z**2 - a*x + a*f; y: x*y - b*x*z - y + g; z: b*x*y + x*z - z",
        dict(a=0.25, b=4.0, f=8.0, g=1.0), [(0.0, 2.0), (-1.5, 1.5), (-1.5, 1.5)], 20.0,
        "Lorenz 1984, Tellus 36A, 98",
    ),
    "lorenz96": Known(
        "x1: (x2 - x4)*x5 - x1 + forcing; x2: (x3 - x5)*x1 - x2 + forcing; "
        "x3: (x4 - x1)*x2 - x3 + forcing; x4: (x5 - x2)*x3 - x4 + forcing; "
        "x5: (x1 - x3)*x4 - x5 + forcing",
        dict(forcing=8.0), [(-2.0, 8.0)] * 5, 10.0,
        "Lorenz 1996, Predictability: a problem partly solved, ECMWF Seminar",
    ),
    "rossler": Known(
        "x: -y - z; y: x + a*y; z: b + z*(x - c)",
        dict(a=0.2, b=0.2, c=5.7), [(-6.0, 6.0)] * 2 + [(0.0, 2.0)], 60.0,
        "Rossler 1976, Physics Letters A 57, 397",
    ),
    "chen": Known(
        "x: a*(y - x); y: (c - a)*x - x*z + c*y; z: x*y - b*z",
        dict(a=35.0, b=3.0, c=28.0), [(-10.0, 10.0)] * 2 + [(15.0, 30.0)], 5.0,
        "Chen and Ueta 1999, International Journal of Bifurcation and Chaos 9, 1465",
    ),
    "lu": Known(
        "x: a*(y - x); y: -x*z + c*y; z: x*y - b*z",
        dict(a=36.0, b=3.0, c=20.0), [(-10.0, 10.0)] * 2 + [(10.0, 25.0)], 5.0,
        "Lu and Chen 2002, International Journal of Bifurcation and Chaos 12, 659",
    ),
    "chua": Known(
        "x: alpha*(y - a*x**3 - c*x); y: x - y + z; z: -beta*y",
        dict(alpha=10.0, beta=16.0, a=1.0, c=-0.143), [(-0.3, 0.3), (-0.1, 0.1), (-0.3, 0.3)], 40.0,
        "Zhong 1994, IEEE Transactions on Circuits and Systems I 41, 934 (cubic nonlinearity)",
    ),
    "thomas": Known(
        "x: sin(y) - b*x; y: sin(z) - b*y; z: sin(x) - b*z", dict(b=0.208186), [(-3.0, 3.0)] * 3,
        80.0, "Thomas 1999, International Journal of Bifurcation and Chaos 9, 1889",
    ),
    "halvorsen": Known(
        "x: -a*x - b*y - b*z - y**2; y: -a*y - b*z - b*x - z**2; z: -a*z - b*x - b*y - x**2",
        dict(a=1.4, b=4.0), [(-2.0, 0.5)] * 3, 15.0,
        "Sprott 2003, Chaos and Time-Series Analysis, appendix A",
    ),
    "rabinovich_fabrikant": Known(
        "x: y*(z - 1 + x**2) + gamma*x; y: x*(3*z + 1 - x**2) + gamma*y; z: -2*z*(alpha + x*y)",
        dict(alpha=0.14, gamma=0.1), [(-0.5, 0.5)] * 2 + [(0.1, 0.5)], 60.0,
        "Rabinovich and Fabrikant 1979, Soviet Physics JETP 50, 311",
    ),
    "rikitake": Known(
        "x: -mu*x + z*y; y: -mu*y + (z - a)*x; z: 1 - x*y",
        dict(mu=2.0, a=5.0), [(-2.0, 2.0)] * 2 + [(0.0, 4.0)], 50.0,
        "Rikitake 1958, Proceedings of the Cambridge Philosophical Society 54, 89",
    ),
    "rucklidge": Known(
        "x: -kappa*x + lam*y - y*z; y: x; z: -z + y**2",
        dict(kappa=2.0, lam=6.7), [(-4.0, 4.0)] * 2 + [(0.0, 8.0)], 30.0,
        "Rucklidge 1992, Journal of Fluid Mechanics 237, 209",
    ),
    "genesio_tesi": Known(
        "x: y; y: z; z: -c*x - b*y - a*z + x**2",
        dict(a=0.44, b=1.1, c=1.0), [(-0.1, 0.1)] * 3, 40.0,
        "Genesio and Tesi 1992, Automatica 28, 531",
    ),
    "moore_spiegel": Known(
        "x: y; y: z; z: -z - (tension - r + r*x**2)*y - tension*x",
        dict(tension=6.0, r=20.0), [(-1.0, 1.0)] * 3, 25.0,
        "Moore and Spiegel 1966, Astrophysical Journal 143, 871",
    ),
    "nose_hoover": Known(
        "q: p; p: -q - zeta*p; zeta: (p**2 - temperature)/mass",
        dict(temperature=1.0, mass=1.0), [(-1.5, 1.5)] * 2 + [(-0.5, 0.5)], 40.0,
        "Hoover 1985, Physical Review A 31, 1695",
    ),
    "sprott_b": Known(
        "x: a*y*z; y: x - y; z: c - x*y", dict(a=1.0, c=1.0), [(-1.0, 1.0)] * 3, 60.0,
        "Sprott 1994, Physical Review E 50, R647 (case B)",
    ),
    "sprott_d": Known(
        "x: -y; y: x + z; z: x*z + a*y**2", dict(a=3.0), [(-0.1, 0.1)] * 3, 60.0,
        "Sprott 1994, Physical Review E 50, R647 (case D)",
    ),
    "sprott_s": Known(
        "x: -x - a*y; y: x + z**2; z: 1 + x", dict(a=4.0), [(-1.0, 0.0), (0.0, 0.5), (-1.0, 1.0)],
        50.0, "Sprott 1994, Physical Review E 50, R647 (case S)",
    ),
    "four_wing": Known(
        "x: a*x + y*z; y: b*x + c*y - x*z; z: -z - x*y",
        dict(a=0.2, b=-0.01, c=-0.4), [(-1.5, 1.5)] * 3, 80.0,
        "Wang, Sun, van Wyk, Qi and van Wyk 2009, Brazilian Journal of Physics 39, 547",
    ),
    "dadras": Known(
        "x: y - p*x + o*y*z; y: r*y - x*z + z; z: c*x*y - h*z",
        dict(p=3.0, o=2.7, r=1.7, c=2.0, h=9.0), [(-3.0, 3.0)] * 3, 20.0,
        "Dadras and Momeni 2009, Physics Letters A 373, 3637",
    ),
    "aizawa": Known(
        "x: (z - b)*x - d*y; y: d*x + (z - b)*y;"
        " z: c + a*z - z**3/3 - (x**2 + y**2)*(1 + k*z) + f*z*x**3",
        dict(a=0.95, b=0.7, c=0.6, d=3.5, k=0.25, f=0.1), [(-0.5, 0.5)] * 2 + [(0.0, 1.0)], 25.0,
        "Aizawa and Uezu 1982, Progress of Theoretical Physics 67, 982; Langford 1984",
    ),
}  # fmt: skip
