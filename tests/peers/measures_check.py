"""Opens measures.parquet of `sisun compare` with Apache Arrow and holds it to measures.csv, column by column.

    pip install pyarrow
    python measures_check.py DIR

Prints one line and exits 0, or fails at the first thing that is wrong.
"""

import csv
import pathlib
import sys

import pyarrow.parquet

folder = pathlib.Path(sys.argv[1])
table = pyarrow.parquet.read_table(folder / "measures.parquet")
types = {field.name: str(field.type) for field in table.schema}
assert types == {
    "track": "string",
    "variant": "string",
    "seed": "uint64",
    "measure": "string",
    "at": "uint64",
    "value": "double",
    "note": "string",
}, types
with open(folder / "measures.csv", newline="", encoding="utf-8") as file:
    rows = list(csv.DictReader(file))
assert rows and table.num_rows == len(rows), (table.num_rows, len(rows))
read = {"seed": int, "at": lambda text: int(text) if text else None, "value": lambda text: float(text) if text else None}
for name in types:
    assert table[name].to_pylist() == [read.get(name, str)(row[name]) for row in rows], name
print(f"{len(rows)} measurements: the same in Parquet, read with pyarrow {pyarrow.__version__}, and in CSV")
