#include "proxy/http/h2_request.h"

#include "proxy/http/assign.h"
#include "proxy/http/chars.h"
#include "proxy/http/rules.h"

namespace portico::http {
namespace {

using Judgement = std::expected<void, ParseError>;

constexpr std::size_t kLineOverhead = 4;  // ": " and CRLF, as HTTP/1 counts
constexpr std::size_t kPatience = 4;      // so many times the limits are decoded, to answer 431

std::unexpected<ParseError> refuse(std::string_view reason, std::uint16_t status = 400) {
  return std::unexpected(ParseError{.status = status, .reason = reason});
}

// CGI-like backends take them for the name with '-'.
bool has_underscore(std::string_view name) {
  return name.find('_') != std::string_view::npos;
}

}  // namespace

void H2RequestReader::clear() {
  clear_and_shrink(scheme_);
  clear_and_shrink(protocol_);
  clear_and_shrink(cookie_);
  bytes_ = fields_ = crumbs_ = 0;
}

void H2RequestReader::begin(RequestHead& head) {
  clear();
  head_ = &head;
  head.version_major = 2;
  head.method_text.clear();
}

bool H2RequestReader::field(std::string_view name, std::string_view value) {
  bytes_ += name.size() + value.size() + kLineOverhead;
  if (name.starts_with(':')) {
    pseudo_header(name, value);
  } else {
    plain_field(name, value);
  }
  return bytes_ <= kPatience * limits_.head_bytes && fields_ <= kPatience * limits_.fields &&
         crumbs_ <= kPatience * limits_.fields;
}

void H2RequestReader::pseudo_header(std::string_view name, std::string_view value) {
  if (bytes_ > limits_.head_bytes) {
    return;
  }
  if (name == ":method") {
    head_->method_text = value;
  } else if (name == ":path") {
    head_->target = value;
  } else if (name == ":authority") {
    head_->authority = value;
  } else if (name == ":scheme") {
    scheme_ = value;
  } else if (name == ":protocol") {
    protocol_ = value;
  }
}

void H2RequestReader::plain_field(std::string_view name, std::string_view value) {
  const FieldId id = field_id(name);
  if (id == FieldId::kCookie) {
    ++crumbs_;
    if (bytes_ <= limits_.head_bytes) {
      cookie_.append(cookie_.empty() ? "" : "; ").append(value);
    }
    return;
  }
  ++fields_;
  if (bytes_ <= limits_.head_bytes && fields_ <= limits_.fields && !has_underscore(name)) {
    head_->fields.add(id, name, value);
  }
}

Judgement H2RequestReader::end(bool ends) {
  head_->wire_bytes = bytes_;
  if (!cookie_.empty()) {
    ++fields_;
    if (fields_ <= limits_.fields) {
      head_->fields.add(FieldId::kCookie, "cookie", cookie_);
    }
  }
  head_->method = method_of(head_->method_text);
  if (bytes_ > limits_.head_bytes) {
    return refuse("head too large", 431);
  }
  if (fields_ > limits_.fields) {
    return refuse("too many fields", 431);
  }
  if (head_->method_text.size() > kMaxMethodBytes) {
    return refuse("method too long", 501);
  }
  return judge(ends);
}

Judgement H2RequestReader::judge(bool ends) {
  if (auto authority = judge_authority(); !authority) {
    return authority;
  }
  if (!is_token(head_->method_text)) {
    return refuse("malformed :method");
  }
  if (head_->method != Method::kConnect && !protocol_.empty()) {
    return refuse(":protocol without CONNECT");
  }
  if (head_->method == Method::kConnect && protocol_.empty()) {
    return {};  // the exchange refuses it; there is no path to judge
  }
  if (auto target = judge_target(); !target) {
    return target;
  }
  if (auto judged = judge_request(*head_); !judged) {
    return judged;
  }
  if (head_->method == Method::kConnect) {
    if (protocol_ != "websocket") {
      return refuse("unknown :protocol", 501);
    }
    become_upgrade();
    return {};
  }
  if (ends && head_->content_length > 0) {
    return refuse("Content-Length without a body");
  }
  if (ends) {
    head_->framing = head_->framing == Framing::kLength ? Framing::kLength : Framing::kNone;
  } else if (head_->framing == Framing::kNone || head_->content_length == 0) {
    // Of a length of 0 too: were it believed, the request would be whole before its end is known.
    head_->framing = Framing::kChunked;
    const auto expect = head_->fields.find(FieldId::kExpect);
    head_->expect_continue = expect.has_value();  // judged already
  }
  return {};
}

Judgement H2RequestReader::judge_target() {
  if (!equals_no_case(scheme_, "http") && !equals_no_case(scheme_, "https")) {
    return refuse("scheme is neither http nor https");
  }
  const std::string_view target = head_->target;
  if (target.size() > limits_.target_bytes) {
    return refuse("request target too long", 414);
  }
  if (target == "*" && head_->method == Method::kOptions) {
    return {};
  }
  if (!target.starts_with('/') || !is_valid_path_and_query(target)) {
    return refuse("malformed request target");
  }
  return {};
}

// RFC 9113 8.3.1: either may name the host, and neither may disagree.
Judgement H2RequestReader::judge_authority() {
  const auto host = head_->fields.find(FieldId::kHost);
  if (head_->authority.empty()) {
    if (host) {
      head_->authority = *host;
    }
  } else if (!host) {
    head_->fields.add(FieldId::kHost, "host", head_->authority);
  } else if (!equals_no_case(*host, head_->authority)) {
    return refuse(":authority and Host differ");
  }
  if (!is_valid_authority(head_->authority)) {
    return refuse("malformed :authority");
  }
  return {};
}

// RFC 8441 5: what HTTP/1 asks for by Upgrade. It has a key there, which means nothing here.
void H2RequestReader::become_upgrade() {
  head_->method = Method::kGet;
  head_->method_text = "GET";
  head_->upgrade = protocol_;
  head_->framing = Framing::kNone;
  head_->content_length = 0;
  head_->expect_continue = false;
}

void H2TrailerReader::begin() {
  fields_.clear();
  bytes_ = count_ = 0;
}

bool H2TrailerReader::field(std::string_view name, std::string_view value) {
  bytes_ += name.size() + value.size() + kLineOverhead;
  ++count_;
  if (bytes_ > limits_.trailer_bytes || count_ > limits_.fields) {
    return false;
  }
  const FieldId id = field_id(name);
  if (!has_underscore(name) && !is_forbidden_trailer({.id = id, .name = name, .value = value})) {
    fields_.add(id, name, value);
  }
  return true;
}

}  // namespace portico::http
