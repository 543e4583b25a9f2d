// What certificates, handshakes and idle connections cost, in time and resident memory.
#include <array>
#include <chrono>
#include <fstream>
#include <malloc.h>
#include <unistd.h>

#include <benchmark/benchmark.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "tls/certificate_store.h"
#include "tls/engine.h"
#include "tls/inspect.h"
#include "tls/openssl.h"
#include "tls/self_signed.h"
#include "tls/server_context.h"
#include "tls/ticket_keys.h"

namespace portico::tls {
namespace {

using routing::CertificateSpec;

double resident_bytes() {
  malloc_trim(0);
  std::size_t total = 0;
  std::size_t resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

// `kind` as EVP_PKEY_Q_keygen takes it, through one key for all: making 10,000 RSA keys would take
// minutes.
CertificateSpec make_spec(EVP_PKEY* key, int number) {
  const X509Ptr certificate(X509_new());
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), number + 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 86'400);
  const auto name = "host-" + std::to_string(number) + ".example.com";
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_pubkey(certificate.get(), key);
  X509_sign(certificate.get(), key, EVP_sha256());
  const auto to_pem = [](auto write) {
    const BioPtr bio(BIO_new(BIO_s_mem()));
    write(bio.get());
    char* text = nullptr;
    const auto size = BIO_get_mem_data(bio.get(), &text);
    return std::string(text, static_cast<std::size_t>(size));
  };
  return {.secret = "shop/" + name,
          .chain_pem = to_pem([&](BIO* bio) { PEM_write_bio_X509(bio, certificate.get()); }),
          .key_pem = to_pem([&](BIO* bio) {
            PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

PkeyPtr make_key(bool rsa) {
  return PkeyPtr(rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"));
}

void BM_Inspect(benchmark::State& state) {
  const auto key = make_key(state.range(0) == 1);
  const auto spec = make_spec(key.get(), 1);
  for (auto _ : state) {
    benchmark::DoNotOptimize(inspect(spec));
  }
}
BENCHMARK(BM_Inspect)->ArgName("rsa")->Arg(0)->Arg(1)->Unit(benchmark::kMicrosecond);

// 10,000 certificates into a store, then each parsed as a first handshake would.
void BM_TenThousandCertificates(benchmark::State& state) {
  constexpr int kMany = 10'000;
  const auto key = make_key(state.range(0) == 1);
  std::vector<std::shared_ptr<const CertificateSpec>> specs;
  std::size_t pem_bytes = 0;
  for (int i = 0; i < kMany; ++i) {
    specs.push_back(std::make_shared<const CertificateSpec>(make_spec(key.get(), i)));
    pem_bytes += specs.back()->chain_pem.size() + specs.back()->key_pem.size();
  }
  CertificateStore store(make_self_signed());
  std::ignore = store.find("");
  for (auto _ : state) {
    const auto before = resident_bytes();
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < kMany; ++i) {
      store.set("host-" + std::to_string(i) + ".example.com", specs[i]);
    }
    const auto set = std::chrono::steady_clock::now();
    const auto unparsed = resident_bytes();
    for (int i = 0; i < kMany; ++i) {
      std::ignore = store.find("host-" + std::to_string(i) + ".example.com");
    }
    const auto parsed = std::chrono::steady_clock::now();
    const auto after = resident_bytes();
    state.counters["pem_bytes"] = static_cast<double>(pem_bytes) / kMany;
    state.counters["unparsed_bytes"] = (unparsed - before) / kMany;
    state.counters["parsed_bytes"] = (after - unparsed) / kMany;
    state.counters["set_all_ms"] = std::chrono::duration<double, std::milli>(set - begin).count();
    state.counters["parse_us"] =
        std::chrono::duration<double, std::micro>(parsed - set).count() / kMany;
  }
}
BENCHMARK(BM_TenThousandCertificates)
    ->ArgName("rsa")
    ->Arg(0)
    ->Arg(1)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

struct Server {
  std::shared_ptr<const ServerContext> context;
  std::shared_ptr<const CertificateStore> store;
};

Server make_server(bool rsa) {
  auto store = std::make_shared<CertificateStore>(make_self_signed());
  const auto key = make_key(rsa);
  store->set("a.example.com", std::make_shared<const CertificateSpec>(make_spec(key.get(), 1)));
  return {*ServerContext::create({}, std::make_shared<TicketKeys>()), std::move(store)};
}

// The peer, which is freed when the handshake is over, so that only the engine's memory is counted.
class Peer {
 public:
  explicit Peer(SSL_CTX* context) : ssl_(SSL_new(context)) {
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_tlsext_host_name(ssl_.get(), "a.example.com");
    SSL_set_connect_state(ssl_.get());
  }
  void shake_hands(Engine& engine) {
    while (true) {
      const bool done = SSL_do_handshake(ssl_.get()) == 1;
      char* bytes = nullptr;
      const auto size = BIO_get_mem_data(SSL_get_wbio(ssl_.get()), &bytes);
      engine.feed({bytes, static_cast<std::size_t>(size)});
      const auto status = engine.handshake();
      engine.feed({});
      std::ignore = BIO_reset(SSL_get_wbio(ssl_.get()));
      const auto output = engine.output();
      BIO_write(SSL_get_rbio(ssl_.get()), output.data(), static_cast<int>(output.size()));
      engine.consume_output(output.size());
      if (status == Status::kFailed || (done && status == Status::kOk)) {
        return;
      }
    }
  }

 private:
  SslPtr ssl_;
};

// The client's half is in the time.
void BM_Handshake(benchmark::State& state) {
  const auto server = make_server(state.range(1) == 1);
  const SslCtxPtr client(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_max_proto_version(client.get(),
                                state.range(0) == 12 ? TLS1_2_VERSION : TLS1_3_VERSION);
  for (auto _ : state) {
    const auto engine = Engine::server(server.context, server.store);
    Peer(client.get()).shake_hands(*engine);
  }
}
BENCHMARK(BM_Handshake)
    ->ArgNames({"tls", "rsa"})
    ->Args({12, 0})
    ->Args({13, 0})
    ->Args({13, 1})
    ->Unit(benchmark::kMicrosecond);

void BM_IdleConnections(benchmark::State& state) {
  constexpr int kMany = 2'000;
  const auto server = make_server(false);
  const SslCtxPtr client(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_max_proto_version(client.get(),
                                state.range(0) == 12 ? TLS1_2_VERSION : TLS1_3_VERSION);
  const auto open = [&] {
    auto engine = Engine::server(server.context, server.store);
    Peer(client.get()).shake_hands(*engine);
    return engine;
  };
  std::ignore = open();
  for (auto _ : state) {
    std::vector<std::unique_ptr<Engine>> engines;
    engines.reserve(kMany);
    const auto before = resident_bytes();
    for (int i = 0; i < kMany; ++i) {
      engines.push_back(open());
    }
    state.counters["resident_bytes"] = (resident_bytes() - before) / kMany;
  }
}
BENCHMARK(BM_IdleConnections)
    ->ArgName("tls")
    ->Arg(12)
    ->Arg(13)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

void BM_BulkWrite(benchmark::State& state) {
  const auto server = make_server(false);
  const SslCtxPtr client(SSL_CTX_new(TLS_client_method()));
  const auto engine = Engine::server(server.context, server.store);
  Peer(client.get()).shake_hands(*engine);
  const std::string plaintext(static_cast<std::size_t>(state.range(0)), 'x');
  for (auto _ : state) {
    engine->write(plaintext);
    engine->consume_output(engine->output().size());
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_BulkWrite)->ArgName("bytes")->Arg(1'000)->Arg(16'384)->Arg(65'000);

}  // namespace
}  // namespace portico::tls
