#include "tls/engine_bio.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace portico::tls {
namespace {

EngineBio& ends_of(BIO* bio) {
  return *static_cast<EngineBio*>(BIO_get_data(bio));
}

int bio_write(BIO* bio, const char* bytes, std::size_t size, std::size_t* written) {
  BIO_clear_retry_flags(bio);
  if (!ends_of(bio).output.append({bytes, size})) {
    BIO_set_retry_write(bio);
    return 0;
  }
  *written = size;
  return 1;
}

int bio_read(BIO* bio, char* bytes, std::size_t size, std::size_t* read) {
  BIO_clear_retry_flags(bio);
  auto& input = ends_of(bio).input;
  const auto taken = std::min(size, input.size());
  if (taken == 0) {
    BIO_set_retry_read(bio);
    return 0;
  }
  std::memcpy(bytes, input.data(), taken);
  input = input.subspan(taken);
  *read = taken;
  return 1;
}

long bio_control(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD* make_method() {
  auto* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "portico engine");
  must(method != nullptr, "BIO_meth_new");
  BIO_meth_set_write_ex(method, bio_write);
  BIO_meth_set_read_ex(method, bio_read);
  BIO_meth_set_ctrl(method, bio_control);
  return method;
}

}  // namespace

void OutputBuffer::reserve(std::size_t bytes) {
  const auto wanted = size() + std::min(bytes, room());
  if (begin_ + (wanted - size()) + size() <= capacity_) {
    return;
  }
  // Doubling keeps the moves few; a first small answer still gets no more than it needs.
  const auto capacity = std::max(wanted, std::min(bound_, size() * 2));
  auto* memory = static_cast<char*>(std::malloc(capacity));
  must(memory != nullptr, "malloc");
  if (size() > 0) {
    std::memcpy(memory, memory_.get() + begin_, size());
  }
  memory_.reset(memory);
  capacity_ = capacity;
  end_ = size();
  begin_ = 0;
}

bool OutputBuffer::append(std::span<const char> bytes) {
  if (bytes.size() > room()) {
    return false;
  }
  if (bytes.empty()) {
    return true;
  }
  reserve(bytes.size());
  std::memcpy(memory_.get() + end_, bytes.data(), bytes.size());
  end_ += bytes.size();
  return true;
}

void OutputBuffer::consume(std::size_t bytes) {
  assert(bytes <= size());
  begin_ += bytes;
  if (begin_ == end_) {
    memory_.reset();
    capacity_ = begin_ = end_ = 0;
  }
}

BioPtr make_engine_bio(EngineBio& ends) {
  static BIO_METHOD* const kMethod = make_method();
  BioPtr bio(BIO_new(kMethod));
  must(bio != nullptr, "BIO_new");
  BIO_set_data(bio.get(), &ends);
  BIO_set_init(bio.get(), 1);
  return bio;
}

}  // namespace portico::tls
