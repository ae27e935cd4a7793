#pragma once

#include "config.h"

/* The certificate of HTTPS: the one that is configured, or a self-signed one that is made on first
 * start and kept, so that a browser's exception for it lasts. */

typedef struct {
    char *certificate, *private_key; /* paths of PEM files */
    gboolean made;                   /* just now */
} TlsFiles;

/** Find or make the files and check that they can be read and belong together. Errors are one
 *  sentence. */
gboolean tls_certificate_files(const Config *config, TlsFiles *files, GError **error);
void tls_files_clear(TlsFiles *files);

/** Make a P-256 key and a self-signed certificate for localhost, this host's name and all its
 *  addresses. The key's file is readable for its owner only. */
gboolean tls_certificate_make(const char *certificate, const char *private_key, GError **error);
