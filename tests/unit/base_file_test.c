#include "base/file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "test.h"

/* Each test works in a folder of its own, which dir_remove_all takes away with the arena. */
static void remove_folder(void *p)
{
    ck_ok(dir_remove_all(p));
}

static const char *folder(arena *a)
{
    const char *tmp = getenv("TMPDIR");
    char *path = arena_alloc(a, 1, 200);
    snprintf(path, 200, "%s/tidemill_file_XXXXXX", tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(path));
    arena_on_free(a, remove_folder, path);
    return path;
}

static size_t names_in(arena *a, const char *dir)
{
    str *names;
    size_t n = 0;
    ck_ok(dir_list(a, dir, 1000, &names, &n));
    return n;
}

TEST(what_is_written_is_read_back)
{
    AUTO(arena) a = arena_new(0);
    const char *dir = folder(a), *path = path_join(a, dir, "x");
    str s = STR("old");
    ck_ok(file_write_atomic(path, STR("one")));
    ck_ok(file_write_atomic(path, STR("a\0b")));
    ck_ok(file_read(a, path, 3, &s));
    ck_assert_uint_eq(s.n, 3);
    ck_assert_mem_eq(s.p, "a\0b", 4); /* with its NUL behind */
    uint64_t size = 0;
    ck_ok(file_size(path, &size));
    ck_assert_uint_eq(size, 3);
    ck_assert(file_exists(path));
    ck_ok(file_sync(path));
    ck_assert_uint_eq(names_in(a, dir), 1);
}

TEST(an_empty_file_is_an_empty_text)
{
    AUTO(arena) a = arena_new(0);
    const char *path = path_join(a, folder(a), "x");
    str s = STR("old");
    ck_ok(file_write_atomic(path, STR("")));
    ck_ok(file_read(a, path, 0, &s));
    ck_assert_uint_eq(s.n, 0);
}

TEST(reading_over_the_limit_is_refused)
{
    AUTO(arena) a = arena_new(0);
    const char *path = path_join(a, folder(a), "x");
    str s = STR("old");
    ck_ok(file_write_atomic(path, STR("12345")));
    ck_err(file_read(a, path, 4, &s), ERR_LIMIT);
    ck_assert(str_is(s, "old"));
    ck_err(file_read(a, "/proc/self/status", 10, &s), ERR_LIMIT);
    ck_ok(file_read(a, "/proc/self/status", 1 << 20, &s));
    ck_assert(str_starts(s, "Name:"));
}

TEST(what_cannot_be_read_says_why)
{
    AUTO(arena) a = arena_new(0);
    const char *dir = folder(a);
    str s;
    uint64_t size;
    ck_err(file_read(a, path_join(a, dir, "none"), 10, &s), ERR_MISSING);
    ck_assert(str_ends(str_of(err_message()), "/none: cannot open: No such file or directory"));
    ck_err(file_read(a, dir, 10, &s), ERR_INVALID);
    ck_err(file_size(path_join(a, dir, "none"), &size), ERR_MISSING);
    ck_err(file_sync(path_join(a, dir, "none")), ERR_MISSING);
    ck_err(file_write_atomic(path_join(a, dir, "none/x"), STR("")), ERR_MISSING);
    ck_assert(!file_exists(path_join(a, dir, "none")));
}

TEST(of_two_that_publish_one_wins)
{
    AUTO(arena) a = arena_new(0);
    const char *dir = folder(a), *path = path_join(a, dir, "x");
    str s;
    ck_ok(file_publish_new(path, STR("first")));
    ck_err(file_publish_new(path, STR("second")), ERR_CONFLICT);
    ck_ok(file_read(a, path, 100, &s));
    ck_assert(str_is(s, "first"));
    ck_assert_uint_eq(names_in(a, dir), 1);
}

/* Each step of writing fails in turn: the old bytes stay, and no temporary file does. */
TEST(a_failed_write_leaves_the_old_file_and_nothing_else)
{
    static const char *const faults[] = {"file_write:1", "file_sync:1", "file_rename:1"};
    AUTO(arena) a = arena_new(0);
    const char *dir = folder(a), *path = path_join(a, dir, "x"), *other = path_join(a, dir, "y");
    str s;
    ck_ok(file_write_atomic(path, STR("old")));
    for (size_t i = 0; i < countof(faults); i++) {
        fault_arm(faults[i]);
        ck_err(file_write_atomic(path, STR("new")), ERR_IO);
        ck_assert_ptr_nonnull(strstr(err_message(), "No space left on device"));
        fault_arm(faults[i]);
        ck_err(file_publish_new(other, STR("new")), ERR_IO);
        fault_arm(NULL);
        ck_ok(file_read(a, path, 100, &s));
        ck_assert(str_is(s, "old"));
        ck_assert_uint_eq(names_in(a, dir), 1);
    }
    fault_arm("file_read:1");
    ck_err(file_read(a, path, 100, &s), ERR_IO);
    fault_arm(NULL);
    ck_assert_uint_eq(names_in(a, dir), 1);
}

TEST(a_kill_while_renaming_leaves_the_old_file)
{
    AUTO(arena) a = arena_new(0);
    const char *path = path_join(a, folder(a), "x");
    ck_ok(file_write_atomic(path, STR("old")));
    pid_t pid = fork();
    if (!pid) {
        fault_arm("file_rename:1:kill");
        err e = file_write_atomic(path, STR("new"));
        _exit(e ? 1 : 0);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    str s;
    ck_ok(file_read(a, path, 100, &s));
    ck_assert(str_is(s, "old"));
}

TEST(a_full_disk_is_an_error)
{
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_err(fd_write_all(fd, "x", 1), ERR_IO);
    ck_ok(fd_write_all(fd, NULL, 0));
    close(fd);
}

TEST(folders_are_made_with_their_parents)
{
    AUTO(arena) a = arena_new(0);
    const char *dir = folder(a), *deep = path_join(a, dir, "a/b//c/");
    ck_ok(dir_make(deep));
    ck_ok(dir_make(deep));
    ck_assert(file_exists(path_join(a, dir, "a/b/c")));
    ck_ok(dir_sync(deep));
    ck_ok(file_write_atomic(path_join(a, dir, "file"), STR("")));
    ck_assert_int_ne(dir_make(path_join(a, dir, "file")), ERR_OK);
    ck_assert_int_ne(dir_make(path_join(a, dir, "file/x")), ERR_OK);
    ck_assert_int_ne(dir_make(""), ERR_OK);
}

TEST(removing_goes_deep_but_not_through_links)
{
    AUTO(arena) a = arena_new(0);
    const char *dir = folder(a), *keep = path_join(a, dir, "keep"), *go = path_join(a, dir, "go");
    ck_ok(dir_make(keep));
    ck_ok(file_write_atomic(path_join(a, keep, "x"), STR("x")));
    ck_ok(dir_make(path_join(a, go, "1/2/3")));
    ck_ok(file_write_atomic(path_join(a, go, "1/2/y"), STR("y")));
    ck_assert_int_eq(symlink(keep, path_join(a, go, "1/link")), 0);
    ck_ok(dir_remove_all(go));
    ck_assert(!file_exists(go));
    ck_assert(file_exists(path_join(a, keep, "x")));
    ck_ok(dir_remove_all(go));
    ck_assert_int_eq(symlink(keep, go), 0);
    ck_assert_int_ne(dir_remove_all(go), ERR_OK); /* a link is no folder */
    ck_assert(file_exists(path_join(a, keep, "x")));
}

TEST(names_come_sorted_and_limited)
{
    AUTO(arena) a = arena_new(0);
    const char *dir = folder(a);
    static const char *const names[] = {"b", "a", "B", "ab", ".h"};
    for (size_t i = 0; i < countof(names); i++)
        ck_ok(file_write_atomic(path_join(a, dir, names[i]), STR("")));
    str *got;
    size_t n = 0;
    ck_ok(dir_list(a, dir, 5, &got, &n));
    ck_assert_uint_eq(n, 5);
    static const char *const want[] = {".h", "B", "a", "ab", "b"};
    for (size_t i = 0; i < n; i++)
        ck_assert(str_is(got[i], want[i]));
    ck_err(dir_list(a, dir, 4, &got, &n), ERR_LIMIT);
    ck_err(dir_list(a, path_join(a, dir, "none"), 4, &got, &n), ERR_MISSING);
    ck_assert_uint_eq(n, 5);
}

TEST(paths_join)
{
    AUTO(arena) a = arena_new(0);
    ck_assert_str_eq(path_join(a, "a", "b"), "a/b");
    ck_assert_str_eq(path_join(a, "a/", "b"), "a/b");
    ck_assert_str_eq(path_join(a, "a", "/b"), "/b");
    ck_assert_str_eq(path_join(a, "", "b"), "b");
    ck_assert_str_eq(path_join(a, "a", ""), "a");
    ck_assert_str_eq(path_join(a, "/", "b"), "/b");
}

TEST(what_escapes_is_not_inside)
{
    ck_assert(path_inside("/data", "/data/x"));
    ck_assert(path_inside("/data/", "/data//./x/../y"));
    ck_assert(path_inside("/", "/x"));
    ck_assert(path_inside("a/b", "a/b/c"));
    ck_assert(path_inside("../x", "../x/y"));
    ck_assert(path_inside(".", "x"));
    ck_assert(path_inside(".", "..x/y"));
    ck_assert(!path_inside("/data", "/data"));
    ck_assert(!path_inside("/data", "/data/x/.."));
    ck_assert(!path_inside("/data", "/data/../etc"));
    ck_assert(!path_inside("/data", "/datas/x"));
    ck_assert(!path_inside("/data", "data/x"));
    ck_assert(!path_inside("/data", "/data/x/../../etc/passwd"));
    ck_assert(!path_inside("a", "a/../../a/b"));
    ck_assert(!path_inside(".", "../x"));
    ck_assert(!path_inside(".", ".."));
    ck_assert(!path_inside(".", "/x"));
    ck_assert(!path_inside(".", ""));
    ck_assert(path_inside("/data", "/../../data/x"));
    char text[9000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    ck_assert(!path_inside(".", text)); /* longer than any path */
}

TEST(a_lock_is_held_once_and_says_by_whom)
{
    AUTO(arena) a = arena_new(0);
    const char *path = path_join(a, folder(a), "lock");
    int fd = -1, other = -1;
    str holder = STR("untouched");
    ck_ok(file_lock(a, path, STR("pid 12345678 since yesterday\n"), &fd, &holder));
    ck_assert(str_is(holder, "untouched"));
    ck_err(file_lock(a, path, STR("2\n"), &other, &holder), ERR_CONFLICT);
    ck_assert(str_is(holder, "pid 12345678 since yesterday\n"));
    ck_assert(str_ends(str_of(err_message()), "/lock: held by pid 12345678 since yesterday"));
    ck_assert_int_eq(other, -1);
    ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    close(fd);
    ck_ok(file_lock(a, path, STR("2\n"), &other, NULL));
    str s;
    ck_ok(file_read(a, path, 100, &s));
    ck_assert(str_is(s, "2\n")); /* nothing of the longer text stays */
    close(other);
    ck_err(file_lock(a, "/nowhere/at/all", STR("x"), &other, NULL), ERR_MISSING);
}

TESTS("base/file", what_is_written_is_read_back, an_empty_file_is_an_empty_text,
      reading_over_the_limit_is_refused, what_cannot_be_read_says_why, of_two_that_publish_one_wins,
      a_failed_write_leaves_the_old_file_and_nothing_else,
      a_kill_while_renaming_leaves_the_old_file, a_full_disk_is_an_error,
      folders_are_made_with_their_parents, removing_goes_deep_but_not_through_links,
      names_come_sorted_and_limited, paths_join, what_escapes_is_not_inside,
      a_lock_is_held_once_and_says_by_whom)
