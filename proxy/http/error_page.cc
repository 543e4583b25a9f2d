#include "proxy/http/error_page.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "proxy/http/chars.h"
#include "proxy/http/status_text.h"

namespace portico::http {
namespace {

std::string_view message_of(std::uint16_t status) {
  switch (status) {
    case 301:
    case 302:
    case 307:
    case 308:
      return "The page is at another address.";
    case 400:
      return "The request could not be understood.";
    case 401:
      return "The page needs a login.";
    case 403:
      return "Access to this page is not allowed.";
    case 404:
      return "There is no page at this address.";
    case 405:
      return "This method is not allowed here.";
    case 408:
      return "The request took too long to arrive.";
    case 413:
      return "The request's body is larger than allowed here.";
    case 414:
      return "The request's address is too long.";
    case 417:
      return "The request expects something that is not offered here.";
    case 421:
      return "The connection is not one for this host.";
    case 425:
      return "The request came too early in the connection.";
    case 426:
      return "The request needs another protocol.";
    case 429:
      return "There were too many requests.";
    case 431:
      return "The request's header fields are too large.";
    case 500:
      return "Something went wrong here.";
    case 501:
      return "This method is not known here.";
    case 502:
      return "The service behind this page gave no valid answer.";
    case 503:
      return "The service behind this page is not available.";
    case 504:
      return "The service behind this page did not answer in time.";
    case 505:
      return "This version of HTTP is not spoken here.";
    default:
      return status < 500 ? "The request can't be answered." : "Something went wrong.";
  }
}

enum class Form : std::uint8_t { kHtml, kJson, kText };
constexpr std::array<std::string_view, 3> kTypes = {"text/html; charset=utf-8", "application/json",
                                                    "text/plain; charset=utf-8"};

// RFC 9110 12.4.2, in thousandths; 1000 without or with a malformed weight.
int weight_of(std::string_view parameters) {
  while (!parameters.empty()) {
    const std::size_t end = std::min(parameters.find(';'), parameters.size());
    const std::string_view parameter = trim(parameters.substr(0, end));
    parameters.remove_prefix(std::min(end + 1, parameters.size()));
    if (!starts_with_no_case(parameter, "q=")) {
      continue;
    }
    const std::string_view value = parameter.substr(2);
    if (value.empty() || value.size() > 5 || value.front() != '0') {
      return 1000;
    }
    int thousandths = 0;
    int unit = 100;
    for (const char c : value.substr(std::min<std::size_t>(2, value.size()))) {
      thousandths += is_digit(c) ? (c - '0') * unit : 0;
      unit /= 10;
    }
    return thousandths;
  }
  return 1000;
}

// How well a media range fits a form: 0 not at all, 1 "*/*", 2 its type, 3 exactly (RFC
// 9110 12.5.1).
int fit(std::string_view range, Form form) {
  const std::string_view type = kTypes[static_cast<std::size_t>(form)];
  const std::string_view exact = type.substr(0, type.find(';'));
  if (equals_no_case(range, exact) ||
      (form == Form::kJson && equals_no_case(range, "application/problem+json"))) {
    return 3;
  }
  if (form == Form::kHtml && equals_no_case(range, "application/xhtml+xml")) {
    return 3;
  }
  const std::string_view main_type = exact.substr(0, exact.find('/') + 1);
  if (range.size() == main_type.size() + 1 && starts_with_no_case(range, main_type) &&
      range.back() == '*') {
    return 2;
  }
  return range == "*/*" ? 1 : 0;
}

Form choose_form(std::string_view accept) {
  struct Rank {
    int fit = 0;
    int weight = 0;
  };
  std::array<Rank, kTypes.size()> ranks{};
  for_each_element(accept, [&](std::string_view element) {
    const std::size_t end = std::min(element.find(';'), element.size());
    const std::string_view range = trim(element.substr(0, end));
    for (std::size_t form = 0; form < ranks.size(); ++form) {
      // The closest range says the weight, however the list is ordered.
      const int fits = fit(range, static_cast<Form>(form));
      if (fits > ranks[form].fit) {
        ranks[form] = {.fit = fits, .weight = weight_of(element.substr(end))};
      }
    }
    return true;
  });
  // At equal weights the form that was named beats one that is merely covered; then HTML, JSON,
  // text.
  std::size_t best = 0;
  for (std::size_t form = 1; form < ranks.size(); ++form) {
    const bool better =
        ranks[form].weight > ranks[best].weight ||
        (ranks[form].weight == ranks[best].weight && ranks[form].fit > ranks[best].fit);
    if (better) {
      best = form;
    }
  }
  return static_cast<Form>(best);
}

}  // namespace

ErrorPage error_page(std::uint16_t status, std::string_view accept, std::string_view request_id,
                     std::string_view message) {
  std::array<char, 5> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), status).ptr;
  const std::string_view code(digits.data(), static_cast<std::size_t>(end - digits.data()));
  const std::string_view phrase = status_text(status);
  message = message.empty() ? message_of(status) : message;
  const Form form = choose_form(accept);
  ErrorPage page{.content_type = kTypes[static_cast<std::size_t>(form)], .body = {}};
  const auto write = [&page](std::initializer_list<std::string_view> pieces) {
    for (const std::string_view piece : pieces) {
      page.body.append(piece);
    }
  };
  switch (form) {
    case Form::kHtml:
      write({"<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>", code, " ",
             phrase, "</title></head>\n<body><h1>", code, " ", phrase, "</h1><p>", message,
             "</p>"});
      if (!request_id.empty()) {
        write({"<p><small>Request ", request_id, "</small></p>"});
      }
      write({"</body></html>\n"});
      break;
    case Form::kJson:
      write({"{\"status\":", code, ",\"error\":\"", phrase, "\",\"message\":\"", message,
             "\",\"request_id\":\"", request_id, "\"}\n"});
      break;
    case Form::kText:
      write({code, " ", phrase, "\n", message, "\n"});
      if (!request_id.empty()) {
        write({"Request ", request_id, "\n"});
      }
      break;
  }
  return page;
}

}  // namespace portico::http
