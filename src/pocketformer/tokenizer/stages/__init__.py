"""The steps of the tokenizer inside a model file, from bytes to ids.

All of it is int32 arithmetic of fixed shape, without loops or conditions, out of operations that every
target has as built-ins and converts truly. What must not be used, because some converter refuses it or
silently turns integers into floats: `full`, `zeros_like`, `ones_like`, `F.pad`, `//`, `&`, shifts, `sort`,
`cummax`, `searchsorted`, `v[tensor]`, and `where` with a plain number.
"""
