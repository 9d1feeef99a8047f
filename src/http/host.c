#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>

#include "http/h1_int.h"
#include "http/server.h"

/* A port: nothing, or ":" and 1 to 65535. */
static bool port_ok(str s)
{
    if (!s.n) return true;
    if (s.n < 2 || s.n > 6 || s.p[0] != ':') return false;
    unsigned port = 0;
    for (size_t i = 1; i < s.n; i++) {
        unsigned digit = (unsigned)(unsigned char)s.p[i] - '0';
        if (digit > 9) return false;
        port = port * 10 + digit;
    }
    return port >= 1 && port <= 65535;
}

/* 127.a.b.c in plain decimal; the forms that only some resolvers read (0x7f.1, 127.1, 0177.0.0.1)
 * are not taken. */
static bool is_127(str s)
{
    size_t at = 0;
    for (int part = 0; part < 4; part++) {
        if (part && (at == s.n || s.p[at++] != '.')) return false;
        size_t start = at;
        unsigned v = 0;
        while (at < s.n && at - start < 3 && s.p[at] >= '0' && s.p[at] <= '9')
            v = v * 10 + (unsigned)(s.p[at++] - '0');
        if (at == start || v > 255 || (at - start > 1 && s.p[start] == '0')) return false;
        if (part == 0 && v != 127) return false;
    }
    return at == s.n;
}

static bool is_v6_loopback(str s)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr a;
    if (s.n == 0 || s.n >= sizeof text) return false;
    memcpy(text, s.p, s.n);
    text[s.n] = 0;
    return !memchr(text, 0, s.n) && inet_pton(AF_INET6, text, &a) == 1 && IN6_IS_ADDR_LOOPBACK(&a);
}

bool http_host_is_loopback(str host)
{
    if (!host.n) return false;
    if (host.p[0] == '[') {
        str inside = {host.p + 1, 0}, rest = {host.p + 1, 0};
        if (!str_cut((str){host.p + 1, host.n - 1}, ']', &inside, &rest)) return false;
        return is_v6_loopback(inside) && port_ok(rest);
    }
    size_t n = 0;
    while (n < host.n && host.p[n] != ':')
        n++;
    str name = {host.p, n}, port = {host.p + n, host.n - n};
    return (str_eq_nocase(name, STR("localhost")) || is_127(name)) && port_ok(port);
}

bool http_origin_is_loopback(str origin)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < countof(schemes); i++) {
        size_t n = strlen(schemes[i]);
        if (str_starts(origin, schemes[i]))
            return http_host_is_loopback((str){origin.p + n, origin.n - n});
    }
    return false;
}
