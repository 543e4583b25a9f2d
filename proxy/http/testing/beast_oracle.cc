#include "proxy/http/testing/beast_oracle.h"

#include <boost/beast/http/basic_parser.hpp>

namespace portico::http::testing {
namespace {

namespace beast = boost::beast::http;
using ErrorCode = boost::beast::error_code;
using StringView = boost::beast::string_view;

// Beast reads no field before a start line: any will do.
constexpr std::string_view kStartLine = "GET / HTTP/1.1\r\n";

class Parser final : public beast::basic_parser<true> {
 public:
  Parser() {
    eager(false);
    skip(true);  // no body
    body_limit(boost::none);
    header_limit(UINT32_MAX);
  }
  NamesAndValues fields;

 private:
  void on_field_impl(beast::field, StringView name, StringView value, ErrorCode&) override {
    fields.emplace_back(std::string(name), std::string(value));
  }
  void on_request_impl(beast::verb, StringView, StringView, int, ErrorCode&) override {}
  void on_response_impl(int, StringView, int, ErrorCode&) override {}
  void on_header_impl(ErrorCode&) override {}
  void on_body_init_impl(boost::optional<std::uint64_t> const&, ErrorCode&) override {}
  std::size_t on_body_impl(StringView, ErrorCode&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, StringView, ErrorCode&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, StringView, ErrorCode&) override { return 0; }
  void on_finish_impl(ErrorCode&) override {}
};

}  // namespace

std::optional<NamesAndValues> read_fields_with_beast(std::string_view section) {
  Parser parser;
  ErrorCode error;
  parser.put(boost::asio::const_buffer(kStartLine.data(), kStartLine.size()), error);
  const std::size_t taken =
      parser.put(boost::asio::const_buffer(section.data(), section.size()), error);
  if (error || !parser.is_done() || taken != section.size()) {
    return std::nullopt;
  }
  return std::move(parser.fields);
}

std::string_view field_section(std::string_view head) {
  constexpr std::string_view kLineEnd = "\r\n";
  while (head.starts_with(kLineEnd)) {
    head.remove_prefix(kLineEnd.size());
  }
  return head.substr(head.find(kLineEnd) + kLineEnd.size());
}

NamesAndValues names_and_values(const FieldBlock& fields) {
  NamesAndValues all;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    all.emplace_back(fields[i].name, fields[i].value);
  }
  return all;
}

NamesAndValues without_underscores(NamesAndValues fields) {
  std::erase_if(fields, [](const auto& field) { return field.first.contains('_'); });
  return fields;
}

}  // namespace portico::http::testing
