#include "tls/openssl.h"

#include <cstdio>
#include <cstdlib>

#include <openssl/err.h>

namespace portico::tls {

void must(bool succeeded, const char* what) {
  if (succeeded) {
    return;
  }
  std::fprintf(stderr, "portico: %s failed: %s\n", what, take_error("no reason given"));
  std::abort();
}

const char* take_error(const char* otherwise) {
  const auto code = ERR_peek_last_error();
  const char* text = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  return text == nullptr ? otherwise : text;
}

}  // namespace portico::tls
