"""The checker of the house rules finds what it is there to find."""

import pathlib

import house
import pytest

ROOT = pathlib.Path(__file__).parent.parent


def tree(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for module in house.MODULES:
        if (folder / module).is_dir():
            (folder / module / "README.md").write_text("what it is for\n")
    return folder


FORBIDDEN = {
    "routing includes tls": ("routing/a.h", '#include "tls/engine.h"'),
    "routing includes OpenSSL": ("routing/a.cc", "#include <openssl/ssl.h>"),
    "routing includes sockets": ("routing/a.cc", "#include <sys/socket.h>"),
    "routing includes threads": ("routing/a.cc", "#include <thread>"),
    "routing includes fmt": ("routing/a.cc", "#include <fmt/core.h>"),
    "routing reads a clock": ("routing/a.cc", "auto t = std::chrono::steady_clock::now();"),
    "tls includes proxy": ("tls/a.cc", '#include "proxy/net/transport.h"'),
    "http includes net": ("proxy/http/a.cc", '#include "proxy/net/transport.h"'),
    "net includes http": ("proxy/net/a.cc", '#include "proxy/http/message.h"'),
    "exchange includes downstream": ("proxy/exchange/a.cc", '#include "proxy/downstream/h1_connection.h"'),
    "downstream includes upstream": ("proxy/downstream/a.cc", '#include "proxy/upstream/pool.h"'),
    "proxy includes controller": ("proxy/server/a.cc", '#include "controller/kube/objects.h"'),
    "kube includes translate": ("controller/kube/a.cc", '#include "controller/translate/translate.h"'),
    "translate includes the exchange": ("controller/translate/a.cc", '#include "proxy/exchange/exchange.h"'),
    "Asio outside net": ("proxy/server/a.h", "#include <boost/asio/io_context.hpp>"),
    "Beast outside http": ("proxy/downstream/a.cc", "#include <boost/beast/http.hpp>"),
    "OpenSSL outside tls": ("proxy/net/a.cc", "#include <openssl/ssl.h>"),
    "yaml-cpp outside kube": ("controller/translate/a.cc", "#include <yaml-cpp/yaml.h>"),
    "c-ares outside kube": ("controller/cli/a.cc", "#include <ares.h>"),
    "zlib outside the API client": ("controller/kube/a.cc", "#include <zlib.h>"),
    "the API client includes the proxy's codecs": ("controller/kube/api/a.cc", '#include "proxy/http/message.h"'),
    "a folder without a rule": ("proxy/cache/a.h", '#include "routing/path.h"'),
}


@pytest.mark.parametrize("name", FORBIDDEN)
def test_finds(name, tmp_path):
    path, line = FORBIDDEN[name]
    found = list(house.faults(tree(tmp_path, {path: line + "\n"})))
    assert len(found) == 1 and found[0].startswith(f"{path}:1: ")


ALLOWED = {
    "tls includes routing": ("tls/a.cc", '#include "routing/snapshot.h"'),
    "the server includes all of proxy": ("proxy/server/a.cc", '#include "proxy/downstream/h1_connection.h"'),
    "cli joins both sides": ("controller/cli/a.cc", '#include "proxy/server/server.h"'),
    "the API client reads answers with Beast": (
        "controller/kube/api/a.cc",
        "#include <boost/beast/http/basic_parser.hpp>",
    ),
    "kube uses transports": ("controller/kube/a.cc", '#include "proxy/net/transport.h"'),
    "a routing test uses threads": ("routing/a_test.cc", "#include <thread>"),
    "the echo backend is outside the house": ("e2e/echo/a.cc", "#include <openssl/evp.h>"),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_lets_pass(name, tmp_path):
    path, line = ALLOWED[name]
    assert not list(house.faults(tree(tmp_path, {path: line + "\n"})))


def test_finds_a_file_that_is_too_long(tmp_path):
    found = list(house.faults(tree(tmp_path, {"tls/a.cc": "\n" * 601})))
    assert found == ["tls/a.cc:601: 601 lines; 600 are the most"]


def test_finds_a_module_without_its_page(tmp_path):
    (tmp_path / "tls").mkdir()
    assert [fault.split(":")[0] for fault in house.faults(tmp_path)] == ["tls/README.md"]


def test_finds_a_median_that_grew(tmp_path):
    assert house.main(tree(tmp_path, {"tls/a.cc": "\n" * 200})) == 1


def test_this_checkout_keeps_the_rules(capsys):
    assert house.main(ROOT) == 0, capsys.readouterr().out
