// Keeps status.loadBalancer of Ingresses as it should be, while this replica leads.
//
//   ours                          the addresses that were found; left alone while none are known
//   was ours, seen by this one    emptied, where it still says exactly our addresses
//   any other                     never touched
//
// A write is a merge patch of that one field, so that whatever else is in the status stays, and
// nothing has to be read first. Emptying tests in the same call that the addresses are still ours.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <absl/container/flat_hash_set.h>

#include "controller/kube/api/client.h"
#include "controller/status/addresses.h"
#include "controller/status/call_log.h"
#include "controller/status/write_queue.h"
#include "controller/translate/translator.h"
#include "proxy/net/deadline.h"

namespace portico::status {

// Thread:    the loop's.
// Lifetime:  destroying it ends its calls.
class IngressWriter {
 public:
  // `may_write` is asked before each write. `translator` tells what there is, and outlives this.
  IngressWriter(net::Loop& loop, kube::ApiClient& client, CallLog& log,
                const translate::Translator& translator, std::move_only_function<bool()> may_write,
                QueueLimits limits = {});

  // This Ingress ("namespace/name") changed, came or went, or its class did.
  void touch(const std::string& key);
  void touch_all();

  // What Ingresses should say from now on.
  void set_addresses(Addresses addresses);
  // At once: nothing is written any more, nor what was on its way waited for.
  void pause();

  // Empties the status of all Ingresses that are ours, then calls `done` once, perhaps from inside
  // this call. Nothing else is written any more.
  void empty_all(std::move_only_function<void()> done);

  // Now and then: forgets what has been quiet for long.
  void sweep();

 private:
  enum class Need { kNothing, kSet, kEmpty };
  Need need_of(const std::string& key);
  [[nodiscard]] const Addresses* wanted() const;
  void pump();
  void write(const std::string& key, Need need);
  void after_write(std::string key, Need need, const ApiResult& result);
  void end_emptying();

  net::Loop& loop_;
  kube::ApiClient& client_;
  CallLog& log_;
  const translate::Translator& translator_;
  std::move_only_function<bool()> may_write_;
  WriteQueue queue_;
  net::Deadline next_;
  std::map<std::string, std::unique_ptr<kube::ApiCall>> calls_;
  absl::flat_hash_set<std::string> ours_;  // all that were ours since this process began, and are
                                           // there; what left is emptied once
  std::optional<Addresses> addresses_;
  std::move_only_function<void()> emptied_;  // while emptying
};

}  // namespace portico::status
