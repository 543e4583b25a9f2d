#include "controller/kube/api/exec_credential.h"

#include <charconv>
#include <chrono>

#include <fmt/format.h>

#include "controller/kube/api/text.h"
#include "controller/kube/document_reader.h"

namespace portico::kube {
namespace {

using Result = std::expected<PluginCredential, std::string>;

class FirstDocument final : public DocumentSink {
 public:
  explicit FirstDocument(std::string_view api_version) : api_version_(api_version) {}

  void on_document(Value root, std::span<const DocumentProblem> /*problems*/) override {
    if (!read_) {
      result = read(root);
      read_ = true;
    }
  }

  Result result = std::unexpected("printed nothing");

 private:
  [[nodiscard]] Result read(Value root) const {
    if (root.member_text("kind") != "ExecCredential") {
      return std::unexpected("printed something that is no ExecCredential");
    }
    if (root.member_text("apiVersion") != api_version_) {
      return std::unexpected(fmt::format("answered in apiVersion \"{}\"; \"{}\" is configured",
                                         root.member_text("apiVersion"), api_version_));
    }
    const Value status = root.find("status");
    PluginCredential credential{
        .token = std::string(trim(status.member_text("token"))),
        .certificate_pem = std::string(status.member_text("clientCertificateData")),
        .key_pem = std::string(status.member_text("clientKeyData"))};
    if (credential.certificate_pem.empty() != credential.key_pem.empty()) {
      return std::unexpected(
          "gave one of clientCertificateData and clientKeyData without the other");
    }
    if (credential.token.empty() && credential.certificate_pem.empty()) {
      return std::unexpected("gave neither a token nor a client certificate");
    }
    if (!is_visible(credential.token)) {
      return std::unexpected("gave a token with a character that no token has");
    }
    if (const std::string_view time = status.member_text("expirationTimestamp"); !time.empty()) {
      credential.expires_unix_seconds = parse_rfc3339(time);
      if (!credential.expires_unix_seconds) {
        return std::unexpected(
            fmt::format("gave expirationTimestamp \"{}\", which is no time", time));
      }
    }
    return credential;
  }

  std::string_view api_version_;
  bool read_ = false;
};

std::optional<int> number(std::string_view text, std::size_t at, std::size_t size) {
  int value = 0;
  const char* begin = text.data() + at;
  const auto [end, error] = std::from_chars(begin, begin + size, value);
  return error == std::errc() && end == begin + size && value >= 0 ? std::optional(value)
                                                                   : std::nullopt;
}

// "Z" or "+02:00", as seconds to take off; nothing where it is neither.
std::optional<int> read_offset(std::string_view text) {
  if (text == "Z" || text == "z") {
    return 0;
  }
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') {
    return std::nullopt;
  }
  const auto hours = number(text, 1, 2);
  const auto minutes = number(text, 4, 2);
  if (!hours || !minutes) {
    return std::nullopt;
  }
  return (*hours * 60 + *minutes) * 60 * (text[0] == '-' ? -1 : 1);
}

}  // namespace

std::string exec_info(const ApiAccess& access, std::string_view authority_pem) {
  const ExecPlugin& plugin = access.user.plugin;
  std::string cluster;
  if (plugin.wants_cluster) {
    cluster = fmt::format(R"(,"cluster":{{"server":{},"config":{})", json_string(access.server),
                          plugin.cluster_extension.empty() ? "null" : plugin.cluster_extension);
    const auto add = [&cluster](std::string_view name, const std::string& value) {
      cluster += value.empty() ? "" : fmt::format(R"(,"{}":{})", name, value);
    };
    add("tls-server-name",
        access.tls_server_name.empty() ? "" : json_string(access.tls_server_name));
    add("insecure-skip-tls-verify", access.verify ? "" : "true");
    add("certificate-authority-data",
        authority_pem.empty() ? "" : json_string(encode_base64(authority_pem)));
    add("proxy-url", access.proxy.empty() ? "" : json_string(access.proxy));
    add("disable-compression", access.accepts_gzip ? "" : "true");
    cluster += "}";
  }
  return fmt::format(
      R"({{"kind":"ExecCredential","apiVersion":{},"spec":{{"interactive":false{}}}}})",
      json_string(plugin.api_version), cluster);
}

Result read_exec_credential(std::string_view text, std::string_view api_version) {
  Document scratch;
  FirstDocument first(api_version);
  if (const auto error = read_json(text, scratch, first)) {
    return std::unexpected(fmt::format("printed no JSON: {}", error->message));
  }
  return first.result;
}

std::optional<std::int64_t> parse_rfc3339(std::string_view text) {
  constexpr std::string_view kForm = "0000-00-00T00:00:00";
  if (text.size() <= kForm.size()) {
    return std::nullopt;
  }
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    if (kForm[i] != '0' && text[i] != kForm[i]) {
      return std::nullopt;
    }
  }
  std::string_view rest = text.substr(kForm.size());
  if (rest.starts_with('.')) {
    rest.remove_prefix(std::min(rest.find_first_not_of("0123456789", 1), rest.size()));
  }
  const auto offset = read_offset(rest);
  const auto year = number(text, 0, 4), month = number(text, 5, 2), day = number(text, 8, 2);
  const auto hour = number(text, 11, 2), minute = number(text, 14, 2), second = number(text, 17, 2);
  if (!offset || !year || !month || !day || !hour || !minute || !second) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) {
    return std::nullopt;
  }
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return ((days * 24 + *hour) * 60 + *minute) * 60 + *second - *offset;
}

}  // namespace portico::kube
