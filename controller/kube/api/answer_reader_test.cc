#include "controller/kube/api/answer_reader.h"

#include <gtest/gtest.h>

#include "controller/kube/api/testing/gzip.h"

namespace portico::kube {
namespace {

// All that a reader says of some bytes, as text: the same however they are cut.
struct Told {
  std::string text;
  std::size_t left = 0;  // bytes behind the answer
};

class Script {
 public:
  explicit Script(bool to_connect = false) { reader_.start(to_connect); }

  // Offers `bytes` in pieces, as a transport does: what is not taken comes again.
  Told run(std::string_view bytes, std::size_t piece, bool ends = true) {
    std::size_t begin = 0;
    for (std::size_t end = 0; end < bytes.size() && !over_;) {
      end = std::min(end + piece, bytes.size());
      // Memory of its own, so that a late look at it is seen.
      const std::string offer(bytes.substr(begin, end - begin));
      begin += feed(offer);
    }
    if (!over_ && ends) {
      tell(reader_.end());
    }
    return {told_ + (body_.empty() ? "" : " body=" + body_) + verdict_, bytes.size() - begin};
  }
  [[nodiscard]] const AnswerReader& reader() const { return reader_; }

 private:
  std::size_t feed(std::string_view offer) {
    std::size_t taken = 0;
    while (!over_) {
      const AnswerReader::Step step = reader_.next(offer.substr(taken));
      taken += step.taken;
      if (step.event == AnswerReader::Event::kMore) {
        break;
      }
      tell(step.event);
    }
    return taken;
  }
  void tell(AnswerReader::Event event) {
    switch (event) {
      case AnswerReader::Event::kHead:
        told_ += std::to_string(reader_.head().status);
        break;
      case AnswerReader::Event::kPiece:
        EXPECT_FALSE(reader_.piece().empty());
        body_ += reader_.piece();
        break;
      case AnswerReader::Event::kEnd:
        verdict_ = " end";
        over_ = true;
        break;
      case AnswerReader::Event::kBroken:
        verdict_ = " broken: " + reader_.problem();
        over_ = true;
        break;
      case AnswerReader::Event::kMore:
        break;
    }
  }

  AnswerReader reader_;
  std::string told_;
  std::string body_;
  std::string verdict_;
  bool over_ = false;
};

std::string read(std::string_view bytes) {
  const Told whole = Script().run(bytes, bytes.size());
  const Told cut = Script().run(bytes, 1);
  // In small pieces Beast looks for the end of the head first, and may find the connection's.
  const std::size_t verdict = whole.text.find(" broken: ");
  EXPECT_EQ(whole.text.substr(0, verdict), cut.text.substr(0, cut.text.find(" broken: "))) << bytes;
  if (whole.text.ends_with(" end")) {
    EXPECT_EQ(whole.left, cut.left) << bytes;
  }
  return whole.text;
}

const std::string kOk = "HTTP/1.1 200 OK\r\n";
const std::string kLong = kOk + "Content-Length: 5\r\n\r\nhello";
const std::string kChunked =
    kOk + "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nT: t\r\n\r\n";

std::string gzipped(std::string_view body, std::string_view fields = "") {
  const std::string packed = gzip(body);
  return kOk + std::string(fields) +
         "Content-Encoding: gzip\r\nContent-Length: " + std::to_string(packed.size()) + "\r\n\r\n" +
         packed;
}

TEST(AnswerReader, ReadsEveryKindOfBody) {
  EXPECT_EQ(read(kLong), "200 body=hello end");
  EXPECT_EQ(read(kChunked), "200 body=hello end");
  EXPECT_EQ(read(kOk + "\r\nup to the end"), "200 body=up to the end end");
  EXPECT_EQ(read(kOk + "Content-Length: 0\r\n\r\n"), "200 end");
  EXPECT_EQ(read(kOk + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), "200 end");
  EXPECT_EQ(read("HTTP/1.1 204 No Content\r\n\r\n"), "204 end");
  EXPECT_EQ(read("HTTP/1.0 404 Not Found\r\nContent-Length: 2\r\n\r\nno"), "404 body=no end");
}

TEST(AnswerReader, PassesInterimAnswersOver) {
  EXPECT_EQ(read("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + kLong),
            "200 body=hello end");
  EXPECT_EQ(read("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
            " broken: it switches to a protocol that was not asked for");
}

TEST(AnswerReader, LeavesWhatBelongsToTheNextAnswer) {
  for (const std::string& answer : {kLong, kChunked}) {
    Script script;
    EXPECT_EQ(script.run(answer + "HTTP/1.1", 1000).left, 8U);
    EXPECT_TRUE(script.reader().keeps_alive());
  }
}

TEST(AnswerReader, SaysWhetherTheConnectionStays) {
  Script closing;
  closing.run(kOk + "Connection: close\r\nContent-Length: 0\r\n\r\n", 1000);
  EXPECT_FALSE(closing.reader().keeps_alive());
  Script until_close;
  until_close.run(kOk + "\r\nbody", 1000);
  EXPECT_FALSE(until_close.reader().keeps_alive());
}

TEST(AnswerReader, TellsTheFieldsThatAreActedUpon) {
  Script script;
  script.run("HTTP/1.1 429 Slow\r\nretry-after: 7\r\nLOCATION: https://b/\r\n\r\n", 1000);
  EXPECT_EQ(script.reader().head().retry_after, "7");
  EXPECT_EQ(script.reader().head().location, "https://b/");
}

TEST(AnswerReader, UnpacksGzip) {
  EXPECT_EQ(read(gzipped("packed")), "200 body=packed end");
  EXPECT_EQ(read(kOk + "Content-Encoding: gzip\r\nContent-Length: 0\r\n\r\n"), "200 end");
  const std::string packed = gzip("one") + gzip("two");
  EXPECT_EQ(read(kOk + "Content-Encoding: gzip\r\n\r\n" + packed), "200 body=onetwo end");
  // Exactly as much as one piece of the inflater's, less, more, and far more.
  for (const std::size_t size : {65'535, 65'536, 65'537, 131'072, 1'000'000}) {
    const std::string body(size, 'x');
    EXPECT_EQ(Script().run(gzipped(body), 1000).text, "200 body=" + body + " end") << size;
  }
}

TEST(AnswerReader, RefusesGzipThatIsDamagedOrEndsEarly) {
  const std::string packed = gzip("a body of some length, a body of some length");
  for (std::size_t size = 1; size < packed.size(); ++size) {
    const std::string text =
        Script()
            .run(kOk + "Content-Encoding: gzip\r\nContent-Length: " + std::to_string(size) +
                     "\r\n\r\n" + packed.substr(0, size),
                 1000)
            .text;
    EXPECT_TRUE(text.ends_with(" broken: its gzip body ends too early")) << size << text;
  }
  EXPECT_EQ(read(kOk + "Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello"),
            "200 broken: its gzip body is damaged");
  EXPECT_EQ(read(kOk + "Content-Encoding: br\r\nContent-Length: 5\r\n\r\nhello"),
            " broken: its body is packed in a way that was not asked for");
}

TEST(AnswerReader, AnEndAnywhereBeforeTheEndIsBroken) {
  for (const std::string& answer :
       {kLong, kChunked, gzipped("hello"), "HTTP/1.1 100 Continue\r\n\r\n" + kLong}) {
    for (std::size_t size = 0; size < answer.size(); ++size) {
      const std::string text = Script().run(answer.substr(0, size), 1000).text;
      EXPECT_NE(text.find(" broken: "), std::string::npos) << size << ": " << text;
      EXPECT_EQ(text, Script().run(answer.substr(0, size), 1).text);
    }
  }
}

TEST(AnswerReader, RefusesWhatIsNoHttp) {
  for (const char* bytes :
       {"SSH-2.0-OpenSSH_9.2\r\n", "\x15\x03\x01\x00\x02\x02\x46", "HTTP/2 200 OK\r\n\r\n",
        "HTTP/1.1 20x OK\r\n\r\n", "HTTP/1.1 200 OK\r\nNo colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnone\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n"}) {
    EXPECT_NE(read(bytes).find(" broken: "), std::string::npos) << bytes;
  }
}

TEST(AnswerReader, BoundsHeadsChunkHeadsAndTrailers) {
  const std::string endless(80 * 1024, 'x');
  EXPECT_EQ(Script().run(kOk + "A: " + endless, 4096).text, " broken: its head is too large");
  const std::string chunked = kOk + "Transfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(Script().run(chunked + "1;" + endless, 4096).text,
            "200 broken: a chunk's head or the trailers are too large");
  EXPECT_EQ(Script().run(chunked + "0\r\nT: " + endless, 4096).text,
            "200 broken: a chunk's head or the trailers are too large");
}

TEST(AnswerReader, StartsAnew) {
  AnswerReader reader;
  for (int round = 0; round < 3; ++round) {
    reader.start();
    EXPECT_FALSE(reader.has_begun());
    const std::string bytes = round == 1 ? "garbage, garbage" : gzipped("hello");
    std::string_view rest = bytes;
    AnswerReader::Step step;
    std::string body;
    do {
      step = reader.next(rest);
      rest.remove_prefix(step.taken);
      body += step.event == AnswerReader::Event::kPiece ? reader.piece() : "";
    } while (step.event != AnswerReader::Event::kEnd && step.event != AnswerReader::Event::kBroken);
    EXPECT_EQ(body, round == 1 ? "" : "hello");
    EXPECT_TRUE(reader.has_begun());
  }
}

TEST(AnswerReader, AnAnswerToConnectHasNoBody) {
  const Told told = Script(true).run(kOk + "Content-Length: 9\r\n\r\n\x16\x03", 1000);
  EXPECT_EQ(told.text, "200 end");
  EXPECT_EQ(told.left, 2U);
}

TEST(RetryAfter, IsSecondsOrADate) {
  const auto seconds = [](std::string_view value) {
    const auto parsed = parse_retry_after(value, 784'111'777);  // Sun, 06 Nov 1994 08:49:37 GMT
    return parsed ? parsed->count() : -1;
  };
  EXPECT_EQ(seconds("7"), 7);
  EXPECT_EQ(seconds("0"), 0);
  EXPECT_EQ(seconds("-3"), 0);
  EXPECT_EQ(seconds("99999999999999999999"), 86'400);
  EXPECT_EQ(seconds("Sun, 06 Nov 1994 08:49:47 GMT"), 10);
  EXPECT_EQ(seconds("Sun, 06 Nov 1994 08:49:27 GMT"), 0);
  EXPECT_EQ(seconds(""), -1);
  EXPECT_EQ(seconds("soon"), -1);
  EXPECT_EQ(seconds("7 s"), -1);
}

}  // namespace
}  // namespace portico::kube
