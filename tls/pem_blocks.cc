#include "tls/pem_blocks.h"

#include <openssl/err.h>
#include <openssl/pem.h>

namespace portico::tls {

BlockReader::BlockReader(std::string_view text, const char* der_label) : der_label_(der_label) {
  constexpr char kSequence = 0x30;  // how every certificate and key begins, and no PEM
  if (text.starts_with(kSequence)) {
    // '0' begins a text as well: DER has its length next, which for these objects takes two more
    // bytes.
    const bool is_der = text.size() > 1 && static_cast<unsigned char>(text[1]) < 0x85 &&
                        !text.contains("-----BEGIN");
    if (is_der) {
      der_ = text;
      return;
    }
  }
  bio_.reset(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  must(bio_ != nullptr, "BIO_new_mem_buf");
}

std::expected<Block, BlockReader::End> BlockReader::next() {
  return bio_ != nullptr ? next_pem() : next_der();
}

std::expected<Block, BlockReader::End> BlockReader::next_pem() {
  char* label = nullptr;
  char* header = nullptr;
  unsigned char* bytes = nullptr;
  long size = 0;
  if (PEM_read_bio(bio_.get(), &label, &header, &bytes, &size) != 1) {
    const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    return std::unexpected(at_end ? End::kNoMore : End::kMalformed);
  }
  Block block{.label = label,
              .encrypted = std::string_view(header).contains("ENCRYPTED"),
              .der = std::string(reinterpret_cast<const char*>(bytes), size)};
  OPENSSL_free(label);
  OPENSSL_free(header);
  OPENSSL_clear_free(bytes, size);
  return block;
}

std::expected<Block, BlockReader::End> BlockReader::next_der() {
  if (der_.empty()) {
    return std::unexpected(End::kNoMore);
  }
  const auto* begin = reinterpret_cast<const unsigned char*>(der_.data());
  const auto* cursor = begin;
  long length = 0;
  int tag = 0;
  int tag_class = 0;
  const int result =
      ASN1_get_object(&cursor, &length, &tag, &tag_class, static_cast<long>(der_.size()));
  constexpr int kFailed = 0x80;
  ERR_clear_error();
  if ((result & kFailed) != 0 || tag != V_ASN1_SEQUENCE) {
    return std::unexpected(End::kMalformed);
  }
  const auto size = static_cast<std::size_t>(cursor - begin + length);
  Block block{.label = der_label_, .der = std::string(der_.substr(0, size))};
  der_.remove_prefix(size);
  return block;
}

}  // namespace portico::tls
