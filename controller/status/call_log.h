// What an answer of the API server means for who asked, and saying a failure once.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <string_view>

#include "controller/kube/api/client.h"

namespace portico::status {

using ApiResult = std::expected<kube::ApiResponse, kube::ApiFailure>;

enum class Verdict : std::uint8_t {
  kDone,
  kGone,       // 404: the object, or its namespace, is not there
  kConflict,   // 409: somebody else wrote in between, or it is there already
  kForbidden,  // 403: a right is missing
  kInvalid,    // another 4xx: the same again would fail again
  kLater,      // no answer, 401 while a token is renewed, 429, 5xx
};
Verdict judge(const ApiResult& result);

// A call as RBAC names it.
struct CallName {
  std::string_view verb;        // "patch"
  std::string_view resource;    // "ingresses.networking.k8s.io/status"
  std::string_view namespace_;  // "" cluster-wide
};

// Thread: the loop's.
class CallLog {
 public:
  // Logs a failure, unless the call's last one was the same; conflicts and missing objects are
  // failures only to the caller, who may know better.
  void tell(const CallName& call, const ApiResult& result);
  void tell_missing_too(const CallName& call, const ApiResult& result);

 private:
  std::map<std::string, std::string, std::less<>> said_;
};

// "may not patch ingresses.networking.k8s.io/status in namespace shop: forbidden: User ..."
std::string describe(const CallName& call, const ApiResult& result);

}  // namespace portico::status
