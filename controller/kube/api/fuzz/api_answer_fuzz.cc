// Answers of an API server: whatever the bytes and however they are cut, the reader says the same,
// keeps its bounds, and takes no byte twice.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "controller/kube/api/answer_reader.h"

namespace portico::kube {
namespace {

struct Told {
  std::string text;
  bool is_whole = false;
  std::size_t taken = 0;
};

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

// One answer, offered in pieces of `piece` bytes.
Told read(std::string_view bytes, std::size_t piece, bool to_connect) {
  constexpr std::size_t kEnough = std::size_t{8} << 20;
  AnswerReader reader;
  reader.start(to_connect);
  Told told;
  for (std::size_t end = 0; end < bytes.size();) {
    end = std::min(end + piece, bytes.size());
    const std::string offer(bytes.substr(told.taken, end - told.taken));
    std::size_t taken = 0;
    AnswerReader::Event event{};
    do {
      const AnswerReader::Step step = reader.next(std::string_view(offer).substr(taken));
      taken += step.taken;
      event = step.event;
      require(taken <= offer.size());
      if (event == AnswerReader::Event::kHead) {
        told.text += std::to_string(reader.head().status) + reader.head().retry_after + ":";
      } else if (event == AnswerReader::Event::kPiece) {
        require(!reader.piece().empty());
        told.text += reader.piece();
      }
    } while ((event == AnswerReader::Event::kHead || event == AnswerReader::Event::kPiece) &&
             told.text.size() < kEnough);
    told.taken += taken;
    if (event != AnswerReader::Event::kMore) {
      told.is_whole = event == AnswerReader::Event::kEnd;
      return told;
    }
  }
  told.is_whole = reader.end() == AnswerReader::Event::kEnd;
  return told;
}

}  // namespace
}  // namespace portico::kube

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace portico::kube;
  constexpr std::size_t kLongest = 64 * 1024;  // a transport never offers more than 80 KiB
  if (size < 2 || size > kLongest) {
    return 0;
  }
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const bool to_connect = (data[0] & 1) != 0;
  const Told whole = read(bytes, bytes.size() + 1, to_connect);
  const Told cut = read(bytes, data[1] % 64 + std::size_t{1}, to_connect);
  require(whole.is_whole == cut.is_whole);
  if (whole.is_whole) {
    require(whole.text == cut.text && whole.taken == cut.taken);
  }
  parse_retry_after(bytes, 784'111'777);
  return 0;
}
