#include "proxy/http/message.h"

#include <cctype>

#include <gtest/gtest.h>

namespace portico::http {
namespace {

void add(FieldBlock& fields, std::string_view name, std::string_view value) {
  fields.add(field_id(name), name, value);
}

TEST(FieldIds, AreFoundInAnyCase) {
  for (int i = 1; i < static_cast<int>(FieldId::kCount); ++i) {
    const auto id = static_cast<FieldId>(i);
    std::string name(field_name(id));
    EXPECT_EQ(field_id(name), id) << name;
    for (char& c : name) {
      c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
    EXPECT_EQ(field_id(name), id) << name;
    name.back() = '!';
    EXPECT_EQ(field_id(name), FieldId::kOther) << name;
  }
}

TEST(FieldIds, AreOtherForUnknownNames) {
  for (const auto* name :
       {"", "X", "Hos", "Hosts", "Content_Length", "Content\rLength", "h\x0fst"}) {
    EXPECT_EQ(field_id(name), FieldId::kOther) << name;
  }
}

TEST(FieldBlock, KeepsTheOrderAndFindsTheFirst) {
  FieldBlock fields;
  add(fields, "Accept", "a");
  add(fields, "X", "b");
  add(fields, "ACCEPT", "c");
  EXPECT_EQ(fields.size(), 3U);
  EXPECT_EQ(fields.count(FieldId::kAccept), 2U);
  EXPECT_EQ(fields.find(FieldId::kAccept), "a");
  EXPECT_EQ(fields.find(FieldId::kHost), std::nullopt);
  EXPECT_EQ(fields[2].name, "ACCEPT");
  EXPECT_EQ(fields[2].value, "c");
  EXPECT_EQ(fields.bytes(), 16U);
}

TEST(FieldBlock, KnowsNothingOnceCleared) {
  FieldBlock fields;
  add(fields, "Host", "a");
  fields.clear();
  EXPECT_EQ(fields.count(FieldId::kHost), 0U);
  EXPECT_EQ(fields.find(FieldId::kHost), std::nullopt);
  add(fields, "X", "y");
  add(fields, "Host", "b");
  EXPECT_EQ(fields.count(FieldId::kHost), 1U);
  EXPECT_EQ(fields.find(FieldId::kHost), "b");
}

std::vector<std::string> left_of(const FieldBlock& fields) {
  const HopByHop hop_by_hop(fields);
  std::vector<std::string> names;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (!hop_by_hop.contains(fields[i])) {
      names.emplace_back(fields[i].name);
    }
  }
  return names;
}

TEST(HopByHop, DropsItsOwnFieldsWhateverConnectionSays) {
  FieldBlock fields;
  for (const auto* name :
       {"Connection", "Keep-Alive", "Proxy", "Proxy-Connection", "TE", "Trailer",
        "Transfer-Encoding", "Upgrade", "HTTP2-Settings", "Proxy-Authorization", "Accept"}) {
    add(fields, name, "x");
  }
  EXPECT_EQ(left_of(fields), std::vector<std::string>{"Accept"});
}

TEST(HopByHop, DropsWhatConnectionNamesInAnyCaseAndField) {
  FieldBlock fields;
  add(fields, "Connection", "close");
  add(fields, "Connection", "keep-alive, X-One ,\tx-two");
  add(fields, "x-one", "1");
  add(fields, "X-Two", "2");
  add(fields, "X-Three", "3");
  EXPECT_EQ(left_of(fields), std::vector<std::string>{"X-Three"});
}

TEST(HopByHop, NeverDropsWhatRoutingFramingOrAuthRestOn) {
  const std::vector<std::string> kept = {"Host",
                                         "Content-Length",
                                         "Authorization",
                                         "Cookie",
                                         "X-Real-IP",
                                         "X-Request-ID",
                                         "X-Forwarded-For",
                                         "X-Forwarded-Prefix",
                                         "Forwarded",
                                         "Content-Type",
                                         "ssl-client-verify",
                                         "X-Original-URL",
                                         "X-Auth-Request-User"};
  std::string all = "x-other";
  for (const auto& name : kept) {
    all += ", " + name;
  }
  FieldBlock fields;
  add(fields, "Connection", all);
  add(fields, "X-Other", "x");
  for (const auto& name : kept) {
    add(fields, name, "x");
  }
  EXPECT_EQ(left_of(fields), kept);
}

TEST(Methods, CaseMatters) {
  EXPECT_EQ(method_of("GET"), Method::kGet);
  EXPECT_EQ(method_of("get"), Method::kOther);
  EXPECT_EQ(method_of("OPTIONS"), Method::kOptions);
  EXPECT_EQ(method_of("CONNECT"), Method::kConnect);
}

TEST(RequestHead, KeepsNoLargeTextsForTheNextRequest) {
  RequestHead head;
  head.target.assign(30'000, 'x');
  head.authority.assign(30'000, 'x');
  head.clear();
  EXPECT_LE(head.target.capacity() + head.authority.capacity(), 2 * 4'096U);
}

}  // namespace
}  // namespace portico::http
