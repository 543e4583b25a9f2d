// What a request's head costs to read and to write again; the design's aim is at most 1 us for
// eight fields.
#include <benchmark/benchmark.h>

#include "proxy/http/field_reader.h"
#include "proxy/http/h1_decoder.h"
#include "proxy/http/h1_encoder.h"
#include "proxy/http/line_scanner.h"

namespace portico::http {
namespace {

const std::string kRequest =
    "GET /api/v1/items/4711?fields=name,price&page=2 HTTP/1.1\r\n"
    "Host: shop.example.com\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    "Accept-Language: en-US,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate, br\r\n"
    "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\n"
    "Connection: keep-alive\r\n"
    "X-Request-ID: 0af7651916cd43dd8448eb211c80319c\r\n\r\n";
const std::string kSmallRequest = "GET / HTTP/1.1\r\nHost: shop.example.com\r\n\r\n";
const std::string kAnswer =
    "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    "Content-Type: application/octet-stream\r\nContent-Length: 1024\r\n"
    "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nConnection: keep-alive\r\n"
    "ETag: \"67890123-400\"\r\nAccept-Ranges: bytes\r\n\r\n";

class Discard final : public MessageSink {
 public:
  void on_body(std::span<char> piece) override { benchmark::DoNotOptimize(piece.data()); }
  void on_message_end(const FieldBlock*) override {}
};

void read_request(benchmark::State& state, const std::string& bytes) {
  RequestDecoder decoder(Limits{});
  for (auto _ : state) {
    benchmark::DoNotOptimize(decoder.feed_head(bytes));
    benchmark::DoNotOptimize(decoder.head());
    decoder.next_message();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes.size()));
}
BENCHMARK_CAPTURE(read_request, eight_fields, kRequest);
BENCHMARK_CAPTURE(read_request, one_field, kSmallRequest);

void read_answer_of_eight_fields(benchmark::State& state) {
  ResponseDecoder decoder(Limits{});
  for (auto _ : state) {
    benchmark::DoNotOptimize(decoder.feed_head(kAnswer));
    decoder.next_message();
  }
}
BENCHMARK(read_answer_of_eight_fields);

// Parts of the above.
void scan_lines_of_eight_fields(benchmark::State& state) {
  for (auto _ : state) {
    LineScanner scanner;
    while (scanner.next(kRequest, kRequest.size() + 1) == LineScanner::Result::kLine) {
      benchmark::DoNotOptimize(scanner.line());
    }
  }
}
BENCHMARK(scan_lines_of_eight_fields);

void read_eight_field_lines(benchmark::State& state) {
  const auto section = std::string_view(kRequest).substr(kRequest.find("\r\n") + 2);
  FieldBlock fields;
  for (auto _ : state) {
    fields.clear();
    LineScanner scanner;
    FieldReader reader(FieldSource::kRequest);
    benchmark::DoNotOptimize(
        reader.read(scanner, section, 0, {.bytes = section.size() + 1, .lines = 100}, fields));
  }
}
BENCHMARK(read_eight_field_lines);

void write_head_of_eight_fields(benchmark::State& state) {
  RequestDecoder decoder(Limits{});
  (void)decoder.feed_head(kRequest);
  const RequestHead& head = decoder.head();
  std::string out;
  for (auto _ : state) {
    out.clear();
    HeadWriter writer(out);
    writer.request_line(head.method_text, head.target);
    writer.field("Host", head.authority);
    writer.received_fields(head.fields,
                           [](const Field& field) { return field.id == FieldId::kHost; });
    writer.end();
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(write_head_of_eight_fields);

void read_chunks_of_4_kib(benchmark::State& state) {
  std::string body;
  for (int i = 0; i < 64; ++i) {
    append_chunk_header(body, 4096);
    body.append(4096, 'x').append("\r\n");
  }
  append_last_chunk(body, nullptr);
  RequestDecoder decoder(Limits{});
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  Discard sink;
  for (auto _ : state) {
    (void)decoder.feed_head(head);
    (void)decoder.feed_body(body, sink);
    decoder.next_message();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(body.size()));
}
BENCHMARK(read_chunks_of_4_kib);

}  // namespace
}  // namespace portico::http
