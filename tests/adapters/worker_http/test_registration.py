"""What may be registered can be sent: the check of a worker's headers knows the transport's own fields."""

from __future__ import annotations

import pytest

from segue.adapters.worker_http import request
from segue.control.workers import check_headers
from segue.model.errors import Invalid


@pytest.mark.parametrize("name", sorted(request._OURS))
def test_a_field_that_the_transport_keeps_to_itself_is_not_registered(name: str) -> None:
    with pytest.raises(Invalid, match=name):
        check_headers({name: "x"})
