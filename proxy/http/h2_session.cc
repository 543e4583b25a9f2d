#include "proxy/http/h2_session.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstring>
#include <new>

#include <nghttp2/nghttp2.h>

#include "proxy/http/assign.h"
#include "proxy/http/chars.h"

namespace portico::http {

struct H2Session::Native {
  explicit Native(H2ConnectionEvents& sink) : events(sink) {}
  ~Native() { nghttp2_session_del(session); }
  Native(const Native&) = delete;
  Native& operator=(const Native&) = delete;

  [[nodiscard]] H2StreamEvents* find(std::int32_t stream) const {
    return static_cast<H2StreamEvents*>(nghttp2_session_get_stream_user_data(session, stream));
  }
  const std::vector<nghttp2_nv>& names_and_values(const H2FieldList& fields);

  nghttp2_session* session = nullptr;
  H2ConnectionEvents& events;
  H2Session::Role role = H2Session::Role::kServer;
  std::vector<nghttp2_nv> scratch;
  std::span<const std::uint8_t> rest;  // of what nghttp2 gave: valid until it gives more
  std::span<char> room;                // of the send() that runs
};

namespace {

constexpr std::size_t kMaxWaitingAcks = 256;
constexpr std::size_t kMaxSettingsEntries = 32;
constexpr std::size_t kFrameHeaderBytes = 9;
// Of a head on its way out. Beyond, nghttp2 drops it without a word, and its 64 KiB are less than a
// head that was let in may become.
constexpr std::size_t kMaxHeaderBlockBytes = std::size_t{512} * 1024;

using Native = H2Session::Native;

Native& native_of(void* user_data) {
  return *static_cast<Native*>(user_data);
}

H2Frame describe(const nghttp2_frame_hd& header) {
  const bool may_be_ack = header.type == NGHTTP2_SETTINGS || header.type == NGHTTP2_PING;
  const bool may_end = header.type == NGHTTP2_DATA || header.type == NGHTTP2_HEADERS;
  return {.type = header.type <= NGHTTP2_CONTINUATION ? static_cast<H2FrameType>(header.type)
                                                      : H2FrameType::kOther,
          .stream = header.stream_id,
          .length = header.length,
          .ack = may_be_ack && (header.flags & NGHTTP2_FLAG_ACK) != 0,
          .end_stream = may_end && (header.flags & NGHTTP2_FLAG_END_STREAM) != 0};
}

H2Frame describe(const nghttp2_frame& frame) {
  H2Frame described = describe(frame.hd);
  if (frame.hd.type == NGHTTP2_RST_STREAM) {
    described.error = static_cast<H2Error>(frame.rst_stream.error_code);
  } else if (frame.hd.type == NGHTTP2_GOAWAY) {
    described.error = static_cast<H2Error>(frame.goaway.error_code);
    described.last_stream = frame.goaway.last_stream_id;
  }
  return described;
}

int on_begin_frame(nghttp2_session*, const nghttp2_frame_hd* header, void* user_data) {
  native_of(user_data).events.on_frame_begins(describe(*header));
  return 0;
}

int on_begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void* user_data) {
  if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
    return 0;
  }
  const std::int32_t stream = frame->hd.stream_id;
  H2StreamEvents* const events = native_of(user_data).events.on_stream_opened(stream);
  if (events == nullptr) {
    nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream, NGHTTP2_REFUSED_STREAM);
    return 0;
  }
  nghttp2_session_set_stream_user_data(session, stream, events);
  return 0;
}

int on_header(nghttp2_session* session, const nghttp2_frame* frame, const std::uint8_t* name,
              std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
              std::uint8_t, void* user_data) {
  H2StreamEvents* const stream = native_of(user_data).find(frame->hd.stream_id);
  if (stream == nullptr || stream->on_field({reinterpret_cast<const char*>(name), name_size},
                                            {reinterpret_cast<const char*>(value), value_size})) {
    return 0;
  }
  nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                            NGHTTP2_PROTOCOL_ERROR);
  return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

// nghttp2 would leave such a field out and go on; a message with one is malformed (RFC 9113 8.2.1).
int on_invalid_header(nghttp2_session* session, const nghttp2_frame* frame, const std::uint8_t*,
                      std::size_t, const std::uint8_t*, std::size_t, std::uint8_t, void*) {
  nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                            NGHTTP2_PROTOCOL_ERROR);
  return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

int on_frame_received(nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
  Native& native = native_of(user_data);
  const H2Frame described = describe(*frame);
  switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
      if (H2StreamEvents* const stream = native.find(described.stream); stream != nullptr) {
        stream->on_fields_end(described.end_stream);
      }
      return 0;
    case NGHTTP2_DATA:
      if (H2StreamEvents* const stream = native.find(described.stream);
          stream != nullptr && described.end_stream) {
        stream->on_data_end();
      }
      if (frame->data.padlen > 0 && frame->data.padlen == frame->hd.length &&
          !described.end_stream) {
        native.events.on_control_frame(described);
      }
      return 0;
    case NGHTTP2_SETTINGS:
    case NGHTTP2_PING:
    case NGHTTP2_RST_STREAM:
    case NGHTTP2_GOAWAY:
      native.events.on_control_frame(described);
      return 0;
    default:
      return 0;
  }
}

int on_data_chunk(nghttp2_session* session, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                  std::size_t size, void* user_data) {
  H2StreamEvents* const stream = native_of(user_data).find(id);
  if (stream == nullptr) {
    nghttp2_session_consume_connection(session, size);
    return 0;
  }
  stream->on_data({reinterpret_cast<const char*>(data), size});
  return 0;
}

int on_stream_close(nghttp2_session*, std::int32_t id, std::uint32_t error, void* user_data) {
  if (H2StreamEvents* const stream = native_of(user_data).find(id); stream != nullptr) {
    stream->on_stream_closed(static_cast<H2Error>(error));
  }
  return 0;
}

int on_frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
  Native& native = native_of(user_data);
  const H2Frame described = describe(*frame);
  native.events.on_frame_sent(described);
  if (described.end_stream) {
    if (H2StreamEvents* const stream = native.find(described.stream); stream != nullptr) {
      stream->on_end_sent();
    }
  }
  return 0;
}

ssize_t max_data(nghttp2_session*, std::uint8_t, std::int32_t, std::int32_t connection_window,
                 std::int32_t stream_window, std::uint32_t max_frame_size, void*) {
  const auto windows = static_cast<std::uint32_t>(std::min(connection_window, stream_window));
  return static_cast<ssize_t>(
      std::min({windows, max_frame_size, static_cast<std::uint32_t>(H2Session::kMaxData)}));
}

// Bodies go from their stream straight to where send() collects: nghttp2 only frames them.
ssize_t read_body(nghttp2_session* session, std::int32_t id, std::uint8_t*, std::size_t limit,
                  std::uint32_t* flags, nghttp2_data_source*, void* user_data) {
  H2StreamEvents* const stream = native_of(user_data).find(id);
  if (stream == nullptr) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }
  const H2Supply supply = stream->supply(limit);
  if (supply.bytes == 0 && !supply.end) {
    return NGHTTP2_ERR_DEFERRED;
  }
  *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (supply.end) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (supply.trailers != nullptr && !supply.trailers->empty()) {
      *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      const auto& trailers = native_of(user_data).names_and_values(*supply.trailers);
      nghttp2_submit_trailer(session, id, trailers.data(), trailers.size());
    }
  }
  return static_cast<ssize_t>(supply.bytes);
}

int send_body(nghttp2_session*, nghttp2_frame* frame, const std::uint8_t* header, std::size_t size,
              nghttp2_data_source*, void* user_data) {
  Native& native = native_of(user_data);
  assert(frame->data.padlen == 0 && "no padding is asked for");
  H2StreamEvents* const stream = native.find(frame->hd.stream_id);
  if (stream == nullptr) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }
  if (native.room.size() < kFrameHeaderBytes + size) {
    return NGHTTP2_ERR_WOULDBLOCK;
  }
  std::memcpy(native.room.data(), header, kFrameHeaderBytes);
  stream->take(native.room.subspan(kFrameHeaderBytes, size));
  native.room = native.room.subspan(kFrameHeaderBytes + size);
  return 0;
}

struct Callbacks {
  Callbacks() {
    if (nghttp2_session_callbacks_new(&value) != 0) {
      throw std::bad_alloc();
    }
    nghttp2_session_callbacks_set_on_begin_frame_callback(value, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(value, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(value, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(value, on_invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(value, on_frame_received);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(value, on_data_chunk);
    nghttp2_session_callbacks_set_on_stream_close_callback(value, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(value, on_frame_sent);
    nghttp2_session_callbacks_set_send_data_callback(value, send_body);
    nghttp2_session_callbacks_set_data_source_read_length_callback(value, max_data);
  }
  ~Callbacks() { nghttp2_session_callbacks_del(value); }
  Callbacks(const Callbacks&) = delete;
  Callbacks& operator=(const Callbacks&) = delete;
  nghttp2_session_callbacks* value = nullptr;
};

struct Options {
  Options() {
    if (nghttp2_option_new(&value) != 0) {
      throw std::bad_alloc();
    }
    nghttp2_option_set_no_auto_window_update(value, 1);
    nghttp2_option_set_max_outbound_ack(value, kMaxWaitingAcks);
    nghttp2_option_set_max_settings(value, kMaxSettingsEntries);
    nghttp2_option_set_max_send_header_block_length(value, kMaxHeaderBlockBytes);
  }
  ~Options() { nghttp2_option_del(value); }
  Options(const Options&) = delete;
  Options& operator=(const Options&) = delete;
  nghttp2_option* value = nullptr;
};

void submit_settings(Native& native, const H2Settings& settings) {
  std::vector<nghttp2_settings_entry> entries{
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, settings.stream_window},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, settings.max_field_section}};
  if (native.role == H2Session::Role::kServer) {
    entries.push_back({NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, settings.max_concurrent_streams});
    if (settings.extended_connect) {
      entries.push_back({NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1});
    }
  } else {
    entries.push_back({NGHTTP2_SETTINGS_ENABLE_PUSH, 0});
  }
  nghttp2_submit_settings(native.session, NGHTTP2_FLAG_NONE, entries.data(), entries.size());
  nghttp2_session_set_local_window_size(native.session, NGHTTP2_FLAG_NONE, 0,
                                        static_cast<std::int32_t>(settings.connection_window));
}

constexpr nghttp2_data_provider kBody{.source = {.ptr = nullptr}, .read_callback = read_body};

}  // namespace

std::string_view to_string(H2Error error) {
  return nghttp2_http2_strerror(static_cast<std::uint32_t>(error));
}

void H2FieldList::clear() {
  clear_and_shrink(text_);
  places_.clear();
}

void H2FieldList::add(std::string_view name, std::string_view value) {
  const std::size_t offset = text_.size();
  for (const char c : name) {
    text_.push_back(to_lower(c));
  }
  text_.append(value);
  places_.push_back({.offset = offset, .name = name.size(), .value = value.size()});
}

void H2FieldList::add_number(std::string_view name, std::uint64_t value) {
  char digits[20];
  const auto* const end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  add(name, {digits, end});
}

const std::vector<nghttp2_nv>& H2Session::Native::names_and_values(const H2FieldList& fields) {
  const auto bytes = [](std::string_view text) {  // nghttp2 copies them
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  };
  scratch.clear();
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const auto name = fields.name(i);
    const auto value = fields.value(i);
    scratch.push_back({.name = bytes(name),
                       .value = bytes(value),
                       .namelen = name.size(),
                       .valuelen = value.size(),
                       .flags = NGHTTP2_NV_FLAG_NONE});
  }
  return scratch;
}

H2Session::H2Session(Role role, const H2Settings& settings, H2ConnectionEvents& events)
    : native_(std::make_unique<Native>(events)) {
  static const Callbacks kCallbacks;
  static const Options kOptions;
  native_->role = role;
  const auto create =
      role == Role::kServer ? nghttp2_session_server_new2 : nghttp2_session_client_new2;
  if (create(&native_->session, kCallbacks.value, native_.get(), kOptions.value) != 0) {
    throw std::bad_alloc();
  }
  submit_settings(*native_, settings);
}

H2Session::~H2Session() = default;

bool H2Session::receive(std::span<const char> bytes) {
  const auto taken = nghttp2_session_mem_recv(
      native_->session, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (taken >= 0) {
    return true;
  }
  // What it gives up on, it leaves to us to say.
  const bool flood = taken == NGHTTP2_ERR_FLOODED || taken == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS;
  terminate(flood ? H2Error::kEnhanceYourCalm : H2Error::kProtocol);
  return false;
}

std::size_t H2Session::send(std::span<char> out) {
  assert(out.size() >= kMinRoom);
  Native& native = *native_;
  native.room = out;
  for (;;) {
    if (native.rest.empty()) {
      const std::uint8_t* data = nullptr;
      const auto size = nghttp2_session_mem_send(native.session, &data);
      if (size <= 0) {
        break;
      }
      native.rest = {data, static_cast<std::size_t>(size)};
    }
    const auto fitting = std::min(native.rest.size(), native.room.size());
    std::memcpy(native.room.data(), native.rest.data(), fitting);
    native.rest = native.rest.subspan(fitting);
    native.room = native.room.subspan(fitting);
    if (native.room.empty()) {
      break;
    }
  }
  const std::size_t sent = out.size() - native.room.size();
  native.room = {};
  return sent;
}

bool H2Session::has_to_send() const {
  return !native_->rest.empty() || nghttp2_session_want_write(native_->session) != 0;
}

std::size_t H2Session::queued_frames() const {
  return nghttp2_session_get_outbound_queue_size(native_->session);
}

bool H2Session::is_over() const {
  return !has_to_send() && nghttp2_session_want_read(native_->session) == 0;
}

std::int32_t H2Session::submit_request(const H2FieldList& fields, bool body_follows,
                                       H2StreamEvents& events) {
  const auto& list = native_->names_and_values(fields);
  const auto stream = nghttp2_submit_request(native_->session, nullptr, list.data(), list.size(),
                                             body_follows ? &kBody : nullptr, &events);
  return std::max(stream, 0);
}

void H2Session::submit_interim(std::int32_t stream, const H2FieldList& fields) {
  const auto& list = native_->names_and_values(fields);
  nghttp2_submit_headers(native_->session, NGHTTP2_FLAG_NONE, stream, nullptr, list.data(),
                         list.size(), nullptr);
}

void H2Session::submit_head(std::int32_t stream, const H2FieldList& fields, bool body_follows) {
  const auto& list = native_->names_and_values(fields);
  nghttp2_submit_response(native_->session, stream, list.data(), list.size(),
                          body_follows ? &kBody : nullptr);
}

void H2Session::resume(std::int32_t stream) {
  nghttp2_session_resume_data(native_->session, stream);
}

void H2Session::reset(std::int32_t stream, H2Error error) {
  nghttp2_submit_rst_stream(native_->session, NGHTTP2_FLAG_NONE, stream,
                            static_cast<std::uint32_t>(error));
}

void H2Session::detach(std::int32_t stream) {
  nghttp2_session_set_stream_user_data(native_->session, stream, nullptr);
}

void H2Session::consume(std::int32_t stream, std::size_t bytes) {
  nghttp2_session_consume(native_->session, stream, bytes);
}

void H2Session::consume_stream(std::int32_t stream, std::size_t bytes) {
  nghttp2_session_consume_stream(native_->session, stream, bytes);
}

void H2Session::consume_connection(std::size_t bytes) {
  nghttp2_session_consume_connection(native_->session, bytes);
}

void H2Session::submit_ping() {
  nghttp2_submit_ping(native_->session, NGHTTP2_FLAG_NONE, nullptr);
}

void H2Session::submit_shutdown_notice() {
  nghttp2_submit_shutdown_notice(native_->session);
}

void H2Session::submit_goaway(H2Error error) {
  nghttp2_submit_goaway(native_->session, NGHTTP2_FLAG_NONE,
                        nghttp2_session_get_last_proc_stream_id(native_->session),
                        static_cast<std::uint32_t>(error), nullptr, 0);
}

void H2Session::terminate(H2Error error) {
  nghttp2_session_terminate_session(native_->session, static_cast<std::uint32_t>(error));
}

std::int32_t H2Session::window_of(std::int32_t stream) const {
  return std::min(nghttp2_session_get_stream_remote_window_size(native_->session, stream),
                  nghttp2_session_get_remote_window_size(native_->session));
}

std::uint32_t H2Session::peer_max_concurrent_streams() const {
  return nghttp2_session_get_remote_settings(native_->session,
                                             NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

bool H2Session::peer_takes_extended_connect() const {
  return nghttp2_session_get_remote_settings(native_->session,
                                             NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1;
}

bool H2Session::may_open() const {
  return nghttp2_session_check_request_allowed(native_->session) != 0;
}

}  // namespace portico::http
