#include "tls/certificate_store.h"

#include <thread>

#include <gtest/gtest.h>

#include "tls/self_signed.h"
#include "tls/testing/certificates.h"

namespace portico::tls {
namespace {

using routing::CertificateSpec;
using testing::make_certificate;

std::shared_ptr<const CertificateSpec> spec(std::string common_name) {
  return make_certificate({.common_name = std::move(common_name), .names = {}});
}

class CertificateStoreTest : public ::testing::Test {
 protected:
  const std::shared_ptr<const CertificateSpec> self_signed_ = make_self_signed();
  const std::shared_ptr<const CertificateSpec> exact_ = spec("exact");
  const std::shared_ptr<const CertificateSpec> wildcard_ = spec("wildcard");
  const std::shared_ptr<const CertificateSpec> broken_ = std::make_shared<CertificateSpec>(
      CertificateSpec{.secret = "shop/broken", .chain_pem = "no PEM", .key_pem = "no PEM"});
  CertificateStore store_{self_signed_};
};

TEST_F(CertificateStoreTest, ExactBeatsWildcardAndWildcardTakesOneLabel) {
  store_.set("a.example.com", exact_);
  store_.set("*.example.com", wildcard_);
  struct Row {
    std::string_view name;
    const CertificateSpec* expected;
  };
  for (const auto& row :
       {Row{"a.example.com", exact_.get()}, Row{"b.example.com", wildcard_.get()},
        Row{"a.b.example.com", self_signed_.get()}, Row{"example.com", self_signed_.get()},
        Row{".example.com", self_signed_.get()}, Row{"localhost", self_signed_.get()},
        Row{"", self_signed_.get()}}) {
    EXPECT_EQ(store_.find(row.name).certificate->spec().get(), row.expected) << row.name;
  }
}

TEST_F(CertificateStoreTest, NamesAreComparedWithoutCase) {
  store_.set("A.Example.com", exact_);
  EXPECT_EQ(store_.find("a.EXAMPLE.COM").certificate->spec(), exact_);
}

TEST_F(CertificateStoreTest, SaysHowTheCertificateWasFound) {
  store_.set("a.example.com", exact_);
  store_.set("b.example.com", broken_);
  EXPECT_EQ(store_.find("a.example.com").reason, CertificateStore::Reason::kName);
  EXPECT_EQ(store_.find("b.example.com").reason, CertificateStore::Reason::kBroken);
  EXPECT_EQ(store_.find("c.example.com").reason, CertificateStore::Reason::kDefault);
}

TEST_F(CertificateStoreTest, ABrokenCertificateIsReplacedByTheDefault) {
  store_.set_default(wildcard_);
  store_.set("b.example.com", broken_);
  EXPECT_EQ(store_.find("b.example.com").certificate->spec(), wildcard_);
}

TEST_F(CertificateStoreTest, ABrokenOrRemovedDefaultIsReplacedByTheSelfSigned) {
  store_.set_default(broken_);
  EXPECT_EQ(store_.find("x").certificate->spec(), self_signed_);
  store_.set_default(exact_);
  EXPECT_EQ(store_.find("x").certificate->spec(), exact_);
  store_.set_default(nullptr);
  EXPECT_EQ(store_.find("x").certificate->spec(), self_signed_);
}

TEST_F(CertificateStoreTest, AnOverlongNameGetsTheDefault) {
  EXPECT_EQ(store_.find(std::string(300, 'a')).certificate->spec(), self_signed_);
  EXPECT_EQ(store_.find(std::string(254, 'a') + ".b").certificate->spec(), self_signed_);
}

TEST_F(CertificateStoreTest, AChangedCopyLeavesTheOlderVersionAlone) {
  store_.set("a.example.com", exact_);
  auto next = store_;
  next.set("a.example.com", wildcard_);
  next.set("b.example.com", exact_);
  EXPECT_EQ(store_.find("a.example.com").certificate->spec(), exact_);
  EXPECT_EQ(store_.find("b.example.com").reason, CertificateStore::Reason::kDefault);
  EXPECT_EQ(next.find("a.example.com").certificate->spec(), wildcard_);
  next.erase("a.example.com");
  EXPECT_EQ(next.find("a.example.com").reason, CertificateStore::Reason::kDefault);
  EXPECT_EQ(store_.size(), 1);
  EXPECT_EQ(next.size(), 1);
}

TEST_F(CertificateStoreTest, VersionsShareWhatTheyHaveParsed) {
  store_.set("a.example.com", exact_);
  auto next = store_;
  next.set("b.example.com", wildcard_);
  EXPECT_EQ(store_.find("a.example.com").certificate, next.find("a.example.com").certificate);
}

TEST_F(CertificateStoreTest, OneSpecUnderSeveralNamesIsParsedOnce) {
  store_.set("a.example.com", exact_);
  store_.set("b.example.com", exact_);
  const auto* certificate = store_.find("a.example.com").certificate;
  EXPECT_EQ(store_.find("b.example.com").certificate, certificate);
  store_.erase("a.example.com");
  store_.set("c.example.com", exact_);
  EXPECT_EQ(store_.find("c.example.com").certificate, certificate);
}

TEST_F(CertificateStoreTest, LetsGoOfASpecWithItsLastName) {
  std::weak_ptr<const CertificateSpec> watched;
  {
    auto once = spec("once");
    watched = once;
    store_.set("a.example.com", once);
    store_.set("b.example.com", once);
    store_.set("b.example.com", once);  // no change
  }
  store_.erase("a.example.com");
  EXPECT_FALSE(watched.expired());
  store_.set("b.example.com", exact_);
  EXPECT_TRUE(watched.expired());
}

TEST_F(CertificateStoreTest, ManyThreadsMayUseACertificateFirst) {
  store_.set("a.example.com", exact_);
  std::vector<const Certificate*> found(4);
  {
    std::vector<std::jthread> threads;
    for (auto& slot : found) {
      threads.emplace_back([&] { slot = store_.find("a.example.com").certificate; });
    }
  }
  for (const auto* certificate : found) {
    EXPECT_EQ(certificate, found.front());
    EXPECT_TRUE(certificate->usable());
  }
}

}  // namespace
}  // namespace portico::tls
