#include "controller/kube/manifest_source.h"

#include <fcntl.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/net/loop.h"
#include "routing/testing/temp_folder.h"

namespace portico::kube {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

namespace fs = std::filesystem;

std::string config_map(std::string_view name, std::string_view value) {
  return "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + std::string(name) +
         "}\ndata: {v: '" + std::string(value) + "'}\n";
}

// What a consumer knows, from batches alone.
class ManifestSourceTest : public ::testing::Test {
 protected:
  using World = std::map<std::string, std::string>;

  void open(const fs::path& path) {
    auto source =
        ManifestSource::open(loop_, path, [this](Batch batch) { take(std::move(batch)); });
    ASSERT_TRUE(source) << source.error();
    source_ = std::move(*source);
    ASSERT_TRUE(loop_.run_until([this] { return synced_; }, kLimit));
  }

  void take(Batch batch) {
    ++batches_;
    synced_ = batch.synced;
    if (batch.diagnostics_changed) {
      diagnostics_ = std::move(batch.diagnostics);
    }
    for (const Change& change : batch.changes) {
      if (change.object == nullptr) {
        world_.erase(change.key.name);
      } else {
        world_[change.key.name] = std::get<ConfigMap>(*change.object).data.at("v");
      }
    }
  }

  // Waits until the world is as given.
  testing::AssertionResult becomes(const World& wanted) {
    if (loop_.run_until([&] { return world_ == wanted; }, kLimit)) {
      return testing::AssertionSuccess();
    }
    return testing::AssertionFailure() << "is " << testing::PrintToString(world_);
  }

  bool finds(std::string_view text) {
    return loop_.run_until(
        [&] {
          return std::any_of(diagnostics_.begin(), diagnostics_.end(), [&](const auto& found) {
            return found.message.find(text) != std::string::npos;
          });
        },
        kLimit);
  }

  // Until a change made after all others has come through, so that "nothing happened" can be told.
  void settle() {
    folder_.write("zz-last.yaml", config_map("last", std::to_string(++settled_)));
    ASSERT_TRUE(
        loop_.run_until([&] { return world_["last"] == std::to_string(settled_); }, kLimit));
    fs::remove(folder_ / "zz-last.yaml");
    ASSERT_TRUE(loop_.run_until([&] { return !world_.contains("last"); }, kLimit));
  }

  static constexpr std::chrono::milliseconds kLimit{60'000};
  TempFolder folder_;
  net::Loop loop_;
  std::unique_ptr<ManifestSource> source_;
  World world_;
  routing::Diagnostics diagnostics_;
  bool synced_ = false;
  int batches_ = 0;
  int settled_ = 0;
};

TEST_F(ManifestSourceTest, ReadsAFolderWithAllBelowIt) {
  folder_.write("a.yaml", config_map("a", "1") + config_map("b", "1"));
  folder_.write("sub/deep/c.yml", config_map("c", "1"));
  folder_.write(
      "d.json",
      R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"d"},"data":{"v":"1"}})");
  folder_.write(".hidden.yaml", config_map("h", "1"));
  folder_.write(".git/x.yaml", config_map("g", "1"));
  folder_.write("readme.txt", "text");
  open(folder_.path());
  EXPECT_EQ(world_, (World{{"a", "1"}, {"b", "1"}, {"c", "1"}, {"d", "1"}}));
  EXPECT_EQ(batches_, 1);
  EXPECT_THAT(diagnostics_, IsEmpty());
}

TEST_F(ManifestSourceTest, EmptyFolderIsSynced) {
  open(folder_.path());
  EXPECT_EQ(batches_, 1);
  EXPECT_THAT(world_, IsEmpty());
}

TEST_F(ManifestSourceTest, SeesFilesWrittenRenamedAndDeleted) {
  folder_.write("a.yaml", config_map("a", "1"));
  open(folder_.path());
  folder_.write("a.yaml", config_map("a", "2"));
  EXPECT_TRUE(becomes({{"a", "2"}}));
  folder_.replace("a.yaml", config_map("a", "3"));
  EXPECT_TRUE(becomes({{"a", "3"}}));
  folder_.write("b.yaml", config_map("b", "1"));
  EXPECT_TRUE(becomes({{"a", "3"}, {"b", "1"}}));
  fs::rename(folder_ / "b.yaml", folder_ / "b.txt");
  EXPECT_TRUE(becomes({{"a", "3"}}));
  fs::remove(folder_ / "a.yaml");
  EXPECT_TRUE(becomes({}));
}

TEST_F(ManifestSourceTest, WaitsUntilAWriterIsDone) {
  folder_.write("a.yaml", config_map("a", "1"));
  open(folder_.path());
  const int fd = ::open((folder_ / "a.yaml").c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  const std::string text = config_map("a", "2");
  ASSERT_EQ(::write(fd, text.data(), 20), 20);
  settle();
  EXPECT_EQ(world_["a"], "1");
  ASSERT_GT(::write(fd, text.data() + 20, text.size() - 20), 0);
  ::close(fd);
  EXPECT_TRUE(becomes({{"a", "2"}}));
  EXPECT_THAT(diagnostics_, IsEmpty());
}

TEST_F(ManifestSourceTest, SeesFoldersComeMoveAndGo) {
  const TempFolder other;
  other.write("new/x/a.yaml", config_map("a", "1"));
  open(folder_.path());
  fs::rename(other / "new", folder_ / "new");
  EXPECT_TRUE(becomes({{"a", "1"}}));
  folder_.write("new/x/b.yaml", config_map("b", "1"));
  EXPECT_TRUE(becomes({{"a", "1"}, {"b", "1"}}));
  folder_.write("made/y/c.yaml", config_map("c", "1"));
  EXPECT_TRUE(becomes({{"a", "1"}, {"b", "1"}, {"c", "1"}}));
  fs::rename(folder_ / "new", folder_ / "renamed");
  folder_.write("renamed/x/a.yaml", config_map("a", "2"));
  EXPECT_TRUE(becomes({{"a", "2"}, {"b", "1"}, {"c", "1"}}));
  fs::remove_all(folder_ / "renamed");
  EXPECT_TRUE(becomes({{"c", "1"}}));
}

TEST_F(ManifestSourceTest, SeesAConfigMapsSymlinkSwap) {
  folder_.write("..v1/a.yaml", config_map("a", "1"));
  folder_.write("..v2/a.yaml", config_map("a", "2"));
  fs::create_symlink("..v1", folder_ / "..data");
  fs::create_symlink("..data/a.yaml", folder_ / "a.yaml");
  open(folder_.path());
  EXPECT_EQ(world_, (World{{"a", "1"}}));
  fs::create_symlink("..v2", folder_ / "..data_tmp");
  fs::rename(folder_ / "..data_tmp", folder_ / "..data");
  EXPECT_TRUE(becomes({{"a", "2"}}));
}

TEST_F(ManifestSourceTest, SeesLinksSwappedBelowIt) {
  const TempFolder other;
  other.write("one/a.yaml", config_map("a", "1"));
  other.write("two/a.yaml", config_map("a", "2"));
  fs::create_symlink(other / "one", folder_ / "link");
  open(folder_.path());
  EXPECT_EQ(world_, (World{{"a", "1"}}));
  fs::create_symlink(other / "two", folder_ / ".tmp");
  fs::rename(folder_ / ".tmp", folder_ / "link");
  EXPECT_TRUE(becomes({{"a", "2"}}));
  other.write("two/a.yaml", config_map("a", "3"));
  EXPECT_TRUE(becomes({{"a", "3"}}));
  fs::remove(folder_ / "link");
  EXPECT_TRUE(becomes({}));
}

TEST_F(ManifestSourceTest, LinkToItselfEnds) {
  folder_.write("sub/a.yaml", config_map("a", "1"));
  fs::create_symlink(folder_.path(), folder_ / "sub/up");
  open(folder_.path());
  EXPECT_EQ(world_, (World{{"a", "1"}}));
}

TEST_F(ManifestSourceTest, SeesTheRootReplaced) {
  folder_.write("root/a.yaml", config_map("a", "1"));
  folder_.write("next/a.yaml", config_map("a", "2"));
  open(folder_ / "root");
  fs::rename(folder_ / "root", folder_ / "gone");
  EXPECT_TRUE(finds("can't read"));
  EXPECT_EQ(world_, (World{{"a", "1"}}));
  fs::rename(folder_ / "next", folder_ / "root");
  EXPECT_TRUE(becomes({{"a", "2"}}));
  folder_.write("root/a.yaml", config_map("a", "3"));
  EXPECT_TRUE(becomes({{"a", "3"}}));
  EXPECT_THAT(diagnostics_, IsEmpty());
}

TEST_F(ManifestSourceTest, SeesARootLinkPointedElsewhere) {
  folder_.write("one/a.yaml", config_map("a", "1"));
  folder_.write("two/a.yaml", config_map("a", "2"));
  fs::create_symlink("one", folder_ / "current");
  fs::create_symlink("current", folder_ / "root");
  open(folder_ / "root");
  EXPECT_EQ(world_, (World{{"a", "1"}}));
  fs::create_symlink("two", folder_ / "tmp");
  fs::rename(folder_ / "tmp", folder_ / "current");
  EXPECT_TRUE(becomes({{"a", "2"}}));
}

TEST_F(ManifestSourceTest, WatchesASingleFileOfAnyName) {
  folder_.write("manifest", config_map("a", "1"));
  folder_.write("other.yaml", config_map("b", "1"));
  open(folder_ / "manifest");
  EXPECT_EQ(world_, (World{{"a", "1"}}));
  folder_.replace("manifest", config_map("a", "2"));
  EXPECT_TRUE(becomes({{"a", "2"}}));
  folder_.write("manifest", config_map("a", "3"));
  EXPECT_TRUE(becomes({{"a", "3"}}));
  fs::remove(folder_ / "manifest");
  EXPECT_TRUE(finds("can't read"));
  EXPECT_EQ(world_, (World{{"a", "3"}}));
  folder_.write("manifest", config_map("a", "4"));
  EXPECT_TRUE(becomes({{"a", "4"}}));
}

TEST_F(ManifestSourceTest, BrokenFileKeepsServingAndIsNamed) {
  folder_.write("a.yaml", config_map("a", "1"));
  folder_.write("b.yaml", config_map("b", "1"));
  open(folder_.path());
  folder_.replace("a.yaml", "a: [\nb: c\n");
  EXPECT_TRUE(finds("can't be read"));
  EXPECT_EQ(diagnostics_.at(0).file, (folder_ / "a.yaml").string());
  EXPECT_GT(diagnostics_.at(0).line, 0);
  EXPECT_EQ(world_, (World{{"a", "1"}, {"b", "1"}}));
  folder_.replace("b.yaml", config_map("b", "2"));
  EXPECT_TRUE(becomes({{"a", "1"}, {"b", "2"}}));
  folder_.replace("a.yaml", config_map("a", "2"));
  EXPECT_TRUE(becomes({{"a", "2"}, {"b", "2"}}));
  EXPECT_THAT(diagnostics_, IsEmpty());
}

TEST_F(ManifestSourceTest, ManyChangesWhileBusyComeTogether) {
  open(folder_.path());
  World wanted;
  for (int i = 0; i < 50; ++i) {
    const std::string name = "c" + std::to_string(i);
    folder_.write(name + ".yaml", config_map(name, "1"));
    wanted[name] = "1";
  }
  EXPECT_TRUE(becomes(wanted));
  EXPECT_LE(batches_, 3);
}

TEST_F(ManifestSourceTest, RewritingTheSameTellsNothing) {
  folder_.write("a.yaml", config_map("a", "1"));
  open(folder_.path());
  folder_.write("a.yaml", config_map("a", "1"));
  settle();
  EXPECT_EQ(batches_, 3);  // the first, and two of settle()
}

TEST_F(ManifestSourceTest, LostEventsLeadToAFullScan) {
  open(folder_.path());
  int queue = 16'384;
  std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> queue;
  // Two names in turn, because equal events that follow each other are merged. One name that comes
  // and goes is two events.
  const std::string names[] = {folder_ / "x.txt", folder_ / "y.txt"};
  for (int i = 0; i <= queue; i += 2) {
    ::close(::open(names[i / 2 % 2].c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    ::unlink(names[i / 2 % 2].c_str());
  }
  folder_.write("a.yaml", config_map("a", "1"));
  EXPECT_TRUE(becomes({{"a", "1"}}));
}

TEST_F(ManifestSourceTest, HandlerMayDestroyTheSource) {
  folder_.write("a.yaml", config_map("a", "1"));
  bool told = false;
  auto source = ManifestSource::open(loop_, folder_.path(), [&](const Batch&) {
    told = true;
    source_.reset();
  });
  ASSERT_TRUE(source);
  source_ = std::move(*source);
  EXPECT_TRUE(loop_.run_until([&] { return told; }, kLimit));
  EXPECT_EQ(source_, nullptr);
}

TEST_F(ManifestSourceTest, DestroyedBeforeItStartsTellsNothing) {
  auto source = ManifestSource::open(loop_, folder_.path(), [](const Batch&) { FAIL(); });
  ASSERT_TRUE(source);
  source->reset();
  bool ran = false;
  loop_.post([&] { ran = true; });
  EXPECT_TRUE(loop_.run_until([&] { return ran; }, kLimit));
}

TEST_F(ManifestSourceTest, PathThatIsNotThereIsOneClearLine) {
  const auto source = ManifestSource::open(loop_, folder_ / "none", [](const Batch&) {});
  ASSERT_FALSE(source);
  EXPECT_EQ(source.error(),
            "can't read " + (folder_ / "none").string() + ": No such file or directory");
}

TEST(ReadManifests, ReadsFilesAndFoldersOnce) {
  const TempFolder folder;
  folder.write("in/a.yaml", config_map("a", "1"));
  folder.write("in/b.yaml", config_map("a", "2") + "---\nbad: [\n");
  const auto one = folder.write("one", config_map("c", "1"));
  const auto read = read_manifests(std::vector<fs::path>{folder / "in/", one});
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(read->objects.size(), 2U);
  ASSERT_EQ(read->diagnostics.size(), 2U);
  EXPECT_EQ(read->diagnostics[0].file, (folder / "in/b.yaml").string());
  const auto none = read_manifests(std::vector<fs::path>{folder / "none"});
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error(), HasSubstr("No such file"));
}

TEST(ReadManifests, FindingsInJsonNameTheirLine) {
  const TempFolder folder;
  const auto file = folder.write(
      "a.json",
      "{\n\"apiVersion\": \"v1\",\n\"kind\": \"Service\",\n\"metadata\": {\"name\": \"a\"},\n"
      "\"spec\": {\n  \"prots\": []\n}\n}\n");
  const auto read = read_manifests(std::vector<fs::path>{file});
  ASSERT_TRUE(read);
  ASSERT_EQ(read->diagnostics.size(), 1U);
  EXPECT_EQ(read->diagnostics[0].field, "spec.prots");
  EXPECT_EQ(read->diagnostics[0].line, 6);
}

TEST(ReadManifests, ManyFilesAndLargeOnesGiveTheSame) {
  const TempFolder folder;
  std::string large;
  for (int i = 0; i < 20'000; ++i) {
    const std::string text = config_map("c" + std::to_string(i), "1");
    large += text;
    if (i % 1000 == 0) {
      folder.write("many/" + std::to_string(i) + ".yaml", text);
    }
  }
  const auto file = folder.write("large.yaml", large);
  const auto read = read_manifests(std::vector<fs::path>{file});
  ASSERT_TRUE(read);
  ASSERT_EQ(read->objects.size(), 20'000U);
  for (int i = 0; i < 20'000; i += 777) {
    const Metadata& meta = metadata(*read->objects[i]);
    EXPECT_EQ(meta.name, "c" + std::to_string(i));
    EXPECT_EQ(meta.origin.line, i * 5 + 2);
    EXPECT_EQ(meta.origin.document, i);
  }
  const auto many = read_manifests(std::vector<fs::path>{folder / "many"});
  ASSERT_TRUE(many);
  EXPECT_EQ(many->objects.size(), 20U);
}

}  // namespace
}  // namespace portico::kube
