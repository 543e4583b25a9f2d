#include "routing/hash_key.h"

#include <gtest/gtest.h>

namespace portico::routing {
namespace {

using Kind = HashKey::Kind;

std::vector<HashKey::Piece> pieces(std::string_view text) {
  const auto key = HashKey::parse(text);
  return key ? std::vector(key->pieces().begin(), key->pieces().end())
             : std::vector<HashKey::Piece>();
}

TEST(HashKey, KnowsEachVariable) {
  struct Row {
    std::string_view text;
    HashKey::Piece piece;
  };
  for (const auto& [text, piece] :
       {Row{"$remote_addr", {Kind::kClientAddress, ""}},
        Row{"$binary_remote_addr", {Kind::kClientAddress, ""}},
        Row{"$request_uri", {Kind::kRequestUri, ""}}, Row{"$uri", {Kind::kUri, ""}},
        Row{"$args", {Kind::kQuery, ""}}, Row{"$query_string", {Kind::kQuery, ""}},
        Row{"$host", {Kind::kHost, ""}}, Row{"$http_host", {Kind::kHostHeader, ""}},
        Row{"$server_name", {Kind::kServerName, ""}}, Row{"$request_method", {Kind::kMethod, ""}},
        Row{"$scheme", {Kind::kScheme, ""}}, Row{"$http_x_user_id", {Kind::kHeader, "x-user-id"}},
        Row{"$cookie_cart_1", {Kind::kCookie, "cart_1"}},
        Row{"$arg_Tenant", {Kind::kArgument, "Tenant"}}}) {
    EXPECT_EQ(pieces(text), std::vector{piece}) << text;
  }
}

TEST(HashKey, TextAndVariablesAlternate) {
  EXPECT_EQ(pieces("a-${host}b$uri/$arg_x"), (std::vector<HashKey::Piece>{{Kind::kText, "a-"},
                                                                          {Kind::kHost, ""},
                                                                          {Kind::kText, "b"},
                                                                          {Kind::kUri, ""},
                                                                          {Kind::kText, "/"},
                                                                          {Kind::kArgument, "x"}}));
}

TEST(HashKey, RefusesWhatItDoesNotKnow) {
  for (const auto* text : {"", "text", "$", "${host", "${}", "$nope", "$http_", "$cookie_", "$arg_",
                           "$host$", "${ho st}", "$$host", "$HOST"}) {
    EXPECT_FALSE(HashKey::parse(text)) << text;
  }
}

// A request is looked through for each part, and whoever explains it is shown the text.
TEST(HashKey, RefusesTooMuchAndWhatCantBeShown) {
  std::string sixteen;
  for (int i = 0; i < 16; ++i) {
    sixteen += "$cookie_a";
  }
  EXPECT_TRUE(HashKey::parse(sixteen));
  EXPECT_FALSE(HashKey::parse(sixteen + "-"));
  EXPECT_TRUE(HashKey::parse("$host/" + std::string(1018, 'x')));
  EXPECT_FALSE(HashKey::parse("$host/" + std::string(1019, 'x')));
  EXPECT_FALSE(HashKey::parse("$host\r\n"));
  EXPECT_FALSE(HashKey::parse("$host\x1b[2J"));
}

}  // namespace
}  // namespace portico::routing
