#include "registry/registry.h"

#include <pthread.h>

#include "store.h"

static void open_store(store *s)
{
    const db_migration rooms[] = {tracking_migration, registry_migration};
    store_open(s, rooms, 2);
}

static str make_model(store *s)
{
    str id;
    ck_ok(tracking_model_create(
        s->d, s->a, &(logged_model_spec){.name = STR("m"), .experiment_id = STR("0")}, &id));
    return id;
}

static int64_t make_version(store *s, const char *name, const char *once)
{
    int64_t v = 0;
    version_spec o = {.name = str_of(name),
                      .source = STR("runs:/abc/model"),
                      .run_id = STR("abc"),
                      .once = str_of(once),
                      .now_ms = 50};
    ck_ok(registry_version_create(s->d, s->a, &o, &v));
    return v;
}

TEST(names_are_checked)
{
    store s;
    open_store(&s);
    const char *bad[] = {"", "a/b", "a:b", "a\nb", "\xff"};
    for (size_t i = 0; i < countof(bad); i++)
        ck_err(registry_model_ensure(s.d, str_of(bad[i]), 1), ERR_INVALID);
    char text[257];
    memset(text, 'n', sizeof text);
    ck_ok(registry_model_ensure(s.d, (str){text, 256}, 1));
    ck_err(registry_model_ensure(s.d, (str){text, 257}, 1), ERR_INVALID);
    ck_ok(registry_model_ensure(s.d, STR("main.taxi.fare model"), 1));
    ck_ok(registry_model_ensure(s.d, STR("main.taxi.fare model"), 2));
    registered_model m;
    ck_ok(registry_model_get(s.d, s.a, STR("main.taxi.fare model"), &m));
    ck_assert(m.created_ms == 1 && m.latest_version == 0 && m.n_aliases == 0);
    ck_err(registry_model_get(s.d, s.a, STR("nobody"), &m), ERR_MISSING);
    ck_assert_str_eq(err_message(), "Registered Model with name=nobody not found");
    store_close(&s);
}
END_TEST

TEST(versions_count_up_and_once_is_once)
{
    store s;
    open_store(&s);
    ck_ok(registry_model_ensure(s.d, STR("a"), 1));
    ck_ok(registry_model_ensure(s.d, STR("b"), 1));
    ck_assert_int_eq(make_version(&s, "a", ""), 1);
    ck_assert_int_eq(make_version(&s, "a", "job 7"), 2);
    ck_assert_int_eq(make_version(&s, "a", "job 7"), 2);
    ck_assert_int_eq(make_version(&s, "a", ""), 3);
    ck_assert_int_eq(make_version(&s, "b", ""), 1);
    int64_t v = 77;
    version_spec o = {.name = STR("b"), .source = STR("s3://x/y"), .once = STR("job 7")};
    ck_err(registry_version_create(s.d, s.a, &o, &v), ERR_CONFLICT);
    o = (version_spec){.name = STR("nobody"), .source = STR("s3://x/y")};
    ck_err(registry_version_create(s.d, s.a, &o, &v), ERR_MISSING);
    o = (version_spec){.name = STR("a"), .source = STR("models:/m-123")};
    ck_err(registry_version_create(s.d, s.a, &o, &v), ERR_MISSING);
    o = (version_spec){.name = STR("a")};
    ck_err(registry_version_create(s.d, s.a, &o, &v), ERR_INVALID);
    ck_assert_int_eq(v, 77);
    registered_model m;
    ck_ok(registry_model_get(s.d, s.a, STR("a"), &m));
    ck_assert_int_eq(m.latest_version, 3);
    ck_assert_int_eq(m.updated_ms, 50);
    store_close(&s);
}
END_TEST

TEST(versions_and_models_are_listed)
{
    store s;
    open_store(&s);
    ck_ok(registry_model_ensure(s.d, STR("b"), 1));
    ck_ok(registry_model_ensure(s.d, STR("a"), 1));
    for (int i = 0; i < 3; i++)
        make_version(&s, "a", "");
    make_version(&s, "b", "");
    ck_ok(registry_version_tag(s.d, STR("a"), 2, STR("mae"), STR("1.4"), 60));
    ck_ok(registry_version_tag(s.d, STR("a"), 2, STR("mae"), STR("1.3"), 61));
    ck_err(registry_version_tag(s.d, STR("a"), 9, STR("mae"), STR("1.3"), 61), ERR_MISSING);
    ck_err(registry_version_tag(s.d, STR("a"), 2, STR(""), STR("1.3"), 61), ERR_INVALID);
    ck_ok(registry_alias_set(s.d, STR("a"), STR("champion"), 2, -1, 62));
    model_version *v;
    size_t n;
    ck_ok(registry_versions(s.d, s.a, STR("a"), 2, 0, &v, &n));
    ck_assert_uint_eq(n, 2);
    ck_assert(v[0].version == 3 && v[1].version == 2);
    ck_assert(v[1].n_tags == 1 && str_is(v[1].tags[0].value, "1.3"));
    ck_assert(v[1].n_aliases == 1 && str_is(v[1].aliases[0], "champion"));
    ck_assert(v[1].updated_ms == 50 && str_is(v[1].stage, "None") && str_is(v[1].status, "READY"));
    ck_ok(registry_versions(s.d, s.a, STR("a"), 2, 2, &v, &n));
    ck_assert(n == 1 && v[0].version == 1);
    ck_ok(registry_versions(s.d, s.a, STR(""), 10, 0, &v, &n));
    ck_assert(n == 4 && str_is(v[0].name, "b"));
    registered_model *m;
    ck_ok(registry_models(s.d, s.a, 10, 0, &m, &n));
    ck_assert(n == 2 && str_is(m[0].name, "a") && m[0].n_aliases == 1 &&
              m[0].aliases[0].version == 2);
    store_close(&s);
}
END_TEST

TEST(aliases_move_by_compare_and_set)
{
    store s;
    open_store(&s);
    ck_ok(registry_model_ensure(s.d, STR("a"), 1));
    for (int i = 0; i < 3; i++)
        make_version(&s, "a", "");
    model_version v;
    str a = STR("a"), champion = STR("champion");
    ck_err(registry_alias_get(s.d, s.a, a, champion, &v), ERR_MISSING);
    ck_err(registry_alias_set(s.d, a, champion, 1, 3, 5), ERR_CONFLICT);
    ck_assert(strstr(err_message(), "not set now"));
    ck_ok(registry_alias_set(s.d, a, champion, 1, 0, 5));
    ck_err(registry_alias_set(s.d, a, champion, 2, 0, 5), ERR_CONFLICT);
    ck_err(registry_alias_set(s.d, a, champion, 2, 3, 5), ERR_CONFLICT);
    ck_assert(strstr(err_message(), "expected version 3, it is version 1 now"));
    ck_ok(registry_alias_set(s.d, a, champion, 2, 1, 5));
    ck_ok(registry_alias_get(s.d, s.a, a, champion, &v));
    ck_assert_int_eq(v.version, 2);
    ck_ok(registry_alias_set(s.d, a, champion, 3, -1, 5));
    ck_err(registry_alias_set(s.d, a, champion, 4, -1, 5), ERR_MISSING);
    ck_err(registry_alias_set(s.d, STR("x"), champion, 4, -1, 5), ERR_MISSING);
    ck_ok(registry_alias_delete(s.d, a, champion, 6));
    ck_ok(registry_alias_delete(s.d, a, champion, 6));
    ck_err(registry_alias_get(s.d, s.a, a, champion, &v), ERR_MISSING);
    ck_err(registry_alias_delete(s.d, STR("x"), champion, 6), ERR_MISSING);
    store_close(&s);
}
END_TEST

TEST(alias_names_are_checked)
{
    store s;
    open_store(&s);
    ck_ok(registry_model_ensure(s.d, STR("a"), 1));
    make_version(&s, "a", "");
    const char *bad[] = {"", "latest", "LATEST", "v1", "V22", "a b", "a/b", "a@b", "\xff"};
    for (size_t i = 0; i < countof(bad); i++)
        ck_err(registry_alias_set(s.d, STR("a"), str_of(bad[i]), 1, -1, 1), ERR_INVALID);
    const char *good[] = {"champion", "v1a", "v", "x-y_z", "\xc3\xa9"};
    for (size_t i = 0; i < countof(good); i++)
        ck_ok(registry_alias_set(s.d, STR("a"), str_of(good[i]), 1, -1, 1));
    char text[256];
    memset(text, 'a', sizeof text);
    ck_ok(registry_alias_set(s.d, STR("a"), (str){text, 255}, 1, -1, 1));
    ck_err(registry_alias_set(s.d, STR("a"), (str){text, 256}, 1, -1, 1), ERR_INVALID);
    store_close(&s);
}
END_TEST

TEST(uris_are_resolved)
{
    store s;
    open_store(&s);
    str id = make_model(&s);
    ck_ok(registry_model_ensure(s.d, STR("main.x.fare"), 1));
    version_spec o = {.name = STR("main.x.fare"),
                      .source = str_fmt(s.a, "models:/%.*s", STR_ARG(id))};
    int64_t version;
    ck_ok(registry_version_create(s.d, s.a, &o, &version));
    make_version(&s, "main.x.fare", "");
    ck_ok(registry_alias_set(s.d, o.name, STR("champion"), 1, -1, 1));
    model_version v;
    ck_ok(registry_resolve(s.d, s.a, STR("models:/main.x.fare/1"), &v));
    ck_assert(v.version == 1 && str_eq(v.model_id, id));
    ck_ok(registry_resolve(s.d, s.a, STR("models:/main.x.fare@champion"), &v));
    ck_assert_int_eq(v.version, 1);
    ck_ok(registry_resolve(s.d, s.a, STR("models:/main.x.fare/latest"), &v));
    ck_assert_int_eq(v.version, 2);
    ck_ok(registry_resolve(s.d, s.a, STR("models:/main.x.fare/none"), &v));
    ck_assert_int_eq(v.version, 2);
    ck_ok(registry_resolve(s.d, s.a, o.source, &v));
    ck_assert(v.version == 0 && str_eq(v.model_id, id) && !v.name.n);
    const char *missing[] = {"models:/main.x.fare/3", "models:/x/1", "models:/main.x.fare@x",
                             "models:/main.x.fare/Production", "models:/m-1"};
    for (size_t i = 0; i < countof(missing); i++)
        ck_err(registry_resolve(s.d, s.a, str_of(missing[i]), &v), ERR_MISSING);
    const char *bad[] = {"", "models:/", "runs:/x/y", "models:/x", "models:/x/"};
    for (size_t i = 0; i < countof(bad); i++)
        ck_err(registry_resolve(s.d, s.a, str_of(bad[i]), &v), ERR_INVALID);
    ck_err(registry_resolve(s.d, s.a, STR("models:/x/12x"), &v), ERR_FORMAT);
    store_close(&s);
}
END_TEST

/* --- many at once */
enum { RACERS = 8, ROUNDS = 20 };
typedef struct racer {
    db *d;
    int64_t won, versions[ROUNDS];
} racer;

static void *race(void *arg)
{
    racer *r = arg;
    AUTO(arena) a = arena_new(0);
    for (int64_t i = 0; i < ROUNDS; i++) {
        version_spec o = {.name = STR("a"), .source = STR("s3://x/y")};
        if (registry_version_create(r->d, a, &o, &r->versions[i])) return NULL;
        r->won += !registry_alias_set(r->d, STR("a"), STR("champion"), i + 2, i + 1, 1);
    }
    return NULL;
}

TEST(racing_creators_get_different_numbers_and_one_mover_wins)
{
    store s;
    open_store(&s);
    ck_ok(registry_model_ensure(s.d, STR("a"), 1));
    make_version(&s, "a", "");
    ck_ok(registry_alias_set(s.d, STR("a"), STR("champion"), 1, 0, 1));
    racer r[RACERS] = {0};
    pthread_t t[RACERS];
    for (int i = 0; i < RACERS; i++) {
        r[i].d = s.d;
        ck_assert(!pthread_create(&t[i], NULL, race, &r[i]));
    }
    bool seen[RACERS * ROUNDS + 2] = {0};
    int64_t won = 0;
    for (int i = 0; i < RACERS; i++) {
        ck_assert(!pthread_join(t[i], NULL));
        won += r[i].won;
        for (int k = 0; k < ROUNDS; k++) {
            ck_assert_int_ge(r[i].versions[k], 2);
            ck_assert_int_le(r[i].versions[k], RACERS * ROUNDS + 1);
            ck_assert(!seen[r[i].versions[k]]);
            seen[r[i].versions[k]] = true;
        }
    }
    model_version v;
    ck_ok(registry_alias_get(s.d, s.a, STR("a"), STR("champion"), &v));
    ck_assert_int_eq(v.version, won + 1); /* each step from i to i + 1 was won once */
    store_close(&s);
}
END_TEST

TESTS("registry versions", names_are_checked, versions_count_up_and_once_is_once,
      versions_and_models_are_listed, aliases_move_by_compare_and_set, alias_names_are_checked,
      uris_are_resolved, racing_creators_get_different_numbers_and_one_mover_wins)
