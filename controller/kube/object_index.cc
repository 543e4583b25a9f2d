#include "controller/kube/object_index.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

namespace portico::kube {
namespace {

std::string place(const Object& object) {
  const Origin& origin = metadata(object).origin;
  return fmt::format("{}:{}", *origin.file, origin.line);
}

routing::Diagnostic held_twice(const Object& loser, const Object& winner) {
  const Origin& origin = metadata(loser).origin;
  return {.object = ref_of(key_of(loser)),
          .field = "metadata.name",
          .message = fmt::format("\"{}\" is already defined at {}, which counts",
                                 metadata(loser).name, place(winner)),
          .fix = "remove one of the two",
          .file = *origin.file,
          .line = origin.line};
}

}  // namespace

std::size_t ObjectIndex::KeyHash::operator()(const ObjectKey& key) const {
  const std::hash<std::string_view> hash;
  return hash(key.name) * 31 + hash(key.namespace_) * 7 + key.kind;
}

// What the file holds from now on: its objects, once each, unchanged ones as the same pointers, and
// those that were there before and may still be, in a part that can't be read.
ObjectIndex::Held ObjectIndex::settle(const std::string& path, const Held& before,
                                      Decoded& contents) {
  std::unordered_map<ObjectKey, ObjectPointer, KeyHash> old;
  for (const ObjectPointer& object : before) {
    old.emplace(key_of(*object), object);
  }
  Held now;
  now.reserve(contents.objects.size());
  std::unordered_map<ObjectKey, const Object*, KeyHash> seen;
  for (auto& object : contents.objects) {
    const ObjectKey key = key_of(*object);
    const auto [first, is_new] = seen.emplace(key, object.get());
    if (!is_new) {
      contents.diagnostics.push_back(held_twice(*object, *first->second));
      continue;
    }
    const auto was = old.find(key);
    const bool same = was != old.end() && *was->second == *object;
    now.push_back(same ? was->second : ObjectPointer(std::move(object)));
    first->second = now.back().get();
  }
  for (const ObjectPointer& object : before) {
    const ObjectKey key = key_of(*object);
    const bool may_be_there =
        contents.has_unreadable_part ||
        std::find(contents.broken.begin(), contents.broken.end(), key) != contents.broken.end();
    if (may_be_there && !seen.contains(key)) {
      now.push_back(object);
    }
  }
  if (contents.has_unreadable_part && !before.empty()) {
    for (auto& found : contents.diagnostics) {
      found.fix =
          found.fix.empty() ? "what " + path + " held before keeps serving until then" : found.fix;
    }
  }
  return now;
}

void ObjectIndex::put(const std::string& path, Decoded contents, std::vector<Change>& changes) {
  const auto file = files_.try_emplace(path).first;
  Held now = settle(path, file->second, contents);
  const Held before = std::exchange(file->second, std::move(now));
  std::set<ObjectKey> kept;
  if (!before.empty()) {
    for (const ObjectPointer& object : file->second) {
      kept.insert(key_of(*object));
    }
  }
  for (const ObjectPointer& object : before) {
    ObjectKey key = key_of(*object);
    if (!kept.contains(key)) {
      hold(file->first, key, nullptr, changes);
    }
  }
  for (const ObjectPointer& object : file->second) {
    hold(file->first, key_of(*object), object, changes);
  }
  set_findings(path, std::move(contents.diagnostics));
}

void ObjectIndex::remove(const std::string& path, std::vector<Change>& changes) {
  const auto file = files_.find(path);
  if (file == files_.end()) {
    return;
  }
  for (const ObjectPointer& object : file->second) {
    hold(file->first, key_of(*object), nullptr, changes);
  }
  set_findings(path, {});
  files_.erase(file);
}

void ObjectIndex::hold(std::string_view file, const ObjectKey& key, ObjectPointer object,
                       std::vector<Change>& changes) {
  std::vector<Holding>& holders = holdings_[key];
  const ObjectPointer before = holders.empty() ? nullptr : holders.front().object;
  auto at = std::lower_bound(
      holders.begin(), holders.end(), file,
      [](const Holding& holding, std::string_view name) { return holding.file < name; });
  const bool held = at != holders.end() && at->file == file;
  if (object == nullptr && held) {
    holders.erase(at);
  } else if (object != nullptr && held) {
    at->object = std::move(object);
  } else if (object != nullptr) {
    holders.insert(at, Holding{file, std::move(object)});
  }
  const ObjectPointer after = holders.empty() ? nullptr : holders.front().object;
  if (holders.size() > 1) {
    diagnostics_changed_ = true;
    contested_.insert(key);
  } else if (contested_.erase(key) != 0) {
    diagnostics_changed_ = true;
  }
  if (before != after) {
    changes.push_back({key, after});
  }
  if (after == nullptr) {
    holdings_.erase(key);
  }
}

void ObjectIndex::set_findings(const std::string& path, routing::Diagnostics found) {
  const auto known = findings_.find(path);
  if (found.empty()) {
    if (known != findings_.end()) {
      findings_.erase(known);
      diagnostics_changed_ = true;
    }
    return;
  }
  if (known == findings_.end() || known->second != found) {
    findings_.insert_or_assign(path, std::move(found));
    diagnostics_changed_ = true;
  }
}

routing::Diagnostics ObjectIndex::diagnostics() const {
  routing::Diagnostics all;
  for (const auto& [path, found] : findings_) {
    all.insert(all.end(), found.begin(), found.end());
  }
  for (const ObjectKey& key : contested_) {
    const std::vector<Holding>& held = holdings_.at(key);
    for (std::size_t i = 1; i < held.size(); ++i) {
      all.push_back(held_twice(*held[i].object, *held.front().object));
    }
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return std::tie(a.file, a.line, a.field, a.message) <
           std::tie(b.file, b.line, b.field, b.message);
  });
  return all;
}

std::vector<ObjectPointer> ObjectIndex::objects() const {
  std::vector<ObjectPointer> all;
  for (const auto& [path, held] : files_) {
    for (const ObjectPointer& object : held) {
      if (holdings_.at(key_of(*object)).front().object == object) {
        all.push_back(object);
      }
    }
  }
  return all;
}

}  // namespace portico::kube
