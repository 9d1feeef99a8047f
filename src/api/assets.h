/* api/assets: the page, compiled into the program.
 *
 * tools/embed writes this table at build time out of ui/dist, sorted by path. The bytes stand in
 * read-only memory and live as long as the program. Where the page was not built the table is
 * empty. */
#ifndef TIDEMILL_API_ASSETS_H
#define TIDEMILL_API_ASSETS_H

#include <stddef.h>

typedef struct asset {
    const char *path; /* as requested: "/index.html", "/assets/main-B1x2.js" */
    const char *mime; /* the value of Content-Type */
    const char *etag; /* the value of ETag, quotes included; made from the bytes */
    const unsigned char *data;
    size_t size;
    const unsigned char *gz; /* the same compressed by gzip; NULL where that saves nothing */
    size_t gz_size;
} asset;

extern const asset assets[]; /* n_assets of them, and one empty that ends the table */
extern const size_t n_assets;

#endif
