// The ApiClient that speaks HTTP/1.1: a queue, kept connections, and who we are.
#pragma once

#include <deque>
#include <expected>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "controller/kube/api/client.h"
#include "controller/kube/api/client_tls.h"
#include "controller/kube/api/credentials.h"
#include "controller/kube/api/dial.h"
#include "controller/kube/api/idle_connections.h"

namespace portico::kube {

class HttpCall;

class HttpApiClient final : public ApiClient {
 public:
  // Calls that are under way at once; streams are not counted, they last.
  static constexpr std::size_t kMaxCalls = 8;

  // `world.start_plugin` and the clocks are the tests' way in; `dns_servers` empty: the system's.
  HttpApiClient(net::Loop& loop, const ApiAccess& access, DialPlan plan, Credentials::World world,
                std::vector<std::string> dns_servers = {});
  ~HttpApiClient() override;

  [[nodiscard]] std::unique_ptr<ApiCall> call(ApiRequest request, Handler done) override;
  [[nodiscard]] std::unique_ptr<ApiCall> stream(ApiRequest request, ApiStreamSink& sink) override;
  [[nodiscard]] const std::string& server() const override { return server_; }

  // For its calls.
  net::Loop& loop() { return loop_; }
  DialResolver& resolver() { return resolver_; }
  [[nodiscard]] const DialPlan& plan() const { return plan_; }
  IdleConnections& idle() { return idle_; }
  bool refused(std::uint64_t credential_version) {
    return credentials_.refused(credential_version);
  }
  // Before all that wait.
  void wait_again(HttpCall& call);
  void forget(HttpCall& call, bool was_started);

 private:
  std::unique_ptr<ApiCall> enqueue(std::unique_ptr<HttpCall> call);
  void schedule();
  // Starts those of the waiting calls that may start.
  void pump();
  void fail_waiting(ApiFailure::Kind kind, const std::string& why);
  [[nodiscard]] std::string head_of(const ApiRequest& request, const Credential& credential) const;

  net::Loop& loop_;
  std::string server_;
  DialPlan plan_;
  bool accepts_gzip_;
  std::vector<std::pair<std::string, std::string>> impersonation_;
  DialResolver resolver_;
  ClientTls tls_;
  Credentials credentials_;
  IdleConnections idle_;
  std::deque<HttpCall*> waiting_;
  std::size_t calls_under_way_ = 0;
  bool is_scheduled_ = false;
  std::shared_ptr<const char> alive_ = std::make_shared<const char>('\0');
};

}  // namespace portico::kube
