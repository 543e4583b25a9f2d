// Heads of HTTP messages as values: what every protocol's codec produces and consumes.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portico::http {

// The fields this program looks at or sets; everything else is kOther and is known by its name
// only.
enum class FieldId : std::uint8_t {
  kOther,
  kAccept,
  kAuthorization,
  kConnection,
  kContentLength,
  kContentType,
  kCookie,
  kDate,
  kExpect,
  kForwarded,
  kHost,
  kHttp2Settings,
  kKeepAlive,
  kLocation,
  kProxy,
  kProxyAuthenticate,
  kProxyAuthorization,
  kProxyConnection,
  kServer,
  kSetCookie,
  kStrictTransportSecurity,
  kTe,
  kTrailer,
  kTransferEncoding,
  kUpgrade,
  kUserAgent,
  kReferer,
  kVia,
  kXForwardedFor,
  kXForwardedHost,
  kXForwardedPort,
  kXForwardedProto,
  kXForwardedScheme,
  kXOriginalForwardedFor,
  kXRealIp,
  kXRequestId,
  kXScheme,
  kCount,
};
FieldId field_id(std::string_view name);  // any case
std::string_view field_name(FieldId id);  // as we write it; empty for kOther

// Some of those ids; a bit each.
class FieldSet {
 public:
  template <typename... Ids>
  explicit constexpr FieldSet(Ids... ids) : bits_((bit(ids) | ... | 0)) {}
  [[nodiscard]] constexpr bool contains(FieldId id) const { return (bits_ & bit(id)) != 0; }

 private:
  static_assert(static_cast<unsigned>(FieldId::kCount) <= 64);
  static constexpr std::uint64_t bit(FieldId id) {
    return std::uint64_t{1} << static_cast<unsigned>(id);
  }
  std::uint64_t bits_;
};

struct Field {
  FieldId id = FieldId::kOther;
  std::string_view name;
  std::string_view value;
};

// Fields in the order received, in one flat block. clear() keeps the memory, so a reused block does
// not allocate.
//
// A reader of field lines first says where in the section each field lies, and gives the section's
// text last: one copy for all of them. Others add fields one by one.
//
// Holds what it is given: who adds fields from a peer has judged them (rules.h).
class FieldBlock {
 public:
  // Where a field lies in a section of field lines.
  struct Place {
    bool as_written;  // the line is as HeadWriter writes it, "Name: value\r\n"
    std::uint32_t name_offset, name_size, value_offset, value_size;
  };

  void clear();
  void add(FieldId id, std::string_view name, std::string_view value);
  void add_at(FieldId id, const Place& place);
  void set_text(std::string_view section);  // behind the last add_at()
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] Field operator[](std::size_t index) const;  // views are valid until the next change
  // "Name: value\r\n"; empty where it came in another spelling. Lines that followed each other do
  // so in memory.
  [[nodiscard]] std::string_view line(std::size_t index) const;
  // The first field of that id; nothing if there is none.
  [[nodiscard]] std::optional<std::string_view> find(FieldId id) const;
  [[nodiscard]] std::size_t count(FieldId id) const;  // O(1) up to one
  [[nodiscard]] std::size_t bytes() const;            // names and values

 private:
  struct Entry {
    FieldId id;
    Place place;
  };
  [[nodiscard]] std::string_view text(std::uint32_t offset, std::uint32_t size) const {
    assert(offset + size <= text_.size() && "set_text() comes first");
    return {text_.data() + offset, size};
  }

  [[nodiscard]] std::size_t count_repeated(FieldId id) const;

  std::uint64_t present_ = 0;   // a bit for each id
  std::uint64_t repeated_ = 0;  // of those, which are there more than once
  // Holds for an id only while its bit in present_ is set, so that clear() need not touch it.
  std::array<std::uint16_t, static_cast<std::size_t>(FieldId::kCount)> first_;
  std::string text_;
  std::vector<Entry> entries_;
};

inline void FieldBlock::add_at(FieldId id, const Place& place) {
  const auto index = static_cast<std::size_t>(id);
  const std::uint64_t bit = std::uint64_t{1} << index;
  repeated_ |= present_ & bit;
  if ((present_ & bit) == 0) {
    present_ |= bit;
    first_[index] = static_cast<std::uint16_t>(entries_.size());
  }
  entries_.push_back({.id = id, .place = place});
}

inline Field FieldBlock::operator[](std::size_t index) const {
  const auto& [id, place] = entries_[index];
  return {.id = id,
          .name = text(place.name_offset, place.name_size),
          .value = text(place.value_offset, place.value_size)};
}

inline std::string_view FieldBlock::line(std::size_t index) const {
  const Place& place = entries_[index].place;
  constexpr std::uint32_t kAround = 4;  // ": " and CRLF
  return place.as_written ? text(place.name_offset, place.name_size + place.value_size + kAround)
                          : std::string_view();
}

inline std::size_t FieldBlock::count(FieldId id) const {
  const auto index = static_cast<std::size_t>(id);
  return (repeated_ >> index & 1) == 0 ? present_ >> index & 1 : count_repeated(id);
}

inline std::optional<std::string_view> FieldBlock::find(FieldId id) const {
  const auto index = static_cast<std::size_t>(id);
  if ((present_ >> index & 1) == 0) {
    return std::nullopt;
  }
  return (*this)[first_[index]].value;
}

enum class Method : std::uint8_t {
  kOther,
  kGet,
  kHead,
  kPost,
  kPut,
  kDelete,
  kPatch,
  kOptions,
  kConnect,
  kTrace,
};
Method method_of(std::string_view text);  // case matters (RFC 9110 9.1)

enum class Framing : std::uint8_t {
  kNone,        // no body
  kLength,      // `content_length` bytes
  kChunked,     // chunks, then perhaps trailers; also: HTTP/2's "until END_STREAM"
  kUntilClose,  // HTTP/1 answers only
};

struct RequestHead {
  Method method = Method::kGet;
  std::string method_text;
  // Origin form as received, "*" (OPTIONS), or what absolute form names as path and query. CONNECT:
  // the authority.
  std::string target;
  std::string authority;  // the absolute form's host where there is one, else Host; may be empty in
                          // HTTP/1.0
  std::uint8_t version_major = 1;  // HTTP/2 is 2.1 here: all that 1.1 may do, it may
  std::uint8_t version_minor = 1;
  Framing framing = Framing::kNone;
  std::uint64_t content_length = 0;
  bool keep_alive = true;         // the client is willing
  bool expect_continue = false;   // Expect: 100-continue, and a body is announced
  bool accepts_trailers = false;  // TE: trailers
  // The protocol asked for with Connection: upgrade; empty: none, or one that is never passed on
  // (h2c, HTTP/1.0, a request with a body).
  std::string upgrade;
  FieldBlock fields;             // all, hop-by-hop ones too
  std::uint64_t wire_bytes = 0;  // of the head as it came, for logs
  void clear();
};

struct ResponseHead {
  std::uint16_t status = 200;
  std::string reason;
  std::uint8_t version_minor = 1;
  Framing framing = Framing::kNone;
  std::uint64_t content_length = 0;
  bool keep_alive = true;  // the backend is willing
  std::string upgrade;     // of a 101
  FieldBlock fields;
  void clear();
};

// True for fields that end at this hop: Connection and what it names, Keep-Alive,
// Proxy-*, TE, Trailer, Transfer-Encoding, Upgrade, HTTP2-Settings (RFC 9110 7.6.1). What
// Connection names never covers fields that routing or framing rests on (Host, Content-Length,
// Authorization, Cookie, X-Forwarded-* and so on).
//
// Lifetime: refers to `fields`.
class HopByHop {
 public:
  explicit HopByHop(const FieldBlock& fields)
      : fields_(fields), named_(fields.count(FieldId::kConnection) > 0 && names_something()) {}
  [[nodiscard]] bool contains(const Field& field) const {
    return kAlways.contains(field.id) || (named_ && is_named(field));
  }

 private:
  static constexpr FieldSet kAlways{
      FieldId::kConnection,
      FieldId::kHttp2Settings,
      FieldId::kKeepAlive,
      FieldId::kProxy,  // httpoxy: a CGI backend would take it for its outgoing proxy
      FieldId::kProxyAuthenticate,
      FieldId::kProxyAuthorization,
      FieldId::kProxyConnection,
      FieldId::kTe,
      FieldId::kTrailer,
      FieldId::kTransferEncoding,
      FieldId::kUpgrade,
  };
  [[nodiscard]] bool names_something() const;
  [[nodiscard]] bool is_named(const Field& field) const;

  const FieldBlock& fields_;
  bool named_;  // Connection names something that no rule drops anyway
};

}  // namespace portico::http
