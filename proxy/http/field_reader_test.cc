#include "proxy/http/field_reader.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/http/name_table.h"
#include "proxy/http/testing/beast_oracle.h"

namespace portico::http {
namespace {

using testing::names_and_values;
using testing::NamesAndValues;
using testing::read_fields_with_beast;

struct Read {
  std::optional<NamesAndValues> fields;  // nothing: refused, or not whole
  std::string reason;
  std::vector<std::string> lines;  // as FieldBlock::line() gives them
};

// Feeds `section` in steps that grow by `step` bytes.
Read read_fields(std::string_view section, std::size_t step,
                 FieldSource source = FieldSource::kResponse) {
  FieldReader reader(source);
  LineScanner scanner;
  FieldBlock fields;
  for (std::size_t size = 0; size < section.size();) {
    size = std::min(size + step, section.size());
    // A copy, so that a sanitizer sees what is looked at beyond what was fed.
    const std::string fed(section.substr(0, size));
    const auto taken =
        reader.read(scanner, fed, 0, {.bytes = section.size() + 1, .lines = 100}, fields);
    if (!taken) {
      EXPECT_EQ(fields.size(), 0U);
      return {.fields = {}, .reason = std::string(taken.error().reason), .lines = {}};
    }
    if (*taken != 0) {
      EXPECT_EQ(*taken, section.size());
      Read read{.fields = names_and_values(fields), .reason = {}, .lines = {}};
      for (std::size_t i = 0; i < fields.size(); ++i) {
        EXPECT_EQ(fields[i].id, field_id(fields[i].name)) << fields[i].name;
        read.lines.emplace_back(fields.line(i));
      }
      return read;
    }
  }
  return {};
}

NamesAndValues fields_of(std::string_view section) {
  const Read read = read_fields(section, section.size());
  EXPECT_TRUE(read.fields) << read.reason;
  return read.fields.value_or(NamesAndValues());
}

TEST(FieldReader, TrimsSpacesAndTabsAroundValuesOnly) {
  EXPECT_EQ(fields_of("A:b\r\nC: \t d \t e\t \r\nF:\r\nG: \t\r\n\r\n"),
            (NamesAndValues{{"A", "b"}, {"C", "d \t e"}, {"F", ""}, {"G", ""}}));
}

TEST(FieldReader, TakesEveryTokenByteInANameAndNoOther) {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    for (const std::size_t before : {0U, 1U, 15U, 16U, 17U, 40U}) {
      std::string name(before, 'x');
      name += c;
      name += "yz";
      const std::string section = name + ": v\r\nPadding: 0123456789012345678901234567890\r\n\r\n";
      const Read read = read_fields(section, section.size());
      // "x:yz: v" is a field, too.
      const bool good = is_token_char(c) || (c == ':' && before > 0);
      EXPECT_EQ(read.fields.has_value(), good) << byte << " behind " << before;
    }
  }
}

TEST(FieldReader, KnowsEveryNameInAnyCaseAtAnyPlace) {
  for (const std::string_view name : names::kNames) {
    for (const std::string_view behind : {"", "0123456789", "01234567890123456789012345678901"}) {
      for (const bool upper : {false, true}) {
        std::string text(name);
        for (char& c : text) {
          c = static_cast<char>(upper ? std::toupper(c) : std::tolower(c));
        }
        if (!name.empty()) {
          // read_fields compares each id with field_id's.
          read_fields(text + ":" + std::string(behind) + "\r\n\r\n", 1000);
          read_fields(text + "x:" + std::string(behind) + "\r\n\r\n", 1000);
          text.back() = text.back() == 'q' ? 'x' : 'q';
          read_fields(text + ":" + std::string(behind) + "\r\n\r\n", 1000);
        }
      }
    }
  }
}

TEST(FieldReader, KeepsLinesThatCameAsWeWriteThem) {
  const Read read =
      read_fields("A: b\r\nC:d\r\nE:\tf\r\nG: h \r\nI:  j\r\nK: \r\nL: m\r\n\r\n", 1000);
  EXPECT_EQ(read.lines, (std::vector<std::string>{"A: b\r\n", "", "", "", "", "", "L: m\r\n"}));
}

TEST(FieldReader, RefusesALineAsSoonAsItIsWhole) {
  FieldReader reader(FieldSource::kRequest);
  LineScanner scanner;
  FieldBlock fields;
  const FieldReader::Bounds bounds{.bytes = 1000, .lines = 100};
  EXPECT_EQ(reader.read(scanner, "X : y\r", 0, bounds, fields), 0U);
  EXPECT_FALSE(reader.read(scanner, "X : y\r\n", 0, bounds, fields));
}

TEST(FieldReader, RefusesTrailersThatNameFraming) {
  for (const auto source : {FieldSource::kRequestTrailer, FieldSource::kResponseTrailer}) {
    EXPECT_FALSE(read_fields("Content-Length: 5\r\n\r\n", 100, source).fields);
    EXPECT_FALSE(read_fields("transfer-encoding: chunked\r\n\r\n", 100, source).fields);
  }
}

class Sections {
 public:
  // A few lines, then a few bytes changed, so that both accepted and refused sections are met
  // often.
  std::string next() {
    static constexpr std::string_view kNames[] = {"Host",
                                                  "X-Forwarded-For",
                                                  "connection",
                                                  "Accept-Encoding",
                                                  "X_Y",
                                                  "proxy-connection",
                                                  "a",
                                                  "Sec-CH-UA-Platform-Version-Of-Some-Length",
                                                  "X-Original-Forwarded-For"};
    static constexpr std::string_view kValues[] = {"",
                                                   "a",
                                                   "keep-alive, Upgrade",
                                                   ",x ,, y",
                                                   "text/html,*/*;q=0.8",
                                                   "a b\tc",
                                                   "\xc3\xa9",
                                                   "0123456789012345678901234567890123456789"};
    static constexpr std::string_view kSpaces[] = {"", " ", " ", " ", "\t", " \t "};
    std::string section;
    for (int line = pick(4); line > 0; --line) {
      section += any_of(kNames);
      section += ":";
      section += any_of(kSpaces);
      section += any_of(kValues);
      section += any_of(kSpaces);
      section += "\r\n";
    }
    section += "\r\n";
    for (int change = pick(3); change > 0; --change) {
      static constexpr std::string_view kBytes = "\r\n:\" ,aZ-_\t\x01\x7f\xff(/";
      const auto at = static_cast<std::size_t>(pick(static_cast<int>(section.size())));
      const char byte = kBytes[static_cast<std::size_t>(pick(static_cast<int>(kBytes.size())))];
      switch (pick(3)) {
        case 0:
          section[at] = byte;
          break;
        case 1:
          section.insert(at, 1, byte);
          break;
        default:
          section.erase(at, 1);
      }
    }
    return section;
  }

 private:
  int pick(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }
  template <std::size_t N>
  std::string_view any_of(const std::string_view (&of)[N]) {
    return of[static_cast<std::size_t>(pick(static_cast<int>(N)))];
  }
  std::mt19937 random_{1};
};

// Beast reads on behind an empty line, and unfolds.
bool is_one_section_without_folds(std::string_view text) {
  const auto end = text.starts_with("\r\n") ? 0 : text.find("\r\n\r\n") + 2;
  return end + 2 == text.size() && !text.starts_with(' ') && !text.starts_with('\t') &&
         text.find("\r\n ") == text.npos && text.find("\r\n\t") == text.npos;
}

TEST(FieldReader, AgreesWithBeastHoweverItIsCut) {
  Sections sections;
  int accepted = 0;
  int compared = 0;
  while (compared < 20000) {
    const std::string section = sections.next();
    if (!is_one_section_without_folds(section)) {
      continue;
    }
    ++compared;
    const auto beast = read_fields_with_beast(section);
    const Read whole = read_fields(section, section.size());
    ASSERT_EQ(whole.fields, beast) << ::testing::PrintToString(section) << whole.reason;
    for (const std::size_t step : {1U, 3U, 17U}) {
      const Read cut = read_fields(section, step);
      ASSERT_EQ(cut.fields, whole.fields) << ::testing::PrintToString(section);
      ASSERT_EQ(cut.reason, whole.reason) << ::testing::PrintToString(section);
    }
    accepted += whole.fields ? 1 : 0;
  }
  EXPECT_GT(accepted, 5000);
  EXPECT_LT(accepted, 18000);
}

TEST(FieldReader, RefusesFoldsThatBeastUnfolds) {
  const std::string folded = "A: b\r\n c\r\n\r\n";
  EXPECT_TRUE(read_fields_with_beast(folded));
  EXPECT_FALSE(read_fields(folded, 1000).fields);
}

}  // namespace
}  // namespace portico::http
