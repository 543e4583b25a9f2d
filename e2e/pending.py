"""What the tests already ask for and the program does not do yet: skipped, each with its reason, which `./dev test` prints."""

import pytest

HTTP2_TO_CLIENTS = pytest.mark.skip(reason="HTTP/2 to clients is not there yet")
GRPC = pytest.mark.skip(reason="HTTP/2 to clients and to backends is not there yet")
