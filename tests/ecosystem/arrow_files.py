"""Reads the Arrow files that `cargo test --features arrow --test arrow` leaves in target/tmp with pyarrow."""

import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.feather

folder = Path(sys.argv[1])
paths = sorted(folder.glob("run_*.arrow"))
assert len(paths) == 3, f"expected run_1.arrow to run_3.arrow in {folder}, found {paths}"
for chain, path in enumerate(paths, start=1):
    with pa.memory_map(str(path)) as source:
        reader = pa.ipc.open_file(source)
        table = reader.read_all()
        messages = (reader.metadata or {}).get(b"catena.messages", b"") if hasattr(reader, "metadata") else None
    types = {field.name: field.type for field in table.schema}
    assert types["chain"] == types["draw"] == types["treedepth__"] == types["n_leapfrog__"] == pa.int64(), types
    assert types["divergent__"] == pa.bool_(), types
    assert types["lp__"] == types["x.1"] == types["energy__"] == pa.float64(), types
    assert table.num_rows == 1500 and set(table["chain"].to_pylist()) == {chain}
    assert table["draw"].to_pylist() == list(range(1, 1501))
    assert all(v.is_integer() for v in map(float, table["n_leapfrog__"].to_pylist()))
    assert messages is None or messages.startswith(b"Adaptation terminated"), messages
    assert pyarrow.feather.read_table(str(path)).equals(table)
print(f"pyarrow {pa.__version__} reads {len(paths)} Arrow files of {table.num_rows} draws")
