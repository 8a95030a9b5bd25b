"""Growth and cycles of economies."""

from collections.abc import Mapping

from s2jax.ode.known._base import Known

SYSTEMS: Mapping[str, Known] = {
    "solow": Known(
        "k: saving*k**share - (growth + depreciation)*k",
        dict(saving=0.25, share=0.35, growth=0.02, depreciation=0.05), [(0.5, 12.0)], 80.0,
        "settling", "Solow 1956, Quarterly Journal of Economics 70, 65 (typical values)",
    ),
    "goodwin_growth": Known(
        "v: v*((1 - u)/sigma - alpha - beta); u: u*(rho*v - gamma - alpha)",
        dict(sigma=3.0, alpha=0.02, beta=0.01, rho=1.0, gamma=0.88), [(0.85, 0.95), (0.82, 0.98)],
        60.0, "conservative", "Goodwin 1967, in Feinstein (ed.), Socialism, Capitalism and Economic"
        " Growth, 54 (typical values)",
    ),
}  # fmt: skip
