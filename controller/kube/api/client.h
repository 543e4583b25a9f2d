// One API server, spoken to over HTTP/1.1: calls with a bounded answer, and streams that stay open.
//
// See https://kubernetes.io/docs/reference/using-api/api-concepts/
#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace portico::kube {

struct ApiRequest {
  std::string method = "GET";
  std::string target;        // "/apis/networking.k8s.io/v1/ingresses?limit=500"
  std::string content_type;  // of the body; "" where there is none
  std::string body;
  // From handing it over to the whole answer, or, of a stream, to its head.
  std::chrono::milliseconds timeout{30'000};
};

struct ApiResponse {
  int status = 0;
  std::optional<std::chrono::seconds> retry_after;
  std::string body;  // unpacked where it came as gzip
};

// No answer came, or not all of it.
struct ApiFailure {
  enum class Kind {
    kConnect,      // nobody there: refused, unreachable, unknown name
    kTls,          // handshake or verification
    kCredentials,  // a token file, exec plugin or client certificate that can't be had
    kCut,          // the connection ended before the answer did
    kTimedOut,
    kTooLarge,  // the answer passed its bound
    kProtocol,  // no HTTP, or HTTP that can't be read
  };
  Kind kind = Kind::kConnect;
  std::string message;  // one line for the log: what, of which server, why
};

// The side that is told of a stream. Calls come from the loop, never from inside a call to the
// client; any of them may destroy the ApiCall.
class ApiStreamSink {
 public:
  // Anything but 200 is told with its whole (bounded) body, and ends the stream.
  virtual void on_refused(ApiResponse response) = 0;
  virtual void on_open() = 0;
  // A piece of the body, unpacked.
  virtual void on_piece(std::string_view piece) = 0;
  // The server ended it in order (a watch at its timeout).
  virtual void on_end() = 0;
  virtual void on_failure(ApiFailure failure) = 0;

 protected:
  ~ApiStreamSink() = default;
};

// A call or stream under way. Destroying it gives up, and nothing is told any more.
class ApiCall {
 public:
  virtual ~ApiCall() = default;
};

// Thread:    the loop's that it was made with.
// Lifetime:  outlives its calls.
class ApiClient {
 public:
  using Handler = std::move_only_function<void(std::expected<ApiResponse, ApiFailure>)>;
  static constexpr std::size_t kMaxAnswer = std::size_t{64} << 20;

  virtual ~ApiClient() = default;

  // `done` is called once, from the loop.
  [[nodiscard]] virtual std::unique_ptr<ApiCall> call(ApiRequest request, Handler done) = 0;
  // Reads on only as fast as the sink returns: its bytes are never queued here.
  [[nodiscard]] virtual std::unique_ptr<ApiCall> stream(ApiRequest request,
                                                        ApiStreamSink& sink) = 0;

  // "https://10.0.0.1:443", for messages.
  [[nodiscard]] virtual const std::string& server() const = 0;
};

}  // namespace portico::kube
