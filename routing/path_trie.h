// The paths of one host as a trie by segment, in three flat arrays.
//
//   rules   Prefix /api, Exact /api/v1/, ImplementationSpecific /api/v
//
//   nodes   root ─ api (prefix) ─ v1 (exact_slash)
//   edges   of root: "api" → node; of api: "v" (starts, no node), "v1" → node, shorter: "v"
//
// A node's edges are sorted and side by side; the first eight bytes of a label lie in the edge, so
// that a step compares integers in one or two cache lines.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "routing/rule_path.h"

namespace portico::routing {

// Index of a route among its host's, best rank first; `kNone` where there is none.
inline constexpr std::uint32_t kNone = ~std::uint32_t{0};

struct TrieNode {
  std::uint32_t exact = kNone;        // Exact /a/b
  std::uint32_t exact_slash = kNone;  // Exact /a/b/
  std::uint32_t prefix = kNone;       // Prefix /a/b
  std::uint32_t below = kNone;        // the better of Prefix /a/b and ImplementationSpecific /a/b/
  std::uint32_t first_edge = 0;
  std::uint32_t edges = 0;
};

struct TrieEdge {
  std::uint64_t head =
      0;  // the label's first eight bytes, big-endian, zero-filled: orders as the bytes do
  std::uint32_t label = 0;  // where the rest of it begins among the labels' bytes
  std::uint32_t bytes = 0;  // of the whole label
  std::uint32_t node = kNone;
  std::uint32_t starts = kNone;  // ImplementationSpecific ".../label"
  std::uint32_t shorter =
      kNone;  // the longest edge with `starts` whose label is a proper prefix of this one's
};

// Owns nothing; what match() reads.
struct PathTrie {
  const TrieNode* nodes = nullptr;  // the root first
  const TrieEdge* edges = nullptr;
  const char* labels = nullptr;

  // The route of the best rank that matches `path`, or kNone. Allocates nothing.
  [[nodiscard]] std::uint32_t find(std::string_view path) const;
};

struct FlatTrie {
  std::vector<TrieNode> nodes;
  std::vector<TrieEdge> edges;
  std::vector<char> labels;

  [[nodiscard]] PathTrie view() const { return {nodes.data(), edges.data(), labels.data()}; }
};

// `by_rank`: the rules' paths, best rank first; results are indexes into it.
FlatTrie build_trie(std::span<const RulePath* const> by_rank);

}  // namespace portico::routing
