// Objects from manifest files: read once, or watched.
#pragma once

#include <expected>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "controller/kube/folder_watch.h"
#include "controller/kube/manifest_files.h"
#include "controller/kube/object_index.h"
#include "controller/kube/source.h"

namespace portico::net {
class FdWatch;
class Loop;
}  // namespace portico::net

namespace portico::kube {

struct ReadManifests {
  std::vector<ObjectPointer> objects;
  routing::Diagnostics diagnostics;
};

// Files and folders, read once: for `portico check` and `portico explain`.
// Errors:    a path that can't be read: one line that says which and why. Bad files are
// diagnostics.
std::expected<ReadManifests, std::string> read_manifests(
    std::span<const std::filesystem::path> paths);

// A file, or a folder of *.yaml, *.yml and *.json with all below it, watched. Hidden names are left
// out.
//
// The first batch comes from the loop once all that is there has been read, and is `synced`. Later
// ones come as files change: the first change is told at once, and what happens while the handler
// is busy is told together. Only files that changed are read again. A file or folder that can't be
// read any more goes on serving what it held, with an error; a file that is gone takes its objects
// along.
//
// Thread:    the loop's.
// Lifetime:  destroying it stops the batches; the handler may do that.
class ManifestSource {
 public:
  // An error where `path` can't be read: one line that says why.
  static std::expected<std::unique_ptr<ManifestSource>, std::string> open(
      net::Loop& loop, const std::filesystem::path& path, BatchHandler handler);
  ~ManifestSource();
  ManifestSource(const ManifestSource&) = delete;
  ManifestSource& operator=(const ManifestSource&) = delete;

 private:
  ManifestSource(net::Loop& loop, std::string root, BatchHandler handler);

  void start();
  void on_events();
  void scan_everything();
  void watch_root();
  void look_at(const std::string& path);
  void compare_folder(const std::string& folder, const std::map<std::string, FileStamp>& found);
  void read_pending();
  void gone(const std::string& path);
  void set_root_finding(std::string message);
  void tell();

  net::Loop& loop_;
  std::string root_;
  BatchHandler handler_;
  FolderWatch watch_;
  std::unique_ptr<net::FdWatch> readable_;
  std::map<std::string, FileStamp> known_;
  std::set<std::string> pending_;  // to be read
  ObjectIndex index_;
  std::vector<Change> changes_;
  std::string root_finding_;  // why the root can't be read; empty: it can
  bool root_finding_changed_ = false;
  bool is_synced_ = false;
  std::shared_ptr<const char> alive_;  // expires with this
};

}  // namespace portico::kube
