#include "controller/kube/manifest_files.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <dirent.h>
#include <fcntl.h>
#include <mutex>
#include <sys/stat.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "controller/kube/document_reader.h"

namespace portico::kube {
namespace {

constexpr std::size_t kReaders = 2;
constexpr std::size_t kSplitBytes = 1 << 20;  // a larger file is itself read by several threads

std::string reason(int error) {
  return std::generic_category().message(error);
}

FileStamp stamp_of(const struct stat& status) {
  // File times move in steps of the kernel's tick, 10 ms at most.
  constexpr std::int64_t kTickNs = 20'000'000;
  const std::int64_t modified = status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec;
  const std::int64_t now =
      std::chrono::system_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
  return {.device = status.st_dev,
          .inode = status.st_ino,
          .size = static_cast<std::uint64_t>(status.st_size),
          .modified_ns = modified,
          .is_fresh = modified > now - kTickNs};
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

// The whole text, or errno.
std::expected<std::string, int> read_text(const std::string& path, FileStamp& stamp) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status{};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) {
    return std::unexpected(errno);
  }
  if (!S_ISREG(status.st_mode)) {
    return std::unexpected(S_ISDIR(status.st_mode) ? EISDIR : EINVAL);
  }
  if (static_cast<std::uint64_t>(status.st_size) > kMaxManifestBytes) {
    return std::unexpected(EFBIG);
  }
  std::string text;
  // One more than it should hold, so that a file that grows meanwhile shows.
  text.resize(static_cast<std::size_t>(status.st_size) + 1);
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(file.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return std::unexpected(errno);
    }
    if (got == 0) {
      break;
    }
    size += static_cast<std::size_t>(got);
  }
  text.resize(size);
  stamp = stamp_of(status);
  return text;
}

void append(Decoded& to, Decoded&& from) {
  for (auto& object : from.objects) {
    std::visit([&](auto& value) { value.meta.origin.document += to.documents; }, *object);
    to.objects.push_back(std::move(object));
  }
  to.broken.insert(to.broken.end(), from.broken.begin(), from.broken.end());
  to.diagnostics.insert(to.diagnostics.end(), std::make_move_iterator(from.diagnostics.begin()),
                        std::make_move_iterator(from.diagnostics.end()));
  to.has_unreadable_part = to.has_unreadable_part || from.has_unreadable_part;
  to.documents += from.documents;
}

// Half of the bytes to each thread.
void decode_in_two(const std::vector<YamlPart>& parts, std::size_t bytes,
                   const std::shared_ptr<const std::string>& name, Decoded& out) {
  std::size_t middle = 0;
  for (std::size_t seen = 0; middle < parts.size() && seen < bytes / 2; ++middle) {
    seen += parts[middle].text.size();
  }
  Decoded tail;
  std::jthread second([&] {
    Document scratch;
    for (std::size_t i = middle; i < parts.size(); ++i) {
      decode_yaml(parts[i].text, parts[i].line, name, scratch, tail);
    }
  });
  Document scratch;
  for (std::size_t i = 0; i < middle; ++i) {
    decode_yaml(parts[i].text, parts[i].line, name, scratch, out);
  }
  second.join();
  append(out, std::move(tail));
}

FileContents read_file(const std::string& path, Document& scratch) {
  FileContents contents;
  const auto text = read_text(path, contents.stamp);
  if (!text) {
    if (text.error() != ENOENT) {
      contents.decoded.has_unreadable_part = true;
      contents.decoded.diagnostics.push_back(
          {.message = fmt::format("can't be read: {}", reason(text.error())), .file = path});
    }
    return contents;
  }
  const auto name = std::make_shared<const std::string>(path);
  if (path.ends_with(".json")) {
    decode_json(*text, name, scratch, contents.decoded);
    return contents;
  }
  const auto parts = split_yaml(*text);
  if (text->size() > kSplitBytes && parts.size() > 1) {
    decode_in_two(parts, text->size(), name, contents.decoded);
    return contents;
  }
  for (const YamlPart& part : parts) {
    decode_yaml(part.text, part.line, name, scratch, contents.decoded);
  }
  return contents;
}

// Files read by threads of their own, taken in order.
class ReadAhead {
 public:
  explicit ReadAhead(const std::vector<std::string>& paths)
      : paths_(paths), results_(paths.size()) {
    for (std::size_t i = 0; i < kReaders; ++i) {
      readers_.emplace_back([this](const std::stop_token& stop) { run(stop); });
    }
  }

  FileContents take(std::size_t index) {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [&] { return results_[index] != nullptr; });
    return std::move(*std::exchange(results_[index], nullptr));
  }

 private:
  void run(const std::stop_token& stop) {
    Document scratch;
    while (!stop.stop_requested()) {
      const std::size_t index = next_.fetch_add(1);
      if (index >= paths_.size()) {
        return;
      }
      auto contents = std::make_unique<FileContents>(read_file(paths_[index], scratch));
      const std::lock_guard lock(mutex_);
      results_[index] = std::move(contents);
      arrived_.notify_one();
    }
  }

  const std::vector<std::string>& paths_;
  std::atomic<std::size_t> next_ = 0;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<std::unique_ptr<FileContents>> results_;
  std::vector<std::jthread> readers_;  // last: joined before what they use goes
};

struct Walk {
  std::map<std::string, FileStamp>& found;
  const std::function<void(const std::string&)>& on_folder;
  std::vector<std::pair<dev_t, ino_t>>
      inside;  // folders being listed: a link back into one is a loop
};

int walk_folder(const std::string& folder, Walk& walk);

void walk_entry(int folder_fd, const std::string& folder, const char* name, Walk& walk) {
  struct stat status{};
  if (is_hidden_name(name) || ::fstatat(folder_fd, name, &status, 0) != 0) {
    return;
  }
  const std::string path = folder + "/" + name;
  if (S_ISREG(status.st_mode) && is_manifest_name(name)) {
    walk.found.insert_or_assign(path, stamp_of(status));
    return;
  }
  const std::pair id(status.st_dev, status.st_ino);
  const bool is_loop = std::find(walk.inside.begin(), walk.inside.end(), id) != walk.inside.end();
  if (S_ISDIR(status.st_mode) && !is_loop) {
    walk.inside.push_back(id);
    walk_folder(path, walk);
    walk.inside.pop_back();
  }
}

int walk_folder(const std::string& folder, Walk& walk) {
  if (walk.on_folder) {
    walk.on_folder(folder);
  }
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::opendir(folder.c_str()), ::closedir);
  if (listing == nullptr) {
    return errno;
  }
  while (const dirent* entry = ::readdir(listing.get())) {
    walk_entry(::dirfd(listing.get()), folder, entry->d_name, walk);
  }
  return 0;
}

}  // namespace

bool is_hidden_name(std::string_view name) {
  return name.starts_with('.');
}

bool is_manifest_name(std::string_view name) {
  return !is_hidden_name(name) &&
         (name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".json"));
}

std::expected<void, std::string> find_manifests(
    const std::string& folder, std::map<std::string, FileStamp>& found,
    const std::function<void(const std::string&)>& on_folder) {
  struct stat status{};
  Walk walk{found, on_folder, {}};
  if (::stat(folder.c_str(), &status) == 0) {
    walk.inside.emplace_back(status.st_dev, status.st_ino);
  }
  if (const int error = walk_folder(folder, walk)) {
    return std::unexpected(fmt::format("can't read {}: {}", folder, reason(error)));
  }
  return {};
}

void read_files(const std::vector<std::string>& paths,
                const std::function<void(const std::string& path, FileContents)>& on_file) {
  constexpr std::size_t kFewFiles = 8;  // each of them is read by two threads if it is large
  if (paths.size() <= kFewFiles) {
    Document scratch;
    for (const std::string& path : paths) {
      on_file(path, read_file(path, scratch));
    }
    return;
  }
  ReadAhead ahead(paths);
  for (std::size_t i = 0; i < paths.size(); ++i) {
    on_file(paths[i], ahead.take(i));
  }
}

}  // namespace portico::kube
