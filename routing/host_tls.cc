#include "routing/host_tls.h"

#include <re2/re2.h>

namespace portico::routing {

std::optional<SubjectPattern> SubjectPattern::parse(std::string_view text) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  auto expression =
      std::make_shared<const re2::RE2>(re2::StringPiece(text.data(), text.size()), options);
  if (!expression->ok()) {
    return std::nullopt;
  }
  SubjectPattern pattern;
  pattern.text_ = text;
  pattern.expression_ = std::move(expression);
  return pattern;
}

bool SubjectPattern::matches(std::string_view subject) const {
  return expression_ == nullptr ||
         re2::RE2::PartialMatch(re2::StringPiece(subject.data(), subject.size()), *expression_);
}

bool HostTls::same_trust(const HostTls& other) const {
  return verify_depth == other.verify_depth && authorities_pem == other.authorities_pem &&
         revocations_pem == other.revocations_pem;
}

}  // namespace portico::routing
