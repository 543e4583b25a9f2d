// The frames of one HTTP/2 connection (RFC 9113), either side of it: nghttp2 behind three small
// interfaces, so that its types and its rules of lifetime stay in one file.
//
//   bytes from the peer ──> receive() ──> H2ConnectionEvents, H2StreamEvents
//   bytes for the peer  <── send()    <── submit_*(), H2StreamEvents::supply()
//
// Shared by the client's side (proxy/downstream/h2_connection) and the backend's side
// (proxy/upstream/h2_connection): sessions, fields on their way out, error codes. What a head may
// say is each side's own: h2_request.h for requests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace portico::http {

// RFC 9113 7.
enum class H2Error : std::uint32_t {
  kNone = 0,
  kProtocol = 1,
  kInternal = 2,
  kFlowControl = 3,
  kSettingsTimeout = 4,
  kStreamClosed = 5,
  kFrameSize = 6,
  kRefusedStream = 7,
  kCancel = 8,
  kCompression = 9,
  kConnect = 10,
  kEnhanceYourCalm = 11,
  kInadequateSecurity = 12,
  kHttp11Required = 13,
};
std::string_view to_string(H2Error error);  // "PROTOCOL_ERROR"

// RFC 9113 6; kOther is of an extension.
enum class H2FrameType : std::uint8_t {
  kData = 0,
  kHeaders = 1,
  kPriority = 2,
  kRstStream = 3,
  kSettings = 4,
  kPushPromise = 5,
  kPing = 6,
  kGoaway = 7,
  kWindowUpdate = 8,
  kContinuation = 9,
  kOther = 255,
};

struct H2Frame {
  H2FrameType type = H2FrameType::kOther;
  std::int32_t stream = 0;
  std::size_t length = 0;  // of the payload
  bool ack = false;        // of SETTINGS and PING
  bool end_stream = false;
  H2Error error = H2Error::kNone;  // of RST_STREAM and GOAWAY
  std::int32_t last_stream = 0;    // of GOAWAY
};

// Fields on their way out, pseudo-headers first; names become lower-case.
class H2FieldList {
 public:
  void clear();
  void add(std::string_view name, std::string_view value);
  void add_number(std::string_view name, std::uint64_t value);
  [[nodiscard]] std::size_t size() const { return places_.size(); }
  [[nodiscard]] bool empty() const { return places_.empty(); }
  [[nodiscard]] std::string_view name(std::size_t index) const {
    return {text_.data() + places_[index].offset, places_[index].name};
  }
  [[nodiscard]] std::string_view value(std::size_t index) const {
    return {text_.data() + places_[index].offset + places_[index].name, places_[index].value};
  }

 private:
  struct Place {
    std::size_t offset, name, value;
  };
  std::string text_;
  std::vector<Place> places_;
};

// What a stream has to send now.
struct H2Supply {
  std::size_t bytes = 0;                  // 0 and no end: nothing, until resume()
  bool end = false;                       // nothing follows them
  const H2FieldList* trailers = nullptr;  // behind the end; null: none
};

// One stream's side. Called from inside receive() and send() only; none may destroy the session or
// call receive() or send() on it.
class H2StreamEvents {
 public:
  // A field of the section that comes: a head's or a trailer's. False: the stream is reset
  // (PROTOCOL_ERROR) and its section forgotten.
  virtual bool on_field(std::string_view name, std::string_view value) = 0;
  // The section is whole. `end_stream`: nothing follows it.
  virtual void on_fields_end(bool end_stream) = 0;
  // Bytes that hold the peer's window until consume()d.
  virtual void on_data(std::span<const char> piece) = 0;
  virtual void on_data_end() = 0;
  // What can be sent of the body, at most `limit` bytes.
  virtual H2Supply supply(std::size_t limit) = 0;
  // Copies the next bytes of what supply() offered; they are gone then.
  virtual void take(std::span<char> to) = 0;
  // Our END_STREAM has been serialised.
  virtual void on_end_sent() = 0;
  // The stream is over, whoever ended it: the last call. Not called by the session's destructor.
  virtual void on_stream_closed(H2Error error) = 0;

 protected:
  ~H2StreamEvents() = default;
};

// The connection's side. As above.
class H2ConnectionEvents {
 public:
  // Servers: a stream has been opened by the peer; null refuses it (REFUSED_STREAM).
  virtual H2StreamEvents* on_stream_opened(std::int32_t stream) = 0;
  // A frame's header came, its payload not yet: for counting.
  virtual void on_frame_begins(const H2Frame& frame) = 0;
  // A whole frame came that is SETTINGS, PING, RST_STREAM or GOAWAY, or DATA of padding alone.
  virtual void on_control_frame(const H2Frame& frame) = 0;
  // A frame of ours is serialised.
  virtual void on_frame_sent(const H2Frame& frame) = 0;

 protected:
  ~H2ConnectionEvents() = default;
};

struct H2Settings {
  std::uint32_t max_concurrent_streams = 128;  // what the peer may open
  std::uint32_t stream_window = 128 * 1024;
  std::uint32_t connection_window = 512 * 1024;
  std::uint32_t max_field_section = 64 * 1024;
  bool extended_connect = false;  // RFC 8441
};

// Thread:    worker-bound.
// Lifetime:  never destroyed from inside an event.
// Errors:    what the peer does wrong ends in an RST_STREAM or GOAWAY that send() gives; once
//            is_over() there is nothing more to receive or send.
// Memory:    nghttp2's: HPACK tables of 4 KiB each way, open streams, queued control frames. Acks
//            that wait are at most 256, then the connection is over; the caller bounds the others,
//            by queued_frames().
class H2Session {
 public:
  enum class Role : std::uint8_t { kServer, kClient };

  // Queues our SETTINGS (behind a client's preface).
  H2Session(Role role, const H2Settings& settings, H2ConnectionEvents& events);
  ~H2Session();
  H2Session(const H2Session&) = delete;
  H2Session& operator=(const H2Session&) = delete;

  // False: the connection can't go on; send() may still have a GOAWAY, then close.
  bool receive(std::span<const char> bytes);
  // Fills `out`, of at least kMinRoom bytes; returns how many bytes were put there, 0: nothing now.
  std::size_t send(std::span<char> out);
  static constexpr std::size_t kMaxData = 16 * 1024;  // of one DATA frame
  static constexpr std::size_t kMinRoom = kMaxData + 9;
  [[nodiscard]] bool has_to_send() const;
  // Frames that wait for send(), but for DATA, which waits as nothing.
  [[nodiscard]] std::size_t queued_frames() const;
  [[nodiscard]] bool is_over() const;

  // Clients: opens a stream; 0: no id is left, or the peer is going away.
  std::int32_t submit_request(const H2FieldList& fields, bool body_follows, H2StreamEvents& events);
  // Servers. An interim head may come any number of times before the head.
  void submit_interim(std::int32_t stream, const H2FieldList& fields);
  void submit_head(std::int32_t stream, const H2FieldList& fields, bool body_follows);
  // supply() has something again.
  void resume(std::int32_t stream);
  void reset(std::int32_t stream, H2Error error);
  // Its H2StreamEvents are not called again; what they had not given is given up.
  void detach(std::int32_t stream);
  // Gives the peer `bytes` of its window back, of the stream and of the connection.
  void consume(std::int32_t stream, std::size_t bytes);
  // Of one of them only.
  void consume_stream(std::int32_t stream, std::size_t bytes);
  void consume_connection(std::size_t bytes);
  void submit_ping();
  // No stream may be opened from some moment on, which is told later (RFC 9113 6.8). Servers.
  void submit_shutdown_notice();
  // What has been opened is finished, nothing else is taken.
  void submit_goaway(H2Error error);
  // GOAWAY, and nothing more.
  void terminate(H2Error error);

  // Of what the peer lets us send.
  [[nodiscard]] std::int32_t window_of(std::int32_t stream) const;
  [[nodiscard]] std::uint32_t peer_max_concurrent_streams() const;
  [[nodiscard]] bool peer_takes_extended_connect() const;
  // Whether an opened stream would be taken.
  [[nodiscard]] bool may_open() const;

  struct Native;

 private:
  std::unique_ptr<Native> native_;
};

}  // namespace portico::http
