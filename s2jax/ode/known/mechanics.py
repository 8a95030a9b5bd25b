"""Springs, pendulums, tops and orbits."""

from collections.abc import Mapping

from s2jax.ode.known._base import Known

_BOX = ((-1.0, 1.0),)

SYSTEMS: Mapping[str, Known] = {
    "harmonic": Known(
        "x: v; v: -omega**2*x", dict(omega=1.0), _BOX * 2, 20.0, "conservative",
        "Hooke 1678, De Potentia Restitutiva; Landau and Lifshitz 1976, Mechanics, 21",
    ),
    "damped_oscillator": Known(
        "x: v; v: -2*zeta*omega*v - omega**2*x", dict(zeta=0.1, omega=1.0), _BOX * 2, 30.0,
        "settling",
        "Landau and Lifshitz 1976, Mechanics, 25",
    ),
    "coupled_springs": Known(
        "x: u; y: v; u: -k*x - c*(x - y); v: -k*y - c*(y - x)",
        dict(k=1.0, c=0.15), _BOX * 4, 60.0, "conservative",
        "Landau and Lifshitz 1976, Mechanics, 23 (typical values)",
    ),
    "foucault": Known(
        "x: u; y: v; u: 2*turn*v - omega**2*x; v: -2*turn*u - omega**2*y",
        dict(turn=0.1, omega=1.0), _BOX * 4, 40.0, "conservative",
        "Foucault 1851, Comptes Rendus 32, 135; Landau and Lifshitz 1976, Mechanics, 39"
        " (a faster turn than Earth's)",
    ),
    "mathieu": Known(
        "x: v; v: -(a - 2*q*cos(2*t))*x", dict(a=2.5, q=0.5), _BOX * 2, 30.0, "conservative",
        "Mathieu 1868, Journal de Mathematiques Pures et Appliquees 13, 137 (typical values)",
    ),
    "pendulum": Known(
        "theta: omega; omega: -(gravity/length)*sin(theta)",
        dict(gravity=9.81, length=1.0), [(-2.5, 2.5), (-2.0, 2.0)], 10.0, "conservative",
        "Huygens 1673, Horologium Oscillatorium; Strogatz 1994, 6.7",
    ),
    "damped_pendulum": Known(
        "theta: omega; omega: -damping*omega - (gravity/length)*sin(theta)",
        dict(damping=0.5, gravity=9.81, length=1.0), [(-2.5, 2.5), (-6.0, 6.0)], 12.0, "settling",
        "Strogatz 1994, Nonlinear Dynamics and Chaos, 6.7",
    ),
    "driven_pendulum": Known(
        "theta: omega; omega: drive*cos(frequency*t) - damping*omega - sin(theta)",
        dict(drive=1.15, frequency=2 / 3, damping=0.5), [(-1.5, 1.5)] * 2, 60.0, "chaotic",
        "Baker and Gollub 1990, Chaotic Dynamics: an Introduction, 3",
    ),
    "double_pendulum": Known(
        "a1: w1; a2: w2; "
        "w1: (-g*(2*m1 + m2)*sin(a1) - m2*g*sin(a1 - 2*a2)"
        " - 2*sin(a1 - a2)*m2*(w2**2*l2 + w1**2*l1*cos(a1 - a2)))"
        "/(l1*(2*m1 + m2 - m2*cos(2*a1 - 2*a2))); "
        "w2: 2*sin(a1 - a2)*(w1**2*l1*(m1 + m2) + g*(m1 + m2)*cos(a1) + w2**2*l2*m2*cos(a1 - a2))"
        "/(l2*(2*m1 + m2 - m2*cos(2*a1 - 2*a2)))",
        dict(g=9.81, m1=1.0, m2=1.0, l1=1.0, l2=1.0), [(1.0, 3.0), (-3.0, 3.0)] + [(-1.0, 1.0)] * 2,
        5.0, "chaotic",
        "Shinbrot, Grebogi, Wisdom and Yorke 1992, American Journal of Physics 60, 491",
    ),
    "spring_pendulum": Known(
        "r: s; theta: omega; s: r*omega**2 + g*cos(theta) - k*(r - rest); "
        "omega: -(g*sin(theta) + 2*s*omega)/r",
        dict(g=9.81, k=40.0, rest=1.0), [(1.0, 1.5), (-0.8, 0.8), (-0.5, 0.5), (-0.5, 0.5)], 12.0,
        "conservative",
        "Vitt and Gorelik 1933, Zhurnal Tekhnicheskoi Fiziki 3, 294 (typical values)",
    ),
    "swinging_atwood": Known(
        "r: s; theta: omega; s: (r*omega**2 + g*cos(theta) - mu*g)/(1 + mu); "
        "omega: -(g*sin(theta) + 2*s*omega)/r",
        dict(g=9.81, mu=3.0), [(0.8, 1.5), (-1.4, 1.4), (-0.2, 0.2), (-0.5, 0.5)], 6.0,
        "conservative", "Tufillaro, Abbott and Griffiths 1984, American Journal of Physics 52, 895",
    ),
    "bead_on_hoop": Known(
        "theta: v; v: sin(theta)*(omega**2*cos(theta) - g/r) - damping*v",
        dict(omega=5.0, g=9.81, r=1.0, damping=1.0), [(-2.0, 2.0), (-3.0, 3.0)], 8.0, "bistable",
        "Strogatz 1994, Nonlinear Dynamics and Chaos, 3.5 (typical values)",
    ),
    "double_well": Known(
        "x: v; v: x - x**3 - delta*v", dict(delta=0.3), [(-1.8, 1.8)] * 2, 25.0, "bistable",
        "Guckenheimer and Holmes 1983, Nonlinear Oscillations, Dynamical Systems, and Bifurcations"
        " of Vector Fields, 2.2",
    ),
    "henon_heiles": Known(
        "x: u; y: v; u: -x - 2*coupling*x*y; v: -y - coupling*(x**2 - y**2)",
        dict(coupling=1.0), [(-0.25, 0.25)] * 4, 60.0, "conservative",
        "Henon and Heiles 1964, Astronomical Journal 69, 73",
    ),
    "toda": Known(
        "q1: p1; q2: p2; q3: p3; "
        "p1: a*(exp(b*(q3 - q1)) - exp(b*(q1 - q2))); p2: a*(exp(b*(q1 - q2)) - exp(b*(q2 - q3))); "
        "p3: a*(exp(b*(q2 - q3)) - exp(b*(q3 - q1)))",
        dict(a=1.0, b=1.0), _BOX * 6, 25.0, "conservative",
        "Toda 1967, Journal of the Physical Society of Japan 22, 431; periodic, three particles",
    ),
    "kepler": Known(
        "x: u; y: v; u: -mu*x/(x**2 + y**2)**1.5; v: -mu*y/(x**2 + y**2)**1.5",
        dict(mu=1.0), [(0.8, 1.2), (-0.2, 0.2), (-0.2, 0.2), (0.7, 1.1)], 15.0, "conservative",
        "Kepler 1609, Astronomia Nova; Landau and Lifshitz 1976, Mechanics, 15",
    ),
    "three_body": Known(
        "x: u; y: v; u: x + 2*v - (1 - mu)*(x + mu)/((x + mu)**2 + y**2)**1.5"
        " - mu*(x - 1 + mu)/((x - 1 + mu)**2 + y**2)**1.5; "
        "v: y - 2*u - (1 - mu)*y/((x + mu)**2 + y**2)**1.5 - mu*y/((x - 1 + mu)**2 + y**2)**1.5",
        dict(mu=0.012277471),
        [(0.478, 0.498), (0.856, 0.876), (-0.004, 0.004), (-0.004, 0.004)], 60.0, "conservative",
        "Szebehely 1967, Theory of Orbits (Earth and Moon, about L4)",
    ),
    "rigid_body": Known(
        "u: (i2 - i3)/i1*v*w; v: (i3 - i1)/i2*w*u; w: (i1 - i2)/i3*u*v",
        dict(i1=1.0, i2=2.0, i3=3.0), [(-1.5, 1.5)] * 3, 25.0, "conservative",
        "Euler 1765, Theoria motus corporum; Landau and Lifshitz 1976, Mechanics, 36",
    ),
    "point_vortices": Known(
        "x1: -g*(y1 - y2)/((x1 - x2)**2 + (y1 - y2)**2)"
        " - h*(y1 - y3)/((x1 - x3)**2 + (y1 - y3)**2); "
        "y1: g*(x1 - x2)/((x1 - x2)**2 + (y1 - y2)**2)"
        " + h*(x1 - x3)/((x1 - x3)**2 + (y1 - y3)**2); "
        "x2: f*(y1 - y2)/((x1 - x2)**2 + (y1 - y2)**2)"
        " - h*(y2 - y3)/((x2 - x3)**2 + (y2 - y3)**2); "
        "y2: -f*(x1 - x2)/((x1 - x2)**2 + (y1 - y2)**2)"
        " + h*(x2 - x3)/((x2 - x3)**2 + (y2 - y3)**2); "
        "x3: f*(y1 - y3)/((x1 - x3)**2 + (y1 - y3)**2)"
        " + g*(y2 - y3)/((x2 - x3)**2 + (y2 - y3)**2); "
        "y3: -f*(x1 - x3)/((x1 - x3)**2 + (y1 - y3)**2)"
        " - g*(x2 - x3)/((x2 - x3)**2 + (y2 - y3)**2)",
        dict(f=1.0, g=1.0, h=0.8),
        [(-1.2, -0.6), (-0.3, 0.3), (0.6, 1.2), (-0.3, 0.3), (-0.3, 0.3), (0.8, 1.4)], 15.0,
        "conservative", "Aref 1979, Physics of Fluids 22, 393 (typical strengths)",
    ),
}  # fmt: skip
