#include "controller/kube/folder_watch.h"

#include <cerrno>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>

#include "controller/kube/manifest_files.h"

namespace portico::kube {
namespace {

// Not IN_MODIFY: an editor writes in pieces, and says when it is done.
constexpr std::uint32_t kMask = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |
                                IN_CREATE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
constexpr std::uint32_t kContentMask = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE;

// A new name for something whole, where no IN_CLOSE_WRITE will follow: a link of either sort.
bool is_link(const std::string& path) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0 && (S_ISLNK(status.st_mode) || status.st_nlink > 1);
}

}  // namespace

FolderWatch::FolderWatch() : fd_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
  if (fd_ < 0) {
    unwatched_ = std::generic_category().message(errno);
  }
}

FolderWatch::~FolderWatch() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

void FolderWatch::watch_folder(const std::string& folder) {
  add({folder, {}});
}

void FolderWatch::watch_name(const std::string& folder, const std::string& name) {
  add({folder, name});
}

void FolderWatch::add(Watched watched) {
  const int watch = fd_ < 0 ? -1 : ::inotify_add_watch(fd_, watched.folder.c_str(), kMask);
  if (watch < 0) {
    // Gone meanwhile is no failure; the folder above tells.
    if (fd_ >= 0 && errno != ENOENT && errno != ENOTDIR) {
      unwatched_ = fmt::format("{}: {}", watched.folder,
                               errno == ENOSPC ? "the limit fs.inotify.max_user_watches is reached"
                                               : std::generic_category().message(errno));
    }
    return;
  }
  if (is_renewing_ && renewed_.insert(watch).second) {
    watches_[watch].clear();
  }
  watches_[watch].insert(std::move(watched));
}

void FolderWatch::begin_renewal() {
  is_renewing_ = true;
  renewed_.clear();
  if (fd_ >= 0) {
    unwatched_.clear();
  }
}

void FolderWatch::end_renewal() {
  is_renewing_ = false;
  for (auto watch = watches_.begin(); watch != watches_.end();) {
    if (renewed_.contains(watch->first)) {
      ++watch;
      continue;
    }
    ::inotify_rm_watch(fd_, watch->first);
    watch = watches_.erase(watch);
  }
}

void FolderWatch::forget(const std::string& folder) {
  const std::string below = folder + "/";
  for (auto watch = watches_.begin(); watch != watches_.end();) {
    std::erase_if(watch->second, [&](const Watched& watched) {
      return watched.name.empty() &&
             (watched.folder == folder || watched.folder.starts_with(below));
    });
    if (!watch->second.empty()) {
      ++watch;
      continue;
    }
    ::inotify_rm_watch(fd_, watch->first);
    watch = watches_.erase(watch);
  }
}

Touched FolderWatch::drain() {
  Touched touched;
  alignas(inotify_event) char buffer[64 << 10];
  while (true) {
    const ssize_t size = ::read(fd_, buffer, sizeof(buffer));
    if (size < 0 && errno == EINTR) {
      continue;
    }
    if (size <= 0) {
      return touched;
    }
    for (const char* at = buffer; at < buffer + size;) {
      const auto& event = *reinterpret_cast<const inotify_event*>(at);
      at += sizeof(inotify_event) + event.len;
      touched.everything = touched.everything || (event.mask & IN_Q_OVERFLOW) != 0;
      const auto watch = watches_.find(event.wd);
      if (watch == watches_.end()) {
        continue;
      }
      const std::string_view name =
          event.len == 0 ? std::string_view() : std::string_view(event.name);
      for (const Watched& watched : watch->second) {
        note(watched, event.mask, name, touched);
      }
      if ((event.mask & IN_IGNORED) != 0) {
        watches_.erase(watch);
      }
    }
  }
}

void FolderWatch::note(const Watched& watched, std::uint32_t mask, std::string_view name,
                       Touched& touched) const {
  // `..data`, by which Kubernetes swaps all files of a mounted ConfigMap at once.
  const bool is_swap =
      name.starts_with("..") && (mask & (IN_MOVED_TO | IN_CREATE | IN_DELETE)) != 0;
  if (!watched.name.empty()) {
    const bool matters = name == watched.name && (mask & IN_ATTRIB) == 0;
    touched.everything = touched.everything || matters || is_swap;
    return;
  }
  if (is_swap || (mask & (IN_DELETE_SELF | IN_MOVE_SELF)) != 0) {
    touched.doubtful.insert(watched.folder);
    return;
  }
  if (name.empty() || is_hidden_name(name)) {
    return;
  }
  std::string path = watched.folder + "/" + std::string(name);
  if ((mask & IN_ISDIR) != 0 || !is_manifest_name(name)) {
    if ((mask & (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE)) != 0) {
      touched.doubtful.insert(std::move(path));
    }
    return;
  }
  if ((mask & kContentMask) != 0 || ((mask & IN_CREATE) != 0 && is_link(path))) {
    touched.written.insert(std::move(path));
  } else if ((mask & IN_ATTRIB) != 0) {
    touched.doubtful.insert(std::move(path));
  }
}

}  // namespace portico::kube
