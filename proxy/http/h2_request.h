// A request's head out of HTTP/2 fields (RFC 9113 8.1 to 8.3, 8441), one by one as they come.
//
// The session (h2_session.h) has judged what is HTTP/2's own before: names and values made of
// allowed bytes, lower-case names, pseudo-headers known, single, complete and in front, no fields
// of a connection, TE: trailers at most. What is judged here is what both versions have in common,
// by the rules of HTTP/1 (rules.h), and what the translation between them rests on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "proxy/http/h1_decoder.h"
#include "proxy/http/message.h"

namespace portico::http {

// Thread:  worker-bound; one request's, used again for the next.
// Errors:  the first one found, told by end(): 400, 414, 417, 431, 501; fields beyond the limits
//          are counted and dropped.
// Memory:  what the limits allow.
class H2RequestReader {
 public:
  explicit H2RequestReader(const Limits& limits) : limits_(limits) {}

  // Forgets what it was told.
  void clear();
  // `head` is empty, and filled from then on until end().
  void begin(RequestHead& head);
  // False: so far beyond the limits that no answer is owed any more.
  bool field(std::string_view name, std::string_view value);
  // `ends`: no body follows. After an error `head` holds what was understood.
  std::expected<void, ParseError> end(bool ends);

 private:
  void pseudo_header(std::string_view name, std::string_view value);
  void plain_field(std::string_view name, std::string_view value);
  [[nodiscard]] std::expected<void, ParseError> judge(bool ends);
  [[nodiscard]] std::expected<void, ParseError> judge_target();
  [[nodiscard]] std::expected<void, ParseError> judge_authority();
  void become_upgrade();

  const Limits& limits_;
  RequestHead* head_ = nullptr;
  std::string scheme_;
  std::string protocol_;  // RFC 8441
  std::string cookie_;    // its crumbs, joined (RFC 9113 8.2.3)
  std::size_t bytes_ = 0;
  std::size_t fields_ = 0;  // cookies are one
  std::size_t crumbs_ = 0;
};

// A request's trailers: those that may pass, within the limits.
class H2TrailerReader {
 public:
  explicit H2TrailerReader(const Limits& limits) : limits_(limits) {}
  void begin();
  bool field(std::string_view name, std::string_view value);  // false: too many or too large
  [[nodiscard]] const FieldBlock& fields() const { return fields_; }

 private:
  const Limits& limits_;
  FieldBlock fields_;
  std::size_t bytes_ = 0;
  std::size_t count_ = 0;
};

}  // namespace portico::http
