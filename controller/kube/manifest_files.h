// Manifest files: which there are, and what each holds.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "controller/kube/decode.h"

namespace portico::kube {

inline constexpr std::uint64_t kMaxManifestBytes = 64 << 20;

// Tells one state of a file from another without reading it.
struct FileStamp {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::int64_t modified_ns = 0;
  // Written so shortly before it was read that a later write may bear the same time.
  bool is_fresh = false;

  [[nodiscard]] bool is_same_file_as(const FileStamp& other) const {
    return !is_fresh && device == other.device && inode == other.inode && size == other.size &&
           modified_ns == other.modified_ns;
  }
};

struct FileContents {
  FileStamp stamp;  // of what was read; zero where it could not be
  Decoded decoded;
};

// *.yaml, *.yml and *.json that are not hidden.
bool is_manifest_name(std::string_view name);
bool is_hidden_name(std::string_view name);

// The manifests under `folder`, links followed, hidden names left out, with their stamps, into
// `found`. `on_folder` is told of each folder before it is listed. An error: one clear line about
// `folder` itself; folders below that can't be read are passed over.
std::expected<void, std::string> find_manifests(
    const std::string& folder, std::map<std::string, FileStamp>& found,
    const std::function<void(const std::string&)>& on_folder = {});

// Reads files, on two threads where that pays, and hands over each on the calling thread, in order.
// What can't be read is a diagnostic in its file's contents; a file that is gone has none, and no
// objects.
void read_files(const std::vector<std::string>& paths,
                const std::function<void(const std::string& path, FileContents)>& on_file);

}  // namespace portico::kube
