// What happens in folders, by inotify.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace portico::kube {

// What was touched since the last look.
struct Touched {
  bool everything = false;         // events were lost, or the root itself was replaced
  std::set<std::string> written;   // names that surely hold something new, or nothing any more
  std::set<std::string> doubtful;  // names to be looked at: a folder, a link, an attribute
  [[nodiscard]] bool empty() const { return !everything && written.empty() && doubtful.empty(); }
};

// Watches folders, each by itself, and names whose replacement matters.
//
// Thread:    one.
// Errors:    a folder that can't be watched is remembered (unwatched()), and otherwise served as it
// was read.
class FolderWatch {
 public:
  FolderWatch();
  ~FolderWatch();
  FolderWatch(const FolderWatch&) = delete;
  FolderWatch& operator=(const FolderWatch&) = delete;

  [[nodiscard]] int fd() const {
    return fd_;
  }  // readable when there is something to drain; -1: no inotify

  void watch_folder(const std::string& folder);
  // Of `folder` only the entry `name` matters (and ConfigMap-style `..data`): a change of it
  // touches everything.
  void watch_name(const std::string& folder, const std::string& name);
  // All that is watched from here on is new; end_renewal() lets go of what was not watched again.
  void begin_renewal();
  void end_renewal();
  // The folder is gone, and all below it.
  void forget(const std::string& folder);

  Touched drain();

  // Why folders are not watched, if any are not.
  [[nodiscard]] const std::string& unwatched() const { return unwatched_; }

 private:
  struct Watched {
    std::string folder;
    std::string name;  // empty: the whole folder
    auto operator<=>(const Watched&) const = default;
  };

  void add(Watched watched);
  void note(const Watched& watched, std::uint32_t mask, std::string_view name,
            Touched& touched) const;

  int fd_ = -1;
  std::map<int, std::set<Watched>> watches_;  // one descriptor serves every path to a folder
  std::set<int> renewed_;
  bool is_renewing_ = false;
  std::string unwatched_;
};

}  // namespace portico::kube
