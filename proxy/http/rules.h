// What RFC 9110 and 9112 allow in a head, and nothing more: pure functions, so that each rule is
// tested alone.
//
// Every function that refuses says so with a status for the client; for a backend's answer that
// status means nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

#include "proxy/http/h1_decoder.h"
#include "proxy/http/message.h"

namespace portico::http {

inline constexpr std::size_t kMaxMethodBytes = 32;

// Reads a request line (without CRLF) into method, target, authority (absolute and authority form
// only) and version.
//
// Errors: 400; 414 target too long; 501 method too long; 505 another HTTP version.
std::expected<void, ParseError> parse_request_line(std::string_view line, const Limits& limits,
                                                   RequestHead& head);

// Reads a status line (without CRLF). The space behind the status may be missing when there is no
// reason.
std::expected<void, ParseError> parse_status_line(std::string_view line, ResponseHead& head);

// Host, framing, Expect, Connection, Upgrade and TE of a request whose line and fields are filled
// in.
//
// Errors: 400; 417 unknown expectation.
std::expected<void, ParseError> judge_request(RequestHead& head);

// Framing, Connection and Upgrade of an answer to `asked`.
std::expected<void, ParseError> judge_response(ResponseHead& head, Method asked);

// uri-host [ ":" port ]: a registered name without '%' or ',', an IPv4 or a bracketed IPv6 address;
// the port empty or at most 65535. No userinfo.
bool is_valid_authority(std::string_view authority);

// Bytes that may stand in an origin-form target. The first one is the caller's to look at.
bool is_valid_path_and_query(std::string_view target);

// 1*DIGIT up to 2^64 - 1; leading zeros are legal (RFC 9110 8.6).
std::optional<std::uint64_t> parse_content_length(std::string_view value);

// Trailers must not change how a message is framed, routed, authorised or cached (RFC 9110 6.5.1).
bool is_forbidden_trailer(const Field& field);

}  // namespace portico::http
