// A blocking socket with a read buffer: all the I/O of the echo backend.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace portico::echo {

// Thread:    one thread at a time.
// Lifetime:  owns the socket.
// Errors:    a broken connection reads as its end, and writes fail.
class Stream {
 public:
  explicit Stream(int socket) : socket_(socket) {}
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Without its line end; nothing at the end of the stream or beyond 1 MiB.
  std::optional<std::string> read_line();
  // What is there, at most `most` bytes, waiting for one; empty at the end.
  std::string_view read_some(std::size_t most);
  // All of them, or false at the end.
  bool read_exactly(std::size_t bytes, std::string& into);

  bool write(std::string_view bytes);
  void finish_writing();
  // With RST instead of FIN.
  void reset_on_close();

 private:
  bool fill();

  int socket_;
  std::string buffer_;
  std::size_t consumed_ = 0;
};

}  // namespace portico::echo
