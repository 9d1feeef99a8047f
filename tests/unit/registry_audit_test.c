#include "registry/audit.h"

#include "store.h"

static void open_store(store *s)
{
    const db_migration rooms[] = {tracking_migration, registry_migration};
    store_open(s, rooms, 2);
}

static change_by by(const char *user, int64_t now_ms)
{
    return (change_by){str_of(user), STR("a test"), now_ms};
}

static void add(store *s, const char *name, int64_t now_ms)
{
    int64_t v;
    version_spec o = {
        .name = str_of(name), .source = STR("s3://b/m"), .user = STR("ann"), .now_ms = now_ms};
    ck_ok(registry_version_create(s->d, s->a, &o, &v));
}

static void move(store *s, const char *name, const char *alias, int64_t version, int64_t now_ms)
{
    alias_move m = {str_of(name), str_of(alias), version, -1};
    change_by who = by("ann", now_ms);
    ck_ok(registry_alias_move(s->d, &m, &who));
}

static void enter(store *s, const char *name, int64_t version, const char *stage, int64_t now_ms)
{
    model_version v;
    change_by who = by("bob", now_ms);
    ck_ok(registry_version_stage(s->d, s->a, (version_ref){str_of(name), version}, str_of(stage),
                                 STAGE_ARCHIVE_OTHERS, &who, &v));
}

/* fare: versions at 10, 20, 30; champion 1 at 40, 2 at 50; Production 1 at 60, 3 at 70. */
static void fill(store *s)
{
    open_store(s);
    ck_ok(registry_model_ensure(s->d, STR("fare"), 5));
    for (int64_t i = 1; i <= 3; i++)
        add(s, "fare", i * 10);
    move(s, "fare", "champion", 1, 40);
    move(s, "fare", "champion", 2, 50);
    enter(s, "fare", 1, "Production", 60);
    enter(s, "fare", 3, "Production", 70);
}

static const char *live(store *s, int64_t at_ms)
{
    live_item *v;
    size_t n;
    str text = STR("");
    ck_ok(audit_live(s->d, s->a, STR(""), at_ms, &v, &n));
    for (size_t i = 0; i < n; i++)
        text = str_fmt(s->a, "%.*s%.*s %.*s %.*s %lld%.*s,", STR_ARG(text), STR_ARG(v[i].kind),
                       STR_ARG(v[i].model), STR_ARG(v[i].subject), (long long)v[i].version,
                       STR_ARG(v[i].state));
    return str_c(s->a, text);
}

static const char *changes(store *s, const live_change *v, size_t n)
{
    str text = STR("");
    for (size_t i = 0; i < n; i++)
        text = str_fmt(s->a, "%.*s%.*s %.*s %.*s>%.*s,", STR_ARG(text), STR_ARG(v[i].kind),
                       STR_ARG(v[i].subject), STR_ARG(v[i].before), STR_ARG(v[i].after));
    return str_c(s->a, text);
}

TEST(every_change_is_an_entry_and_the_chain_holds)
{
    store s;
    fill(&s);
    audit_entry *v;
    size_t n;
    ck_ok(audit_entries(s.d, s.a, &(audit_query){.max = 100}, &v, &n));
    ck_assert_uint_eq(n, 9);
    ck_assert(v[0].seq == 1 && str_is(v[0].kind, "model") && str_is(v[0].after, "fare"));
    ck_assert(str_is(v[5].kind, "alias") && str_is(v[5].before, "1") && str_is(v[5].after, "2"));
    ck_assert(str_is(v[5].user, "ann") && v[5].at_ms == 50 && str_is(v[5].reason, "a test"));
    ck_assert(str_is(v[7].kind, "stage") && v[7].version == 1 && str_is(v[7].after, "Archived"));
    ck_assert(str_is(v[8].after, "Production") && v[8].version == 3);
    audit_head h;
    ck_ok(audit_verify(s.d, s.a, STR(""), &h));
    ck_assert(h.n == 9 && str_eq(h.hash, v[8].hash));
    ck_ok(audit_verify(s.d, s.a, v[3].hash, &h));
    ck_err(audit_verify(s.d, s.a, STR("00"), &h), ERR_MISSING);
    ck_ok(audit_entries(
        s.d, s.a, &(audit_query){.model = STR("fare"), .since_ms = 45, .until_ms = 65, .max = 100},
        &v, &n));
    ck_assert(n == 2 && v[0].seq == 6);
    ck_ok(audit_entries(s.d, s.a, &(audit_query){.after_seq = 7, .max = 1}, &v, &n));
    ck_assert(n == 1 && v[0].seq == 8);
    store_close(&s);
}
END_TEST

static void expect_found(const char *sql, const char *words)
{
    store s;
    fill(&s);
    audit_head h = {.n = 77};
    ck_ok(db_exec(s.d, sql, DB_NO_ARGS, NULL));
    ck_err(audit_verify(s.d, s.a, STR(""), &h), ERR_FORMAT);
    ck_assert_msg(strstr(err_message(), words), "%s: %s", sql, err_message());
    ck_assert_int_eq(h.n, 77);
    store_close(&s);
}

TEST(a_flipped_byte_a_cut_and_a_gap_are_found)
{
    expect_found("UPDATE registry_log SET became = '3' WHERE seq = 6", "entry 6");
    expect_found("UPDATE registry_log SET user_id = 'amn' WHERE seq = 6", "entry 6");
    expect_found("UPDATE registry_log SET at_ms = 41 WHERE seq = 5", "entry 5");
    expect_found("UPDATE registry_log SET batch = 1 WHERE seq = 5", "entry 5");
    expect_found("UPDATE registry_log SET hash = 'x' WHERE seq = 9", "entry 9");
    expect_found("DELETE FROM registry_log WHERE seq = 4", "entry 4 is missing");
    expect_found("DELETE FROM registry_log WHERE seq = 9", "ends with entry 8");
    expect_found("UPDATE registry_log_head SET seq = 10", "ends with entry 9");
}
END_TEST

TEST(what_was_live_is_told_for_any_time)
{
    store s;
    fill(&s);
    ck_assert_str_eq(live(&s, 39), "");
    ck_assert_str_eq(live(&s, 40), "alias fare champion 1,");
    ck_assert_str_eq(live(&s, 65), "alias fare champion 2,stage fare Production 1,");
    ck_assert_str_eq(live(&s, 70),
                     "alias fare champion 2,stage fare Archived 1,stage fare Production 3,");
    live_change *v;
    size_t n;
    ck_ok(audit_diff(s.d, s.a, STR("fare"), 45, 70, &v, &n));
    ck_assert_str_eq(changes(&s, v, n),
                     "alias champion 1>2,stage 1 >Archived,stage 3 >Production,");
    ck_ok(audit_diff(s.d, s.a, STR("fare"), 70, 70, &v, &n));
    ck_assert_uint_eq(n, 0);
    live_item *items;
    ck_err(audit_live(s.d, s.a, STR("nobody"), 70, &items, &n), ERR_MISSING);
    store_close(&s);
}
END_TEST

TEST(renames_and_deletions_do_not_confuse_the_past)
{
    store s;
    fill(&s);
    registered_model m;
    change_by who = by("ann", 80);
    ck_ok(registry_model_rename(s.d, s.a, STR("fare"), STR("taxi"), &who, &m));
    ck_assert_str_eq(live(&s, 40), "alias fare champion 1,");
    live_change *c;
    size_t k;
    ck_ok(audit_diff(s.d, s.a, STR(""), 45, 80, &c, &k)); /* the name alone is no change */
    ck_assert_str_eq(changes(&s, c, k),
                     "alias champion 1>2,stage 1 >Archived,stage 3 >Production,");
    ck_assert(str_is(c[0].model, "taxi"));
    ck_ok(registry_version_delete(s.d, (version_ref){STR("taxi"), 3}, &who));
    ck_assert_str_eq(live(&s, 80), "alias taxi champion 2,stage taxi Archived 1,");
    live_item *v;
    size_t n;
    ck_ok(audit_live(s.d, s.a, STR("taxi"), 40, &v, &n));
    ck_assert(n == 1 && str_is(v[0].model, "fare") && v[0].since_ms == 40);
    who.now_ms = 90;
    ck_ok(registry_model_delete(s.d, STR("taxi"), &who));
    ck_assert_str_eq(live(&s, 90), "");
    ck_ok(registry_model_ensure(s.d, STR("next"), 95)); /* may get the same row */
    add(&s, "next", 96);
    move(&s, "next", "champion", 1, 97);
    ck_assert_str_eq(live(&s, 100), "alias next champion 1,");
    audit_entry *e;
    ck_ok(audit_entries(s.d, s.a, &(audit_query){.model = STR("next"), .max = 100}, &e, &n));
    ck_assert_uint_eq(n, 3);
    audit_head h;
    ck_ok(audit_verify(s.d, s.a, STR(""), &h));
    store_close(&s);
}
END_TEST

TEST(rollback_goes_back_to_a_time_or_move_by_move)
{
    store s;
    fill(&s);
    change_by who = by("eve", 100);
    live_change *v;
    size_t n;
    ck_ok(audit_rollback(s.d, s.a, STR("fare"), 45, &who, &v, &n));
    ck_assert_str_eq(changes(&s, v, n),
                     "alias champion 2>1,stage 1 Archived>,stage 3 Production>,");
    ck_assert_str_eq(live(&s, 100), "alias fare champion 1,");
    model_version at;
    ck_ok(registry_alias_get(s.d, s.a, STR("fare"), STR("champion"), &at));
    ck_assert(at.version == 1 && str_is(at.stage, "None"));
    ck_ok(audit_rollback(s.d, s.a, STR("fare"), 70, &who, &v, &n));
    ck_assert_str_eq(live(&s, 100),
                     "alias fare champion 2,stage fare Archived 1,stage fare Production 3,");
    ck_ok(audit_rollback(s.d, s.a, STR("fare"), 0, &who, &v, &n));
    ck_assert_str_eq(live(&s, 100), "alias fare champion 2,stage fare Production 1,");
    ck_ok(audit_rollback(s.d, s.a, STR("fare"), 0, &who, &v, &n));
    ck_assert_str_eq(live(&s, 100), "alias fare champion 2,");
    ck_ok(audit_rollback(s.d, s.a, STR("fare"), 0, &who, &v, &n));
    ck_assert_str_eq(live(&s, 100), "alias fare champion 1,");
    ck_ok(audit_rollback(s.d, s.a, STR("fare"), 0, &who, &v, &n));
    ck_assert_str_eq(live(&s, 100), "");
    ck_err(audit_rollback(s.d, s.a, STR("fare"), 0, &who, &v, &n), ERR_MISSING);
    ck_err(audit_rollback(s.d, s.a, STR("nobody"), 0, &who, &v, &n), ERR_MISSING);
    audit_head h;
    ck_ok(audit_verify(s.d, s.a, STR(""), &h));
    store_close(&s);
}
END_TEST

TEST(a_rollback_to_a_deleted_version_changes_nothing)
{
    store s;
    fill(&s);
    change_by who = by("eve", 100);
    live_change *v;
    size_t n;
    ck_ok(registry_version_delete(s.d, (version_ref){STR("fare"), 1}, &who));
    const char *before = live(&s, 100);
    ck_err(audit_rollback(s.d, s.a, STR("fare"), 45, &who, &v, &n), ERR_CONFLICT);
    ck_assert(strstr(err_message(), "version 1, which was live then, is deleted"));
    ck_assert_str_eq(live(&s, 100), before);
    store_close(&s);
}
END_TEST

typedef struct endpoint_put {
    arena *a;
    const char *before, *after;
    int64_t now_ms;
} endpoint_put;

static err endpoint_tx(db_tx *tx, void *arg)
{
    const endpoint_put *e = arg;
    change_by who = by("ops", e->now_ms);
    return audit_endpoint(tx, e->a, STR("fares"), str_of(e->before), str_of(e->after), &who);
}

TEST(endpoints_are_in_the_log_too_and_time_never_goes_back)
{
    store s;
    fill(&s);
    ck_ok(db_write(s.d, endpoint_tx, &(endpoint_put){s.a, "", "fare/1", 80}));
    ck_ok(db_write(s.d, endpoint_tx, &(endpoint_put){s.a, "fare/1", "fare/2", 15}));
    ck_assert(strstr(live(&s, 80), "endpoint  fares 0fare/2,"));
    ck_assert(!strstr(live(&s, 79), "endpoint"));
    live_change *v;
    size_t n;
    ck_ok(audit_diff(s.d, s.a, STR(""), 70, 80, &v, &n));
    ck_assert_str_eq(changes(&s, v, n), "endpoint fares >fare/2,");
    audit_head h;
    ck_ok(audit_verify(s.d, s.a, STR(""), &h));
    ck_assert_int_eq(h.n, 11);
    store_close(&s);
}
END_TEST

TEST(a_home_with_models_from_before_the_log_begins_with_them)
{
    store s;
    open_store(&s);
    ck_ok(db_exec(s.d,
                  "INSERT INTO registered_model (id, name, last_version, created_ms, updated_ms)"
                  " VALUES (4, 'old', 2, 1, 1)",
                  DB_NO_ARGS, NULL));
    ck_ok(db_exec(s.d,
                  "INSERT INTO model_version (model, version, stage, source, created_ms,"
                  " updated_ms) VALUES (4, 2, 'Production', 's3://b/m', 1, 1)",
                  DB_NO_ARGS, NULL));
    ck_ok(db_exec(s.d, "INSERT INTO model_alias (model, alias, version) VALUES (4, 'champion', 2)",
                  DB_NO_ARGS, NULL));
    add(&s, "old", 50);
    move(&s, "old", "champion", 3, 60);
    ck_assert_str_eq(live(&s, 50), "alias old champion 2,stage old Production 2,");
    audit_head h;
    ck_ok(audit_verify(s.d, s.a, STR(""), &h));
    ck_assert_int_eq(h.n, 6);
    store_close(&s);
}
END_TEST

TESTS("registry audit", every_change_is_an_entry_and_the_chain_holds,
      a_flipped_byte_a_cut_and_a_gap_are_found, what_was_live_is_told_for_any_time,
      renames_and_deletions_do_not_confuse_the_past, rollback_goes_back_to_a_time_or_move_by_move,
      a_rollback_to_a_deleted_version_changes_nothing,
      endpoints_are_in_the_log_too_and_time_never_goes_back,
      a_home_with_models_from_before_the_log_begins_with_them)
