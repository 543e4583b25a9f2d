#include "controller/kube/document.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace portico::kube {
namespace {

bool one_of(std::string_view text, std::span<const std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

// The booleans of YAML 1.1: kubectl reads `no` and `off` as false.
bool looks_like_bool(std::string_view text) {
  static constexpr std::array<std::string_view, 18> kWords = {
      "true", "True", "TRUE", "false", "False", "FALSE", "yes", "Yes", "YES",
      "no",   "No",   "NO",   "on",    "On",    "ON",    "off", "Off", "OFF"};
  return text.size() <= 5 && one_of(text, kWords);
}

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

ScalarType number_type(std::string_view text) {
  std::string_view digits = text;
  if (!digits.empty() && (digits[0] == '-' || digits[0] == '+')) {
    digits.remove_prefix(1);
  }
  if (digits.empty() || (digits[0] != '.' && (digits[0] < '0' || digits[0] > '9'))) {
    return ScalarType::kString;
  }
  if (all_digits(digits)) {
    return ScalarType::kInteger;
  }
  double number = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool whole = error == std::errc() && end == digits.data() + digits.size();
  return whole ? ScalarType::kFloat : ScalarType::kString;
}

}  // namespace

NodeKind Value::kind() const {
  return document_->nodes_[node_].kind;
}

bool Value::is_scalar() const {
  return document_ != nullptr && (kind() == NodeKind::kString || kind() == NodeKind::kPlain);
}

std::string_view Value::text() const {
  if (!is_scalar()) {
    return {};
  }
  const auto& node = document_->nodes_[node_];
  return document_->slice(node.text_pos, node.text_size);
}

std::string_view Value::key() const {
  const auto& node = document_->nodes_[node_];
  return document_->slice(node.key_pos, node.key_size);
}

int Value::line() const {
  return document_ == nullptr ? 0 : document_->nodes_[node_].line;
}

ScalarType Value::scalar_type() const {
  if (document_->nodes_[node_].kind != NodeKind::kPlain) {
    return ScalarType::kString;
  }
  return looks_like_bool(text()) ? ScalarType::kBool : number_type(text());
}

Value Value::find(std::string_view key) const {
  if (!is_map()) {
    return {};
  }
  for (Value child = first(); child; child = child.next()) {
    if (child.key() == key) {
      return child;
    }
  }
  return {};
}

Value Value::first() const {
  if (document_ == nullptr || document_->nodes_[node_].first == Document::kNone) {
    return {};
  }
  return {*document_, document_->nodes_[node_].first};
}

Value Value::next() const {
  const std::uint32_t next = document_->nodes_[node_].next;
  return next == Document::kNone ? Value() : Value(*document_, next);
}

void DocumentBuilder::start() {
  document_.nodes_.clear();
  document_.text_.clear();
  document_.problems_.clear();
  open_.clear();
  anchors_.clear();
  weight_ = 0;
}

void DocumentBuilder::finish() {
  if (!document_.nodes_.empty() && document_.nodes_[0].kind != NodeKind::kNull) {
    sink_.on_document(Value(document_, 0), document_.problems_);
  }
  start();
}

DocumentBuilder::Refusal DocumentBuilder::add(NodeKind kind, int line, std::size_t anchor,
                                              std::uint32_t& node) {
  if (++weight_ > kMaxNodes) {
    return "the document is too large";
  }
  node = static_cast<std::uint32_t>(document_.nodes_.size());
  Document::Node& added = document_.nodes_.emplace_back();
  added.kind = kind;
  added.line = line;
  if (!open_.empty()) {
    Open& open = open_.back();
    Document::Node& parent = document_.nodes_[open.node];
    if (parent.kind == NodeKind::kMap) {
      if (open.key_line == 0) {
        return "a key must be text";
      }
      added.key_pos = open.key_pos;
      added.key_size = open.key_size;
      added.line = open.key_line;
      open.key_line = 0;
    }
    (parent.first == Document::kNone ? parent.first : document_.nodes_[parent.last].next) = node;
    parent.last = node;
  }
  if (anchor != 0) {
    anchors_.emplace_back(anchor, node);
  }
  return nullptr;
}

std::uint32_t DocumentBuilder::anchored(std::size_t anchor) const {
  const auto found = std::lower_bound(anchors_.begin(), anchors_.end(), std::pair(anchor, 0U));
  return found != anchors_.end() && found->first == anchor ? found->second : Document::kNone;
}

DocumentBuilder::Refusal DocumentBuilder::begin(NodeKind kind, int line, std::size_t anchor) {
  if (open_.size() >= kMaxDepth) {
    return "nested too deeply";
  }
  const auto text_mark = static_cast<std::uint32_t>(document_.text_.size());
  std::uint32_t node = 0;
  if (Refusal refusal = add(kind, line, anchor, node)) {
    return refusal;
  }
  open_.push_back({.node = node, .text_mark = text_mark});
  return nullptr;
}

DocumentBuilder::Refusal DocumentBuilder::scalar(NodeKind kind, std::string_view text, int line,
                                                 std::size_t anchor) {
  const auto pos = static_cast<std::uint32_t>(document_.text_.size());
  const auto size = static_cast<std::uint32_t>(text.size());
  if (!open_.empty()) {
    Open& open = open_.back();
    if (document_.nodes_[open.node].kind == NodeKind::kMap && open.key_line == 0) {
      document_.text_.append(text);
      open.key_pos = pos;
      open.key_size = size;
      open.key_line = line;
      return nullptr;
    }
  }
  std::uint32_t node = 0;
  if (Refusal refusal = add(kind, line, anchor, node)) {
    return refusal;
  }
  document_.text_.append(text);
  document_.nodes_[node].text_pos = pos;
  document_.nodes_[node].text_size = size;
  return nullptr;
}

DocumentBuilder::Refusal DocumentBuilder::alias(std::size_t anchor, int line) {
  const std::uint32_t target = anchored(anchor);
  if (target == Document::kNone) {
    return "an alias must refer to an anchor in the same object";
  }
  if (std::any_of(open_.begin(), open_.end(),
                  [&](const Open& open) { return open.node == target; })) {
    return "an alias must not contain itself";
  }
  std::uint32_t node = 0;
  if (Refusal refusal = add(NodeKind::kNull, line, 0, node)) {
    return refusal;
  }
  // The children are shared, not copied; what it would weigh as a copy is counted, so that a few
  // lines of nested aliases can't keep a reader busy for ever.
  const Document::Node& from = document_.nodes_[target];
  Document::Node& to = document_.nodes_[node];
  to.kind = from.kind;
  to.text_pos = from.text_pos;
  to.text_size = from.text_size;
  to.first = from.first;
  to.last = from.last;
  to.weight = from.weight;
  weight_ += from.weight;
  return weight_ > kMaxNodes ? "aliases make the document too large" : nullptr;
}

DocumentBuilder::Refusal DocumentBuilder::end() {
  const Open closed = open_.back();
  if (closed.key_line != 0) {
    return "a key has no value";
  }
  if (document_.nodes_[closed.node].kind == NodeKind::kMap) {
    if (Refusal refusal = drop_duplicate_keys(closed.node)) {
      return refusal;
    }
  }
  std::uint64_t weight = 1;
  for (std::uint32_t child = document_.nodes_[closed.node].first; child != Document::kNone;
       child = document_.nodes_[child].next) {
    weight += document_.nodes_[child].weight;
  }
  document_.nodes_[closed.node].weight =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(weight, kMaxNodes + 1));
  open_.pop_back();
  if (is_list_item()) {
    tell_item(closed);
  }
  return nullptr;
}

// Kubernetes keeps the last of equal keys; so do we, and say so.
DocumentBuilder::Refusal DocumentBuilder::drop_duplicate_keys(std::uint32_t map) {
  auto& nodes = document_.nodes_;
  auto& keys = keys_;
  keys.clear();
  for (std::uint32_t child = nodes[map].first; child != Document::kNone;
       child = nodes[child].next) {
    keys.emplace_back(document_.slice(nodes[child].key_pos, nodes[child].key_size), child);
  }
  std::sort(keys.begin(), keys.end());
  for (std::size_t i = 1; i < keys.size(); ++i) {
    if (keys[i].first != keys[i - 1].first) {
      continue;
    }
    const int earlier = nodes[keys[i - 1].second].line;
    document_.problems_.push_back(
        {nodes[keys[i].second].line, "key \"" + std::string(keys[i].first) +
                                         "\" is given twice, first in line " +
                                         std::to_string(earlier) + "; the last one is used"});
    unlink(map, keys[i - 1].second);
    if (document_.problems_.size() > kMaxProblems) {
      return "too many keys are given twice";
    }
  }
  return nullptr;
}

void DocumentBuilder::unlink(std::uint32_t map, std::uint32_t child) {
  auto& nodes = document_.nodes_;
  if (nodes[map].first == child) {
    nodes[map].first = nodes[child].next;
    return;
  }
  std::uint32_t before = nodes[map].first;
  while (nodes[before].next != child) {
    before = nodes[before].next;
  }
  nodes[before].next = nodes[child].next;
}

// Whether what was just closed is an item of the root's `items`, with a kind of its own.
bool DocumentBuilder::is_list_item() const {
  if (open_.size() != 2 || open_[0].node != 0) {
    return false;
  }
  const Document::Node& list = document_.nodes_[open_[1].node];
  if (list.kind != NodeKind::kList || document_.slice(list.key_pos, list.key_size) != "items" ||
      list.first != list.last) {
    return false;
  }
  const Value item(document_, list.last);
  return item.is_map() && (items_ == Items::kAll || (item.find("kind") && item.find("apiVersion")));
}

void DocumentBuilder::tell_item(const Open& item) {
  sink_.on_document(Value(document_, item.node), document_.problems_);
  document_.problems_.clear();
  // Everything of the item lies behind its own node: take it off again.
  Document::Node& list = document_.nodes_[open_.back().node];
  weight_ -= std::min<std::uint64_t>(weight_, document_.nodes_.size() - item.node);
  list.first = list.last = Document::kNone;
  document_.nodes_.resize(item.node);
  document_.text_.resize(item.text_mark);
  while (!anchors_.empty() && anchors_.back().second >= item.node) {
    anchors_.pop_back();
  }
}

}  // namespace portico::kube
