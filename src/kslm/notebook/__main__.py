"""`python -m kslm.notebook FILE...`: make notebooks that Jupyter opens; see `kslm.notebook.convert`."""

import sys
from pathlib import Path

from kslm.notebook.convert import convert

for argument in sys.argv[1:]:
    print(convert(Path(argument)))
