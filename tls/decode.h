// DER to OpenSSL's objects, without what OpenSSL 3.0 makes slow about it. For this folder's .cc
// files only.
#pragma once

#include <string>

#include "tls/openssl.h"

namespace portico::tls {

// Any private key: PKCS#8, PKCS#1 or SEC 1. Null where it is malformed.
//
// Thread:    any; each keeps its own decoder, since setting one up takes ten times as long as using
// it.
PkeyPtr decode_private_key(const std::string& der);

// Null where it is malformed.
X509Ptr decode_certificate(const std::string& der);

// As decode_certificate, for what stands behind the leaf: each thread keeps the last few dozen,
// because thousands of Secrets share a handful of intermediates. They then share the memory as
// well.
X509Ptr decode_issuer(const std::string& der);

}  // namespace portico::tls
