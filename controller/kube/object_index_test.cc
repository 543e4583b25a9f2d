#include "controller/kube/object_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/kube/document_reader.h"

namespace portico::kube {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

std::string config_map(std::string_view name, std::string_view value) {
  return "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + std::string(name) +
         "}\ndata: {v: '" + std::string(value) + "'}\n";
}

class ObjectIndexTest : public ::testing::Test {
 protected:
  // What changed, as "name=value" or "name gone".
  std::vector<std::string> put(const std::string& path, std::string_view text) {
    Decoded decoded;
    Document scratch;
    for (const YamlPart& part : split_yaml(text)) {
      decode_yaml(part.text, part.line, std::make_shared<const std::string>(path), scratch,
                  decoded);
    }
    std::vector<Change> changes;
    index_.put(path, std::move(decoded), changes);
    return shown(changes);
  }

  std::vector<std::string> remove(const std::string& path) {
    std::vector<Change> changes;
    index_.remove(path, changes);
    return shown(changes);
  }

  static std::vector<std::string> shown(const std::vector<Change>& changes) {
    std::vector<std::string> out;
    for (const Change& change : changes) {
      out.push_back(change.object == nullptr
                        ? change.key.name + " gone"
                        : change.key.name + "=" + std::get<ConfigMap>(*change.object).data.at("v"));
    }
    return out;
  }

  ObjectIndex index_;
};

TEST_F(ObjectIndexTest, TellsOnlyWhatChanged) {
  EXPECT_THAT(put("a", config_map("x", "1") + config_map("y", "1")), ElementsAre("x=1", "y=1"));
  EXPECT_THAT(put("a", config_map("x", "1") + config_map("y", "2")), ElementsAre("y=2"));
  EXPECT_THAT(put("a", "# a line more\n" + config_map("x", "1")), ElementsAre("y gone"));
  EXPECT_THAT(remove("a"), ElementsAre("x gone"));
  EXPECT_THAT(remove("a"), IsEmpty());
}

TEST_F(ObjectIndexTest, FirstFileCounts) {
  EXPECT_THAT(put("b", config_map("x", "b")), ElementsAre("x=b"));
  EXPECT_THAT(put("a", config_map("x", "a")), ElementsAre("x=a"));
  EXPECT_THAT(put("c", config_map("x", "c")), IsEmpty());
  const auto found = index_.diagnostics();
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].file, "b");
  EXPECT_EQ(found[0].severity, routing::Severity::kError);
  EXPECT_THAT(found[0].message, HasSubstr("a:2"));
  EXPECT_EQ(found[1].file, "c");
  EXPECT_THAT(remove("a"), ElementsAre("x=b"));
  EXPECT_EQ(index_.diagnostics().size(), 1U);
  EXPECT_THAT(remove("b"), ElementsAre("x=c"));
  EXPECT_THAT(index_.diagnostics(), IsEmpty());
}

TEST_F(ObjectIndexTest, FirstInAFileCounts) {
  EXPECT_THAT(put("a", config_map("x", "1") + config_map("x", "2")), ElementsAre("x=1"));
  ASSERT_EQ(index_.diagnostics().size(), 1U);
  EXPECT_EQ(index_.diagnostics()[0].line, 7);
  EXPECT_THAT(index_.diagnostics()[0].message, HasSubstr("a:2"));
}

TEST_F(ObjectIndexTest, UnreadablePartKeepsWhatItMayHold) {
  put("a", config_map("x", "1") + config_map("y", "1"));
  EXPECT_THAT(put("a", config_map("x", "2") + "---\nbad: [\n"), ElementsAre("x=2"));
  EXPECT_EQ(index_.objects().size(), 2U);
  ASSERT_EQ(index_.diagnostics().size(), 1U);
  EXPECT_THAT(index_.diagnostics()[0].fix, HasSubstr("keeps serving"));
  EXPECT_THAT(put("a", config_map("x", "2")), ElementsAre("y gone"));
  EXPECT_THAT(index_.diagnostics(), IsEmpty());
}

TEST_F(ObjectIndexTest, BrokenObjectKeepsItsLastGoodForm) {
  put("a", config_map("x", "1") + config_map("y", "1"));
  EXPECT_THAT(put("a", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: []\n"),
              ElementsAre("y gone"));
  EXPECT_EQ(index_.objects().size(), 1U);
}

TEST_F(ObjectIndexTest, SaysWhenFindingsChange) {
  put("a", config_map("x", "1"));
  EXPECT_FALSE(index_.take_diagnostics_changed());
  put("a", config_map("x", "1") + "---\nbad: [\n");
  EXPECT_TRUE(index_.take_diagnostics_changed());
  put("a", config_map("x", "2") + "---\nbad: [\n");
  EXPECT_TRUE(index_.take_diagnostics_changed() || index_.diagnostics().size() == 1);
  put("b", config_map("y", "1"));
  EXPECT_FALSE(index_.take_diagnostics_changed());
}

}  // namespace
}  // namespace portico::kube
