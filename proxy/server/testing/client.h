// A client of tests over real sockets: connects, says its first words, and writes down what comes.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "proxy/net/connector.h"
#include "proxy/net/testing/recording_sink.h"

namespace portico::server::testing {

struct Client {
  Client(net::Loop& loop, const net::SocketAddress& to, std::string first)
      : connector(loop, to, std::chrono::seconds(60),
                  [this, first = std::move(first)](auto result) {
                    ASSERT_TRUE(result);
                    transport = std::move(*result);
                    transport->start(sink);
                    net::testing::write(*transport, first);
                  }) {}
  net::testing::RecordingSink sink;
  std::unique_ptr<net::Transport> transport;
  net::Connector connector;
};

}  // namespace portico::server::testing
