#include "controller/kube/api/reread_content.h"

#include <cerrno>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

namespace portico::kube {

std::expected<std::string, std::string> read_file(const std::filesystem::path& path,
                                                  std::size_t max_bytes) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a FIFO never opens
  if (fd < 0) {
    return std::unexpected(std::generic_category().message(errno));
  }
  std::string bytes;
  ssize_t got = 1;
  while (got > 0 && bytes.size() <= max_bytes) {
    constexpr std::size_t kStep = 16 * 1024;
    const std::size_t before = bytes.size();
    bytes.resize(before + kStep);
    got = ::read(fd, bytes.data() + before, kStep);
    bytes.resize(before + static_cast<std::size_t>(got > 0 ? got : 0));
  }
  const int error = got < 0 ? errno : 0;
  ::close(fd);
  if (error != 0) {
    return std::unexpected(std::generic_category().message(error));
  }
  if (bytes.size() > max_bytes) {
    return std::unexpected(fmt::format("is larger than {} bytes", max_bytes));
  }
  return bytes;
}

RereadContent::RereadContent(Content content, SteadyClock clock)
    : content_(std::move(content)), clock_(std::move(clock)) {
  if (content_.file.empty() || !content_.bytes.empty()) {
    bytes_ = content_.bytes;
    content_.file.clear();
    version_ = 1;
  }
}

std::expected<void, std::string> RereadContent::refresh() {
  if (content_.file.empty() || (version_ != 0 && clock_() - read_at_ < kPeriod)) {
    return {};
  }
  const auto done = read();
  return version_ != 0 ? std::expected<void, std::string>() : done;
}

bool RereadContent::reread() {
  const std::uint64_t before = version_;
  return !content_.file.empty() && read() && version_ != before;
}

std::expected<void, std::string> RereadContent::read() {
  read_at_ = clock_();
  auto bytes = read_file(content_.file, kMaxBytes);
  if (!bytes) {
    return std::unexpected(
        fmt::format("{}: can't read {}: {}", content_.named, content_.file, bytes.error()));
  }
  if (bytes->empty()) {
    return std::unexpected(fmt::format("{}: {} is empty", content_.named, content_.file));
  }
  if (*bytes != bytes_) {
    bytes_ = std::move(*bytes);
    ++version_;
  }
  return {};
}

}  // namespace portico::kube
