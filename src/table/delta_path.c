/* Paths and partition values as a Delta log writes them. Source: Delta protocol, "Add File" and
 * "Partition Value Serialization". */
#include "base/file.h"
#include "table/delta_int.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static bool has_scheme(str s)
{
    for (size_t i = 0; i + 1 < s.n; i++) {
        if (s.p[i] == ':') return i > 0 && s.p[i + 1] == '/';
        if (s.p[i] == '/' || s.p[i] == '=') return false;
    }
    return false;
}

err delta_path_decode(arena *a, str raw, str *ret)
{
    if (!raw.n) return err_set(ERR_FORMAT, "empty path");
    if (raw.p[0] == '/' || has_scheme(raw))
        return err_set(ERR_FORMAT, "absolute path \"%.*s\": only files below the table are read",
                       STR_ARG(raw));
    char *p = arena_alloc_raw(a, raw.n + 1, 1);
    size_t n = 0;
    for (size_t i = 0; i < raw.n; i++) {
        char c = raw.p[i];
        if (c == '%') {
            int hi = i + 2 < raw.n ? hex_value(raw.p[i + 1]) : -1;
            int lo = i + 2 < raw.n ? hex_value(raw.p[i + 2]) : -1;
            if (hi < 0 || lo < 0)
                return err_set(ERR_FORMAT, "path \"%.*s\": %% without two hexadecimal digits",
                               STR_ARG(raw));
            c = (char)(hi * 16 + lo);
            i += 2;
        }
        if (!c) return err_set(ERR_FORMAT, "path \"%.*s\" holds a NUL byte", STR_ARG(raw));
        p[n++] = c;
    }
    p[n] = 0;
    if (!str_utf8_ok((str){p, n}))
        return err_set(ERR_FORMAT, "path \"%.*s\" is not UTF-8 once decoded", STR_ARG(raw));
    if (p[0] == '/' || !path_inside("/t", path_join(a, "/t", p)))
        return err_set(ERR_FORMAT, "path \"%.*s\" leaves the table", STR_ARG(raw));
    *ret = (str){p, n};
    return ERR_OK;
}

str delta_path_encode(arena *a, str path)
{
    static const char hex[] = "0123456789ABCDEF";
    char *p = arena_alloc_raw(a, 3 * path.n + 1, 1);
    size_t n = 0;
    for (size_t i = 0; i < path.n; i++) {
        unsigned char c = (unsigned char)path.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     (c && strchr("-_.~/=", c));
        if (plain) {
            p[n++] = (char)c;
        } else {
            p[n++] = '%';
            p[n++] = hex[c >> 4];
            p[n++] = hex[c & 15];
        }
    }
    p[n] = 0;
    return (str){p, n};
}

str delta_partition_text(arena *a, const delta_field *f, str value)
{
    if (!value.p || !value.n)
        return (str){NULL, 0}; /* an empty string is null, says the protocol */
    if (str_is(f->type, "timestamp") && str_ends(value, "+00")) value.n -= 3;
    return str_dup(a, value);
}
