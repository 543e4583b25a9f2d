#include "routing/compression_settings.h"

namespace portico::routing {

std::vector<std::string> default_gzip_types() {
  return {
      "application/atom+xml",
      "application/javascript",
      "application/json",
      "application/rss+xml",
      "application/vnd.ms-fontobject",
      "application/x-font-ttf",
      "application/x-javascript",
      "application/x-web-app-manifest+json",
      "application/xhtml+xml",
      "application/xml",
      "font/opentype",
      "image/svg+xml",
      "image/x-icon",
      "text/css",
      "text/javascript",
      "text/plain",
      "text/x-component",
  };
}

std::vector<std::string> default_brotli_types() {
  auto types = default_gzip_types();
  types.emplace_back("application/xml+rss");
  return types;
}

}  // namespace portico::routing
