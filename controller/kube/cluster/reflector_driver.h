// Keeps a Reflector going: makes its requests, feeds it what comes, minds its time.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "controller/kube/api/client.h"
#include "controller/kube/cluster/reflector.h"
#include "proxy/net/deadline.h"

namespace portico::net {
class Loop;
}

namespace portico::kube {

// Thread:    the loop's.
// Lifetime:  destroying it gives up what is under way; `stepped` may not do that.
class ReflectorDriver final : private ApiStreamSink {
 public:
  // `stepped` is called after each thing that happened.
  ReflectorDriver(net::Loop& loop, ApiClient& client, ResourceQuery query, std::uint32_t seed,
                  std::move_only_function<void(Reflector&)> stepped);

  void start() { proceed(); }
  // See Reflector::nudge.
  void nudge();

  [[nodiscard]] Reflector& reflector() { return reflector_; }
  [[nodiscard]] const Reflector& reflector() const { return reflector_; }

 private:
  void on_refused(ApiResponse response) override;
  void on_open() override;
  void on_piece(std::string_view piece) override;
  void on_end() override;
  void on_failure(ApiFailure failure) override;

  void proceed();
  void mind(Reflector::Time until);

  net::Loop& loop_;
  ApiClient& client_;
  Reflector reflector_;
  std::move_only_function<void(Reflector&)> stepped_;
  std::unique_ptr<ApiCall> call_;
  net::Deadline deadline_;
};

}  // namespace portico::kube
