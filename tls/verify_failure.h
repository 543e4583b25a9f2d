// Why a server's certificate was refused, in a sentence. For this folder's .cc files only.
#pragma once

#include <string>

#include "tls/openssl.h"
#include "tls/session_memory.h"

namespace portico::tls {

// What a client's callbacks read and write of one connection; it is the SSL's app data.
struct ClientHandshake {
  std::string server_name;
  std::string refusal;                // why its certificate was refused; empty: it was not
  SessionMemory* sessions = nullptr;  // the context's; null: none are remembered
  std::string session_key;
};

// The callback of SSL_CTX_set_verify: agrees with OpenSSL and writes down why.
int note_verify_failure(int is_good, X509_STORE_CTX* verification);

}  // namespace portico::tls
