"""Parquet files with a column of image files: binary, or a struct with a field `bytes`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.batch.places import Place
from app.batch.records import Chunk, Item
from app.extra import load_extra

_ROWS = 16  # read at once; they are in memory together


def image_rows(place: Place, key: str, path: str) -> Iterator[Item]:
    """One item a row, by its number in the file; only the footer is read.

    Raises:
        ValueError: no column holds images.
        Whatever pyarrow raises for damaged files.
    """
    with place.fs.open(path, "rb") as file:
        table = _open(file)
        image_column(table.schema_arrow)
        number = 0
        digits = len(str(max(0, table.metadata.num_rows - 1)))
        for group in range(table.num_row_groups):
            for row in range(table.metadata.row_group(group).num_rows):
                yield Item(f"{key}/{number:0{digits}d}", path, group=group, row=row)
                number += 1


def image_column(schema: Any) -> str:
    """Name of the first column that can hold image files, in the form pyarrow selects it by.

    Raises:
        ValueError: there is none.
    """
    types = load_extra("pyarrow", "Reading Parquet files").types
    for column in schema:
        kind = column.type
        if types.is_binary(kind) or types.is_large_binary(kind):
            return str(column.name)
        if types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
            return f"{column.name}.bytes"
    raise ValueError("no column of binary values, nor of structs with a field `bytes`")


def read_rows(place: Place, chunk: Chunk) -> Iterator[tuple[Item, bytes]]:
    """The images of rows of one row group, in order.

    Raises:
        Whatever pyarrow and the file system raise for files that cannot be read.
    """
    wanted = {item.row: item for item in chunk}
    last = max(wanted)
    with place.fs.open(chunk[0].path, "rb") as file:
        table = _open(file)
        column = image_column(table.schema_arrow)
        row = 0
        for batch in table.iter_batches(_ROWS, row_groups=[chunk[0].group], columns=[column]):
            values = batch.column(0)
            if column.endswith(".bytes") and values.type.num_fields == 1:
                values = values.field(0)
            for value in values:
                if row in wanted:
                    yield wanted[row], value.as_py() or b""
                row += 1
            if row > last:
                return


def _open(file: Any) -> Any:
    # Without pre_buffer, or a whole row group would be in memory.
    return load_extra("pyarrow.parquet", "Reading Parquet files").ParquetFile(
        file, pre_buffer=False
    )
