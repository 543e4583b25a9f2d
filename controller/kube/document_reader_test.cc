#include "controller/kube/document_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace portico::kube {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A document as one line of text, with the type of each scalar.
std::string dump(Value value) {
  std::string out;
  switch (value.kind()) {
    case NodeKind::kNull:
      return "null";
    case NodeKind::kString:
      return "'" + std::string(value.text()) + "'";
    case NodeKind::kPlain:
      return std::string(value.text());
    case NodeKind::kList:
      for (Value item = value.first(); item; item = item.next()) {
        out += (out.empty() ? "" : ", ") + dump(item);
      }
      return "[" + out + "]";
    case NodeKind::kMap:
      for (Value item = value.first(); item; item = item.next()) {
        out += (out.empty() ? "" : ", ") + std::string(item.key()) + "=" + dump(item);
      }
      return "{" + out + "}";
  }
  return out;
}

class Dumps final : public DocumentSink {
 public:
  void on_document(Value root, std::span<const DocumentProblem> odd) override {
    documents.push_back(dump(root));
    lines.push_back(root.line());
    problems.insert(problems.end(), odd.begin(), odd.end());
  }
  std::vector<std::string> documents;
  std::vector<int> lines;
  std::vector<DocumentProblem> problems;
};

struct Read {
  Dumps dumps;
  std::optional<SyntaxError> error;
};

Read yaml(std::string_view text) {
  Read read;
  Document scratch;
  for (const YamlPart& part : split_yaml(text)) {
    if (auto error = read_yaml(part.text, part.line, scratch, read.dumps)) {
      read.error = std::move(error);
    }
  }
  return read;
}

Read json(std::string_view text) {
  Read read;
  Document scratch;
  read.error = read_json(text, scratch, read.dumps);
  return read;
}

TEST(ReadYaml, KeepsQuotedApartFromPlain) {
  EXPECT_THAT(yaml("a: 80\nb: '80'\nc: \"x\"\nd:\ne: ~\nf: [1, {g: h}]\n").dumps.documents,
              ElementsAre("{a=80, b='80', c='x', d=null, e=null, f=[1, {g=h}]}"));
}

TEST(ReadYaml, CutsAtDocumentMarkersOnly) {
  const Read read =
      yaml("# head\n%YAML 1.2\n---\na: |\n  ---\n  x\n--- # two\nb: ---x\n---\n# nothing\n---\n");
  EXPECT_THAT(read.dumps.documents, ElementsAre("{a='---\nx\n'}", "{b=---x}"));
  EXPECT_THAT(read.dumps.lines, ElementsAre(4, 8));
  EXPECT_FALSE(read.error);
}

TEST(ReadYaml, ReadsWindowsLineEnds) {
  EXPECT_THAT(yaml("---\r\na: 1\r\n---\r\nb: 2\r\n").dumps.documents,
              ElementsAre("{a=1}", "{b=2}"));
}

TEST(ReadYaml, SyntaxErrorNamesItsLineInTheFileAndHarmsNoOtherDocument) {
  const Read read = yaml("a: 1\n---\nb: [1\nc: 2\n---\nd: 3\n");
  EXPECT_THAT(read.dumps.documents, ElementsAre("{a=1}", "{d=3}"));
  ASSERT_TRUE(read.error);
  EXPECT_GE(read.error->line, 3);
  EXPECT_LE(read.error->line, 5);
}

TEST(ReadYaml, TabIsNamed) {
  const Read read = yaml("a:\n  b: 1\n\tc: 2\n");
  ASSERT_TRUE(read.error);
  EXPECT_EQ(read.error->line, 3);
  EXPECT_THAT(read.error->message, HasSubstr("tab"));
}

TEST(ReadYaml, LastOfEqualKeysIsUsedAndTold) {
  const Read read = yaml("a: 1\nb: 2\na: 3\n");
  EXPECT_THAT(read.dumps.documents, ElementsAre("{b=2, a=3}"));
  ASSERT_EQ(read.dumps.problems.size(), 1U);
  EXPECT_EQ(read.dumps.problems[0].line, 3);
  EXPECT_THAT(read.dumps.problems[0].message, HasSubstr("\"a\""));
}

TEST(ReadYaml, AliasesShareWhatTheyName) {
  EXPECT_THAT(yaml("a: &x [1, 2]\nb: *x\nc: &y z\nd: *y\n").dumps.documents,
              ElementsAre("{a=[1, 2], b=[1, 2], c=z, d=z}"));
}

TEST(ReadYaml, BillionLaughsAreRefused) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) {
      text += (j == 0 ? "*a" : ", *a") + std::to_string(i - 1);
    }
    text += "]\n";
  }
  const Read read = yaml(text);
  EXPECT_TRUE(read.dumps.documents.empty());
  ASSERT_TRUE(read.error);
  EXPECT_THAT(read.error->message, HasSubstr("too large"));
}

TEST(ReadYaml, StrayBracketIsAnErrorNotAnEndlessRowOfDocuments) {
  for (const char* text : {"]", "}", "a: 1\n]\n", "--- |\n  x\n]\n"}) {
    EXPECT_TRUE(yaml(text).error) << text;
  }
}

TEST(ReadYaml, AliasOfItselfIsRefused) {
  EXPECT_TRUE(yaml("a: &x [*x]\n").error);
}

TEST(ReadYaml, DeepNestingIsRefused) {
  const Read read = yaml(std::string(100, '[') + std::string(100, ']'));
  ASSERT_TRUE(read.error);
  EXPECT_THAT(read.error->message, HasSubstr("deep"));
  EXPECT_TRUE(yaml(std::string(100'000, '[')).error);
}

TEST(ReadYaml, ItemsOfAListAreDocuments) {
  const Read read = yaml(
      "apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: A\n- kind: B\n  apiVersion: v1\nkind: "
      "List\n");
  EXPECT_THAT(read.dumps.documents,
              ElementsAre("{apiVersion=v1, kind=A}", "{kind=B, apiVersion=v1}",
                          "{apiVersion=v1, items=[], kind=List}"));
  EXPECT_THAT(read.dumps.lines, ElementsAre(3, 5, 1));
}

TEST(ReadYaml, ItemsWithoutAKindStayInTheirList) {
  EXPECT_THAT(
      yaml("kind: IngressList\nitems:\n- a: 1\n- apiVersion: v1\n  kind: B\n").dumps.documents,
      ElementsAre("{kind=IngressList, items=[{a=1}, {apiVersion=v1, kind=B}]}"));
}

TEST(ReadJson, ReadsTheSameTree) {
  EXPECT_THAT(json(R"({"a":80,"b":"80","c":[true,null,1.5],"d":{"e":"\u00e4"}})").dumps.documents,
              ElementsAre("{a=80, b='80', c=[true, null, 1.5], d={e='\u00e4'}}"));
}

TEST(ReadJson, ReadsValuesOneAfterTheOther) {
  const Read read = json("{\"a\":1}\n\n{\"b\":2}\n");
  EXPECT_THAT(read.dumps.documents, ElementsAre("{a=1}", "{b=2}"));
  EXPECT_THAT(read.dumps.lines, ElementsAre(1, 3));
}

TEST(ReadJson, ErrorsNameLineAndColumn) {
  const Read read = json("{\"a\":1,\n \"b\" 2}");
  ASSERT_TRUE(read.error);
  EXPECT_EQ(read.error->line, 2);
  EXPECT_GT(read.error->column, 1);
  EXPECT_TRUE(json("{\"a\":").error);
  EXPECT_THAT(json(std::string(100, '[')).error->message, HasSubstr("deep"));
}

struct TypeRow {
  const char* text;
  ScalarType type;
};

TEST(ScalarType, FollowsTheSpelling) {
  const TypeRow rows[] = {{"80", ScalarType::kInteger}, {"-1", ScalarType::kInteger},
                          {"1.5", ScalarType::kFloat},  {"1e3", ScalarType::kFloat},
                          {"true", ScalarType::kBool},  {"off", ScalarType::kBool},
                          {"8m", ScalarType::kString},  {"1.2.3", ScalarType::kString},
                          {"/x", ScalarType::kString},  {"a", ScalarType::kString}};
  for (const TypeRow& row : rows) {
    struct Probe final : DocumentSink {
      void on_document(Value root, std::span<const DocumentProblem>) override {
        type = root.find("k").scalar_type();
      }
      ScalarType type{};
    } probe;
    Document scratch;
    ASSERT_FALSE(read_yaml("k: " + std::string(row.text), 1, scratch, probe));
    EXPECT_EQ(probe.type, row.type) << row.text;
  }
}

}  // namespace
}  // namespace portico::kube
