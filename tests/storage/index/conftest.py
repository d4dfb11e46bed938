import pytest

from storage import Library, Space
from storage.tables import spaces


@pytest.fixture
def space_id(request: pytest.FixtureRequest, library: Library) -> int:
    """The space of the vectors, as wide as the `DIM` of the test file."""
    with library.catalogue.writing() as connection:
        number = spaces.register(connection, Space("m", "1", request.module.DIM, "{}")).id
    assert number is not None
    return number
