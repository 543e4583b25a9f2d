// An API server in memory that answers as much as this folder asks: objects by path, with resource
// versions, and refusals where a test wants them.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controller/kube/api/client.h"
#include "proxy/net/loop.h"

namespace portico::status::testing {

// Answers come in a later turn of the loop, in the order of the questions.
class FakeApi final : public kube::ApiClient {
 public:
  using Result = std::expected<kube::ApiResponse, kube::ApiFailure>;

  explicit FakeApi(net::Loop& loop);
  ~FakeApi() override;

  // What is there, by path; answers to GET. PUT, POST and merge patches change it.
  void put(const std::string& path, const std::string& json);
  [[nodiscard]] std::string object(const std::string& path) const;  // "" none
  [[nodiscard]] bool has(const std::string& path) const { return objects_.contains(path); }

  // Asked first; what it returns is the answer.
  std::function<std::optional<Result>(const kube::ApiRequest&)> before;
  // While true nothing is answered; what came waits.
  bool holds = false;
  void release();  // answers what waits

  std::vector<kube::ApiRequest> requests;  // all that came
  // "PATCH /apis/...": those of a method, or all where it is empty
  [[nodiscard]] std::vector<std::string> lines(const std::string& method = "") const;
  [[nodiscard]] std::size_t in_flight() const { return in_flight_; }
  [[nodiscard]] std::size_t most_in_flight() const { return most_in_flight_; }

  std::unique_ptr<kube::ApiCall> call(kube::ApiRequest request, Handler done) override;
  std::unique_ptr<kube::ApiCall> stream(kube::ApiRequest request,
                                        kube::ApiStreamSink& sink) override;
  [[nodiscard]] const std::string& server() const override { return server_; }

 private:
  struct Open;
  class Call;

  Result answer(const kube::ApiRequest& request);
  Result store(const std::string& path, const std::string& json, int status);
  void post_answer(const std::shared_ptr<Open>& open);

  net::Loop& loop_;
  const std::string server_ = "https://fake";
  std::map<std::string, std::string> objects_;
  int version_ = 1;
  std::vector<std::shared_ptr<Open>> held_;
  std::size_t in_flight_ = 0;
  std::size_t most_in_flight_ = 0;
};

// {"kind":"Status","message":...}
FakeApi::Result refusal(int status, const std::string& message);
FakeApi::Result no_answer();

}  // namespace portico::status::testing
