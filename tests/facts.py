"""What is known of the named systems: equilibria, invariants, and Lyapunov exponents."""

from typing import Any

from s2jax.ode.known import SYSTEMS

# What is known of every system, in its own names:
#   equilibrium: states at which nothing moves; divergence: the trace of the Jacobian;
#   invariant: what stays constant along every solution; where: other parameters than drawn ones;
#   derivative: derivatives at given states. Other values may be expressions, too.
FACTS: dict[str, list[dict[str, Any]]] = {
    "logistic": [{"equilibrium": "k"}, {"equilibrium": "0"}],
    "gompertz": [{"equilibrium": "k"}],
    "budworm": [
        {"equilibrium": "0"},
        {"divergence": "r - 2*r*n/k - 2*n/(1 + n**2)**2"},
    ],
    "lotka_volterra": [
        {"equilibrium": "gamma/delta, alpha/beta"},
        {"invariant": "delta*prey - gamma*log(prey) + beta*predator - alpha*log(predator)"},
    ],
    "competition": [{"equilibrium": "(1 - a12)/(1 - a12*a21), (1 - a21)/(1 - a12*a21)"}],
    "rosenzweig_macarthur": [
        {
            "equilibrium": "m/(a*(efficiency - m*h)), "
            "r*(1 - m/(a*(efficiency - m*h))/k)*(1 + h*m/(efficiency - m*h))/a"
        },
        {"equilibrium": "k, 0"},
    ],
    "holling_tanner": [{"equilibrium": "1, 2", "where": SYSTEMS["holling_tanner"].parameters}],
    "may_leonard": [{"equilibrium": "1/(1 + a + b), 1/(1 + a + b), 1/(1 + a + b)"}],
    "chemostat": [
        {
            "equilibrium": "half*dilution/(growth - dilution), "
            "feed - half*dilution/(growth - dilution)"
        },
        {"equilibrium": "feed, 0"},
        {"invariant": "(s + x - feed)*exp(dilution*t)"},
    ],
    "sir": [{"invariant": "s + i + r"}, {"invariant": "log(s) + beta*r/gamma"}],
    "seir": [{"invariant": "s + e + i + r"}, {"invariant": "log(s) + beta*r/gamma"}],
    "fitzhugh_nagumo": [
        {"divergence": "1 - v**2 - b/tau"},
        {
            "equilibrium": "-0.8048, -0.1310",
            "where": SYSTEMS["fitzhugh_nagumo"].parameters,
            "tolerance": 2e-4,
        },
    ],
    "hindmarsh_rose": [
        {"divergence": "-3*a*x**2 + 2*b*x - 1 - r"},
        {"derivative": "current + c - d*rest**2, 0, 0", "at": "0, c, 0",
         "where": {"a": 1.0, "b": 3.0, "d": 0.0, "rest": 0.0}},
    ],
    "morris_lecar": [  # rest of Rinzel and Ermentrout 1989 without current
        {
            "equilibrium": "-60.855, 0.01491",
            "where": SYSTEMS["morris_lecar"].parameters | {"current": 0.0},
            "tolerance": 2e-3,
        }
    ],
    "wilson_cowan": [{"equilibrium": "0, 0", "where": {"drive": 0.0}}],
    "brusselator": [{"equilibrium": "a, b/a"}, {"divergence": "2*x*y - b - 1 - x**2"}],
    "oregonator": [
        {
            "equilibrium": "(-q + sqrt(q**2 + 8*q))/2, "
            "(-q + sqrt(q**2 + 8*q))/2/(q + (-q + sqrt(q**2 + 8*q))/2), (-q + sqrt(q**2 + 8*q))/2",
            "where": {"f": 1.0},
        },
    ],
    "robertson": [{"invariant": "a + b + c"}],
    "schnakenberg": [{"equilibrium": "a + b, b/(a + b)**2"}],
    "selkov": [{"equilibrium": "b, b/(a + b**2)"}],
    "goodwin": [
        {"divergence": "-3*k"},
        {"equilibrium": "1, 1, 1", "where": {"a": 0.4, "b": 0.2, "c": 0.2, "k": 0.2}},
    ],
    "repressilator": [
        {"divergence": "-3 - 3*beta"},
        {"equilibrium": "2, 2, 2, 2, 2, 2", "where": {"alpha": 10.0, "leak": 0.0}},
    ],
    "harmonic": [{"invariant": "omega**2*x**2 + v**2"}],
    "damped_oscillator": [
        {"invariant": "(v**2 + 2*zeta*omega*x*v + omega**2*x**2)*exp(2*zeta*omega*t)"}
    ],
    "van_der_pol": [{"equilibrium": "0, 0"}, {"divergence": "mu*(1 - x**2)"}],
    "rayleigh": [{"equilibrium": "0, 0"}, {"divergence": "mu*(1 - y**2)"}],
    "duffing": [
        {"divergence": "-delta"},
        {"equilibrium": "sqrt(-alpha/beta), 0", "where": {"gamma": 0.0}},
        {
            "invariant": "v**2/2 + alpha*x**2/2 + beta*x**4/4",
            "where": {"gamma": 0.0, "delta": 0.0},
        },
    ],
    "pendulum": [{"invariant": "omega**2/2 - gravity/length*cos(theta)"}],
    "damped_pendulum": [{"equilibrium": "pi, 0"}, {"divergence": "-damping"}],
    "driven_pendulum": [
        {"divergence": "-damping"},
        {"invariant": "omega**2/2 - cos(theta)", "where": {"drive": 0.0, "damping": 0.0}},
        {
            "invariant": "omega - drive*sin(frequency*t)/frequency + damping*theta - sin(theta)*0",
            "at_zero": ["theta"],
        },
    ],
    "double_pendulum": [
        {
            "invariant": "(m1 + m2)/2*l1**2*w1**2 + m2/2*l2**2*w2**2 + m2*l1*l2*w1*w2*cos(a1 - a2)"
            " - (m1 + m2)*g*l1*cos(a1) - m2*g*l2*cos(a2)"
        }
    ],
    "henon_heiles": [{"invariant": "(u**2 + v**2 + x**2 + y**2)/2 + coupling*(x**2*y - y**3/3)"}],
    "toda": [
        {"invariant": "p1 + p2 + p3"},
        {
            "invariant": "(p1**2 + p2**2 + p3**2)/2"
            " + a/b*(exp(b*(q1 - q2)) + exp(b*(q2 - q3)) + exp(b*(q3 - q1)))"
        },
    ],
    "kepler": [
        {"invariant": "x*v - y*u"},
        {"invariant": "(u**2 + v**2)/2 - mu/sqrt(x**2 + y**2)"},
        {"invariant": "v*(x*v - y*u) - mu*x/sqrt(x**2 + y**2)"},
    ],
    "rigid_body": [
        {"invariant": "i1*u**2 + i2*v**2 + i3*w**2"},
        {"invariant": "i1**2*u**2 + i2**2*v**2 + i3**2*w**2"},
    ],
    "stuart_landau": [
        {"derivative": "0, omega*sqrt(mu)", "at": "sqrt(mu), 0"},
        {"invariant": "(1/(x**2 + y**2) - 1/mu)*exp(2*mu*t)"},
    ],
    "lorenz": [
        {"equilibrium": "sqrt(beta*(rho - 1)), sqrt(beta*(rho - 1)), rho - 1"},
        {"equilibrium": "-sqrt(beta*(rho - 1)), -sqrt(beta*(rho - 1)), rho - 1"},
        {"divergence": "-(sigma + 1 + beta)"},
        {"invariant": "(x**2 - 2*sigma*z)*exp(2*sigma*t)", "where": {"sigma": 1.0, "beta": 2.0}},
    ],
    "lorenz84": [
        {"divergence": "2*x - 2 - a"},
        {"equilibrium": "f, 0, 0", "where": {"g": 0.0}},
    ],
    "lorenz96": [
        {"equilibrium": ", ".join(["forcing"] * 5)},
        {"divergence": "-5"},
        {  # the quadratic terms conserve energy
            "invariant": "(x1**2 + x2**2 + x3**2 + x4**2 + x5**2)*exp(2*t)",
            "where": {"forcing": 0.0},
        },
    ],
    "rossler": [
        {
            "equilibrium": "(c - sqrt(c**2 - 4*a*b))/2, -(c - sqrt(c**2 - 4*a*b))/(2*a), "
            "(c - sqrt(c**2 - 4*a*b))/(2*a)"
        },
        {"divergence": "a + x - c"},
    ],
    "chen": [
        {"equilibrium": "sqrt(b*(2*c - a)), sqrt(b*(2*c - a)), 2*c - a"},
        {"divergence": "c - a - b"},
    ],
    "lu": [{"equilibrium": "sqrt(b*c), sqrt(b*c), c"}, {"divergence": "c - a - b"}],
    "chua": [
        {"equilibrium": "sqrt(-c/a), 0, -sqrt(-c/a)"},
        {"divergence": "-alpha*(3*a*x**2 + c) - 1"},
    ],
    "thomas": [{"equilibrium": "0, 0, 0"}, {"divergence": "-3*b"}],
    "halvorsen": [
        {"equilibrium": "-a - 2*b, -a - 2*b, -a - 2*b"},
        {"divergence": "-3*a"},
    ],
    "rabinovich_fabrikant": [{"equilibrium": "0, 0, 0"}, {"divergence": "2*(gamma - alpha)"}],
    "rikitake": [
        {"divergence": "-2*mu"},
        {"equilibrium": "sqrt(2), 1/sqrt(2), 2*mu", "where": {"mu": 2.0, "a": 3.0}},
    ],
    "rucklidge": [{"equilibrium": "0, sqrt(lam), lam"}, {"divergence": "-kappa - 1"}],
    "genesio_tesi": [{"equilibrium": "c, 0, 0"}, {"divergence": "-a"}],
    "moore_spiegel": [{"equilibrium": "0, 0, 0"}, {"divergence": "-1"}],
    "nose_hoover": [
        {"divergence": "-zeta"},
        {"derivative": "1, -zeta, (1 - temperature)/mass", "at": "0, 1, zeta"},
    ],
    "sprott_b": [{"equilibrium": "sqrt(c), sqrt(c), 0"}, {"divergence": "-1"}],
    "sprott_d": [{"equilibrium": "0, 0, 0"}, {"divergence": "x"}],
    "sprott_s": [{"equilibrium": "-1, 1/a, -1"}, {"divergence": "-1"}],
    "four_wing": [{"equilibrium": "0, 0, 0"}, {"divergence": "a + c - 1"}],
    "dadras": [{"equilibrium": "0, 0, 0"}, {"divergence": "r - p - h"}],
    "aizawa": [
        {"divergence": "2*(z - b) + a - z**2 - k*(x**2 + y**2) + f*x**3"},
        {"derivative": "0, 0, c + a*z - z**3/3", "at": "0, 0, z"},
    ],
    "richards": [{"equilibrium": "k"}],
    "von_bertalanffy": [{"equilibrium": "(a/b)**3"}],
    "allee": [{"equilibrium": "a"}, {"equilibrium": "k"}],
    "shallow_lake": [{"divergence": "2*p/(1 + p**2)**2 - b"}],
    "plankton": [
        {"equilibrium": "k, 0"},
        {"equilibrium": "a*sqrt(m/(e*g - m)),"
         " r*(1 - a*sqrt(m/(e*g - m))/k)*e*a*sqrt(m/(e*g - m))/m"},
    ],
    "hastings_powell": [
        {"equilibrium": "d1/(a1 - b1*d1), (1 - d1/(a1 - b1*d1))*(1 + b1*d1/(a1 - b1*d1))/a1, 0"}
    ],
    "blasius": [{"equilibrium": "0, 0, w"}, {"derivative": "a*x, 0, c*w", "at": "x, 0, 0"}],
    "rock_paper_scissors": [{"invariant": "x + y + z"}, {"invariant": "x*y*z"}],
    "three_species": [{"equilibrium": "1, 1, 1"}],
    "four_species": [
        {"equilibrium": "0.3013, 0.4586, 0.1307, 0.3557", "tolerance": 2e-4},
        {"derivative": "0, 0, r3*c*(1 - c), 0", "at": "0, 0, c, 0"},
    ],
    "daisyworld": [  # all white: as warm as the daisies like it where (light/2/s)**(1/4) = 22.5 C
        {"derivative": "0, 0", "at": "0, 0"},
        {"derivative": "w*(1 - w - death), 0", "at": "w, 0",
         "where": {"q": 0.0, "s": 1.0, "w": 0.2, "light": "295.5**4/0.45"}},
    ],
    "sirs": [
        {"invariant": "s + i + r"},
        {"equilibrium": "gamma/beta, xi/(xi + gamma)*(1 - gamma/beta),"
         " gamma/(xi + gamma)*(1 - gamma/beta)"},
    ],
    "seir_seasonal": [
        {"equilibrium": "1, 0, 0"},
        {"divergence": "-mu - beta*(1 + season*cos(2*pi*t))*i - 2*mu - sigma - gamma"},
    ],
    "viral_dynamics": [
        {"equilibrium": "source/d, 0, 0"},
        {"equilibrium": "delta*c/(k*p), source/delta - d*c/(k*p), source*p/(delta*c) - d/k"},
    ],
    "tumor_immune": [{"equilibrium": "s/d, 0"}],
    "fitzhugh_rinzel": [
        {"divergence": "1 - v**2 - delta*b - mu*d"},
        {"equilibrium": "0, a/b, c/d", "where": {"current": "a/b - c/d"}},
    ],
    "hodgkin_huxley": [  # rest without current
        {"equilibrium": "0.0036, 0.05298, 0.59599, 0.31773",
         "where": SYSTEMS["hodgkin_huxley"].parameters | {"current": 0.0}, "tolerance": 2e-3},
    ],
    "jansen_rit": [
        {"divergence": "-4*a - 2*b"},
        {"equilibrium": "5*big_a/a/2, big_a/a*p, 0, 0, 0, 0",
         "where": {"c": 0.0, "v0": "big_a/a*p"}},
    ],
    "hopfield": [{"equilibrium": "0, 0"}, {"divergence": "-1/tau_u - 1/tau_v"}],
    "aliev_panfilov": [
        {"equilibrium": "0, 0"},
        {"derivative": "0, -(eps + mu1*v/(1 + mu2))*(v - k*a)", "at": "1, v",
         "where": {"v": 0.0}},
    ],
    "michaelis_menten": [
        {"invariant": "s + c + p"},
        {"derivative": "kr*e, -(kr + kcat)*e, kcat*e", "at": "s, e, p"},
    ],
    "forced_brusselator": [
        {"equilibrium": "a, b/a", "where": {"force": 0.0}},
        {"divergence": "2*x*y - b - 1 - x**2"},
    ],
    "lengyel_epstein": [{"equilibrium": "a/5, 1 + a**2/25"}],
    "willamowski_rossler": [
        {"equilibrium": "0, 0, k5/r5", "where": {"r2": 0.0, "r3": 0.0, "r4": 0.0}},
        {"divergence": "k1 - 2*r1*x - k2*y - k4*z + k2*x - 2*r2*y - k3 - k4*x + k5 - 2*r5*z"},
    ],
    "stirred_tank": [{"equilibrium": "0, 0", "where": {"damkohler": 0.0}}],
    "hypercycle": [{"equilibrium": "0.2, 0.2, 0.2, 0.2, 0.2"}],
    "hires": [{"invariant": "g + h"}],
    "glycolysis": [
        {"invariant": "s7*exp(k*t)", "where": {"psi": 0.0}},
        {"derivative": "j0, 0, 0, 0, 0, 0, 0", "at": "0, 0, 0, 0, 0, 0, 0"},
    ],
    "toggle_switch": [{"equilibrium": "4, 1", "where": {"a1": 8.0, "a2": 5.0}}],
    "griffith": [{"equilibrium": "0, 0"}, {"divergence": "-a - b"}],
    "circadian": [
        {"derivative": "vs, 0, 0, 0, 0", "at": "0, 0, 0, 0, 0"},
        {"derivative": "vs/2 - vm/2, ks*km - v1/2 + v2/2, v1/2 - v2/2 - v3/2 + v4/2,"
         " v3/2 - v4/2 - 2*k1 + k2*ki - vd*2/(kd + 2), 2*k1 - k2*ki", "at": "km, 2, 2, 2, ki"},
    ],
    "cell_cycle": [
        {"equilibrium": "k1/k6, k1/k6 + k1/(k4*(alpha + (k1/k6)**2))"},
        {"divergence": "2*k4*u*(v - u) - k4*(alpha + u**2) - k6"},
    ],
    "mitosis": [
        {"derivative": "vi, -v2*m/(k1 + m), vm3*m/(k1 + 1)", "at": "0, m, 0"},
        {"derivative": "vi - vd*x/2 - k*kd, -v2/(k1 + 1), vm3*(1 - x)/(k1 + 1 - x) - v4*x/(k1 + x)",
         "at": "kd, 1, x"},
    ],
    "dictyostelium": [
        {"divergence": "-k2*pka - k4 - k6*pka - k8*erk2 - k10*rega - k12 - k14"},
        {"derivative": "0, 0, 0, k7, 0, 0, 0", "at": "0, 0, 0, 0, 0, 0, 0"},
    ],
    "calcium": [  # what the cell as a whole wins and loses
        {"equilibrium": "(v0 + v1*dose)/k, 0", "where": {"vm2": 0.0, "vm3": 0.0}},
        {"invariant": "z + y - (v0 + v1*dose)*t", "where": {"k": 0.0}},
    ],
    "solow": [{"equilibrium": "(saving/(growth + depreciation))**(1/(1 - share))"}],
    "goodwin_growth": [
        {"equilibrium": "(alpha + gamma)/rho, 1 - sigma*(alpha + beta)"},
        {"invariant":
         "rho*v - (gamma + alpha)*log(v) + u/sigma - (1/sigma - alpha - beta)*log(u)"},
    ],
    "coupled_springs": [
        {"invariant": "u**2 + v**2 + k*(x**2 + y**2) + c*(x - y)**2"},
        {"invariant": "(u + v)**2 + k*(x + y)**2"},
    ],
    "foucault": [
        {"invariant": "u**2 + v**2 + omega**2*(x**2 + y**2)"},
        {"invariant": "x*v - y*u + turn*(x**2 + y**2)"},
    ],
    "mathieu": [
        {"invariant": "a*x**2 + v**2", "where": {"q": 0.0}},
        {"derivative": "0, -(a - 2*q*cos(2*t))", "at": "1, 0"},
    ],
    "spring_pendulum": [
        {"invariant": "(s**2 + r**2*omega**2)/2 - g*r*cos(theta) + k*(r - rest)**2/2"},
        {"equilibrium": "rest + g/k, 0, 0, 0"},
    ],
    "swinging_atwood": [
        {"invariant": "((1 + mu)*s**2 + r**2*omega**2)/2 + g*r*(mu - cos(theta))"},
    ],
    "bead_on_hoop": [
        {"equilibrium": "acos(g/(r*omega**2)), 0"},
        {"invariant": "v**2/2 - omega**2*sin(theta)**2/2 - g/r*cos(theta)",
         "where": {"damping": 0.0}},
    ],
    "double_well": [
        {"equilibrium": "1, 0"},
        {"invariant": "v**2/2 - x**2/2 + x**4/4", "where": {"delta": 0.0}},
    ],
    "three_body": [
        {"equilibrium": "1/2 - mu, sqrt(3)/2, 0, 0"},
        {"invariant": "x**2 + y**2 + 2*(1 - mu)/sqrt((x + mu)**2 + y**2)"
         " + 2*mu/sqrt((x - 1 + mu)**2 + y**2) - u**2 - v**2"},
    ],
    "point_vortices": [
        {"invariant": "f*x1 + g*x2 + h*x3"},
        {"invariant": "f*y1 + g*y2 + h*y3"},
        {"invariant": "f*(x1**2 + y1**2) + g*(x2**2 + y2**2) + h*(x3**2 + y3**2)"},
        {"invariant": "f*g*log((x1 - x2)**2 + (y1 - y2)**2)"
         " + f*h*log((x1 - x3)**2 + (y1 - y3)**2) + g*h*log((x2 - x3)**2 + (y2 - y3)**2)"},
    ],
    "forced_van_der_pol": [
        {"divergence": "mu*(1 - x**2)"},
        {"derivative": "0, a*sin(omega*t)", "at": "0, 0"},
    ],
    "coupled_van_der_pol": [
        {"divergence": "mu*(2 - x**2 - y**2) - 2*k"},
        {"invariant": "u**2 + v**2 + x**2 + detuning*y**2", "where": {"mu": 0.0, "k": 0.0}},
    ],
    "rayleigh_duffing": [
        {"divergence": "mu*(1 - 3*gamma*y**2)"},
        {"invariant": "y**2/2 + x**4/4", "where": {"mu": 0.0, "a": 0.0}},
    ],
    "duffing_van_der_pol": [
        {"divergence": "mu*(1 - gamma*x**2)"},
        {"invariant": "y**2/2 + x**4/4", "where": {"mu": 0.0, "a": 0.0}},
    ],
    "ueda": [
        {"divergence": "-k"},
        {"invariant": "v**2/2 + x**4/4", "where": {"k": 0.0, "b": 0.0}},
    ],
    "forced_cubic": [
        {"divergence": "0"},
        {"invariant": "v**2/2 + x**4/4", "where": {"a": 0.0}},
    ],
    "subcritical_hopf": [
        {"equilibrium": "0, 0"},
        {"derivative": "0, omega*sqrt((1 + sqrt(1 + 4*mu))/2)",
         "at": "sqrt((1 + sqrt(1 + 4*mu))/2), 0"},
    ],
    "kuramoto": [
        {"invariant": "a + b + c"},
        {"derivative": "-spread, 0, spread", "at": "a, a, a"},
    ],
    "double_scroll": [
        {"equilibrium": "(a - b)/(1 - b), 0, -(a - b)/(1 - b)"},
        {"equilibrium": "0, 0, 0"},
    ],
    "murali_lakshmanan_chua": [
        {"equilibrium": "0, 0", "where": {"force": 0.0}},
        {"derivative": "y - b*x - (a - b), -beta*(1 + nu)*y - beta*x", "at": "x, y",
         "where": {"force": 0.0, "x": 2.0}},
    ],
    "double_gyre": [
        {"divergence": "0"},
        {"invariant": "sin(pi*x)*sin(pi*y)", "where": {"eps": 0.0}},
    ],
    "vallis": [
        {"equilibrium": "sqrt(b/c - 1), sqrt(b/c - 1)*c/b, c/b"},
        {"divergence": "-c - 2"},
    ],
    "recharge": [
        {"equilibrium": "0, 0"},
        {"divergence": "gamma*mu*b - c - r - 3*e*mu*b*(depth + mu*b*temperature)**2"},
    ],
    "stommel": [
        {"equilibrium": "eta1, eta2", "where": {"eta1": 2.0, "eta2": 2.0, "eta3": 1.0}},
        {"derivative": "eta1 - 3*3, eta2 - (eta3 + 2)", "at": "3, 1"},
    ],
    "energy_balance": [
        {"derivative": "(solar/2 - emissivity*5.67e-8*t_ice**4)/capacity", "at": "t_ice"},
    ],
    "ice_ages": [
        {"equilibrium": "0, 0, 0"},
        {"equilibrium": "-(s + sqrt(s**2 + 4*(r - p)))/2, (s + sqrt(s**2 + 4*(r - p)))/2,"
         " (s + sqrt(s**2 + 4*(r - p)))/2", "where": {"r": 1.0, "p": 0.9}},
    ],
    "gissinger": [{"equilibrium": "0, 0, flow"}, {"divergence": "mu - nu - 1"}],
    "bloch": [
        {"invariant": "x**2 + y**2",
         "where": {"rabi": 0.0, "t1": 1e300, "t2": 1e300}},
        {"divergence": "-1/t1 - 2/t2"},
        {"equilibrium": "m*offset*rabi*t2**2/(1 + (offset*t2)**2 + rabi**2*t1*t2),"
         " m*rabi*t2/(1 + (offset*t2)**2 + rabi**2*t1*t2),"
         " m*(1 + (offset*t2)**2)/(1 + (offset*t2)**2 + rabi**2*t1*t2)"},
    ],
    "windmi": [{"equilibrium": "log(b), 0, 0"}, {"divergence": "-a"}],
    "rabinovich": [
        {"equilibrium": "0, 0, 0"},
        {"divergence": "-a - b - d"},
        {"invariant": "x**2 + y**2", "where": dict.fromkeys("habd", 0.0)},
    ],
    "lorenz_stenflo": [
        {"divergence": "-2*sigma - b - 1"},
        {"equilibrium": "sqrt(b*((r - 1) - s/sigma**2)/(1 + s/sigma**2)),"
         " (1 + s/sigma**2)*sqrt(b*((r - 1) - s/sigma**2)/(1 + s/sigma**2)),"
         " r - 1 - s/sigma**2,"
         " -sqrt(b*((r - 1) - s/sigma**2)/(1 + s/sigma**2))/sigma"},
    ],
    "diffusionless_lorenz": [{"equilibrium": "sqrt(r), -sqrt(r), 0"}, {"divergence": "-1"}],
    "liu": [
        {"equilibrium": "sqrt(b*c/(h*k)), sqrt(b*c/(h*k)), b/k"},
        {"divergence": "-a - c"},
    ],
    "tigan": [
        {"equilibrium": "sqrt(b*(c - a)/a), sqrt(b*(c - a)/a), (c - a)/a"},
        {"divergence": "-a - b"},
    ],
    "qi": [{"equilibrium": "0, 0, 0"}, {"divergence": "-a - 1 - b"}],
    "chen_lee": [
        {"equilibrium": "sqrt(3*b*c), sqrt(-3*a*c), sqrt(-a*b)"},
        {"divergence": "a + b + c"},
    ],
    "shimizu_morioka": [{"equilibrium": "sqrt(alpha), 0, 1"}, {"divergence": "-lam - alpha"}],
    "labyrinth": [{"divergence": "0"}, {"equilibrium": "pi, 0, pi"}],
    "burke_shaw": [
        {"equilibrium": "sqrt(v/s), -sqrt(v/s), 1/s"},
        {"divergence": "-s - 1"},
    ],
    "newton_leipnik": [{"equilibrium": "0, 0, 0"}, {"divergence": "b - a - 0.4"}],
    "coullet": [{"equilibrium": "sqrt(a), 0, 0"}, {"divergence": "-c"}],
    "arneodo": [{"equilibrium": "sqrt(-a), 0, 0"}, {"divergence": "-c"}],
    "act": [
        {"equilibrium": "0, 0, 0"},
        {"divergence": "-3*alpha - delta*alpha + 2*beta*z"},
    ],
    "hyper_rossler": [
        {"divergence": "a + x + d"},
        {"derivative": "-y, a*y, b, 0", "at": "0, y, 0, 0"},
    ],
    "hyper_lorenz": [{"equilibrium": "0, 0, 0, 0"}, {"divergence": "-a - 1 - b + r"}],
    "sprott_a": [
        {"divergence": "z"},
        {"derivative": "1, z - a*x, 0", "at": "x, 1, z"},
    ],
    "sprott_c": [{"equilibrium": "sqrt(c), sqrt(c), 0"}, {"divergence": "-1"}],
    "sprott_e": [{"equilibrium": "1/a, 1/a**2, 0"}, {"divergence": "-1"}],
    "sprott_f": [
        {"equilibrium": "0, 0, 0"}, {"equilibrium": "-1/a, -1/a**2, 1/a**2"},
        {"divergence": "a - 1"},
    ],
    "sprott_g": [
        {"equilibrium": "0, 0, 0"}, {"equilibrium": "-1/a, -1/a, 1"}, {"divergence": "a - 1"},
    ],
    "sprott_h": [
        {"equilibrium": "0, 0, 0"}, {"equilibrium": "-1/a, 1/a**2, -1/a"}, {"divergence": "a - 1"},
    ],
    "sprott_i": [{"equilibrium": "0, 0, 0"}, {"divergence": "-1"}],
    "sprott_j": [{"equilibrium": "0, 0, 0"}, {"divergence": "-a"}],
    "sprott_k": [
        {"equilibrium": "0, 0, 0"}, {"equilibrium": "-1/a, -1/a, 1/a**2"},
        {"divergence": "y - 1 + a"},
    ],
    "sprott_l": [{"equilibrium": "1, b, -b/a"}, {"divergence": "-1"}],
    "sprott_m": [
        {"equilibrium": "(a + sqrt(a**2 + 4*a))/2, -((a + sqrt(a**2 + 4*a))/2)**2, 0"},
        {"divergence": "-1"},
    ],
    "sprott_n": [{"equilibrium": "-1/a**2, 0, 1/a"}, {"divergence": "-a"}],
    "sprott_o": [{"equilibrium": "0, 0, 0"}, {"equilibrium": "-1, 0, -1"}, {"divergence": "x"}],
    "sprott_p": [{"equilibrium": "0, 0, 0"}, {"equilibrium": "1, -1, a"}, {"divergence": "2*y"}],
    "sprott_q": [{"equilibrium": "0, 0, 0"}, {"equilibrium": "-a, -a, 0"}, {"divergence": "b - 1"}],
    "sprott_r": [{"equilibrium": "-b/a, a, -b"}, {"divergence": "-1"}],
    "jerk_quadratic": [{"equilibrium": "0, 0, 0"}, {"divergence": "-2.017"}],
    "jerk_cubic": [{"equilibrium": "0, 0, 0"}, {"divergence": "-2.03"}],
    "jerk_absolute": [{"equilibrium": "-1, 0, 0"}, {"equilibrium": "1, 0, 0"}],
}  # fmt: skip

# Largest Lyapunov exponents, in units of 1 / time to base e, as the source has them; of other
# parameters than those of the catalogue where some are given, and over more spans of time where
# they settle slowly.
_SPROTT_1994 = "Sprott 1994, Physical Review E 50, R647, table I"
_SPROTT_2003 = "Sprott 2003, Chaos and Time-Series Analysis, appendix A"
EXPONENTS: dict[str, dict[str, Any]] = {
    "lorenz": {"value": 0.9056, "source": _SPROTT_2003},
    "rossler": {"value": 0.0714, "source": _SPROTT_2003},
    "diffusionless_lorenz": {"value": 0.2101, "source": _SPROTT_2003},
    "chen": {"value": 2.0272, "source": _SPROTT_2003},
    "lorenz84": {"value": 0.1665, "source": _SPROTT_2003},
    "act": {"value": 0.1634, "source": _SPROTT_2003},
    "rabinovich_fabrikant": {"value": 0.1981, "source": _SPROTT_2003},
    "newton_leipnik": {"value": 0.1421, "source": _SPROTT_2003},
    "double_scroll": {"value": 0.3271, "source": _SPROTT_2003},
    "thomas": {"value": 0.0349, "source": _SPROTT_2003, "where": {'b': 0.18}},
    "halvorsen": {"value": 0.7899, "source": _SPROTT_2003, "where": {'a': 1.27}},
    "burke_shaw": {"value": 2.2499, "source": _SPROTT_2003},
    "windmi": {"value": 0.0755, "source": _SPROTT_2003},
    "jerk_quadratic": {"value": 0.0551, "source": _SPROTT_2003},
    "jerk_absolute": {"value": 0.0362, "source": _SPROTT_2003, "spans": 48},
    "forced_van_der_pol": {"value": 0.1932, "source": _SPROTT_2003},
    "rayleigh_duffing": {"value": 0.0914, "source": _SPROTT_2003},
    "ueda": {"value": 0.1034, "source": _SPROTT_2003},
    "forced_brusselator": {"value": 0.0145, "source": _SPROTT_2003},
    "sprott_a": {"value": 0.014, "source": _SPROTT_1994, "spans": 48},
    "sprott_b": {"value": 0.21, "source": _SPROTT_1994},
    "sprott_c": {"value": 0.163, "source": _SPROTT_1994},
    "sprott_d": {"value": 0.103, "source": _SPROTT_1994},
    "sprott_e": {"value": 0.078, "source": _SPROTT_1994},
    "sprott_f": {"value": 0.117, "source": _SPROTT_1994},
    "sprott_g": {"value": 0.034, "source": _SPROTT_1994},
    "sprott_h": {"value": 0.117, "source": _SPROTT_1994},
    "sprott_i": {"value": 0.012, "source": _SPROTT_1994},
    "sprott_j": {"value": 0.076, "source": _SPROTT_1994},
    "sprott_k": {"value": 0.038, "source": _SPROTT_1994},
    "sprott_l": {"value": 0.061, "source": _SPROTT_1994},
    "sprott_m": {"value": 0.044, "source": _SPROTT_1994},
    "sprott_n": {"value": 0.076, "source": _SPROTT_1994},
    "sprott_o": {"value": 0.049, "source": _SPROTT_1994},
    "sprott_p": {"value": 0.087, "source": _SPROTT_1994},
    "sprott_q": {"value": 0.109, "source": _SPROTT_1994},
    "sprott_r": {"value": 0.062, "source": _SPROTT_1994},
    "sprott_s": {"value": 0.188, "source": _SPROTT_1994},
    "four_species": {"value": 0.0203,
        "source": "Vano, Wildenberg, Anderson, Noel and Sprott 2006, Nonlinearity 19, 2391"},
    "liu": {"value": 1.643,
        "source": "Liu, Liu, Liu and Liu 2004, Chaos, Solitons and Fractals 22, 1031"},
    "tigan": {"value": 0.37,
        "source": "Tigan and Opris 2008, Chaos, Solitons and Fractals 36, 1315"},
    "hyper_rossler": {"value": 0.111,
        "source": "Wolf, Swift, Swinney and Vastano 1985, Physica D 16, 285"},
}  # fmt: skip
