#include "home/home.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "home/door_int.h"

enum {
    LOCK_TEXT_MAX = 4096,
    URL_MAX = 1024,
    ANY_WAIT_MS = 3000, /* HOME_ANY: for an owner that just starts or just ends */
    ANY_PAUSE_MS = 20,
    DEAD_WAIT_MS = 2000, /* HOME_OWN: for the lock of a killed owner */
    DEAD_PAUSE_MS = 2,
    TEXT_TRIES = 20, /* reading the lock's text while the owner rewrites it */
};

struct home {
    arena *a;
    const char *dir, *lock_path, *socket_path;
    bool owner;
    int lock_fd;
    int64_t epoch;
    db *d;
    blobs *b;
    door *door;
    pthread_mutex_t lock; /* guards what follows */
    bool has_url;
    home_fence fence;
    void *fence_ctx;
};

static const char *const steps[] = {
    "CREATE TABLE owner_epoch ("
    " id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),"
    " epoch BIGINT NOT NULL,"
    " pid BIGINT NOT NULL,"
    " since_ms BIGINT NOT NULL)",
};
const db_migration home_migration = {.room = "home", .steps = steps, .n_steps = countof(steps)};

/* --- the lock's text --- */

/* lock_text: {"pid":…,"url":…}; url NULL: no server. */
static str lock_text(arena *a, const char *url)
{
    buf b;
    buf_init(&b, LOCK_TEXT_MAX);
    jw w;
    jw_init(&w, &b, false);
    jw_obj(&w);
    jw_ki64(&w, "pid", getpid());
    jw_key(&w, "url");
    if (url)
        jw_cstr(&w, url);
    else
        jw_null(&w);
    jw_obj_end(&w);
    str text = str_dup(a, buf_str(&b));
    buf_done(&b);
    return text;
}

/* A process that owns a home, as it says itself. */
typedef struct owner_says {
    int64_t pid; /* 0: it does not say */
    str url;     /* empty: no server */
} owner_says;

static err read_says(arena *a, str text, owner_says *ret)
{
    yyjson_val *v;
    owner_says says = {.url = STR("")};
    TRY(json_parse(a, text, "lock", &v));
    TRY(json_get_i64(v, "", "pid", &says.pid));
    TRY(json_opt_str(v, "", "url", &says.url));
    *ret = says;
    return ERR_OK;
}

static err owned_already(const home *h, arena *a, str held_by)
{
    owner_says says;
    if (read_says(a, held_by, &says))
        return err_set(ERR_CONFLICT, "home %s: another process owns it: stop that one first",
                       h->dir);
    if (!says.url.n)
        return err_set(ERR_CONFLICT,
                       "home %s: process %lld owns it: wait until it is done, or stop it", h->dir,
                       (long long)says.pid);
    return err_set(
        ERR_CONFLICT,
        "home %s: the server with process %lld (%.*s) owns it: use that one, or stop it first",
        h->dir, (long long)says.pid, STR_ARG(says.url));
}

/* --- the fence --- */

static err parse_token(str token, int64_t ret[3])
{
    str part;
    for (int i = 0; i < 3; i++) {
        bool more = str_cut(token, ':', &part, &token);
        if (more != (i < 2) || parse_i64(part, &ret[i]))
            return err_set(ERR_DENIED, "home: not a token, want <epoch>:<job run>:<attempt>");
    }
    return ERR_OK;
}

static err check_token(void *ctx, db_tx *tx, str token)
{
    home *h = ctx;
    if (!token.n) return ERR_OK; /* a person's command */
    int64_t part[3];
    TRY(parse_token(token, part));
    if (part[0] != h->epoch)
        return err_set(
            ERR_DENIED,
            "home %s: the process that started job run %lld (epoch %lld) no longer owns it (now "
            "epoch %lld): nothing more of that run is taken",
            h->dir, (long long)part[1], (long long)part[0], (long long)h->epoch);
    pthread_mutex_lock(&h->lock);
    home_fence fence = h->fence;
    void *fence_ctx = h->fence_ctx;
    pthread_mutex_unlock(&h->lock);
    return fence ? fence(fence_ctx, tx, part[1], part[2]) : ERR_OK;
}

void home_set_fence(home *h, home_fence fn, void *ctx)
{
    assert(h && h->owner && fn);
    pthread_mutex_lock(&h->lock);
    h->fence = fn;
    h->fence_ctx = ctx;
    pthread_mutex_unlock(&h->lock);
}

const char *home_token(home *h, arena *a, int64_t job_run, int64_t attempt)
{
    assert(h && h->owner && a);
    return cstr_fmt(a, "%lld:%lld:%lld", (long long)h->epoch, (long long)job_run,
                    (long long)attempt);
}

/* --- the owner --- */

static err raise_epoch(db_tx *tx, void *arg)
{
    home *h = arg;
    db_rows r;
    TRY(tx_rows(tx, h->a,
                "INSERT INTO owner_epoch (id, epoch, pid, since_ms) VALUES (1, 1, ?, ?)"
                " ON CONFLICT (id) DO UPDATE SET epoch = owner_epoch.epoch + 1, pid = excluded.pid,"
                " since_ms = excluded.since_ms RETURNING epoch",
                DB_ARGS(db_int(getpid()), db_int(now_ms())), &r));
    h->epoch = db_cell_i(&r, 0, 0);
    return ERR_OK;
}

/* migrate: this room's migration first, then the others'. */
static err migrate(home *h, const home_options *o)
{
    db_migration *all = arena_array(h->a, db_migration, o->n_migrations + 1);
    size_t n = 0;
    all[n++] = home_migration;
    for (size_t i = 0; i < o->n_migrations; i++)
        if (!str_eq(str_of(o->migrations[i].room), str_of(home_migration.room)))
            all[n++] = o->migrations[i];
    return db_migrate(h->d, all, n);
}

/* own_locked: everything of an owner, once it has the lock. What was opened is closed by home_free.
 */
static err own_locked(home *h, const home_options *o)
{
    h->owner = true;
    const char *tables = path_join(h->a, h->dir, "tables");
    TRY(dir_make(tables));
    TRY(blobs_open(path_join(h->a, h->dir, "blobs"), &h->b));
    TRY(db_open(cstr_fmt(h->a, "sqlite:%s/tidemill.db", h->dir), &h->d));
    db_set_publish_root(h->d, tables);
    TRY(migrate(h, o));
    TRY(db_write(h->d, raise_epoch, h));
    return door_open(h->socket_path, &(db_relay){.d = h->d, .check = check_token, .ctx = h},
                     &h->door);
}

static err own(home *h, const home_options *o)
{
    AUTO(arena) a = arena_new(0);
    str held_by = STR("");
    err e = file_lock(a, h->lock_path, lock_text(a, NULL), &h->lock_fd, &held_by);
    if (e == ERR_CONFLICT) return owned_already(h, a, held_by);
    if (e) return err_add(e, "home %s", h->dir);
    e = own_locked(h, o);
    return e ? err_add(e, "home %s", h->dir) : ERR_OK;
}

/* holder_died: the process that the lock names is gone. A child that it was just starting still has
 * the lock's descriptor, until its exec closes that. */
static bool holder_died(const home *h)
{
    AUTO(arena) a = arena_new(0);
    str text;
    owner_says says;
    if (file_read(a, h->lock_path, LOCK_TEXT_MAX, &text) || read_says(a, text, &says)) return false;
    return says.pid > 0 && kill((pid_t)says.pid, 0) && errno == ESRCH;
}

static err own_alone(home *h, const home_options *o)
{
    const int64_t until = mono_us() + DEAD_WAIT_MS * 1000LL;
    for (;;) {
        err e = own(h, o);
        if (e != ERR_CONFLICT || h->owner || !holder_died(h) || mono_us() > until) return e;
        sleep_ms(DEAD_PAUSE_MS);
    }
}

/* --- the guest --- */

static err read_epoch(home *h)
{
    AUTO(arena) a = arena_new(0);
    db_rows r;
    TRY(db_rows_of(h->d, a, "SELECT epoch FROM owner_epoch WHERE id = 1", DB_NO_ARGS, &r));
    if (r.n != 1) return err_set(ERR_FORMAT, "home %s: its database has no epoch", h->dir);
    h->epoch = db_cell_i(&r, 0, 0);
    return ERR_OK;
}

static err visit(home *h, const char *token)
{
    AUTO(arena) a = arena_new(0);
    TRY(db_open(cstr_fmt(a, "relay:%s?token=%s", h->socket_path, token), &h->d));
    err e = read_epoch(h);
    if (!e && !h->b) e = blobs_open(path_join(h->a, h->dir, "blobs"), &h->b);
    if (!e) return ERR_OK;
    db_free(h->d);
    h->d = NULL;
    return e;
}

/* own_or_visit: whichever works first; an owner that starts or ends needs a moment. */
static err own_or_visit(home *h, const home_options *o)
{
    int64_t until = mono_us() + ANY_WAIT_MS * 1000LL;
    for (;;) {
        err e = own(h, o);
        if (e != ERR_CONFLICT || h->owner) return e;
        e = visit(h, "");
        bool passing = e == ERR_MISSING || e == ERR_IO || e == ERR_BUSY;
        if (!passing) return e;
        if (mono_us() > until)
            return err_set(ERR_BUSY,
                           "home %s: its owner does not answer: try again, or stop it (%s)", h->dir,
                           err_message());
        sleep_ms(ANY_PAUSE_MS);
    }
}

static err be_guest(home *h, const char *token)
{
    if (!token || !*token) return err_set(ERR_INVALID, "home %s: a child needs its token", h->dir);
    err e = visit(h, token);
    if (e == ERR_MISSING) return err_set(e, "home %s: the process that owned it has ended", h->dir);
    return e ? err_add(e, "home %s", h->dir) : ERR_OK;
}

/* --- opening --- */

/* settle_dir: the folder is there, and its absolute name in h. */
static err settle_dir(home *h, const home_options *o)
{
    struct stat st;
    bool there = !stat(o->dir, &st);
    if (!there && (o->must_exist || o->mode == HOME_GUEST))
        return err_set(ERR_MISSING,
                       "home %s: no such folder; to make one: tidemill server --home %s", o->dir,
                       o->dir);
    if (there && !S_ISDIR(st.st_mode)) return err_set(ERR_INVALID, "home %s: not a folder", o->dir);
    if (!there) {
        TRY(dir_make(o->dir));
        if (chmod(o->dir, 0700)) return err_sys(ERR_IO, "home %s: chmod", o->dir);
    }
    char *real = realpath(o->dir, NULL);
    if (!real) return err_sys(ERR_IO, "home %s", o->dir);
    h->dir = str_c(h->a, str_of(real));
    free(real);
    h->lock_path = path_join(h->a, h->dir, "lock");
    h->socket_path = path_join(h->a, h->dir, "tidemill.sock");
    return ERR_OK;
}

err home_open(const home_options *o, home **ret)
{
    assert(o && o->dir && ret && (o->migrations || !o->n_migrations));
    home *h = mem_new(1, sizeof *h);
    *h = (home){.a = arena_new(0), .lock_fd = -1};
    pthread_mutex_init(&h->lock, NULL);
    err e = settle_dir(h, o);
    if (!e && o->mode == HOME_OWN) e = own_alone(h, o);
    if (!e && o->mode == HOME_ANY) e = own_or_visit(h, o);
    if (!e && o->mode == HOME_GUEST) e = be_guest(h, o->token);
    if (e) {
        home_free(h);
        return e;
    }
    *ret = h;
    return ERR_OK;
}

void home_free(home *h)
{
    if (!h) return;
    door_free(h->door);
    db_free(h->d);
    blobs_free(h->b);
    if (h->lock_fd >= 0) {
        if (ftruncate(h->lock_fd, 0))
            errno = 0; /* its text is a courtesy; the lock is what counts */
        close(h->lock_fd);
    }
    pthread_mutex_destroy(&h->lock);
    arena_free(h->a);
    mem_free(h);
}

/* --- what is known about it --- */

db *home_db(home *h)
{
    assert(h);
    return h->d;
}

blobs *home_blobs(home *h)
{
    assert(h);
    return h->b;
}

const char *home_dir(const home *h)
{
    assert(h);
    return h->dir;
}

bool home_is_owner(const home *h)
{
    assert(h);
    return h->owner;
}

int64_t home_epoch(const home *h)
{
    assert(h);
    return h->epoch;
}

err home_set_url(home *h, const char *url)
{
    assert(h && h->owner && url && *url);
    if (strlen(url) > URL_MAX)
        return err_set(ERR_LIMIT, "home: url of more than %d bytes", URL_MAX);
    AUTO(arena) a = arena_new(0);
    str text = lock_text(a, url);
    err e = ERR_OK;
    pthread_mutex_lock(&h->lock);
    /* In place, since the lock is on this very file. The new text ends before the old one is cut:
     * readers try again. */
    if (pwrite(h->lock_fd, text.p, text.n, 0) != (ssize_t)text.n ||
        ftruncate(h->lock_fd, (off_t)text.n))
        e = err_sys(ERR_IO, "home %s: cannot write %s", h->dir, h->lock_path);
    else
        h->has_url = true;
    pthread_mutex_unlock(&h->lock);
    return e;
}

static err no_server(const home *h)
{
    return err_set(ERR_MISSING, "no server runs on home %s; start one: tidemill server --home %s",
                   h->dir, h->dir);
}

err home_url(home *h, arena *a, str *ret)
{
    assert(h && a && ret);
    pthread_mutex_lock(&h->lock);
    bool server = !h->owner || h->has_url;
    pthread_mutex_unlock(&h->lock);
    if (!server) return no_server(h);
    if (!h->owner) { /* the lock's text may be a dead owner's */
        AUTO(arena) probe = arena_new(0);
        db_rows r;
        if (db_rows_of(h->d, probe, "SELECT epoch FROM owner_epoch", DB_NO_ARGS, &r))
            return no_server(h);
    }
    err e = ERR_OK;
    owner_says says;
    for (int i = 0; i < TEXT_TRIES; i++) {
        str text;
        TRY(file_read(a, h->lock_path, LOCK_TEXT_MAX, &text));
        e = read_says(a, text, &says);
        if (!e) break;
        sleep_ms(1);
    }
    if (e) return err_add(e, "home %s", h->dir);
    if (!says.url.n) return no_server(h);
    *ret = str_dup(a, says.url);
    return ERR_OK;
}

/* --- tables --- */

enum { LEVELS = 3, LEVEL_MAX = 128 };

static bool level_ok(str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '_' && c != '-') return false;
    }
    return s.n >= 1 && s.n <= LEVEL_MAX;
}

err home_table_dir(const home *h, arena *a, str name, const char **ret)
{
    assert(h && a && ret);
    str level[LEVELS] = {STR("main"), STR("default")};
    str part[LEVELS] = {{0}}, rest = name;
    size_t n = 0;
    bool more = true, ok = true;
    while (more && n < LEVELS) {
        more = str_cut(rest, '.', &part[n], &rest);
        ok = ok && level_ok(part[n]);
        n++;
    }
    if (more || !ok)
        return err_set(
            ERR_INVALID,
            "table name \"%.*s\": want [[catalog.]schema.]table, each of 1..%d letters, digits, "
            "_ or -",
            (int)(name.n > 400 ? 400 : name.n), name.p, LEVEL_MAX);
    for (size_t i = 0; i < n; i++)
        level[LEVELS - n + i] = part[i];
    *ret = cstr_fmt(a, "%s/tables/%.*s/%.*s/%.*s", h->dir, STR_ARG(level[0]), STR_ARG(level[1]),
                    STR_ARG(level[2]));
    return ERR_OK;
}
