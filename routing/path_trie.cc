#include "routing/path_trie.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <deque>

#include <absl/container/btree_map.h>

namespace portico::routing {
namespace {

constexpr std::size_t kHeadBytes = sizeof(TrieEdge::head);

std::uint64_t head_of(std::string_view label) {
  std::uint64_t head = 0;
  std::memcpy(&head, label.data(), std::min(label.size(), kHeadBytes));
  return std::endian::native == std::endian::little ? __builtin_bswap64(head) : head;
}

// What follows the head.
std::string_view tail_of(std::string_view label) {
  return label.substr(std::min(label.size(), kHeadBytes));
}

std::string_view tail_of(const TrieEdge& edge, const char* labels) {
  return {labels + edge.label, edge.bytes > kHeadBytes ? edge.bytes - kHeadBytes : 0};
}

// Labels hold no NUL (a rule's is escaped), so equal heads mean equal first eight bytes.
bool less(std::uint64_t head, std::string_view segment, const TrieEdge& edge, const char* labels) {
  if (head != edge.head) {
    return head < edge.head;
  }
  return tail_of(segment) < tail_of(edge, labels);
}

bool begins_with(std::uint64_t head, std::string_view segment, const TrieEdge& edge,
                 const char* labels) {
  if (edge.bytes > segment.size()) {
    return false;
  }
  if (edge.bytes >= kHeadBytes) {
    return head == edge.head && tail_of(segment).starts_with(tail_of(edge, labels));
  }
  const auto unused_bits = 8 * (kHeadBytes - edge.bytes);
  return edge.bytes == 0 || ((head ^ edge.head) >> unused_bits) == 0;
}

struct Step {
  std::uint32_t node = kNone;
  std::uint32_t starts = kNone;
};

// The edge equal to `segment`, and the longest with `starts` that `segment` begins with. Whatever
// `segment` begins with lies on the `shorter` chain of the last edge that is not greater.
Step step(std::span<const TrieEdge> edges, std::string_view segment, const char* labels) {
  const auto head = head_of(segment);
  std::size_t low = 0;
  for (std::size_t count = edges.size(); count > 0;) {
    const auto half = count / 2;
    if (less(head, segment, edges[low + half], labels)) {
      count = half;
    } else {
      low += half + 1;
      count -= half + 1;
    }
  }
  if (low == 0) {
    return {};
  }
  Step found;
  auto at = static_cast<std::uint32_t>(low - 1);
  if (edges[at].bytes == segment.size() && begins_with(head, segment, edges[at], labels)) {
    found.node = edges[at].node;
  }
  while (at != kNone &&
         (edges[at].starts == kNone || !begins_with(head, segment, edges[at], labels))) {
    at = edges[at].shorter;
  }
  found.starts = at == kNone ? kNone : edges[at].starts;
  return found;
}

struct DraftNode;

struct DraftEdge {
  DraftNode* node = nullptr;
  std::uint32_t starts = kNone;
};

struct DraftNode {
  TrieNode slots;
  absl::btree_map<std::string_view, DraftEdge> edges;
};

// Routes come best rank first: a slot keeps its first.
void take(std::uint32_t& slot, std::uint32_t route) {
  if (slot == kNone) {
    slot = route;
  }
}

// All nodes, the root first; not owned by their parents because a path may be deeper than the
// stack.
using Draft = std::deque<DraftNode>;

DraftNode& child(Draft& draft, DraftNode& parent, std::string_view label) {
  auto& node = parent.edges[label].node;
  if (node == nullptr) {
    node = &draft.emplace_back();
  }
  return *node;
}

void add(Draft& draft, const RulePath& path, std::uint32_t route) {
  auto* node = &draft.front();
  // What stands after the last slash: of an Exact the last segment, of a string prefix a part of
  // one, of a Prefix nothing.
  auto rest = std::string_view(path.text()).substr(1);
  for (auto slash = rest.find('/'); slash != rest.npos; slash = rest.find('/')) {
    node = &child(draft, *node, rest.substr(0, slash));
    rest.remove_prefix(slash + 1);
  }
  switch (path.kind()) {
    case PathKind::kExact:
      take(rest.empty() ? node->slots.exact_slash : child(draft, *node, rest).slots.exact, route);
      return;
    case PathKind::kPrefix:
      take(node->slots.prefix, route);
      take(node->slots.below, route);
      return;
    case PathKind::kStringPrefix:
      take(rest.empty() ? node->slots.below : node->edges[rest].starts, route);
      return;
  }
}

void flatten_edges(const DraftNode& draft, FlatTrie& out, std::vector<const DraftNode*>& order) {
  const auto first = out.edges.size();
  std::vector<std::pair<std::string_view, std::uint32_t>>
      prefixes;  // with `starts`, each one's the next's prefix
  for (const auto& [label, edge] : draft.edges) {
    while (!prefixes.empty() && !label.starts_with(prefixes.back().first)) {
      prefixes.pop_back();
    }
    TrieEdge flat{.head = head_of(label),
                  .label = static_cast<std::uint32_t>(out.labels.size()),
                  .bytes = static_cast<std::uint32_t>(label.size()),
                  .starts = edge.starts,
                  .shorter = prefixes.empty() ? kNone : prefixes.back().second};
    out.labels.insert(out.labels.end(), tail_of(label).begin(), tail_of(label).end());
    if (edge.node != nullptr) {
      flat.node = static_cast<std::uint32_t>(order.size());
      order.push_back(edge.node);
    }
    if (edge.starts != kNone) {
      prefixes.emplace_back(label, static_cast<std::uint32_t>(out.edges.size() - first));
    }
    out.edges.push_back(flat);
  }
}

}  // namespace

std::uint32_t PathTrie::find(std::string_view path) const {
  if (!path.starts_with('/')) {
    return kNone;
  }
  // Each step's candidates rank above those of the step before, because they are longer.
  auto best = kNone;
  const auto prefer = [&best](std::uint32_t route) { best = route == kNone ? best : route; };
  const auto* node = nodes;
  for (auto rest = path.substr(1);;) {
    if (rest.empty()) {
      prefer(node->below);
      prefer(node->exact_slash);
      return best;
    }
    prefer(node->below);
    const auto slash = rest.find('/');
    const auto found = step({edges + node->first_edge, node->edges}, rest.substr(0, slash), labels);
    prefer(found.starts);
    if (found.node == kNone) {
      return best;
    }
    node = nodes + found.node;
    if (slash == rest.npos) {
      prefer(node->prefix);
      prefer(node->exact);
      return best;
    }
    rest.remove_prefix(slash + 1);
  }
}

FlatTrie build_trie(std::span<const RulePath* const> by_rank) {
  Draft draft(1);
  for (std::uint32_t i = 0; i < by_rank.size(); ++i) {
    add(draft, *by_rank[i], i);
  }
  FlatTrie out;
  std::vector<const DraftNode*> order{
      &draft.front()};  // breadth first: a level's nodes and edges lie together
  for (std::size_t i = 0; i < order.size(); ++i) {
    auto node = order[i]->slots;
    node.first_edge = static_cast<std::uint32_t>(out.edges.size());
    node.edges = static_cast<std::uint32_t>(order[i]->edges.size());
    flatten_edges(*order[i], out, order);
    out.nodes.push_back(node);
  }
  return out;
}

}  // namespace portico::routing
