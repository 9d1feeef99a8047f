/* Loops predict while views are swapped under them: no lost endpoint, no freed model, no race (run
 * under TSan and ASan). */
#include "serving/serving.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "endpoint.h"

enum { LOOPS = 2, SWAPS = 300 };

typedef struct reader {
    serving *v;
    size_t loop;
    matrix x;
    const double *want;
    atomic_bool *stop;
    size_t turns, wrong, missing;
    uint64_t requests;
} reader;

static void use(reader *r, const served *e)
{
    double got[LOGGED_ROWS];
    if (!e) {
        r->missing++;
        return;
    }
    predict_served(e, r->x, got);
    r->wrong += memcmp(got, r->want, sizeof got) != 0;
    served_count(e, r->x.rows, true, 10);
    r->requests++;
}

static void *loop_main(void *arg)
{
    reader *r = arg;
    while (!atomic_load(r->stop)) {
        bool exists;
        serving_enter(r->v, r->loop);
        for (int k = 0; k < 3; k++)
            use(r, serving_pick(r->v, r->loop, STR("taxi"), &exists));
        serving_leave(r->v, r->loop);
        r->turns++;
        if (r->turns % 64 == 0) sleep_ms(1);
    }
    return NULL;
}

/* As a pool thread does: holds across several changes. */
static void *holder_main(void *arg)
{
    reader *r = arg;
    while (!atomic_load(r->stop)) {
        const serving_view *v = serving_hold(r->v);
        bool exists;
        use(r, serving_pick_held(v, r->turns, STR("taxi"), &exists));
        sleep_ms(3);
        use(r, serving_pick_held(v, r->turns, STR("taxi"), &exists));
        serving_drop(r->v, v);
        r->turns++;
    }
    return NULL;
}

static void swap_many(store *s, serving *v)
{
    entity_spec two[] = {{.entity_name = STR("fare"), .entity_version = 1},
                         {.entity_name = STR("fare"), .entity_version = 2}};
    route_spec routes[] = {{STR("fare-1"), 50}, {STR("fare-2"), 50}};
    endpoint_spec both = {STR("taxi"), two, 2, routes, 2};
    endpoint_state st;
    for (int i = 0; i < SWAPS; i++) {
        AUTO(arena) a = arena_new(0);
        switch (i % 5) {
        case 0:
            ck_ok(serving_update(v, a, &both, i, &st));
            break;
        case 1:
            ck_ok(serving_update(v, a, one_entity(a, "taxi", 1), i, &st));
            break;
        case 2:
            ck_ok(serving_create(v, a, one_entity(a, "bus", 2), i, &st));
            break;
        case 3:
            ck_ok(serving_refresh(v));
            break;
        default:
            ck_ok(serving_delete(v, STR("bus")));
        }
        served_stats *stats;
        size_t n;
        ck_ok(serving_stats(v, a, &stats, &n));
        ck_assert_uint_ge(n, 1);
    }
    ck_assert(s != NULL);
}

TEST(loops_predict_while_views_are_swapped)
{
    store s;
    serving *v = serving_open(&s, LOOPS);
    logged_version(&s, "fare", &(logged_options){0});
    logged_version(&s, "fare", &(logged_options){0});
    endpoint_state st;
    ck_ok(serving_create(v, s.a, one_entity(s.a, "taxi", 1), 1, &st));
    str bytes;
    AUTO(model) golden = logged_golden(s.a, "lgb_taxi", &bytes);
    matrix x = logged_rows(s.a, model_get_facts(golden)->n_features);
    double want[LOGGED_ROWS];
    model_predict(golden, x, want);
    atomic_bool stop = false;
    reader r[LOOPS + 1];
    pthread_t t[LOOPS + 1];
    for (size_t i = 0; i <= LOOPS; i++) {
        r[i] = (reader){.v = v, .loop = i, .x = x, .want = want, .stop = &stop};
        ck_assert(!pthread_create(&t[i], NULL, i < LOOPS ? loop_main : holder_main, &r[i]));
    }
    swap_many(&s, v);
    atomic_store(&stop, true);
    for (size_t i = 0; i <= LOOPS; i++) {
        ck_assert(!pthread_join(t[i], NULL));
        ck_assert_uint_gt(r[i].turns, 0);
        ck_assert_uint_eq(r[i].wrong, 0);
        ck_assert_uint_eq(r[i].missing, 0);
    }
    serving_close(&s, v);
}
END_TEST

TEST(a_held_view_outlives_its_endpoint)
{
    store s;
    serving *v = serving_open(&s, 1);
    logged_version(&s, "fare", &(logged_options){0});
    endpoint_state st;
    ck_ok(serving_create(v, s.a, one_entity(s.a, "taxi", 1), 1, &st));
    const serving_view *held = serving_hold(v);
    ck_ok(serving_delete(v, STR("taxi")));
    bool exists;
    const served *e = serving_pick_held(held, 0, STR("taxi"), &exists);
    ck_assert(e && exists);
    ck_assert_str_eq(model_get_facts(e->model)->format, "lightgbm");
    serving_drop(v, held);
    serving_close(&s, v);
}
END_TEST

TEST(a_change_does_not_wait_for_ever_for_a_stuck_loop)
{
    store s;
    serving *v = serving_open(&s, 1);
    logged_version(&s, "fare", &(logged_options){0});
    endpoint_state st;
    ck_ok(serving_create(v, s.a, one_entity(s.a, "taxi", 1), 1, &st));
    bool exists;
    serving_enter(v, 0);
    const served *e = serving_pick(v, 0, STR("taxi"), &exists);
    ck_ok(serving_delete(v, STR("taxi")));
    ck_assert(serving_pick(v, 0, STR("taxi"), &exists) == e); /* its turn sees one view */
    ck_assert_str_eq(model_get_facts(e->model)->format, "lightgbm");
    serving_leave(v, 0);
    serving_enter(v, 0);
    ck_assert(!serving_pick(v, 0, STR("taxi"), &exists) && !exists);
    serving_leave(v, 0);
    serving_close(&s, v);
}
END_TEST

TESTS("serving view", loops_predict_while_views_are_swapped, a_held_view_outlives_its_endpoint,
      a_change_does_not_wait_for_ever_for_a_stuck_loop)
