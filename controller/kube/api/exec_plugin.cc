#include "controller/kube/api/exec_plugin.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "controller/kube/api/text.h"
#include "proxy/net/deadline.h"
#include "proxy/net/loop.h"

namespace portico::kube {
namespace {

constexpr std::size_t kMaxOutput = std::size_t{1} << 20;
constexpr std::size_t kMaxComplaint = 300;  // of what it said on stderr

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    close();
    fd_ = std::exchange(other.fd_, -1);
    return *this;
  }
  ~Descriptor() { close(); }
  void close() {
    if (fd_ >= 0) {
      ::close(std::exchange(fd_, -1));
    }
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_ = -1;
};

// What a child writes, up to its end.
struct Output {
  Descriptor read_end;
  Descriptor write_end;
  std::unique_ptr<net::FdWatch> watch;
  std::string text;
  bool ended = false;

  bool open() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
      return false;
    }
    read_end = Descriptor(ends[0]);
    write_end = Descriptor(ends[1]);
    return ::fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0;
  }
  // False: it is too much.
  bool read() {
    std::array<char, 4096> buffer;
    ssize_t got = 0;
    while ((got = ::read(read_end.get(), buffer.data(), buffer.size())) > 0) {
      text.append(buffer.data(), static_cast<std::size_t>(got));
      if (text.size() > kMaxOutput) {
        return false;
      }
    }
    ended = got == 0 || (errno != EAGAIN && errno != EINTR);
    if (ended) {
      watch.reset();
    }
    return true;
  }
};

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) {
    pointers.push_back(const_cast<char*>(text.c_str()));
  }
  pointers.push_back(nullptr);
  return pointers;
}

// Ours, with the plugin's own and the info on top.
std::vector<std::string> environment_of(const ExecPlugin& plugin, const std::string& info) {
  std::vector<std::pair<std::string, std::string>> added = plugin.environment;
  added.emplace_back("KUBERNETES_EXEC_INFO", info);
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    bool is_replaced = false;
    for (const auto& [name, value] : added) {
      is_replaced =
          is_replaced || (text.starts_with(name) && text.substr(name.size()).starts_with('='));
    }
    if (!is_replaced) {
      all.emplace_back(text);
    }
  }
  for (const auto& [name, value] : added) {
    all.push_back(fmt::format("{}={}", name, value));
  }
  return all;
}

// The child gets stdin from nowhere, no signal blocked or ignored, a process group of its own.
int spawn(const ExecPlugin& plugin, const std::string& info, int out, int err, pid_t& pid) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, err, STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  sigset_t all;
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  std::vector<std::string> arguments = {plugin.command};
  arguments.insert(arguments.end(), plugin.arguments.begin(), plugin.arguments.end());
  const std::vector<std::string> environment = environment_of(plugin, info);
  const int error = posix_spawnp(&pid, plugin.command.c_str(), &files, &attributes,
                                 pointers_to(arguments).data(), pointers_to(environment).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  return error;
}

class ProcessRun final : public PluginRun {
 public:
  ProcessRun(net::Loop& loop, const ExecPlugin& plugin, const std::string& info,
             std::chrono::milliseconds limit, PluginDone done)
      : loop_(loop), done_(std::move(done)), deadline_(loop, [this, limit] {
          finish(fmt::format("did not answer within {} s", limit.count() / 1000));
        }) {
    if (std::string problem = start(plugin, info); !problem.empty()) {
      loop.post([this, alive = std::weak_ptr(alive_), problem = std::move(problem)] {
        if (!alive.expired()) {
          finish(problem);
        }
      });
      return;
    }
    deadline_.arm(limit);
  }
  ~ProcessRun() override {
    if (pid_ > 0) {
      ::kill(-pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);  // at once: nothing survives that signal
    }
  }
  ProcessRun(const ProcessRun&) = delete;
  ProcessRun& operator=(const ProcessRun&) = delete;

 private:
  std::string start(const ExecPlugin& plugin, const std::string& info) {
    if (!out_.open() || !err_.open()) {
      return "can't be started: " + std::generic_category().message(errno);
    }
    if (const int error = spawn(plugin, info, out_.write_end.get(), err_.write_end.get(), pid_);
        error != 0) {
      pid_ = 0;
      const std::string_view hint = error == ENOENT ? trim(plugin.install_hint) : "";
      return fmt::format("can't be started: {}{}{}", std::generic_category().message(error),
                         hint.empty() ? "" : "; ", hint);
    }
    pidfd_ = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    if (pidfd_.get() < 0) {
      return "can't be watched: " + std::generic_category().message(errno);
    }
    for (Output* output : {&out_, &err_}) {
      output->write_end.close();
      output->watch = loop_.watch_readable(output->read_end.get(), [this, output] {
        if (!output->read()) {
          finish("printed more than it may");
        }
      });
    }
    exit_watch_ = loop_.watch_readable(pidfd_.get(), [this] { on_exit(); });
    return {};
  }

  // What it wrote before is in the pipes; what a child of its own still may write is not waited
  // for.
  void on_exit() {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == 0) {
      return;
    }
    pid_ = 0;
    if (!out_.read() || !err_.read()) {
      finish("printed more than it may");
    } else if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
      deadline_.cancel();
      PluginDone done = std::move(done_);  // it may destroy this
      std::string text = std::move(out_.text);
      stop_watching();
      done(std::move(text));
    } else {
      finish(fmt::format("{} {}", WIFEXITED(status) ? "exited with" : "was ended by signal",
                         WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status)));
    }
  }

  // Failed. What it said is told on the same line.
  void finish(const std::string& why) {
    deadline_.cancel();
    stop_watching();
    std::string complaint(trim(err_.text).substr(0, kMaxComplaint));
    for (char& c : complaint) {
      c = static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    PluginDone done = std::move(done_);  // it may destroy this
    done(std::unexpected(complaint.empty() ? why : why + ": " + complaint));
  }

  void stop_watching() {
    exit_watch_.reset();
    out_.watch.reset();
    err_.watch.reset();
  }

  net::Loop& loop_;
  PluginDone done_;
  net::Deadline deadline_;
  pid_t pid_ = 0;  // 0: has been waited for
  Descriptor pidfd_;
  Output out_;
  Output err_;
  std::unique_ptr<net::FdWatch> exit_watch_;
  std::shared_ptr<const char> alive_ = std::make_shared<const char>('\0');
};

}  // namespace

PluginStarter process_starter(net::Loop& loop, std::chrono::milliseconds limit) {
  return [&loop, limit](const ExecPlugin& plugin, const std::string& info, PluginDone done) {
    return std::make_unique<ProcessRun>(loop, plugin, info, limit, std::move(done));
  };
}

}  // namespace portico::kube
