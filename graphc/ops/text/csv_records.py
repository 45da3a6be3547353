"""Lines of comma-separated values as columns (RFC 4180)."""

from __future__ import annotations

import csv
from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ir.dtype import float32, float64, int32, int64, string
from graphc.ir.op import Kind, Op, Refuses, Sample
from graphc.ir.types import DTypeMismatch, Mismatch, TensorType
from graphc.ops.text.strings import NO_DERIVATIVE, StringToNumber, check_strings, place


class DecodeCSV(Op):
    """A column per operand of ``defaults``, of its dtype and in the shape of ``records``.

    A field that is empty, or ``na_value``, takes the column's default, a scalar or one element; a
    default without elements makes the field required.  ``select_cols`` are the columns there are
    defaults for (all, if empty).
    """

    name = "decode_csv"
    operands = ("records", "*defaults")
    attributes = {
        "field_delim": ",", "use_quote_delim": True, "na_value": "", "select_cols": (),
    }  # fmt: skip
    kind = Kind.HOST
    may_fail = True
    vjp = NO_DERIVATIVE

    def infer_type(self, records: TensorType, *defaults: TensorType) -> tuple[TensorType, ...]:
        check_strings(records=records)
        if not defaults:
            raise Mismatch("record_defaults must have a default for each column")
        if len(self.field_delim) != 1:
            raise Mismatch(f"field_delim must be one character, got {self.field_delim!r}")
        if self.select_cols and len(self.select_cols) != len(defaults):
            raise Mismatch(
                f"{len(self.select_cols)} columns are selected, there are {len(defaults)} defaults"
            )
        for k, default in enumerate(defaults):
            if default.dtype not in (float32, float64, int32, int64, string):
                raise DTypeMismatch(
                    f"defaults[{k}] must be float32, float64, int32, int64 or string, got {default}"
                )
            if default.shape not in (None, (), (0,), (1,)):
                raise Mismatch(f"defaults[{k}] must have one element or none, got {default}")
        return tuple(default.with_shape(records.shape) for default in defaults)

    def reference(self, records: np.ndarray, *defaults: np.ndarray) -> tuple[np.ndarray, ...]:
        columns = [np.empty(records.size, default.dtype) for default in defaults]
        for k, record in enumerate(records.ravel().tolist()):
            where = f"records{place(records.shape, k)}"
            fields = self._fields(record, where, len(defaults))
            for j, (field, default) in enumerate(zip(fields, defaults, strict=True)):
                columns[j][k] = self._value(field, default, f"field {j} of {where}")
        return tuple(column.reshape(records.shape) for column in columns)

    def _fields(self, record: bytes, where: str, count: int) -> list[bytes]:
        quoting: Any = csv.QUOTE_MINIMAL if self.use_quote_delim else csv.QUOTE_NONE
        line = record.decode("latin-1")  # bytes as they are
        try:
            reader = csv.reader([line], delimiter=self.field_delim, quoting=quoting, strict=True)
            fields = [field.encode("latin-1") for field in next(reader, [])] or [b""]
        except csv.Error as error:
            raise InvalidArgumentError(f"{where} is not comma-separated: {error}") from None
        if self.select_cols:
            if max(self.select_cols) >= len(fields):
                raise InvalidArgumentError(f"{where} has {len(fields)} fields, too few")
            return [fields[k] for k in self.select_cols]
        if len(fields) != count:
            raise InvalidArgumentError(f"{where} has {len(fields)} fields, {count} are expected")
        return fields

    def _value(self, field: bytes, default: np.ndarray, where: str) -> Any:
        if field in (b"", self.na_value.encode()):
            if not default.size:
                raise InvalidArgumentError(f"{where} is required and missing")
            return default.ravel()[0]
        if default.dtype.hasobject:
            return field
        try:
            return StringToNumber(dtype=_dtype(default)).of(field)
        except ValueError as error:
            raise InvalidArgumentError(f"{where} = {field!r} {error}") from None

    def host(self, *operands: np.ndarray) -> tuple:
        return self.reference(*operands)

    samples = [
        Sample("string[2]", "float32[1]", "int32[]", "string[1]",
               values={0: [b'1.5,2,"a,""b"""', b",,x"], 1: [9], 2: 7}),
        Sample("string[]", "int64[0]", values={0: b"12;-3"}, field_delim=";", select_cols=(1,)),
        Sample("string[0]", "float64[1]"),
        Refuses("int32[2]", "float32[]", "records must be string, got int32[2]"),
        Refuses("string[2]", "record_defaults must have a default for each column"),
        Refuses("string[2]", "bool[]",
                "defaults[0] must be float32, float64, int32, int64 or string, got bool[]"),
        Refuses("string[2]", "float32[2]",
                "defaults[0] must have one element or none, got float32[2]"),
    ]  # fmt: skip


def _dtype(default: np.ndarray) -> Any:
    return {"f4": float32, "f8": float64, "i4": int32, "i8": int64}[default.dtype.str[1:]]
