#include "tls/ssl_engine.h"

#include <algorithm>

#include <openssl/err.h>

namespace portico::tls {
namespace {

// What a full record takes: 5 bytes of header, explicit nonce, tag, TLS 1.3's inner type.
constexpr std::size_t kRecordOverhead = 64;
constexpr std::size_t kRecordPayload = SSL3_RT_MAX_PLAIN_LENGTH;
constexpr std::size_t kWriteBound = 64 * 1024;
static_assert(kWriteBound + kRecordPayload == Engine::kOutputBound);

}  // namespace

SslEngine::SslEngine(SSL_CTX* context) : ssl_(SSL_new(context)) {
  must(ssl_ != nullptr, "SSL_new");
  auto* bio = make_engine_bio(ends_).release();
  SSL_set_bio(ssl_.get(), bio, bio);  // takes it, once, for both directions
}

void SslEngine::fail(std::string_view why) {
  phase_ = Phase::kFailed;
  failure_ = why;
}

std::string_view SslEngine::explain_failure() {
  return take_error("TLS failed without a reason");
}

Status SslEngine::judge(int result) {
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
      fail(explain_failure());
      return Status::kFailed;
  }
}

Status SslEngine::handshake() {
  if (phase_ != Phase::kHandshake) {
    return phase_ == Phase::kOpen ? Status::kOk : Status::kFailed;
  }
  ERR_clear_error();
  const auto status = judge(SSL_do_handshake(ssl_.get()));
  if (status == Status::kOk) {
    phase_ = Phase::kOpen;
    on_handshake_done();
  }
  return status;
}

Progress SslEngine::read(std::span<char> plaintext) {
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

Progress SslEngine::write(std::span<const char> plaintext) {
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

Status SslEngine::close_notify() {
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

std::string_view SslEngine::alpn() const {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::string_view SslEngine::cipher() const {
  const auto* cipher = SSL_get_current_cipher(ssl_.get());
  return cipher == nullptr ? std::string_view() : SSL_CIPHER_get_name(cipher);
}

}  // namespace portico::tls
