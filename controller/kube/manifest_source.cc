#include "controller/kube/manifest_source.h"

#include <cerrno>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>

#include "controller/kube/locator.h"
#include "proxy/net/loop.h"

namespace portico::kube {
namespace {

namespace fs = std::filesystem;

// As given, without slashes at the end, so that messages show what the user wrote.
std::string root_name(const fs::path& path) {
  std::string name = path.string();
  while (name.size() > 1 && name.ends_with('/')) {
    name.pop_back();
  }
  return name;
}

bool is_folder(const std::string& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

// Adds the file, or the files of the folder, at `root`.
std::expected<void, std::string> find_below(const std::string& root,
                                            std::map<std::string, FileStamp>& found) {
  std::error_code error;
  const fs::file_status status = fs::status(root, error);
  if (fs::is_directory(status)) {
    return find_manifests(root, found);
  }
  if (!fs::exists(status)) {
    return std::unexpected(fmt::format("can't read {}: {}", root,
                                       error ? error.message() : "No such file or directory"));
  }
  found.try_emplace(root);
  return {};
}

// The JSON parser does not tell lines; where something was found, it is worth a second look.
void refine_json_lines(routing::Diagnostics& diagnostics) {
  Locator locator;
  for (routing::Diagnostic& found : diagnostics) {
    if (found.file.ends_with(".json")) {
      locator.locate({&found, 1});
    }
  }
}

}  // namespace

std::expected<ReadManifests, std::string> read_manifests(std::span<const fs::path> paths) {
  std::map<std::string, FileStamp> found;
  for (const fs::path& path : paths) {
    if (auto result = find_below(root_name(path), found); !result) {
      return std::unexpected(result.error());
    }
  }
  std::vector<std::string> files;
  for (const auto& [path, stamp] : found) {
    files.push_back(path);
  }
  ObjectIndex index;
  std::vector<Change> changes;
  read_files(files, [&](const std::string& path, FileContents contents) {
    index.put(path, std::move(contents.decoded), changes);
    changes.clear();
  });
  ReadManifests read{index.objects(), index.diagnostics()};
  refine_json_lines(read.diagnostics);
  return read;
}

std::expected<std::unique_ptr<ManifestSource>, std::string> ManifestSource::open(
    net::Loop& loop, const fs::path& path, BatchHandler handler) {
  std::string root = root_name(path);
  if (::access(root.c_str(), is_folder(root) ? R_OK | X_OK : R_OK) != 0) {
    return std::unexpected(
        fmt::format("can't read {}: {}", root, std::generic_category().message(errno)));
  }
  return std::unique_ptr<ManifestSource>(
      new ManifestSource(loop, std::move(root), std::move(handler)));
}

ManifestSource::ManifestSource(net::Loop& loop, std::string root, BatchHandler handler)
    : loop_(loop),
      root_(std::move(root)),
      handler_(std::move(handler)),
      alive_(std::make_shared<const char>('\0')) {
  loop_.post([this, alive = std::weak_ptr<const char>(alive_)] {
    if (!alive.expired()) {
      start();
    }
  });
}

ManifestSource::~ManifestSource() = default;

void ManifestSource::start() {
  if (watch_.fd() >= 0) {
    readable_ = loop_.watch_readable(watch_.fd(), [this] { on_events(); });
  }
  scan_everything();
  read_pending();
  tell();
}

void ManifestSource::on_events() {
  const Touched touched = watch_.drain();
  if (touched.empty()) {
    return;
  }
  if (touched.everything) {
    scan_everything();
  }
  for (const std::string& path : touched.doubtful) {
    look_at(path);
  }
  pending_.insert(touched.written.begin(), touched.written.end());
  read_pending();
  tell();
}

// Besides the root itself, each name on the way from it to the real thing: a link may be pointed
// elsewhere.
void ManifestSource::watch_root() {
  constexpr int kMostLinks = 8;
  std::error_code error;
  fs::path path = fs::absolute(root_, error).lexically_normal();
  if (!path.has_filename()) {
    path = path.parent_path();
  }
  for (int links = 0; links < kMostLinks && path != path.root_path(); ++links) {
    watch_.watch_name(path.parent_path().string(), path.filename().string());
    if (!fs::is_symlink(path, error)) {
      return;
    }
    path = (path.parent_path() / fs::read_symlink(path, error)).lexically_normal();
    if (!path.has_filename()) {
      path = path.parent_path();
    }
  }
}

// Every wait for an event begins before the look at what is there: what changes in between is told.
void ManifestSource::scan_everything() {
  watch_.begin_renewal();
  watch_root();
  std::map<std::string, FileStamp> found;
  std::error_code error;
  if (is_folder(root_)) {
    const auto result = find_manifests(
        root_, found, [this](const std::string& folder) { watch_.watch_folder(folder); });
    set_root_finding(result ? std::string() : result.error());
  } else if (fs::exists(root_, error)) {
    found.try_emplace(root_);  // no stamp: read whatever it is
    set_root_finding({});
  } else {
    set_root_finding(fmt::format("can't read {}: {}", root_,
                                 error ? error.message() : "No such file or directory"));
  }
  watch_.end_renewal();
  if (root_finding_.empty()) {
    compare_folder({}, found);
  }
}

// Takes up what is new or other among `found`, which is all there is below `folder`.
void ManifestSource::compare_folder(const std::string& folder,
                                    const std::map<std::string, FileStamp>& found) {
  const std::string below = folder.empty() ? std::string() : folder + "/";
  std::vector<std::string> lost;
  for (auto it = known_.lower_bound(below); it != known_.end() && it->first.starts_with(below);
       ++it) {
    if (!found.contains(it->first)) {
      lost.push_back(it->first);
    }
  }
  for (const std::string& path : lost) {
    gone(path);
  }
  for (const auto& [path, stamp] : found) {
    const auto was = known_.find(path);
    if (was == known_.end() || !was->second.is_same_file_as(stamp)) {
      pending_.insert(path);
    }
  }
}

// A folder came, went or was swapped, or a file may have changed.
void ManifestSource::look_at(const std::string& path) {
  if (path == root_ && !is_folder(path)) {
    scan_everything();
    return;
  }
  std::map<std::string, FileStamp> found;
  if (is_folder(path)) {
    watch_.forget(path);
    const auto result = find_manifests(
        path, found, [this](const std::string& folder) { watch_.watch_folder(folder); });
    if (result) {
      compare_folder(path, found);
    }
    return;
  }
  watch_.forget(path);
  compare_folder(path, found);
  if (is_manifest_name(fs::path(path).filename().string())) {
    pending_.insert(path);
  }
}

void ManifestSource::read_pending() {
  const std::vector<std::string> paths(pending_.begin(), pending_.end());
  pending_.clear();
  read_files(paths, [this](const std::string& path, FileContents contents) {
    const bool is_gone = contents.stamp.inode == 0 && contents.decoded.diagnostics.empty();
    if (is_gone) {
      gone(path);
      return;
    }
    known_.insert_or_assign(path, contents.stamp);
    index_.put(path, std::move(contents.decoded), changes_);
  });
}

void ManifestSource::gone(const std::string& path) {
  index_.remove(path, changes_);
  known_.erase(path);
}

void ManifestSource::set_root_finding(std::string message) {
  root_finding_changed_ = root_finding_changed_ || message != root_finding_;
  root_finding_ = std::move(message);
}

void ManifestSource::tell() {
  const bool found_other = index_.take_diagnostics_changed();
  const bool is_first = !std::exchange(is_synced_, true);
  Batch batch;
  batch.changes = std::exchange(changes_, {});
  batch.diagnostics_changed =
      std::exchange(root_finding_changed_, false) || found_other || is_first;
  batch.synced = true;
  if (batch.changes.empty() && !batch.diagnostics_changed) {
    return;
  }
  if (batch.diagnostics_changed) {
    batch.diagnostics = index_.diagnostics();
    if (!root_finding_.empty()) {
      batch.diagnostics.push_back({.message = root_finding_,
                                   .fix = "what it held keeps serving until it can be read",
                                   .file = root_});
    }
    if (!watch_.unwatched().empty()) {
      batch.diagnostics.push_back({.severity = routing::Severity::kWarning,
                                   .message = "changes won't be seen: " + watch_.unwatched(),
                                   .fix = "raise fs.inotify.max_user_watches",
                                   .file = root_});
    }
  }
  handler_(std::move(batch));  // last: it may destroy this
}

}  // namespace portico::kube
