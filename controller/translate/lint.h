// What a person would like to know about manifests beyond what translating them needs: for `portico
// check`.
#pragma once

#include <cstdint>

#include "controller/translate/translator.h"
#include "routing/diagnostic.h"

namespace portico::translate {

// The translator's own findings, and these:
//   a certificate that has expired or is not valid yet                          error
//   an OCSP response that has expired, or will within a day                     warning
//   slices of a Service of which none bears the name of the port that is used   warning
//   a Service in use without any slice, where the folder holds slices at all    warning
//   a slice of a Service that does not exist                                    warning
// A folder meant for a cluster holds no slices: the cluster makes them.
//
// `translator` was made with Options::checking. Sorted.
routing::Diagnostics lint(Translator& translator, std::int64_t now_unix_seconds);

}  // namespace portico::translate
