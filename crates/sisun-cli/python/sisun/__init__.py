"""Train a small transformer, sample from it and look at its attention heads.

The package runs the program ``sisun``, which comes with it, and reads the files that it writes. ::

    import sisun

    run = sisun.train("quickstart.toml")
    run.sample("Once upon a time")
    run.attend("The cat sat on the mat.")

Reading attention as arrays needs NumPy, and ``to_pandas`` needs pandas:
``pip install 'sisun[notebook]'`` installs both. Everything else needs Python alone.
"""

from ._program import version
from .attention import Attention, Layers
from .comparison import Comparison, compare
from .errors import NotFoundError, SisunError, SisunWarning, UsageError
from .explanation import Explanation
from .page import Page
from .run import Run
from .run import open as open
from .sample import Sample, SampledToken
from .table import Heads, Table
from .training import train

# Without `open`: `from sisun import *` must not hide Python's own.
__all__ = [
    "Attention",
    "Comparison",
    "Explanation",
    "Heads",
    "Layers",
    "NotFoundError",
    "Page",
    "Run",
    "Sample",
    "SampledToken",
    "SisunError",
    "SisunWarning",
    "Table",
    "UsageError",
    "compare",
    "train",
    "version",
]
