// A parsed document, light: one array of nodes and one block of text, both reused for the next one.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace portico::kube {

enum class NodeKind : std::uint8_t {
  kNull,
  kString,  // quoted: text, whatever it looks like
  kPlain,   // not quoted: a number or boolean where it is spelt like one, else text
  kList,
  kMap,
};

enum class ScalarType : std::uint8_t { kString, kInteger, kFloat, kBool };

class Document;

// One node of a Document.
//
// Lifetime:  valid until its Document is built further or cleared.
class Value {
 public:
  Value() = default;
  Value(const Document& document, std::uint32_t node) : document_(&document), node_(node) {}

  explicit operator bool() const { return document_ != nullptr; }
  [[nodiscard]] NodeKind kind() const;
  [[nodiscard]] bool is_map() const { return document_ != nullptr && kind() == NodeKind::kMap; }
  [[nodiscard]] bool is_list() const { return document_ != nullptr && kind() == NodeKind::kList; }
  // Absent or null, which mean the same everywhere in the Kubernetes API.
  [[nodiscard]] bool is_null() const { return document_ == nullptr || kind() == NodeKind::kNull; }
  [[nodiscard]] bool is_scalar() const;
  [[nodiscard]] std::string_view text() const;  // of a scalar; else empty
  [[nodiscard]] std::string_view key() const;   // as a member of a map
  [[nodiscard]] int line() const;               // 1-based; of the key for a member of a map
  // How a scalar is typed: quoted ones are strings, others by their spelling (YAML 1.1, as kubectl
  // reads).
  [[nodiscard]] ScalarType scalar_type() const;
  // The text of a scalar member, or "".
  [[nodiscard]] std::string_view member_text(std::string_view key) const {
    return find(key).text();
  }
  [[nodiscard]] Value find(std::string_view key) const;  // false where absent
  [[nodiscard]] Value first() const;                     // first child; false where none
  [[nodiscard]] Value next() const;                      // next sibling

 private:
  const Document* document_ = nullptr;
  std::uint32_t node_ = 0;
};

// Something odd in a document that could nevertheless be read.
struct DocumentProblem {
  int line = 0;
  std::string message;
};

class Document {
 public:
  static constexpr std::uint32_t kNone = 0xffffffff;

  [[nodiscard]] std::span<const DocumentProblem> problems() const { return problems_; }

 private:
  friend class Value;
  friend class DocumentBuilder;

  struct Node {
    std::uint32_t key_pos = 0, key_size = 0;
    std::uint32_t text_pos = 0, text_size = 0;
    std::uint32_t first = kNone, last = kNone, next = kNone;
    std::uint32_t weight = 1;  // nodes below and this one, aliases counted in full
    int line = 0;
    NodeKind kind = NodeKind::kNull;
  };

  [[nodiscard]] std::string_view slice(std::uint32_t pos, std::uint32_t size) const {
    return std::string_view(text_).substr(pos, size);
  }

  std::vector<Node> nodes_;
  std::string text_;
  std::vector<DocumentProblem> problems_;
};

// Told of each document that was read, empty ones aside. An item of a list (`kind: List`) that says
// its own kind is told as a document of its own, before the list that held it, and is not kept
// (unless items without a kind stand before it): a list of 20,000 objects is never held as a tree.
class DocumentSink {
 public:
  virtual void on_document(Value root, std::span<const DocumentProblem> problems) = 0;

 protected:
  ~DocumentSink() = default;
};

// Builds a Document from what a parser says, and bounds what it may become: depth, nodes, aliases.
//
// Errors:    each call returns the reason why the document can't be read on, or null.
class DocumentBuilder {
 public:
  using Refusal = const char*;
  static constexpr std::size_t kMaxDepth = 64;
  static constexpr std::uint32_t kMaxNodes = 2'000'000;
  static constexpr std::size_t kMaxProblems = 100;

  // Which items of a list are told one by one: the API server's own lists leave out their kinds.
  enum class Items : std::uint8_t { kWithKind, kAll };

  DocumentBuilder(Document& document, DocumentSink& sink, Items items = Items::kWithKind)
      : document_(document), sink_(sink), items_(items) {}

  void start();
  Refusal begin(NodeKind kind, int line, std::size_t anchor = 0);
  Refusal end();
  Refusal scalar(NodeKind kind, std::string_view text, int line, std::size_t anchor = 0);
  Refusal alias(std::size_t anchor, int line);
  void finish();

 private:
  struct Open {
    std::uint32_t node;
    std::uint32_t text_mark;  // where this container's text begins
    std::uint32_t key_pos = 0, key_size = 0;
    int key_line = 0;  // 0: the next scalar in a map is a key
  };

  Refusal add(NodeKind kind, int line, std::size_t anchor, std::uint32_t& node);
  [[nodiscard]] std::uint32_t anchored(std::size_t anchor) const;  // kNone where unknown
  Refusal drop_duplicate_keys(std::uint32_t map);
  void unlink(std::uint32_t map, std::uint32_t child);
  [[nodiscard]] bool is_list_item() const;
  void tell_item(const Open& item);

  Document& document_;
  DocumentSink& sink_;
  const Items items_;
  std::vector<Open> open_;
  std::vector<std::pair<std::size_t, std::uint32_t>> anchors_;  // number and node, ascending
  std::vector<std::pair<std::string_view, std::uint32_t>> keys_;
  std::uint64_t weight_ = 0;
};

}  // namespace portico::kube
