"""What we write as TOML is what `tomllib` reads."""

from __future__ import annotations

import datetime
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketformer.search import to_toml

TEXT = st.text(st.characters(exclude_categories=("Cs",)))
SCALARS = (
    TEXT
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.dates(min_value=datetime.date(1000, 1, 1))
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(TEXT, VALUES, max_size=4))
def test_any_table_comes_back_as_it_was(table: dict[str, object]) -> None:
    back = tomllib.loads(to_toml(table))
    assert back == table
    assert repr(back) == repr(tomllib.loads(to_toml(back)))


def test_the_page_is_one_a_person_can_edit() -> None:
    page = to_toml({"finetune": {"learning_rate": 2.35e-05, "head": "linear"}, "name": "a", "n": (1, 2)})
    assert page == 'name = "a"\nn = [1, 2]\n\n[finetune]\nlearning_rate = 2.35e-05\nhead = "linear"\n'


def test_what_toml_does_not_have_is_refused() -> None:
    with pytest.raises(TypeError, match="NoneType None has no form in TOML"):
        to_toml({"a": {"b": None}})
