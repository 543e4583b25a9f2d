#include "controller/status/testing/fake_api.h"

#include <algorithm>
#include <cstdlib>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "controller/status/json.h"

namespace portico::status::testing {
namespace {

namespace json = boost::json;

// RFC 7396.
void merge(json::value& target, const json::value& patch) {
  const auto* changes = patch.if_object();
  if (changes == nullptr) {
    target = patch;
    return;
  }
  if (!target.is_object()) {
    target = json::object();
  }
  for (const auto& [key, value] : *changes) {
    if (value.is_null()) {
      target.as_object().erase(key);
    } else {
      merge(target.as_object()[key], value);
    }
  }
}

std::string path_of(const std::string& target) {
  return target.substr(0, target.find('?'));
}

}  // namespace

FakeApi::Result refusal(int status, const std::string& message) {
  return kube::ApiResponse{
      .status = status,
      .body = json::serialize(json::object{{"kind", "Status"}, {"message", message}})};
}

FakeApi::Result no_answer() {
  return std::unexpected(
      kube::ApiFailure{.kind = kube::ApiFailure::Kind::kTimedOut, .message = "no answer"});
}

struct FakeApi::Open {
  FakeApi* api;  // null: given up
  kube::ApiRequest request;
  Handler done;
};

class FakeApi::Call final : public kube::ApiCall {
 public:
  explicit Call(std::shared_ptr<Open> open) : open_(std::move(open)) {}
  ~Call() override {
    if (open_->api != nullptr) {
      --open_->api->in_flight_;
      open_->api = nullptr;
    }
  }

 private:
  std::shared_ptr<Open> open_;
};

FakeApi::FakeApi(net::Loop& loop) : loop_(loop) {}
FakeApi::~FakeApi() = default;

void FakeApi::put(const std::string& path, const std::string& text) {
  static_cast<void>(store(path, text, 200));
}

std::string FakeApi::object(const std::string& path) const {
  const auto found = objects_.find(path);
  return found == objects_.end() ? "" : found->second;
}

std::vector<std::string> FakeApi::lines(const std::string& method) const {
  std::vector<std::string> lines;
  for (const auto& request : requests) {
    if (method.empty() || request.method == method) {
      lines.push_back(request.method + " " + request.target);
    }
  }
  return lines;
}

std::unique_ptr<kube::ApiCall> FakeApi::call(kube::ApiRequest request, Handler done) {
  requests.push_back(request);
  auto open = std::make_shared<Open>(this, std::move(request), std::move(done));
  most_in_flight_ = std::max(most_in_flight_, ++in_flight_);
  if (holds) {
    held_.push_back(open);
  } else {
    post_answer(open);
  }
  return std::make_unique<Call>(std::move(open));
}

std::unique_ptr<kube::ApiCall> FakeApi::stream(kube::ApiRequest /*request*/,
                                               kube::ApiStreamSink& /*sink*/) {
  std::abort();  // nobody here streams
}

void FakeApi::release() {
  for (const auto& open : std::exchange(held_, {})) {
    post_answer(open);
  }
}

void FakeApi::post_answer(const std::shared_ptr<Open>& open) {
  loop_.post([this, open] {
    if (open->api == nullptr) {
      return;
    }
    auto result = answer(open->request);
    --in_flight_;
    open->api = nullptr;
    auto done = std::move(open->done);
    done(std::move(result));
  });
}

FakeApi::Result FakeApi::store(const std::string& path, const std::string& text, int status) {
  auto object = parse_json(text);
  auto* map = object.if_object();
  if (map == nullptr) {
    return refusal(400, "no JSON: " + text);
  }
  auto& meta = (*map)["metadata"];
  if (!meta.is_object()) {
    meta = json::object();
  }
  meta.as_object()["resourceVersion"] = std::to_string(++version_);
  return kube::ApiResponse{.status = status, .body = objects_[path] = json::serialize(object)};
}

FakeApi::Result FakeApi::answer(const kube::ApiRequest& request) {
  if (before) {
    if (auto result = before(request)) {
      return std::move(*result);
    }
  }
  auto path = path_of(request.target);
  if (request.method == "POST") {
    path += "/" + text(member(parse_json(request.body), "metadata", "name"));
    return objects_.contains(path) ? refusal(409, path + " is there")
                                   : store(path, request.body, 201);
  }
  // The status of an object is kept with it.
  if (path.ends_with("/status")) {
    path.resize(path.rfind('/'));
  }
  const auto found = objects_.find(path);
  if (found == objects_.end()) {
    return refusal(404, path + " is not there");
  }
  auto now = parse_json(found->second);
  if (request.method == "GET") {
    return kube::ApiResponse{.status = 200, .body = found->second};
  }
  if (request.method == "PUT") {
    const auto said = text(member(parse_json(request.body), "metadata", "resourceVersion"));
    return said == text(member(now, "metadata", "resourceVersion"))
               ? store(path, request.body, 200)
               : refusal(409, "the object has been modified");
  }
  if (request.content_type == "application/merge-patch+json") {
    merge(now, parse_json(request.body));
    return store(path, json::serialize(now), 200);
  }
  // Of JSON patches only the one that empties: test, then remove.
  const auto patch = parse_json(request.body);
  auto& balancer = now.as_object()["status"].as_object()["loadBalancer"].as_object();
  if (balancer["ingress"] != member(patch.as_array().at(0), "value")) {
    return refusal(422, "the test failed");
  }
  balancer.erase("ingress");
  return store(path, json::serialize(now), 200);
}

}  // namespace portico::status::testing
