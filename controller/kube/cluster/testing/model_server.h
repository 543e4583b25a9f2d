// The API server's lists and watches as plain functions: objects with versions, pages, history.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "controller/kube/api/client.h"
#include "controller/kube/objects.h"

namespace portico::kube::testing {

class ModelServer {
 public:
  // `page`: items in a page at most, whatever was asked for.
  explicit ModelServer(std::size_t page = 500) : page_(page) {}

  // `fields` is what the object has beside its metadata: `"spec":{}`; `labels` inside those braces.
  void put(const ObjectKey& key, const std::string& fields, const std::string& labels = "");
  void remove(const ObjectKey& key);
  // Forgets what led to the present: versions before it are answered by 410.
  void compact() { compacted_ = version_; }
  // What the server answers from now on to whoever asks for that resource; 0: as usual.
  void refuse(std::string_view plural, int status) { refused_[std::string(plural)] = status; }

  [[nodiscard]] ApiResponse list(const std::string& target) const;
  // The events after `cursor`, which moves on; at first it is 0, and the target's version counts.
  [[nodiscard]] std::expected<std::string, ApiResponse> watch(const std::string& target,
                                                              std::uint64_t& cursor) const;
  [[nodiscard]] std::string bookmark(const std::string& target) const;
  // Keys and fields of what matches.
  [[nodiscard]] std::map<ObjectKey, std::string> state() const;

  static ApiResponse refusal(int status, std::string_view message = "not now");
  static std::string error_event(int code);

 private:
  struct Event {
    std::uint64_t version = 0;
    std::string type;
    ObjectKey key;
    std::string fields, labels;
    bool operator==(const Event&) const = default;
  };
  struct Asked;

  [[nodiscard]] std::map<ObjectKey, Event> at(std::uint64_t version) const;
  static std::string body_of(const Event& event, bool with_kind);
  [[nodiscard]] int refused(const Asked& asked) const;

  const std::size_t page_;
  std::uint64_t version_ = 10;
  std::uint64_t compacted_ = 0;
  std::vector<Event> history_;
  std::map<std::string, int, std::less<>> refused_;
};

}  // namespace portico::kube::testing
