"""How values and gradients of programs are computed."""
