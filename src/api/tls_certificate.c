#include "api/tls_certificate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

/* Browsers refuse a certificate that is valid for longer than 825 days. */
#define VALID_DAYS 800

G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_PKEY, EVP_PKEY_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509, X509_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SSL_CTX, SSL_CTX_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BIO, BIO_free_all)

static void add_address(GString *names, const struct sockaddr *address)
{
    char text[INET6_ADDRSTRLEN];
    const void *bytes = NULL;
    if (address->sa_family == AF_INET)
        bytes = &((const struct sockaddr_in *)address)->sin_addr;
    else if (address->sa_family == AF_INET6)
        bytes = &((const struct sockaddr_in6 *)address)->sin6_addr;
    if (!bytes || !inet_ntop(address->sa_family, bytes, text, sizeof text))
        return;
    g_autofree char *entry = g_strdup_printf("IP:%s", text);
    if (!strstr(names->str, entry))
        g_string_append_printf(names, ",%s", entry);
}

/* "DNS:localhost,IP:127.0.0.1,..." */
static char *subject_names(void)
{
    GString *names = g_string_new("DNS:localhost,IP:127.0.0.1,IP:::1");
    const char *host = g_get_host_name();
    gboolean plain = host && *host &&
                     strspn(host, "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") == strlen(host);
    if (plain && strcmp(host, "localhost") != 0)
        g_string_append_printf(names, ",DNS:%s", host);
    struct ifaddrs *interfaces = NULL;
    if (getifaddrs(&interfaces) == 0) {
        for (struct ifaddrs *at = interfaces; at; at = at->ifa_next) {
            if (at->ifa_addr && (at->ifa_flags & IFF_UP))
                add_address(names, at->ifa_addr);
        }
        freeifaddrs(interfaces);
    }
    return g_string_free(names, FALSE);
}

static gboolean add_extension(X509 *x509, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, x509, x509, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    gboolean ok = extension && X509_add_ext(x509, extension, -1);
    X509_EXTENSION_free(extension);
    return ok;
}

static gboolean set_serial(X509 *x509)
{
    guint64 serial = 0;
    if (RAND_bytes((unsigned char *)&serial, sizeof serial) != 1)
        return FALSE;
    return ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), serial >> 1);
}

static X509 *self_signed(EVP_PKEY *key)
{
    g_autoptr(X509) x509 = X509_new();
    g_autofree char *names = subject_names();
    X509_NAME *name = x509 ? X509_get_subject_name(x509) : NULL;
    if (!name || !X509_set_version(x509, 2) || !set_serial(x509))
        return NULL;
    X509_gmtime_adj(X509_getm_notBefore(x509), -24 * 3600);
    X509_gmtime_adj(X509_getm_notAfter(x509), (long)VALID_DAYS * 24 * 3600);
    gboolean ok = X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                             (const unsigned char *)"Tessera", -1, -1, 0) &&
                  X509_set_issuer_name(x509, name) && X509_set_pubkey(x509, key) &&
                  add_extension(x509, NID_basic_constraints, "critical,CA:FALSE") &&
                  add_extension(x509, NID_key_usage, "critical,digitalSignature") &&
                  add_extension(x509, NID_ext_key_usage, "serverAuth") &&
                  add_extension(x509, NID_subject_alt_name, names) &&
                  X509_sign(x509, key, EVP_sha256());
    return ok ? g_steal_pointer(&x509) : NULL;
}

static gboolean write_pem(BIO *pem, const char *path, gint mode, GError **error)
{
    char *data = NULL;
    long size = BIO_get_mem_data(pem, &data);
    g_autoptr(GError) problem = NULL;
    if (g_file_set_contents_full(path, data, size, G_FILE_SET_CONTENTS_CONSISTENT, mode, &problem))
        return TRUE;
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                "The self-signed certificate cannot be kept: %s; name a directory for it with "
                "--set https.state_dir=DIRECTORY, or turn HTTPS off with --set https.listen=.",
                problem->message);
    return FALSE;
}

gboolean tls_certificate_make(const char *certificate, const char *private_key, GError **error)
{
    g_autoptr(EVP_PKEY) key = EVP_EC_gen("P-256");
    g_autoptr(X509) x509 = key ? self_signed(key) : NULL;
    g_autoptr(BIO) key_pem = BIO_new(BIO_s_mem());
    g_autoptr(BIO) x509_pem = BIO_new(BIO_s_mem());
    if (!x509 || !PEM_write_bio_PrivateKey(key_pem, key, NULL, NULL, 0, NULL, NULL) ||
        !PEM_write_bio_X509(x509_pem, x509)) {
        g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_INTERNAL,
                            "OpenSSL cannot make the self-signed certificate; name one with "
                            "https.certificate and https.private_key.");
        return FALSE;
    }
    return write_pem(key_pem, private_key, 0600, error) &&
           write_pem(x509_pem, certificate, 0644, error);
}

static char *state_directory(const Config *config)
{
    const char *configured = config_string(config, "https.state_dir");
    if (*configured)
        return g_strdup(configured);
    return g_build_filename(g_get_user_state_dir(), "tessera", NULL);
}

static gboolean make_in_state_directory(const Config *config, TlsFiles *files, GError **error)
{
    g_autofree char *directory = state_directory(config);
    files->certificate = g_build_filename(directory, "self-signed.crt", NULL);
    files->private_key = g_build_filename(directory, "self-signed.key", NULL);
    if (g_file_test(files->certificate, G_FILE_TEST_EXISTS) &&
        g_file_test(files->private_key, G_FILE_TEST_EXISTS))
        return TRUE;
    if (g_mkdir_with_parents(directory, 0700) != 0) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                    "The directory %s for the self-signed certificate cannot be made: %s; name "
                    "another one with --set https.state_dir=DIRECTORY.",
                    directory, g_strerror(errno));
        return FALSE;
    }
    files->made = TRUE;
    return tls_certificate_make(files->certificate, files->private_key, error);
}

static gboolean unreadable(const char *what, const char *path, const char *reason, GError **error)
{
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID, "%s: %s %s.", what, path, reason);
    return FALSE;
}

static gboolean check(const TlsFiles *files, GError **error)
{
    g_autoptr(SSL_CTX) context = SSL_CTX_new(TLS_server_method());
    const char *paths[] = { files->certificate, files->private_key };
    const char *keys[] = { "https.certificate", "https.private_key" };
    for (guint i = 0; i < 2; i++) {
        g_autofree char *reason = NULL;
        if (access(paths[i], R_OK) != 0) {
            reason = g_strdup_printf("cannot be read: %s", g_strerror(errno));
            return unreadable(keys[i], paths[i], reason, error);
        }
    }
    if (SSL_CTX_use_certificate_chain_file(context, paths[0]) != 1)
        return unreadable(keys[0], paths[0], "holds no certificate in PEM form", error);
    if (SSL_CTX_use_PrivateKey_file(context, paths[1], SSL_FILETYPE_PEM) != 1)
        return unreadable(keys[1], paths[1],
                          "is not the certificate's private key in PEM form without a password",
                          error);
    return TRUE;
}

/* A kept self-signed certificate that has ended, or ends within a month, is made anew. */
static gboolean is_ending(const char *path)
{
    g_autoptr(BIO) file = BIO_new_file(path, "r");
    g_autoptr(X509) x509 = file ? PEM_read_bio_X509(file, NULL, NULL, NULL) : NULL;
    time_t in_a_month = time(NULL) + (time_t)30 * 24 * 3600;
    return x509 && X509_cmp_time(X509_get0_notAfter(x509), &in_a_month) < 0;
}

gboolean tls_certificate_files(const Config *config, TlsFiles *files, GError **error)
{
    *files = (TlsFiles){ 0 };
    const char *configured = config_string(config, "https.certificate");
    if (*configured) {
        files->certificate = g_strdup(configured);
        files->private_key = g_strdup(config_string(config, "https.private_key"));
    } else if (!make_in_state_directory(config, files, error)) {
        return FALSE;
    }
    if (!check(files, error))
        return FALSE;
    if (*configured || files->made || !is_ending(files->certificate))
        return TRUE;
    files->made = TRUE;
    return tls_certificate_make(files->certificate, files->private_key, error);
}

void tls_files_clear(TlsFiles *files)
{
    g_clear_pointer(&files->certificate, g_free);
    g_clear_pointer(&files->private_key, g_free);
}
