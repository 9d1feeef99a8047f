#include "base/progress.h"

#include <string.h>

#include "test.h"

typedef struct heard {
    char text[2048];
    size_t n, calls;
} heard;

static void hear(void *ctx, str text)
{
    heard *h = ctx;
    ck_assert_uint_lt(text.n, sizeof h->text);
    memcpy(h->text, text.p, text.n);
    h->n = text.n;
    h->calls++;
}

TEST(a_line_is_handed_over_formatted)
{
    heard h = {.n = 0};
    const progress p = {hear, &h};
    progress_say(&p, "fold %d of %d", 2, 5);
    ck_assert_uint_eq(h.calls, 1);
    ck_assert(str_is((str){h.text, h.n}, "fold 2 of 5"));
}

TEST(a_long_line_is_cut)
{
    heard h = {.n = 0};
    const progress p = {hear, &h};
    progress_say(&p, "%2000d", 1);
    ck_assert_uint_eq(h.n, 1023);
}

TEST(nobody_listening_is_fine)
{
    const progress silent = {NULL, NULL};
    progress_say(NULL, "x");
    progress_say(&silent, "x");
    ck_assert_ptr_null(silent.ctx);
}

TESTS("base/progress", a_line_is_handed_over_formatted, a_long_line_is_cut,
      nobody_listening_is_fine)
