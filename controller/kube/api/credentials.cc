#include "controller/kube/api/credentials.h"

#include <utility>

#include <fmt/format.h>

#include "controller/kube/api/text.h"

namespace portico::kube {

Credentials::Credentials(ApiUser user, std::string exec_info, World world,
                         std::move_only_function<void()> changed)
    : user_(std::move(user)),
      exec_info_(std::move(exec_info)),
      world_(std::move(world)),
      changed_(std::move(changed)),
      token_(user_.token, world_.clock),
      certificate_(user_.certificate, world_.clock),
      key_(user_.key, world_.clock) {}

std::expected<const Credential*, std::string> Credentials::current() {
  if (const auto refreshed = refresh_contents(); !refreshed) {
    return std::unexpected(refreshed.error());
  }
  if (user_.plugin.command.empty() || plugin_answer_holds()) {
    return &credential_;
  }
  if (run_ == nullptr) {
    if (!plugin_failure_.empty() && world_.clock() - plugin_failed_at_ < kPluginRest) {
      return std::unexpected(plugin_failure_);
    }
    start_plugin();
  }
  return nullptr;
}

std::expected<void, std::string> Credentials::refresh_contents() {
  for (auto* content : {&token_, &certificate_, &key_}) {
    if (const auto refreshed = content->refresh(); !refreshed) {
      return refreshed;
    }
  }
  const std::uint64_t made_of = token_.version() + certificate_.version() + key_.version();
  if (made_of != composed_of_) {
    if (!is_visible(trim(token_.bytes()))) {
      return std::unexpected(
          fmt::format("{}: has a character that no token has", user_.token.named));
    }
    composed_of_ = made_of;
    compose();
  }
  return {};
}

bool Credentials::refused(std::uint64_t version) {
  if (version != credential_.version) {
    return true;
  }
  if (!user_.plugin.command.empty()) {
    const bool had_answer = plugin_answer_.has_value();
    plugin_answer_.reset();
    return had_answer;
  }
  return token_.reread();
}

bool Credentials::plugin_answer_holds() const {
  return plugin_answer_ &&
         (!plugin_answer_->expires_unix_seconds ||
          world_.unix_seconds() + kExpiryMargin.count() < *plugin_answer_->expires_unix_seconds);
}

void Credentials::start_plugin() {
  run_ = world_.start_plugin(user_.plugin, exec_info_,
                             [this](auto answer) { on_plugin(std::move(answer)); });
}

void Credentials::on_plugin(std::expected<std::string, std::string> answer) {
  run_.reset();
  auto read = answer ? read_exec_credential(*answer, user_.plugin.api_version)
                     : std::expected<PluginCredential, std::string>(
                           std::unexpected(std::move(answer.error())));
  if (read) {
    plugin_failure_.clear();
    plugin_answer_ = std::move(*read);
    compose();
  } else {
    plugin_failure_ =
        fmt::format("{}: {} {}", user_.plugin.named, user_.plugin.command, read.error());
    plugin_failed_at_ = world_.clock();
    plugin_answer_.reset();
  }
  changed_();
}

void Credentials::compose() {
  Credential made{.certificate_pem = certificate_.bytes(),
                  .key_pem = key_.bytes(),
                  .version = credential_.version + 1,
                  .certificate_version = credential_.certificate_version};
  std::string token(trim(token_.bytes()));
  if (plugin_answer_) {
    token = token.empty() ? plugin_answer_->token : token;
    if (!plugin_answer_->certificate_pem.empty()) {
      made.certificate_pem = plugin_answer_->certificate_pem;
      made.key_pem = plugin_answer_->key_pem;
    }
  }
  if (!token.empty()) {
    made.authorization = "Bearer " + token;
  } else if (!user_.user_name.empty()) {
    made.authorization = "Basic " + encode_base64(user_.user_name + ":" + user_.password);
  }
  if (made.certificate_pem != credential_.certificate_pem || made.key_pem != credential_.key_pem) {
    ++made.certificate_version;
  }
  credential_ = std::move(made);
}

}  // namespace portico::kube
