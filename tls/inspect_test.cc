#include "tls/inspect.h"

#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tls/self_signed.h"
#include "tls/testing/certificates.h"

namespace portico::tls {
namespace {

using routing::CertificateSpec;
using testing::CertificateRequest;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::KeyForm;
using testing::KeyKind;
using testing::make_certificate;

std::int64_t unix_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string problem(const CertificateSpec& spec) {
  const auto facts = inspect(spec);
  return facts ? "none" : facts.error();
}

TEST(Inspect, TellsNamesDatesAndChain) {
  const auto facts = inspect(*make_certificate(
      {.names = {"A.example.com", "*.example.org"}, .ends_in_days = 10, .intermediates = 2}));
  ASSERT_TRUE(facts) << facts.error();
  EXPECT_THAT(facts->names, ElementsAre("a.example.com", "*.example.org"));
  EXPECT_FALSE(facts->names_from_common_name);
  EXPECT_EQ(facts->chain_length, 3);
  EXPECT_EQ(facts->key, "EC prime256v1");
  constexpr std::int64_t kDay = 24 * 60 * 60;
  EXPECT_NEAR(facts->not_before_unix_seconds, unix_now() - kDay, 60);
  EXPECT_NEAR(facts->not_after_unix_seconds, unix_now() + 10 * kDay, 60);
}

TEST(Inspect, TakesTheCommonNameWhereThereIsNoSan) {
  const auto facts = inspect(*make_certificate({.common_name = "Old.example.com", .names = {}}));
  ASSERT_TRUE(facts) << facts.error();
  EXPECT_THAT(facts->names, ElementsAre("old.example.com"));
  EXPECT_TRUE(facts->names_from_common_name);
}

TEST(Inspect, AcceptsEveryKindAndFormOfKey) {
  for (const auto kind : {KeyKind::kP256, KeyKind::kRsa2048, KeyKind::kEd25519}) {
    EXPECT_EQ(problem(*make_certificate({.names = {}, .key = kind})), "none");
  }
  for (const auto kind : {KeyKind::kP256, KeyKind::kRsa2048}) {
    EXPECT_EQ(
        problem(*make_certificate({.names = {}, .key = kind, .key_form = KeyForm::kTraditional})),
        "none");
  }
}

TEST(Inspect, SkipsEcParametersAndTextAroundTheBlocks) {
  auto spec = *make_certificate({.names = {}, .key_form = KeyForm::kTraditional});
  spec.key_pem = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n" +
                 spec.key_pem;
  spec.chain_pem = "subject=CN = a\r\n\r\n" + spec.chain_pem + "\n\ntrailing text\n";
  EXPECT_EQ(problem(spec), "none");
}

TEST(Inspect, AGoodKeyIsReadAfterABadOne) {
  const auto good = make_certificate({.names = {}, .intermediates = 1});
  auto bad = *good;
  bad.key_pem = "-----BEGIN PRIVATE KEY-----\nMAAAAAAA\n-----END PRIVATE KEY-----\n";
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(problem(bad), "tls.key: the PRIVATE KEY is malformed");
    EXPECT_EQ(problem(*good), "none");
  }
}

TEST(Inspect, TheSelfSignedDefaultIsGood) {
  const auto facts = inspect(*make_self_signed());
  ASSERT_TRUE(facts) << facts.error();
  EXPECT_EQ(validity_problem(*facts, unix_now()), std::nullopt);
}

TEST(Inspect, SaysWhatIsWrong) {
  const auto good = make_certificate({.names = {}});
  const auto other = make_certificate({.names = {}});
  const auto rsa = make_certificate({.names = {}, .key = KeyKind::kRsa2048});
  const auto with = [&](std::string chain, std::string key) {
    return CertificateSpec{.chain_pem = std::move(chain), .key_pem = std::move(key)};
  };
  struct Row {
    const char* name;
    CertificateSpec spec;
    const char* expected;
  };
  const Row rows[] = {
      {"no certificate", with("", good->key_pem), "tls.crt is empty"},
      {"no key", with(good->chain_pem, ""), "tls.key is empty"},
      {"text", with("hello", good->key_pem), "tls.crt holds no PEM certificate"},
      {"swapped", with(good->key_pem, good->chain_pem), "tls.crt holds no PEM certificate"},
      {"certificate twice", with(good->chain_pem, good->chain_pem),
       "tls.key holds no PEM private key"},
      {"other key", with(good->chain_pem, other->key_pem),
       "tls.key does not match the certificate in tls.crt"},
      {"other kind of key", with(good->chain_pem, rsa->key_pem),
       "tls.key does not match the certificate in tls.crt"},
      {"wrong order", with(other->chain_pem + good->chain_pem, good->key_pem),
       "tls.key belongs to certificate 2 of tls.crt"},
      {"cut", with(good->chain_pem.substr(0, 200), good->key_pem), "malformed"},
      {"bad base64", with("-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n", "x"),
       "malformed"},
      {"not ASN.1",
       with("-----BEGIN CERTIFICATE-----\nAAAAAAAA\n-----END CERTIFICATE-----\n", good->key_pem),
       "tls.crt: certificate 1 is malformed"},
      {"encrypted", *make_certificate({.names = {}, .key_form = KeyForm::kEncrypted}),
       "tls.key is encrypted"},
      {"old encryption",
       with(good->chain_pem,
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: "
            "AES-128-CBC,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n\nAAAA\n-----END RSA PRIVATE "
            "KEY-----\n"),
       "tls.key is encrypted"},
      {"small key", *make_certificate({.names = {}, .key = KeyKind::kRsa1024}),
       "has a key that is too small: RSA 1024"},
      {"SHA-1", *make_certificate({.names = {}, .sha1 = true}), "weak digest"},
  };
  for (const auto& row : rows) {
    EXPECT_THAT(problem(row.spec), HasSubstr(row.expected)) << row.name;
  }
}

TEST(Compact, KeepsTheFactsInFewerBytes) {
  for (const auto form : {KeyForm::kPkcs8, KeyForm::kTraditional}) {
    const auto spec = make_certificate(
        {.names = {}, .key = KeyKind::kRsa2048, .key_form = form, .intermediates = 1});
    const auto smaller = compact(*spec);
    EXPECT_LT((smaller.chain_pem.size() + smaller.key_pem.size()) * 4,
              (spec->chain_pem.size() + spec->key_pem.size()) * 3);
    const auto facts = inspect(smaller);
    ASSERT_TRUE(facts) << facts.error();
    EXPECT_EQ(*facts, *inspect(*spec));
    EXPECT_EQ(facts->chain_length, 2);
    EXPECT_EQ(compact(smaller), smaller);
  }
}

TEST(Compact, LeavesWhatCanNotBeReadToInspect) {
  for (const auto& spec : {CertificateSpec{.chain_pem = "0 is how this begins", .key_pem = ""},
                           *make_certificate({.names = {}, .key_form = KeyForm::kEncrypted})}) {
    EXPECT_EQ(compact(spec).key_pem, spec.key_pem);
    EXPECT_EQ(problem(compact(spec)), problem(spec));
  }
}

TEST(Compact, CutDerIsMalformed) {
  auto spec = compact(*make_certificate({.names = {}}));
  spec.chain_pem.pop_back();
  EXPECT_THAT(problem(spec), HasSubstr("malformed"));
}

TEST(ValidityProblem, NamesTheDate) {
  const CertificateFacts facts{.not_before_unix_seconds = 1'700'000'000,
                               .not_after_unix_seconds = 1'800'000'000};
  EXPECT_EQ(validity_problem(facts, 1'750'000'000), std::nullopt);
  EXPECT_EQ(validity_problem(facts, 1'800'000'001), "the certificate expired on 2027-01-15");
  EXPECT_EQ(validity_problem(facts, 1'699'999'999),
            "the certificate is not valid before 2023-11-14");
}

TEST(Covers, ExactNamesAndOneLabelOfAWildcard) {
  const CertificateFacts facts{.names = {"example.com", "*.example.com"}};
  struct Row {
    const char* hostname;
    bool expected;
  };
  for (const auto& row :
       {Row{"example.com", true}, Row{"EXAMPLE.com", true}, Row{"a.example.com", true},
        Row{"*.example.com", true}, Row{"a.b.example.com", false}, Row{"*.b.example.com", false},
        Row{".example.com", false}, Row{"example.org", false}, Row{"badexample.com", false},
        Row{"", false}}) {
    EXPECT_EQ(covers(facts, row.hostname), row.expected) << row.hostname;
  }
  EXPECT_FALSE(covers({.names = {"a.example.com"}}, "*.example.com"));
}

}  // namespace
}  // namespace portico::tls
