#include "tls/pem.h"

#include <array>
#include <tuple>
#include <utility>

#include <climits>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "tls/decode.h"
#include "tls/inspect.h"
#include "tls/pem_blocks.h"
#include "tls/staple.h"

namespace portico::tls {
namespace {

constexpr int kSecurityBits = 112;  // ServerContext's level 2: RSA 2048, SHA-256, P-256
constexpr std::size_t kLongestChain = 32;

using std::string_literals::operator""s;

// What is wrong with an entry before it is looked at.
std::string refuse_text(const char* entry, std::string_view pem) {
  if (pem.empty()) {
    return entry + " is empty"s;
  }
  if (pem.size() > INT_MAX) {
    return entry + " is too long"s;
  }
  return {};
}

std::expected<X509StackPtr, std::string> read_certificates(std::string_view pem) {
  if (auto problem = refuse_text("tls.crt", pem); !problem.empty()) {
    return std::unexpected(std::move(problem));
  }
  X509StackPtr stack(sk_X509_new_null());
  must(stack != nullptr, "sk_X509_new_null");
  BlockReader reader(pem, PEM_STRING_X509);
  auto block = reader.next();
  for (; block; block = reader.next()) {
    if (block->label != PEM_STRING_X509 && block->label != PEM_STRING_X509_OLD) {
      continue;
    }
    const auto number = std::to_string(sk_X509_num(stack.get()) + 1);
    const bool is_leaf = sk_X509_num(stack.get()) == 0;
    auto certificate = is_leaf ? decode_certificate(block->der) : decode_issuer(block->der);
    if (certificate == nullptr) {
      return std::unexpected("tls.crt: certificate " + number +
                             " is malformed: " + take_error("not a certificate"));
    }
    if (sk_X509_num(stack.get()) == kLongestChain) {
      return std::unexpected("tls.crt holds more than " + std::to_string(kLongestChain) +
                             " certificates");
    }
    must(sk_X509_push(stack.get(), certificate.get()) > 0, "sk_X509_push");
    std::ignore = certificate.release();
  }
  if (block.error() == BlockReader::End::kMalformed) {
    return std::unexpected("tls.crt: what follows certificate " +
                           std::to_string(sk_X509_num(stack.get())) + " is malformed");
  }
  if (sk_X509_num(stack.get()) == 0) {
    return std::unexpected("tls.crt holds no PEM certificate");
  }
  return stack;
}

std::expected<PkeyPtr, std::string> read_key(std::string_view pem) {
  if (auto problem = refuse_text("tls.key", pem); !problem.empty()) {
    return std::unexpected(std::move(problem));
  }
  BlockReader reader(pem, PEM_STRING_PKCS8INF);
  auto block = reader.next();
  for (; block; block = reader.next()) {
    if (!block->label.ends_with("PRIVATE KEY")) {  // "EC PARAMETERS" stands before an EC key
      continue;
    }
    if (block->encrypted || block->label == PEM_STRING_PKCS8) {
      return std::unexpected("tls.key is encrypted; store it without a passphrase"s);
    }
    auto key = decode_private_key(block->der);
    OPENSSL_cleanse(block->der.data(), block->der.size());
    if (key == nullptr) {
      ERR_clear_error();
      return std::unexpected("tls.key: the " + block->label + " is malformed");
    }
    return key;
  }
  return std::unexpected(block.error() == BlockReader::End::kMalformed
                             ? "tls.key is malformed"s
                             : "tls.key holds no PEM private key"s);
}

// What SSL_use_cert_and_key would refuse at the first handshake.
std::string weakness(X509* certificate, int number) {
  const auto subject = "tls.crt: certificate " + std::to_string(number);
  const auto* key = X509_get0_pubkey(certificate);
  if (key == nullptr) {
    return subject + " has a public key of a kind that is not known";
  }
  if (EVP_PKEY_get_security_bits(key) < kSecurityBits) {
    return subject + " has a key that is too small: " + key_kind(*key);
  }
  const bool self_signed = (X509_get_extension_flags(certificate) & EXFLAG_SS) != 0;
  int digest = 0;
  int signature_bits = -1;
  X509_get_signature_info(certificate, &digest, nullptr, &signature_bits, nullptr);
  if (!self_signed && signature_bits < kSecurityBits) {
    return subject + " is signed with a weak digest: " + OBJ_nid2sn(digest);
  }
  return {};
}

bool is_served(const EVP_PKEY& key) {
  switch (EVP_PKEY_get_base_id(&key)) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
    case EVP_PKEY_EC:
    case EVP_PKEY_ED25519:
    case EVP_PKEY_ED448:
      return true;
    default:
      return false;
  }
}

// The first certificate must be the key's; says where in the chain the right one is.
std::string mismatch(STACK_OF(X509) * stack, EVP_PKEY* key) {
  for (int i = 0; i < sk_X509_num(stack); ++i) {
    const auto* public_key = X509_get0_pubkey(sk_X509_value(stack, i));
    if (public_key == nullptr || EVP_PKEY_eq(public_key, key) != 1) {
      continue;
    }
    if (i == 0) {
      return {};
    }
    return "tls.key belongs to certificate " + std::to_string(i + 1) +
           " of tls.crt; the server's own certificate must come first";
  }
  return "tls.key does not match the certificate in tls.crt";
}

std::string judge(STACK_OF(X509) * stack, EVP_PKEY* key) {
  if (!is_served(*key)) {
    return "tls.key is of a kind that TLS does not use: " + key_kind(*key);
  }
  if (auto problem = mismatch(stack, key); !problem.empty()) {
    return problem;
  }
  for (int i = 0; i < sk_X509_num(stack); ++i) {
    if (auto problem = weakness(sk_X509_value(stack, i), i + 1); !problem.empty()) {
      return problem;
    }
  }
  return {};
}

bool is_plain_key(const Block& block) {
  return block.label.ends_with("PRIVATE KEY") && block.label != PEM_STRING_PKCS8 &&
         !block.encrypted;
}

// The DER of the blocks that are wanted; `pem` itself where anything about it is odd, so that its
// fault is found later.
template <class Wanted>
std::string strip_armour(const std::string& pem, Wanted wanted) {
  if (!refuse_text("", pem).empty()) {
    return pem;
  }
  BlockReader reader(pem, PEM_STRING_X509);
  std::string der;
  auto block = reader.next();
  for (; block; block = reader.next()) {
    if (!wanted(*block)) {
      continue;
    }
    // OpenSSL accepts bytes behind the object in a block; without the block they would pass for the
    // next object.
    const auto alone = BlockReader(block->der, PEM_STRING_X509).next();
    if (!alone || alone->der != block->der) {
      return pem;
    }
    der += block->der;
  }
  const bool is_whole = block.error() == BlockReader::End::kNoMore && !der.empty();
  return is_whole ? der : pem;
}

}  // namespace

routing::CertificateSpec compact(const routing::CertificateSpec& spec) {
  const auto is_certificate = [](const Block& block) {
    return block.label == PEM_STRING_X509 || block.label == PEM_STRING_X509_OLD;
  };
  const auto is_key = [](const Block& block) { return is_plain_key(block); };
  return {.secret = spec.secret,
          .chain_pem = strip_armour(spec.chain_pem, is_certificate),
          .key_pem = strip_armour(spec.key_pem, is_key),
          .ocsp_response = spec.ocsp_response};
}

std::string key_kind(const EVP_PKEY& key) {
  const auto* name = EVP_PKEY_get0_type_name(&key);
  const std::string kind = name == nullptr ? "unknown" : name;
  if (kind.starts_with("RSA")) {
    return kind + " " + std::to_string(EVP_PKEY_get_bits(&key));
  }
  std::array<char, 64> group;
  std::size_t size = 0;
  if (kind == "EC" && EVP_PKEY_get_group_name(&key, group.data(), group.size(), &size) == 1) {
    return kind + " " + std::string(group.data(), size);
  }
  return kind;
}

std::expected<Certificate::Parsed, std::string> parse_certificate(
    const routing::CertificateSpec& spec) {
  ERR_clear_error();
  auto stack = read_certificates(spec.chain_pem);
  if (!stack) {
    return std::unexpected(std::move(stack.error()));
  }
  auto key = read_key(spec.key_pem);
  if (!key) {
    return std::unexpected(std::move(key.error()));
  }
  auto problem = judge(stack->get(), key->get());
  ERR_clear_error();
  if (!problem.empty()) {
    return std::unexpected(std::move(problem));
  }
  X509Ptr leaf(sk_X509_shift(stack->get()));
  auto staple = read_staple(spec.ocsp_response, *leaf, *stack->get());
  return Certificate::Parsed{.leaf = std::move(leaf),
                             .chain = std::move(*stack),
                             .key = std::move(*key),
                             .staple = staple ? std::move(*staple) : Staple(),
                             .problem = {}};
}

}  // namespace portico::tls
