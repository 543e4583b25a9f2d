#include "proxy/http/field_reader.h"

#include <boost/beast/http/basic_parser.hpp>

#include "proxy/http/rules.h"

namespace portico::http {
namespace {

namespace beast = boost::beast::http;
using ErrorCode = boost::beast::error_code;
using StringView = boost::beast::string_view;

// Beast reads no field before a start line, and ours has been read by rules.h, for requests,
// answers and trailers alike: so it is given this one.
constexpr std::string_view kStartLine = "GET / HTTP/1.1\r\n";

class Tokenizer final : public beast::basic_parser<true> {
 public:
  Tokenizer(FieldSource source, FieldBlock& fields) : source_(source), fields_(fields) {
    eager(false);
    skip(true);  // bodies are BodyDecoder's
    body_limit(boost::none);
    header_limit(UINT32_MAX);
  }

 private:
  void on_field_impl(beast::field, StringView name_view, StringView value_view,
                     ErrorCode&) override {
    const std::string_view name(name_view.data(), name_view.size());
    const std::string_view value(value_view.data(), value_view.size());
    const bool is_request =
        source_ == FieldSource::kRequest || source_ == FieldSource::kRequestTrailer;
    if (is_request && name.find('_') != std::string_view::npos) {
      return;
    }
    const FieldId id = field_id(name);
    const bool is_trailer =
        source_ == FieldSource::kRequestTrailer || source_ == FieldSource::kResponseTrailer;
    if (is_trailer && is_forbidden_trailer({.id = id, .name = name, .value = value})) {
      return;
    }
    fields_.add(id, name, value);
  }

  void on_request_impl(beast::verb, StringView, StringView, int, ErrorCode&) override {}
  void on_response_impl(int, StringView, int, ErrorCode&) override {}
  void on_header_impl(ErrorCode&) override {}
  void on_body_init_impl(boost::optional<std::uint64_t> const&, ErrorCode&) override {}
  std::size_t on_body_impl(StringView, ErrorCode&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, StringView, ErrorCode&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, StringView, ErrorCode&) override { return 0; }
  void on_finish_impl(ErrorCode&) override {}

  const FieldSource source_;
  FieldBlock& fields_;
};

std::string_view reason_of(ErrorCode error) {
  if (error == beast::error::bad_field) {
    return "malformed field name";
  }
  if (error == beast::error::bad_content_length || error == beast::error::multiple_content_length) {
    return "malformed Content-Length";
  }
  if (error == beast::error::bad_transfer_encoding) {
    return "malformed Transfer-Encoding";
  }
  return "malformed field";
}

}  // namespace

std::expected<void, ParseError> read_fields(std::string_view section, FieldSource source,
                                            FieldBlock& fields) {
  Tokenizer tokenizer(source, fields);
  ErrorCode error;
  tokenizer.put(boost::asio::const_buffer(kStartLine.data(), kStartLine.size()), error);
  tokenizer.put(boost::asio::const_buffer(section.data(), section.size()), error);
  if (error) {
    return std::unexpected(ParseError{.status = 400, .reason = reason_of(error)});
  }
  if (!tokenizer.is_done()) {
    return std::unexpected(ParseError{.status = 400, .reason = "malformed field section"});
  }
  return {};
}

}  // namespace portico::http
