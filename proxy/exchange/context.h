// What a worker lends to its exchanges.
#pragma once

#include <cstdint>
#include <vector>

#include <boost/intrusive/list.hpp>
#include <boost/smart_ptr/local_shared_ptr.hpp>

#include "proxy/exchange/balancers.h"
#include "proxy/exchange/body_replay.h"
#include "proxy/exchange/config.h"
#include "proxy/exchange/options.h"
#include "proxy/exchange/pressure.h"
#include "proxy/exchange/record.h"
#include "proxy/exchange/try_tallies.h"
#include "proxy/exchange/upstreams.h"
#include "proxy/http/compressor.h"
#include "proxy/http/date.h"
#include "proxy/http/request_id.h"
#include "proxy/net/loop.h"
#include "routing/client_settings.h"

namespace portico::exchange {

// Keeps one generation alive on one worker. Its count is not atomic; the last to let go sends the
// Config back to the thread that made it, which frees it there.
class ConfigPin {
 public:
  ConfigPin(std::shared_ptr<const Config> config, net::Loop& home)
      : config_(std::move(config)), home_(home) {}
  ~ConfigPin();
  ConfigPin(const ConfigPin&) = delete;
  ConfigPin& operator=(const ConfigPin&) = delete;

  [[nodiscard]] const Config& config() const { return *config_; }
  [[nodiscard]] std::shared_ptr<const Config> share() const { return config_; }

 private:
  std::shared_ptr<const Config> config_;
  net::Loop& home_;
};
using ConfigPointer = boost::local_shared_ptr<const ConfigPin>;

using PinnedHook =
    boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

// An exchange that still holds a Config.
class Pinned : public PinnedHook {
 public:
  virtual void let_go_of_config() = 0;
  // Who only waits is better told to go.
  virtual void on_memory_critical() = 0;

 protected:
  ~Pinned() = default;
};
using PinnedList = boost::intrusive::list<Pinned, boost::intrusive::constant_time_size<false>>;

// Thread: one per worker, used on its loop only.
struct Context {
  // New exchanges are born under `next`. Those already relaying need no Config any more; the others
  // still route by the one they were born under.
  void adopt(ConfigPointer next);
  void set_pressure(Pressure now);

  net::Loop& loop;
  const Options& options;
  Upstreams& upstreams;
  Recorder& recorder;
  Balancers balancers;
  http::RequestIdGenerator request_ids;
  http::DateCache date;
  ConfigPointer config;  // the current one; null until the first is adopted
  PinnedList pinned;
  bool draining = false;  // answers tell keep-alive clients to close
  Pressure pressure = Pressure::kNone;
  TryTallies tallies;
  http::CompressorPool compressors;
  ReplayBuffers replay_buffers;
  routing::ClientSettings clients;  // of `config`, here because every request reads them
};

}  // namespace portico::exchange
