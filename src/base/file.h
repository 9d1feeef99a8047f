/* base/file: files and folders, with the durability rules of this project in one place. Paths are
 * NUL-terminated. Thread-safe. */
#ifndef TIDEMILL_BASE_FILE_H
#define TIDEMILL_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/* file_read reads the whole file into a (NUL behind the end). ERR_MISSING, ERR_LIMIT over max
 * bytes, ERR_IO. */
MUST_CHECK err file_read(arena *a, const char *path, size_t max, str *ret);

/* file_write_atomic: temp file in the same folder, fsync, rename, fsync of the folder: readers see
 * the old or the new bytes. */
MUST_CHECK err file_write_atomic(const char *path, str bytes);
/* file_publish_new: the same, but ERR_CONFLICT when path exists already (link(2), so of many
 * writers exactly one wins). */
MUST_CHECK err file_publish_new(const char *path, str bytes);

MUST_CHECK err dir_make(const char *path); /* with parents, 0755; existing is fine */
MUST_CHECK err
dir_remove_all(const char *path); /* recursive, does not follow links; missing is fine */
MUST_CHECK err dir_sync(const char *path);
/* dir_list returns the names in path, sorted bytewise, without . and ..; at most max names
 * (ERR_LIMIT). Owner: a. */
MUST_CHECK err dir_list(arena *a, const char *path, size_t max, str **ret, size_t *ret_n);

bool file_exists(const char *path);
MUST_CHECK err file_size(const char *path, uint64_t *ret);
MUST_CHECK err file_sync(const char *path);
MUST_CHECK err fd_write_all(int fd, const void *p, size_t n);

/* path_join: "a/b"; an absolute b replaces a. path_inside: p, made canonical without touching the
 * disk, is below root (no .. escapes; root itself is not below). */
const char *path_join(arena *a, const char *dir, const char *name);
bool path_inside(const char *root, const char *p);

/* file_lock takes an exclusive flock on path (made when missing) without waiting and writes text
 * into it. ERR_CONFLICT when somebody else holds it; *ret_held_by (may be NULL) then gets what the
 * holder wrote. The lock ends with close(*ret_fd) or the process. */
MUST_CHECK err file_lock(arena *a, const char *path, str text, int *ret_fd, str *ret_held_by);

#endif
