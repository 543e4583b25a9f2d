#include "routing/text_pattern.h"

#include <re2/re2.h>

namespace portico::routing {

std::optional<TextPattern> TextPattern::parse(std::string_view text) {
  constexpr std::int64_t kMostBytes = 1024 * 1024;
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMostBytes);
  auto expression =
      std::make_shared<const re2::RE2>(re2::StringPiece(text.data(), text.size()), options);
  if (!expression->ok()) {
    return std::nullopt;
  }
  TextPattern pattern;
  pattern.text_ = text;
  pattern.expression_ = std::move(expression);
  return pattern;
}

bool TextPattern::matches(std::string_view subject) const {
  return expression_ == nullptr ||
         re2::RE2::PartialMatch(re2::StringPiece(subject.data(), subject.size()), *expression_);
}

}  // namespace portico::routing
