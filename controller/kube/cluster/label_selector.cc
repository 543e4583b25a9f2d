#include "controller/kube/cluster/label_selector.h"

#include <algorithm>
#include <cctype>
#include <optional>

#include <fmt/format.h>

#include "controller/kube/field_reader.h"

namespace portico::kube {
namespace {

constexpr std::size_t kLongestName = 63;
constexpr std::size_t kLongestPrefix = 253;

bool is_alphanumeric(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0;
}

bool is_word_character(char c) {
  return is_alphanumeric(c) || c == '-' || c == '_' || c == '.' || c == '/';
}

// A label's name, or its value: letters, digits, '-', '_' and '.', none of these at an end.
bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kLongestName && is_alphanumeric(text.front()) &&
         is_alphanumeric(text.back()) && text.find('/') == std::string_view::npos;
}

bool is_key(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) {
    return is_name(text);
  }
  const std::string_view prefix = text.substr(0, slash);
  return !prefix.empty() && prefix.size() <= kLongestPrefix &&
         prefix.find('_') == std::string_view::npos && is_name(text.substr(slash + 1));
}

bool is_value(std::string_view text) {
  return text.empty() || is_name(text);
}

}  // namespace

class LabelSelector::Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  std::expected<LabelSelector, std::string> parse() {
    LabelSelector selector;
    skip_spaces();
    while (!rest_.empty()) {
      Requirement requirement;
      if (!parse_requirement(requirement)) {
        return std::unexpected(problem_);
      }
      selector.requirements_.push_back(std::move(requirement));
      if (!rest_.empty() && (!take(",") || rest_.empty())) {
        return std::unexpected(fmt::format("a requirement is expected at {}",
                                           rest_.empty() ? "the end" : quoted(rest_)));
      }
    }
    return selector;
  }

 private:
  bool parse_requirement(Requirement& out) {
    const bool negated = take("!");
    const std::string_view key = word();
    if (!is_key(key)) {
      return fail(fmt::format("{} is no label's name", key.empty() ? quoted(rest_) : quoted(key)));
    }
    out.key = key;
    if (negated || rest_.empty() || rest_.starts_with(',')) {
      out.op = negated ? Operator::kAbsent : Operator::kExists;
      return true;
    }
    if (take("!=")) {
      out.op = Operator::kNotIn;
      return parse_value(out);
    }
    if (take("==") || take("=")) {
      out.op = Operator::kIn;
      return parse_value(out);
    }
    const std::string_view op = word();
    if (op != "in" && op != "notin") {
      return fail(fmt::format("after {}: =, ==, !=, in or notin is expected, not {}", quoted(key),
                              op.empty() ? quoted(rest_) : quoted(op)));
    }
    out.op = op == "in" ? Operator::kIn : Operator::kNotIn;
    return parse_values(out);
  }

  bool parse_value(Requirement& out) {
    const std::string_view value = word();
    out.values.emplace_back(value);
    return is_value(value) || fail(fmt::format("{} is no label's value", quoted(value)));
  }

  bool parse_values(Requirement& out) {
    if (!take("(")) {
      return fail(fmt::format("after \"in\" and \"notin\" comes (a,b), not {}", quoted(rest_)));
    }
    do {
      if (!parse_value(out)) {
        return false;
      }
    } while (take(","));
    return take(")") || fail(fmt::format("\")\" is expected at {}", quoted(rest_)));
  }

  bool fail(std::string problem) {
    problem_ = std::move(problem);
    return false;
  }

  void skip_spaces() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size()));
  }
  bool take(std::string_view token) {
    if (!rest_.starts_with(token)) {
      return false;
    }
    rest_.remove_prefix(token.size());
    skip_spaces();
    return true;
  }
  std::string_view word() {
    const auto end = std::ranges::find_if_not(rest_, is_word_character) - rest_.begin();
    const std::string_view found = rest_.substr(0, static_cast<std::size_t>(end));
    rest_.remove_prefix(found.size());
    skip_spaces();
    return found;
  }

  std::string_view rest_;
  std::string problem_;
};

std::expected<LabelSelector, std::string> LabelSelector::parse(std::string_view text) {
  return Parser(text).parse();
}

bool LabelSelector::matches(const Labels& labels) const {
  return std::ranges::all_of(requirements_, [&](const Requirement& requirement) {
    const auto label = labels.find(requirement.key);
    const bool exists = label != labels.end();
    const bool among =
        exists && std::ranges::find(requirement.values, label->second) != requirement.values.end();
    switch (requirement.op) {
      case Operator::kIn:
        return among;
      case Operator::kNotIn:
        return !among;
      case Operator::kExists:
        return exists;
      case Operator::kAbsent:
        break;
    }
    return !exists;
  });
}

}  // namespace portico::kube
