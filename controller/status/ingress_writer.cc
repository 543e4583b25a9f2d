#include "controller/status/ingress_writer.h"

#include <algorithm>
#include <utility>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "proxy/net/loop.h"

namespace portico::status {
namespace {

namespace json = boost::json;

constexpr std::string_view kResource = "ingresses.networking.k8s.io/status";
// What the same write won't mend soon; and the most patience that can be asked for.
constexpr std::chrono::minutes kAfterRefusal{5};
// From this pace on it is said that somebody else writes too: the fourth write in a few seconds.
constexpr std::chrono::seconds kContested{8};

json::array to_json(const Addresses& addresses) {
  json::array list;
  for (const auto& address : addresses) {
    json::object entry;
    if (!address.ip.empty()) {
      entry["ip"] = address.ip;
    }
    if (!address.hostname.empty()) {
      entry["hostname"] = address.hostname;
    }
    list.push_back(std::move(entry));
  }
  return list;
}

// RFC 7396. An empty list would be sent as one, null takes the field away.
std::string merge_patch(const Addresses& addresses) {
  const json::value list = addresses.empty() ? json::value() : json::value(to_json(addresses));
  return json::serialize(json::object{{"status", {{"loadBalancer", {{"ingress", list}}}}}});
}

// RFC 6902: fails where the list is any other by now.
std::string emptying_patch(const Addresses& current) {
  constexpr const char* kPath = "/status/loadBalancer/ingress";
  return json::serialize(
      json::array{json::object{{"op", "test"}, {"path", kPath}, {"value", to_json(current)}},
                  json::object{{"op", "remove"}, {"path", kPath}}});
}

}  // namespace

IngressWriter::IngressWriter(net::Loop& loop, kube::ApiClient& client, CallLog& log,
                             const translate::Translator& translator,
                             std::move_only_function<bool()> may_write, QueueLimits limits)
    : loop_(loop),
      client_(client),
      log_(log),
      translator_(translator),
      may_write_(std::move(may_write)),
      queue_(limits),
      next_(loop, [this] { pump(); }) {}

const Addresses* IngressWriter::wanted() const {
  static const Addresses kNone;
  if (emptied_ != nullptr) {
    return &kNone;
  }
  return addresses_ ? &*addresses_ : nullptr;
}

IngressWriter::Need IngressWriter::need_of(const std::string& key) {
  const auto ingress = translator_.state().ingress(key);
  if (ingress == nullptr) {
    ours_.erase(key);
    return Need::kNothing;
  }
  const auto& current = ingress->load_balancer;
  if (translator_.is_ours(key)) {
    ours_.insert(key);
    const auto* addresses = wanted();
    return addresses == nullptr || same_addresses(current, *addresses) ? Need::kNothing
                                                                       : Need::kSet;
  }
  const bool is_left_over =
      ours_.contains(key) && addresses_ && !current.empty() && same_addresses(current, *addresses_);
  return is_left_over ? Need::kEmpty : Need::kNothing;
}

void IngressWriter::touch(const std::string& key) {
  if (need_of(key) != Need::kNothing && may_write_()) {
    queue_.add(key, loop_.now());
    pump();
  }
}

void IngressWriter::touch_all() {
  const bool writes = may_write_();
  for (const auto& [key, ingress] : translator_.state().ingresses()) {
    if (need_of(key) != Need::kNothing && writes) {
      queue_.add(key, loop_.now());
    }
  }
  pump();
}

void IngressWriter::set_addresses(Addresses addresses) {
  if (addresses_ && *addresses_ == addresses) {
    return;
  }
  spdlog::info("Ingresses are given the addresses: {}", to_string(addresses));
  addresses_ = std::move(addresses);
  queue_.forget_waits(loop_.now());
  touch_all();
}

void IngressWriter::pause() {
  calls_.clear();
  queue_.clear();
  next_.cancel();
  end_emptying();
}

void IngressWriter::empty_all(std::move_only_function<void()> done) {
  emptied_ = std::move(done);
  queue_.forget_waits(loop_.now());
  touch_all();
}

void IngressWriter::sweep() {
  queue_.sweep(loop_.now());
}

void IngressWriter::pump() {
  while (may_write_()) {
    const auto key = queue_.take(loop_.now());
    if (!key) {
      break;
    }
    const auto need = need_of(*key);
    if (need == Need::kNothing) {
      queue_.unneeded(*key, loop_.now());
    } else {
      write(*key, need);
    }
  }
  if (queue_.idle()) {
    end_emptying();
    return;
  }
  if (const auto due = queue_.next(loop_.now())) {
    const auto now = loop_.now();
    next_.arm(std::chrono::ceil<std::chrono::milliseconds>(std::max(*due, now) - now));
  }
}

void IngressWriter::write(const std::string& key, Need need) {
  const auto ingress = translator_.state().ingress(key);
  const bool empties = need == Need::kEmpty;
  kube::ApiRequest request{
      .method = "PATCH",
      .target = fmt::format("/apis/networking.k8s.io/v1/namespaces/{}/ingresses/{}/status",
                            ingress->meta.namespace_, ingress->meta.name),
      .content_type = empties ? "application/json-patch+json" : "application/merge-patch+json",
      .body = empties ? emptying_patch(ingress->load_balancer) : merge_patch(*wanted())};
  calls_[key] = client_.call(std::move(request), [this, key, need](const ApiResult& result) {
    after_write(key, need, result);
  });
}

// By value: the key stands in the handler, which goes with its call.
// NOLINTNEXTLINE(performance-unnecessary-value-param)
void IngressWriter::after_write(std::string key, Need need, const ApiResult& result) {
  const auto call = std::move(calls_.extract(key).mapped());
  const auto now = loop_.now();
  const auto verdict = judge(result);
  const bool test_failed = need == Need::kEmpty && verdict == Verdict::kInvalid;
  if (!test_failed) {
    log_.tell({"patch", kResource, key.substr(0, key.find('/'))}, result);
  }
  const auto wait = [&](std::chrono::milliseconds at_least) {
    // Leaving is no time for patience.
    if (emptied_ != nullptr) {
      queue_.dropped(key, now);
    } else {
      queue_.failed(key, now, at_least);
    }
  };
  if (verdict == Verdict::kDone) {
    if (queue_.written(key, now) == kContested) {
      spdlog::warn("the status of Ingress {} is written by somebody else too, over and over", key);
    }
  } else if (verdict == Verdict::kGone || test_failed) {
    queue_.dropped(key, now);
  } else if (verdict == Verdict::kForbidden || verdict == Verdict::kInvalid) {
    wait(kAfterRefusal);
  } else if (result && result->retry_after) {
    wait(std::min<std::chrono::seconds>(*result->retry_after, kAfterRefusal));
  } else {
    wait({});
  }
  if (need == Need::kEmpty && verdict != Verdict::kLater) {
    ours_.erase(key);
  }
  pump();
}

void IngressWriter::end_emptying() {
  if (emptied_ != nullptr) {
    std::exchange(emptied_, nullptr)();
  }
}

}  // namespace portico::status
