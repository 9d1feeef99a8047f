#include "registry/approvals.h"

#include "logged.h"

static void open_store(store *s)
{
    const db_migration rooms[] = {tracking_migration, registry_migration};
    store_open(s, rooms, 2);
    ck_ok(registry_model_ensure(s->d, STR("fare"), 1));
}

static void add(store *s)
{
    int64_t v;
    version_spec o = {.name = STR("fare"), .source = STR("s3://b/m"), .user = STR("ann")};
    ck_ok(registry_version_create(s->d, s->a, &o, &v));
}

static err move(store *s, const char *alias, int64_t version)
{
    alias_move m = {STR("fare"), str_of(alias), version, -1};
    return registry_alias_move(s->d, &m, &(change_by){.user = STR("ann"), .now_ms = 5});
}

static err approve(store *s, const char *user, int64_t version)
{
    change_by by = {.user = str_of(user), .now_ms = 6};
    return approval_give(s->d, (version_ref){STR("fare"), version}, &by);
}

static const change_by admin = {STR("adm"), STR(""), 2};

TEST(a_policy_asks_for_approvals_of_others)
{
    store s;
    open_store(&s);
    add(&s);
    approval_policy p = {.approvals = 2};
    ck_ok(approval_policy_set(s.d, STR("fare"), &p, &admin));
    ck_err(move(&s, "champion", 1), ERR_DENIED);
    ck_assert_str_eq(err_message(), "alias champion of fare: version 1 has 0 of 2 approvals of "
                                    "others than its maker");
    ck_ok(move(&s, "challenger", 1)); /* not guarded */
    ck_err(approve(&s, "ann", 1), ERR_DENIED);
    ck_err(approve(&s, "", 1), ERR_DENIED);
    ck_err(approve(&s, "bob", 9), ERR_MISSING);
    ck_ok(approve(&s, "bob", 1));
    ck_ok(approve(&s, "bob", 1));
    ck_err(move(&s, "champion", 1), ERR_DENIED);
    ck_ok(approve(&s, "eve", 1));
    ck_ok(move(&s, "champion", 1));
    approval_state st;
    ck_ok(approval_state_get(s.d, s.a, (version_ref){STR("fare"), 1}, &st));
    ck_assert(st.enough && st.given == 2 && str_is(st.people[1], "eve"));
    change_by bob = {.user = STR("bob"), .now_ms = 7};
    ck_ok(approval_withdraw(s.d, (version_ref){STR("fare"), 1}, &bob));
    ck_ok(approval_state_get(s.d, s.a, (version_ref){STR("fare"), 1}, &st));
    ck_assert(!st.enough && st.given == 1);
    store_close(&s);
}
END_TEST

TEST(the_checklist_stands_in_the_way_of_a_stage)
{
    store s;
    open_store(&s);
    add(&s);
    const str stages[] = {STR("Production"), STR("Staging")};
    approval_policy p = {.items =
                             1U << CHECK_STAKEHOLDERS_NOTIFIED | 1U << CHECK_ERROR_HANDLING_TESTED,
                         .stages = stages,
                         .n_stages = 2};
    ck_ok(approval_policy_set(s.d, STR("fare"), &p, &admin));
    version_ref one = {STR("fare"), 1};
    model_version v;
    ck_err(registry_version_stage(s.d, s.a, one, STR("staging"), STAGE_KEEP_OTHERS, &admin, &v),
           ERR_DENIED);
    ck_assert(strstr(err_message(), "error_handling_tested, stakeholders_notified"));
    ck_ok(move(&s, "champion", 1)); /* only stages are guarded */
    ck_ok(registry_version_stage(s.d, s.a, one, STR("Archived"), STAGE_KEEP_OTHERS, &admin, &v));
    ck_err(approval_tick(s.d, one, CHECK_ERROR_HANDLING_TESTED, &(change_by){.now_ms = 3}),
           ERR_DENIED);
    ck_ok(approval_tick(s.d, one, CHECK_ERROR_HANDLING_TESTED, &admin));
    ck_ok(approval_tick(s.d, one, CHECK_STAKEHOLDERS_NOTIFIED, &admin));
    ck_ok(registry_version_stage(s.d, s.a, one, STR("Staging"), STAGE_KEEP_OTHERS, &admin, &v));
    ck_ok(approval_policy_set(s.d, STR("fare"), &(approval_policy){0}, &admin));
    approval_policy got;
    ck_ok(approval_policy_get(s.d, s.a, STR("fare"), &got));
    ck_assert(!got.items && !got.n_stages);
    store_close(&s);
}
END_TEST

TEST(what_can_be_known_is_ticked_by_evidence)
{
    store s;
    open_store(&s);
    add(&s);
    ck_ok(move(&s, "champion", 1));
    int64_t version = logged_version(&s, "fare", &(logged_options){0});
    version_ref of = {STR("fare"), version};
    ck_ok(registry_version_tag(s.d, of.name, version, STR("validation.passed"), STR("true"), 3));
    ck_ok(approval_collect(s.d, s.b, of, 9));
    approval_state st;
    ck_ok(approval_state_get(s.d, s.a, of, &st));
    const check_item known[] = {CHECK_PERFORMANCE_VALIDATED, CHECK_INPUT_SCHEMA_DOCUMENTED,
                                CHECK_OUTPUT_FORMAT_DEFINED, CHECK_ROLLBACK_PLAN_READY,
                                CHECK_DEPENDENCIES_DOCUMENTED};
    for (size_t i = 0; i < countof(known); i++)
        ck_assert_msg(st.items[known[i]].done && !st.items[known[i]].by.n &&
                          st.items[known[i]].evidence.n,
                      "%s", check_item_name(known[i]));
    ck_assert(!st.items[CHECK_STAKEHOLDERS_NOTIFIED].done);
    ck_assert(!st.items[CHECK_MONITORING_CONFIGURED].done);
    store_close(&s);
}
END_TEST

TEST(policies_and_items_are_checked)
{
    store s;
    open_store(&s);
    const str bad_alias = STR("v1"), bad_stage = STR("Live");
    approval_policy bad[] = {{.approvals = -1},
                             {.approvals = 17},
                             {.items = 1U << CHECK_N},
                             {.approvals = 1, .aliases = &bad_alias, .n_aliases = 1},
                             {.approvals = 1, .stages = &bad_stage, .n_stages = 1},
                             {.approvals = 1, .n_stages = 17}};
    for (size_t i = 0; i < countof(bad); i++)
        ck_err(approval_policy_set(s.d, STR("fare"), &bad[i], &admin), ERR_INVALID);
    ck_err(approval_policy_set(s.d, STR("x"), &(approval_policy){.approvals = 1}, &admin),
           ERR_MISSING);
    check_item item;
    ck_ok(check_item_parse(STR("rollback_plan_ready"), &item));
    ck_assert_uint_eq(item, CHECK_ROLLBACK_PLAN_READY);
    ck_err(check_item_parse(STR("rollback_plan"), &item), ERR_INVALID);
    store_close(&s);
}
END_TEST

TESTS("registry approvals", a_policy_asks_for_approvals_of_others,
      the_checklist_stands_in_the_way_of_a_stage, what_can_be_known_is_ticked_by_evidence,
      policies_and_items_are_checked)
