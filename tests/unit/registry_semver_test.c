#include "registry/semver.h"

#include "logged.h"

static void open_store(store *s)
{
    const db_migration rooms[] = {tracking_migration, registry_migration};
    store_open(s, rooms, 2);
}

TEST(semantic_versions_are_read_and_ordered)
{
    semver v = {7, 7, 7};
    const char *bad[] = {"", ".", "1.", ".1", "01", "1.2.3.4", "1.x", "-1", "1000000000", "1 "};
    for (size_t i = 0; i < countof(bad); i++)
        ck_err(semver_parse(str_of(bad[i]), &v), ERR_INVALID);
    ck_assert_int_eq(v.major, 7);
    ck_ok(semver_parse(STR("1.20"), &v));
    ck_assert(v.major == 1 && v.minor == 20 && v.patch == -1);
    ck_assert(semver_fits((semver){1, 20, 5}, v) && !semver_fits((semver){1, 2, 0}, v));
    ck_assert_int_lt(semver_cmp((semver){1, 9, 9}, (semver){1, 10, 0}), 0);
    ck_assert_int_eq(semver_cmp((semver){1, 2, 3}, (semver){1, 2, 3}), 0);
    ck_assert_int_gt(semver_cmp((semver){2, 0, 0}, (semver){1, 99, 99}), 0);
}
END_TEST

typedef struct diff_case {
    field from[2], to[2];
    size_t n_from, n_to;
    semver_bump inputs, outputs;
} diff_case;

TEST(what_a_caller_would_notice_decides)
{
    AUTO(arena) a = arena_new(0);
#define F(n, t, r)                                                                                 \
    {                                                                                              \
        STR(n), FIELD_##t, r                                                                       \
    }
    const diff_case cases[] = {
        {{F("x", DOUBLE, true)}, {F("x", DOUBLE, true)}, 1, 1, SEMVER_PATCH, SEMVER_PATCH},
        {{F("x", DOUBLE, true)}, {F("x", LONG, true)}, 1, 1, SEMVER_MAJOR, SEMVER_MAJOR},
        {{F("x", DOUBLE, true)}, {F("y", DOUBLE, true)}, 1, 1, SEMVER_MAJOR, SEMVER_MAJOR},
        {{F("x", DOUBLE, true)}, {F("x", DOUBLE, false)}, 1, 1, SEMVER_MINOR, SEMVER_PATCH},
        {{F("x", DOUBLE, false)}, {F("x", DOUBLE, true)}, 1, 1, SEMVER_MAJOR, SEMVER_PATCH},
        {{F("x", DOUBLE, true)},
         {F("x", DOUBLE, true), F("y", LONG, true)},
         1,
         2,
         SEMVER_MAJOR,
         SEMVER_MINOR},
        {{F("x", DOUBLE, true)},
         {F("y", LONG, false), F("x", DOUBLE, true)},
         1,
         2,
         SEMVER_MINOR,
         SEMVER_MINOR},
        {{F("x", DOUBLE, true)}, {F("x", DOUBLE, true)}, 1, 0, SEMVER_MAJOR, SEMVER_MAJOR},
        {{F("x", DOUBLE, true)}, {F("x", DOUBLE, true)}, 0, 0, SEMVER_PATCH, SEMVER_PATCH},
    };
#undef F
    for (size_t i = 0; i < countof(cases); i++) {
        diff_case c = cases[i];
        schema from = {c.from, c.n_from, NULL}, to = {c.to, c.n_to, NULL};
        str why;
        semver_bump b =
            semver_diff(a, &(signature){.inputs = from}, &(signature){.inputs = to}, &why);
        ck_assert_msg(b == c.inputs, "inputs of case %zu: %d", i, (int)b);
        ck_assert_uint_eq(why.n > 0, b != SEMVER_PATCH);
        b = semver_diff(a, &(signature){.outputs = from}, &(signature){.outputs = to}, &why);
        ck_assert_msg(b == c.outputs, "outputs of case %zu: %d", i, (int)b);
    }
}
END_TEST

static semver_proposal propose(store *s, str model_id, const char *mae)
{
    semver_proposal p;
    key_value tag = {STR("validation.mae"), str_of(mae)};
    version_spec o = {.name = STR("fare"),
                      .source = str_fmt(s->a, "models:/%.*s", STR_ARG(model_id)),
                      .tags = &tag,
                      .n_tags = 1};
    ck_ok(semver_propose(s->d, s->b, s->a, STR("fare"), &o, &p));
    key_value tags[] = {tag, {STR(SEMVER_TAG), semver_print(s->a, p.version)}};
    o.tags = tags;
    o.n_tags = 2;
    int64_t version;
    ck_ok(registry_version_create(s->d, s->a, &o, &version));
    return p;
}

TEST(versions_get_a_proposal_and_are_found_by_it)
{
    store s;
    open_store(&s);
    ck_ok(registry_model_ensure(s.d, STR("fare"), 1));
    str same = logged_model_put(&s, &(logged_options){0});
    str less = logged_model_put(&s, &(logged_options){.inputs_dropped = 1});
    ck_assert_str_eq(str_c(s.a, semver_print(s.a, propose(&s, same, "2.0").version)), "1.0.0");
    ck_assert_str_eq(str_c(s.a, semver_print(s.a, propose(&s, same, "2.0").version)), "1.0.1");
    semver_proposal p = propose(&s, same, "1.5");
    ck_assert_str_eq(str_c(s.a, semver_print(s.a, p.version)), "1.1.0");
    ck_assert(strstr(str_c(s.a, p.why), "validation.mae was 2.0, is 1.5"));
    ck_assert_str_eq(str_c(s.a, semver_print(s.a, propose(&s, same, "1.6").version)), "1.1.1");
    p = propose(&s, less, "1.0");
    ck_assert(p.version.major == 2 && p.bump == SEMVER_MAJOR && p.previous.patch == 1);
    ck_assert(strstr(str_c(s.a, p.why), "is gone"));
    const struct {
        const char *uri;
        int64_t version;
    } found[] = {{"models:/fare@1.0", 2},
                 {"models:/fare@1.1", 4},
                 {"models:/fare@1.0.0", 1},
                 {"models:/fare@2.0", 5}};
    model_version v;
    for (size_t i = 0; i < countof(found); i++) {
        ck_ok(registry_resolve(s.d, s.a, str_of(found[i].uri), &v));
        ck_assert_int_eq(v.version, found[i].version);
    }
    ck_err(registry_resolve(s.d, s.a, STR("models:/fare@3.0"), &v), ERR_MISSING);
    ck_err(registry_resolve(s.d, s.a, STR("models:/fare@1.x"), &v), ERR_MISSING);
    store_close(&s);
}
END_TEST

TESTS("registry semver", semantic_versions_are_read_and_ordered, what_a_caller_would_notice_decides,
      versions_get_a_proposal_and_are_found_by_it)
