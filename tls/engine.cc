#include "tls/engine.h"

#include <algorithm>
#include <utility>

#include <openssl/err.h>

#include "tls/engine_bio.h"
#include "tls/native.h"

namespace portico::tls {
namespace {

// What a full record takes: 5 bytes of header, explicit nonce, tag, TLS 1.3's inner type.
constexpr std::size_t kRecordOverhead = 64;
constexpr std::size_t kRecordPayload = SSL3_RT_MAX_PLAIN_LENGTH;
constexpr std::size_t kWriteBound = 64 * 1024;
static_assert(kWriteBound + kRecordPayload == Engine::kOutputBound);

class ServerEngine final : public Engine {
 public:
  ServerEngine(std::shared_ptr<const ServerContext> context,
               std::shared_ptr<const CertificateStore> store)
      : context_(std::move(context)), ssl_(SSL_new(context_->native().context.get())) {
    must(ssl_ != nullptr, "SSL_new");
    handshake_.store = std::move(store);
    SSL_set_app_data(ssl_.get(), &handshake_);
    auto* bio = make_engine_bio(ends_).release();
    SSL_set_bio(ssl_.get(), bio, bio);  // takes it, once, for both directions
    SSL_set_accept_state(ssl_.get());
  }
  ServerEngine(const ServerEngine&) = delete;
  ServerEngine& operator=(const ServerEngine&) = delete;

  void feed(std::span<const char> ciphertext) override { ends_.input = ciphertext; }
  [[nodiscard]] std::size_t unread() const override { return ends_.input.size(); }

  Status handshake() override;
  Progress read(std::span<char> plaintext) override;
  Progress write(std::span<const char> plaintext) override;
  Status close_notify() override;

  [[nodiscard]] std::span<const char> output() const override { return ends_.output.bytes(); }
  void consume_output(std::size_t bytes) override { ends_.output.consume(bytes); }

  [[nodiscard]] std::string_view failure() const override {
    return failure_ == nullptr ? std::string_view() : failure_;
  }
  [[nodiscard]] std::string_view sni() const override { return handshake_.sni; }
  [[nodiscard]] std::string_view alpn() const override;
  [[nodiscard]] std::string_view protocol() const override {
    return phase_ == Phase::kHandshake ? std::string_view() : SSL_get_version(ssl_.get());
  }
  [[nodiscard]] std::string_view cipher() const override;
  [[nodiscard]] bool resumed() const override { return SSL_session_reused(ssl_.get()) == 1; }
  [[nodiscard]] CertificateStore::Reason certificate_reason() const override {
    return handshake_.reason;
  }

 private:
  enum class Phase : std::uint8_t { kHandshake, kOpen, kFailed };

  // What the call that returned `result` means; a failure is final.
  Status judge(int result);
  void finish_handshake();

  std::shared_ptr<const ServerContext> context_;
  Handshake handshake_;
  EngineBio ends_{.input = {}, .output = OutputBuffer(kOutputBound)};
  SslPtr ssl_;  // after what its BIO and callbacks point to
  const char* failure_ = nullptr;
  Phase phase_ = Phase::kHandshake;
};

Status ServerEngine::judge(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_NONE:
      return Status::kOk;
    case SSL_ERROR_WANT_READ:
      return Status::kWantInput;
    case SSL_ERROR_WANT_WRITE:
      return Status::kWantOutput;
    case SSL_ERROR_ZERO_RETURN:
      return Status::kClosed;
    default:
      phase_ = Phase::kFailed;
      failure_ = take_error("TLS failed without a reason");
      return Status::kFailed;
  }
}

Status ServerEngine::handshake() {
  if (phase_ != Phase::kHandshake) {
    return phase_ == Phase::kOpen ? Status::kOk : Status::kFailed;
  }
  ERR_clear_error();
  const auto status = judge(SSL_do_handshake(ssl_.get()));
  if (status == Status::kOk) {
    finish_handshake();
  }
  return status;
}

// A connection may stay for days: it keeps neither the version of the store nor the certificate it
// began with.
void ServerEngine::finish_handshake() {
  phase_ = Phase::kOpen;
  handshake_.store.reset();
  SSL_certs_clear(ssl_.get());
}

Progress ServerEngine::read(std::span<char> plaintext) {
  Progress progress{.status = handshake()};
  ERR_clear_error();
  while (progress.status == Status::kOk && progress.bytes < plaintext.size()) {
    std::size_t count = 0;
    const auto rest = plaintext.subspan(progress.bytes);
    progress.status = judge(SSL_read_ex(ssl_.get(), rest.data(), rest.size(), &count));
    progress.bytes += count;
  }
  return progress;
}

Progress ServerEngine::write(std::span<const char> plaintext) {
  Progress progress{.status = handshake()};
  if (progress.status != Status::kOk) {
    return progress;
  }
  ERR_clear_error();
  const auto records = (plaintext.size() + kRecordPayload - 1) / kRecordPayload;
  const auto used = ends_.output.size();
  if (used < kWriteBound) {
    ends_.output.reserve(
        std::min(plaintext.size() + records * kRecordOverhead, kWriteBound - used));
  }
  while (progress.status == Status::kOk && progress.bytes < plaintext.size()) {
    const auto piece = plaintext.subspan(
        progress.bytes, std::min(kRecordPayload, plaintext.size() - progress.bytes));
    // Asked before OpenSSL is: a record that it has sealed but can't hand over pins the caller to
    // these bytes.
    if (ends_.output.size() + piece.size() + kRecordOverhead > kWriteBound) {
      progress.status = Status::kWantOutput;
      break;
    }
    std::size_t count = 0;
    progress.status = judge(SSL_write_ex(ssl_.get(), piece.data(), piece.size(), &count));
    progress.bytes += count;
  }
  return progress;
}

Status ServerEngine::close_notify() {
  if (phase_ != Phase::kOpen) {
    return Status::kOk;
  }
  ERR_clear_error();
  const auto result = SSL_shutdown(ssl_.get());
  if (result >= 0) {  // 0: sent, the peer's has not come yet
    return Status::kOk;
  }
  const auto status = judge(result);
  return status == Status::kWantOutput ? status : Status::kOk;
}

std::string_view ServerEngine::alpn() const {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::string_view ServerEngine::cipher() const {
  const auto* cipher = SSL_get_current_cipher(ssl_.get());
  return cipher == nullptr ? std::string_view() : SSL_CIPHER_get_name(cipher);
}

}  // namespace

std::unique_ptr<Engine> Engine::server(std::shared_ptr<const ServerContext> context,
                                       std::shared_ptr<const CertificateStore> store) {
  return std::make_unique<ServerEngine>(std::move(context), std::move(store));
}

}  // namespace portico::tls
