// What NormalTarget must do, written for clearness: a list of segments, each a list of symbols.
#pragma once

#include <cctype>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portico::routing::testing {

struct NaiveTarget {
  std::string path;
  std::string upstream;
  std::string query;
};

// One byte or one escape of a segment.
struct NaiveSymbol {
  std::string received;
  std::string matched;
};
using NaiveSegment = std::vector<NaiveSymbol>;

inline std::string naive_text(const NaiveSegment& segment, std::string NaiveSymbol::* which) {
  std::string text;
  for (const auto& symbol : segment) {
    text += symbol.*which;
  }
  return text;
}

inline bool naive_byte_allowed(unsigned char byte) {
  return byte > 0x20 && byte < 0x7f && byte != '#';
}

// Nothing for a bad escape, an encoded NUL or a backslash.
inline std::optional<std::vector<NaiveSegment>> naive_segments(const std::string& path) {
  std::vector<NaiveSegment> segments;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '/') {
      segments.emplace_back();
    } else if (path[i] == '\\') {
      return std::nullopt;
    } else if (path[i] != '%') {
      segments.back().push_back({{path[i]}, {path[i]}});
    } else {
      const auto digits = path.substr(i + 1, 2);
      if (digits.size() < 2 || std::isxdigit(digits[0]) == 0 || std::isxdigit(digits[1]) == 0) {
        return std::nullopt;
      }
      const int byte = std::stoi(digits, nullptr, 16);
      if (byte == 0) {
        return std::nullopt;
      }
      char matched[4];
      std::snprintf(matched, sizeof(matched), "%%%02X", byte);
      const bool unreserved =
          byte < 128 &&
          (std::isalnum(byte) != 0 || std::string_view("-._~").contains(static_cast<char>(byte)));
      segments.back().push_back(
          {"%" + digits, unreserved ? std::string(1, static_cast<char>(byte)) : matched});
      i += 2;
    }
  }
  return segments;
}

// Nothing where NormalTarget must refuse.
inline std::optional<NaiveTarget> naive_parse(const std::string& target) {
  if (target == "*") {
    return NaiveTarget{"*", "*", ""};
  }
  if (target.empty() || target[0] != '/') {
    return std::nullopt;
  }
  for (const unsigned char byte : target) {
    if (!naive_byte_allowed(byte)) {
      return std::nullopt;
    }
  }
  const auto question = target.find('?');
  const auto segments = naive_segments(target.substr(0, question));
  if (!segments) {
    return std::nullopt;
  }
  std::vector<NaiveSegment> kept;
  for (std::size_t i = 0; i < segments->size(); ++i) {
    const auto text = naive_text((*segments)[i], &NaiveSymbol::matched);
    if (text == "..") {
      if (kept.empty()) {
        return std::nullopt;
      }
      kept.pop_back();
    } else if (text != ".") {
      kept.push_back((*segments)[i]);
    }
    if ((text == "." || text == "..") && i + 1 == segments->size()) {
      kept.emplace_back();
    }
  }
  NaiveTarget out;
  for (const auto& segment : kept) {
    out.upstream += "/" + naive_text(segment, &NaiveSymbol::received);
    out.path += "/" + naive_text(segment, &NaiveSymbol::matched);
  }
  for (auto at = out.path.find("//"); at != out.path.npos; at = out.path.find("//")) {
    out.path.erase(at, 1);
  }
  if (question != target.npos) {
    out.query = target.substr(question + 1);
    out.upstream += target.substr(question);
  }
  return out;
}

}  // namespace portico::routing::testing
