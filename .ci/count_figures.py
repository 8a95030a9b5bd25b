"""python count_figures.py PAGE.py PAGE.ipynb: whether the executed page shows what it draws."""

import json
import re
import sys
from pathlib import Path

source, executed = (Path(name).read_text() for name in sys.argv[1:])
drawn = len(re.findall(r"(plt\.subplots|plot_(pairs|family|run|neighbours))\(", source))
outputs = [output for cell in json.loads(executed)["cells"] for output in cell.get("outputs", [])]
shown = sum("image/png" in output.get("data", {}) for output in outputs)
print(f"{sys.argv[1]}: {shown} of {drawn} figures are shown")
if shown != drawn:
    sys.exit(f"{sys.argv[1]}: {drawn} figures are drawn, and {shown} shown.")
