#include "antrea/kube/certificate.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

#include "antrea/base/ip.h"

namespace antrea::kube {
namespace {
template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Bio = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION_free>>;

/// The library's own account of what failed last.
Error failure(std::string_view doing, Errc code = Errc::kInternal) {
  char text[256] = "unknown reason";
  if (const auto number = ERR_get_error()) ERR_error_string_n(number, text, sizeof text);
  ERR_clear_error();
  return make_error(code, std::string(doing) + ": " + text);
}

std::string contents(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

Result<CertifiedKey> to_pem(X509* certificate, EVP_PKEY* key) {
  const Bio public_part(BIO_new(BIO_s_mem())), private_part(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(public_part.get(), certificate) != 1 ||
      PEM_write_bio_PKCS8PrivateKey(private_part.get(), key, nullptr, nullptr, 0, nullptr,
                                    nullptr) != 1)
    return failure("write PEM");
  return CertifiedKey{contents(public_part.get()), contents(private_part.get())};
}

/// A certificate over a new key, complete but for extensions and signature. Its validity starts an
/// hour ago, for clocks that differ.
Result<Certificate> make_unsigned(EVP_PKEY* key, std::string_view common_name,
                                  std::chrono::days validity) {
  Certificate certificate(X509_new());
  const std::unique_ptr<BIGNUM, Deleter<BN_free>> serial(BN_new());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(validity).count();
  const bool made =
      X509_set_version(certificate.get(), 2) == 1 &&
      BN_rand(serial.get(), 127, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
      BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate.get())) != nullptr &&
      X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600) != nullptr &&
      X509_gmtime_adj(X509_getm_notAfter(certificate.get()), seconds) != nullptr &&
      X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(common_name.data()),
                                 static_cast<int>(common_name.size()), -1, 0) == 1 &&
      X509_set_pubkey(certificate.get(), key) == 1;
  if (!made) return failure("make a certificate", Errc::kInvalidArgument);
  return certificate;
}

Result<> add_extension(X509* certificate, X509* issuer, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str()));
  if (!extension || X509_add_ext(certificate, extension.get(), -1) != 1)
    return failure("add the extension " + value, Errc::kInvalidArgument);
  return {};
}

/// Letters, digits, dashes, dots and a leading star: nothing that the extension's syntax would read
/// as its own.
bool is_dns_name(std::string_view name) {
  if (name.starts_with("*.")) name.remove_prefix(2);
  if (name.empty() || name.size() > 253) return false;
  for (const char c : name)
    if (!(std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.')) return false;
  return true;
}
}  // namespace

Result<CertifiedKey> make_certificate_authority(std::string_view common_name,
                                                std::chrono::days validity) {
  const Key key(EVP_EC_gen("P-256"));
  if (!key) return failure("make a key");
  ANTREA_TRY(const Certificate certificate, make_unsigned(key.get(), common_name, validity));
  X509* self = certificate.get();
  X509_set_issuer_name(self, X509_get_subject_name(self));
  ANTREA_CHECK(add_extension(self, self, NID_basic_constraints, "critical,CA:TRUE"));
  ANTREA_CHECK(add_extension(self, self, NID_key_usage, "critical,keyCertSign,cRLSign"));
  ANTREA_CHECK(add_extension(self, self, NID_subject_key_identifier, "hash"));
  if (X509_sign(self, key.get(), EVP_sha256()) == 0) return failure("sign a certificate");
  return to_pem(self, key.get());
}

Result<CertifiedKey> issue_certificate(const CertifiedKey& authority, std::string_view common_name,
                                       std::span<const std::string> names,
                                       std::chrono::days validity) {
  const auto memory = [](const std::string& text) {
    return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  };
  const Certificate issuer(
      PEM_read_bio_X509(memory(authority.certificate).get(), nullptr, nullptr, nullptr));
  const Key issuer_key(
      PEM_read_bio_PrivateKey(memory(authority.private_key).get(), nullptr, nullptr, nullptr));
  if (!issuer || !issuer_key) return failure("read the authority's PEM", Errc::kMalformed);

  std::string alternatives;
  for (const std::string& name : names) {
    const bool address = IpAddress::parse(name).has_value();
    if (!address && !is_dns_name(name))
      return make_error(Errc::kInvalidArgument,
                        "issue a certificate: expected a DNS name or an IP address", name);
    if (!alternatives.empty()) alternatives += ',';
    alternatives += (address ? "IP:" : "DNS:") + name;
  }

  const Key key(EVP_EC_gen("P-256"));
  if (!key) return failure("make a key");
  ANTREA_TRY(const Certificate certificate, make_unsigned(key.get(), common_name, validity));
  X509* leaf = certificate.get();
  X509_set_issuer_name(leaf, X509_get_subject_name(issuer.get()));
  ANTREA_CHECK(add_extension(leaf, issuer.get(), NID_basic_constraints, "critical,CA:FALSE"));
  ANTREA_CHECK(add_extension(leaf, issuer.get(), NID_key_usage, "critical,digitalSignature"));
  ANTREA_CHECK(add_extension(leaf, issuer.get(), NID_ext_key_usage, "serverAuth,clientAuth"));
  ANTREA_CHECK(add_extension(leaf, issuer.get(), NID_authority_key_identifier, "keyid"));
  if (!alternatives.empty())
    ANTREA_CHECK(add_extension(leaf, issuer.get(), NID_subject_alt_name, alternatives));
  if (X509_sign(leaf, issuer_key.get(), EVP_sha256()) == 0) return failure("sign a certificate");
  return to_pem(leaf, key.get());
}

}  // namespace antrea::kube
