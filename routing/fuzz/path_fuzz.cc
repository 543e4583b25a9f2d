// NormalTarget against the naive normaliser, and what must hold of any result.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "routing/path.h"
#include "routing/testing/naive_path.h"

namespace {

using portico::routing::NormalTarget;

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

// A result is a fixed point: parsed again it stays what it is.
void require_fixed_point(const NormalTarget& target) {
  NormalTarget again;
  require(again.parse(target.upstream()).has_value());
  require(again.upstream() == target.upstream());
  require(again.path() == target.path());
  require(again.query() == target.query());
  require(again.parse(target.path()).has_value());
  require(again.path() == target.path());
}

void require_safe(std::string_view path) {
  require(path == "*" || path.starts_with('/'));
  require(!path.contains("//") && !path.contains("/./") && !path.contains("/../"));
  require(!path.ends_with("/.") && !path.ends_with("/.."));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  const auto expected = portico::routing::testing::naive_parse(input);
  NormalTarget target;
  const auto parsed = target.parse(input);
  require(parsed.has_value() == expected.has_value());
  if (!parsed) {
    require(target.path().empty() && target.upstream().empty() && target.query().empty());
    return 0;
  }
  require(target.path() == expected->path);
  require(target.upstream() == expected->upstream);
  require(target.query() == expected->query);
  require_safe(target.path());
  require_fixed_point(target);
  return 0;
}
