#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "blob/blob.h"
#include "temp.h"
#include "test.h"

typedef struct fixture {
    arena *a;
    const char *dir;
    blobs *b;
} fixture;

static fixture set_up(void)
{
    fixture f = {.a = arena_new(0)};
    f.dir = temp_dir(f.a);
    ck_ok(blobs_open(path_join(f.a, f.dir, "blobs"), &f.b));
    return f;
}

static void tear_down(fixture *f)
{
    blobs_free(f->b);
    temp_gone(f->dir);
    arena_free(f->a);
}

static size_t temp_files(fixture *f)
{
    str *names;
    size_t n;
    ck_ok(dir_list(f->a, path_join(f->a, f->dir, "blobs/tmp"), 1000, &names, &n));
    return n;
}

static const char abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(bytes_come_back_by_their_digest)
{
    fixture f = set_up();
    blob_id id, none;
    str got;
    ck_ok(blob_put(f.b, STR("abc"), &id));
    ck_assert_str_eq(id.hex, abc);
    ck_assert(blob_exists(f.b, abc));
    ck_ok(blob_get(f.b, f.a, abc, 3, &got));
    ck_assert(str_is(got, "abc"));
    ck_assert(
        str_ends(str_of(blob_path(f.b, f.a, abc)), cstr_fmt(f.a, "/blobs/sha256/ba/%s", abc + 2)));
    ck_ok(blob_put(f.b, STR(""), &none));
    ck_ok(blob_get(f.b, f.a, none.hex, 0, &got));
    ck_assert_uint_eq(got.n, 0);
    ck_assert_uint_eq(temp_files(&f), 0);
    tear_down(&f);
}
END_TEST

TEST(the_same_bytes_are_stored_once)
{
    fixture f = set_up();
    blob_id id;
    struct stat before, after;
    ck_ok(blob_put(f.b, STR("abc"), &id));
    const char *path = blob_path(f.b, f.a, id.hex);
    ck_assert(!stat(path, &before));
    ck_ok(blob_put(f.b, STR("abc"), &id));
    blob_writer *w;
    ck_ok(blob_writer_open(f.b, 10, &w));
    ck_ok(blob_writer_put(w, "ab", 2));
    ck_ok(blob_writer_put(w, NULL, 0));
    ck_ok(blob_writer_put(w, "c", 1));
    ck_ok(blob_writer_close(w, &id));
    blob_writer_free(w);
    ck_assert_str_eq(id.hex, abc);
    ck_assert(!stat(path, &after));
    ck_assert_uint_eq(before.st_ino, after.st_ino);
    ck_assert_uint_eq(temp_files(&f), 0);
    tear_down(&f);
}
END_TEST

TEST(what_is_not_there_or_no_id_is_said)
{
    fixture f = set_up();
    str got = STR("untouched");
    ck_err(blob_get(f.b, f.a, abc, 10, &got), ERR_MISSING);
    ck_assert_ptr_nonnull(strstr(err_message(), abc));
    const char *const bad[] = {"", "abc", "../../../../etc/passwd",
                               "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD",
                               "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad0"};
    for (size_t i = 0; i < countof(bad); i++) {
        ck_err(blob_get(f.b, f.a, bad[i], 10, &got), ERR_INVALID);
        ck_assert(!blob_exists(f.b, bad[i]));
    }
    ck_assert(str_is(got, "untouched"));
    tear_down(&f);
}
END_TEST

TEST(a_damaged_blob_is_refused_naming_its_file)
{
    fixture f = set_up();
    blob_id id;
    str got = STR("untouched");
    ck_ok(blob_put(f.b, STR("abc"), &id));
    const char *path = blob_path(f.b, f.a, id.hex);
    ck_ok(file_write_atomic(path, STR("abd")));
    ck_err(blob_get(f.b, f.a, id.hex, 10, &got), ERR_IO);
    ck_assert_ptr_nonnull(strstr(err_message(), cstr_fmt(f.a, "blob %s: damaged: ", id.hex)));
    ck_assert_ptr_nonnull(strstr(err_message(), path));
    ck_ok(file_write_atomic(path, STR("ab"))); /* cut short */
    ck_err(blob_get(f.b, f.a, id.hex, 10, &got), ERR_IO);
    ck_assert(str_is(got, "untouched"));
    ck_ok(blob_put(f.b, STR("abc"), &id)); /* the wrong size is put right */
    ck_ok(blob_get(f.b, f.a, id.hex, 10, &got));
    ck_assert(str_is(got, "abc"));
    tear_down(&f);
}
END_TEST

TEST(limits_are_kept)
{
    fixture f = set_up();
    blob_id id;
    str got;
    blob_writer *w;
    ck_ok(blob_put(f.b, STR("abc"), &id));
    ck_err(blob_get(f.b, f.a, id.hex, 2, &got), ERR_LIMIT);
    ck_ok(blob_writer_open(f.b, 3, &w));
    ck_ok(blob_writer_put(w, "xyz", 3));
    ck_err(blob_writer_put(w, "!", 1), ERR_LIMIT);
    blob_writer_free(w);
    ck_ok(blob_writer_open(f.b, 3, &w));
    ck_ok(blob_writer_put(w, "xyz", 3));
    blob_writer_free(w); /* dropped */
    ck_assert_uint_eq(temp_files(&f), 0);
    tear_down(&f);
}
END_TEST

TEST(a_full_disk_leaves_nothing)
{
    fixture f = set_up();
    blob_id id = {{0}};
    const char *const sites[] = {"blob_put:1", "file_write:1", "file_sync:1", "file_sync:2",
                                 "file_rename:1"};
    for (size_t i = 0; i < countof(sites); i++) {
        fault_arm(sites[i]);
        ck_err(blob_put(f.b, STR("abc"), &id), ERR_IO);
        fault_arm(NULL);
        ck_assert_uint_eq(temp_files(&f), 0);
        ck_assert_str_eq(id.hex, "");
    }
    ck_ok(blob_put(f.b, STR("abc"), &id));
    tear_down(&f);
}
END_TEST

static void *put_many(void *arg)
{
    fixture *f = arg;
    for (int i = 0; i < 40; i++) {
        AUTO(arena) a = arena_new(0);
        blob_id id;
        str bytes = str_fmt(a, "blob %d", i), got;
        ck_ok(blob_put(f->b, bytes, &id));
        ck_ok(blob_get(f->b, a, id.hex, 100, &got));
        ck_assert(str_eq(got, bytes));
    }
    return NULL;
}

TEST(threads_may_put_the_same_bytes_at_once)
{
    fixture f = set_up();
    pthread_t t[4];
    for (size_t i = 0; i < countof(t); i++)
        ck_assert(!pthread_create(&t[i], NULL, put_many, &f));
    for (size_t i = 0; i < countof(t); i++)
        pthread_join(t[i], NULL);
    ck_assert_uint_eq(temp_files(&f), 0);
    tear_down(&f);
}
END_TEST

TEST(a_killed_writer_leaves_at_worst_a_temp_file)
{
    fixture f = set_up();
    const char *const sites[] = {"blob_put:1:kill", "file_write:1:kill", "file_sync:1:kill",
                                 "file_rename:1:kill"};
    for (size_t i = 0; i < countof(sites); i++) {
        pid_t pid = fork();
        if (!pid) {
            blob_id id;
            fault_arm(sites[i]);
            _exit(blob_put(f.b, STR("abc"), &id) == ERR_OK);
        }
        int status;
        waitpid(pid, &status, 0);
        ck_assert(WIFSIGNALED(status));
        ck_assert(!blob_exists(f.b, abc));
    }
    blob_id id;
    ck_ok(blob_put(f.b, STR("abc"), &id));
    tear_down(&f);
}
END_TEST

TESTS("blob", bytes_come_back_by_their_digest, the_same_bytes_are_stored_once,
      what_is_not_there_or_no_id_is_said, a_damaged_blob_is_refused_naming_its_file,
      limits_are_kept, a_full_disk_leaves_nothing, threads_may_put_the_same_bytes_at_once,
      a_killed_writer_leaves_at_worst_a_temp_file)
