// Reads a document's fields into structs by tables, and keeps what it finds wrong.
//
// A table is both: the reader of each field, and the list of names that are known. A name that is
// in no table is an error with the nearest known name as advice, yet harms nothing else.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controller/kube/document.h"
#include "routing/diagnostic.h"

namespace portico::kube {

// A value and how it was reached; lives on the stack, names its path only when asked.
struct At {
  const At* parent = nullptr;
  Value value;
  std::string_view key;
  int index = -1;  // in a list

  [[nodiscard]] std::string path() const;
  [[nodiscard]] At member(std::string_view name) const { return {this, value.find(name), name}; }
  // The line of the value, or of the nearest thing around it that exists.
  [[nodiscard]] int line() const;
};

class FieldReader;

template <class T>
struct Field {
  std::string_view name;
  void (*read)(FieldReader&, const At&, T&) = nullptr;  // null: known, of no use here
};

// What a name means that is in no table: in a file a slip; from the API a newer server.
enum class UnknownFields : std::uint8_t { kError, kIgnored };

// One object's reading.
class FieldReader {
 public:
  FieldReader(routing::ObjectRef object, std::string_view file, routing::Diagnostics& found,
              UnknownFields unknown = UnknownFields::kError)
      : object_(std::move(object)), file_(file), found_(found), unknown_(unknown) {}

  // The object can't be used as it stands.
  [[nodiscard]] bool is_broken() const { return broken_; }

  void report(routing::Severity severity, const At& at, std::string message, std::string fix = {});
  // An error that leaves the object usable.
  void error(const At& at, std::string message, std::string fix = {}) {
    report(routing::Severity::kError, at, std::move(message), std::move(fix));
  }
  void break_with(const At& at, std::string message, std::string fix = {}) {
    broken_ = true;
    error(at, std::move(message), std::move(fix));
  }

  // Each leaves `out` alone where the value is null.
  void string(const At& at, std::string& out);
  void integer(const At& at, std::int32_t& out);
  void boolean(const At& at, std::optional<bool>& out);
  void string_map(const At& at, std::map<std::string, std::string, std::less<>>& out);
  void string_list(const At& at, std::vector<std::string>& out);
  // Breaks the object where the member is absent, null or empty text.
  void require(const At& map, std::string_view name);

  template <class T>
  void map(const At& at, std::span<const Field<T>> fields, T& out) {
    if (!expect(at, NodeKind::kMap)) {
      return;
    }
    for (Value member = at.value.first(); member; member = member.next()) {
      const At here{&at, member, member.key()};
      const Field<T>* field = nullptr;
      for (const Field<T>& candidate : fields) {
        field = candidate.name == here.key ? &candidate : field;
      }
      if (field == nullptr) {
        if (unknown_ == UnknownFields::kError) {
          unknown(here, names_of(fields));
        }
      } else if (field->read != nullptr && !member.is_null()) {
        field->read(*this, here, out);
      }
    }
  }

  // Reads each item by `read(FieldReader&, const At&, T&)` into `out`.
  template <class T, class Read>
  void list(const At& at, std::vector<T>& out, Read read) {
    if (!expect(at, NodeKind::kList)) {
      return;
    }
    out.reserve(count(at.value));
    int index = 0;
    for (Value item = at.value.first(); item; item = item.next()) {
      read(*this, At{&at, item, {}, index++}, out.emplace_back());
    }
  }

 private:
  template <class T>
  static std::vector<std::string_view> names_of(std::span<const Field<T>> fields) {
    std::vector<std::string_view> names;
    for (const Field<T>& field : fields) {
      names.push_back(field.name);
    }
    return names;
  }
  static std::size_t count(Value list);
  bool expect(const At& at, NodeKind kind);
  void wrong_type(const At& at, std::string_view wanted);
  void unknown(const At& at, std::span<const std::string_view> known);

  routing::ObjectRef object_;
  std::string_view file_;
  routing::Diagnostics& found_;
  const UnknownFields unknown_;
  bool broken_ = false;
};

// A value as a message shows it: quoted, cut where it is long, without control characters.
std::string quoted(std::string_view text);
// What a value is, for messages: `"80"`, `a list`.
std::string described(Value value);

}  // namespace portico::kube
