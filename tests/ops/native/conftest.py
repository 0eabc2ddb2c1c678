"""Fixtures of the native scan."""

import pytest

from lru_tune.errors import LruTuneError


@pytest.fixture
def native() -> None:
    """Build the native scan, or skip where there is no compiler."""
    from lru_tune.ops.native.calls import demand_native

    try:
        demand_native()
    except LruTuneError as error:
        pytest.skip(str(error))
