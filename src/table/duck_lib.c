/* The one table of DuckDB's functions, filled by dlopen. */
#include <assert.h>
#include <dlfcn.h>
#include <pthread.h>

#include "base/proc.h"
#include "table/duck_int.h"

#define LIBRARY "libduckdb.so"

/* Written once under the lock, read-only afterwards. It cannot hang on a context: DuckDB's threads
 * call our scalar functions with a handle that only the library's own functions can open. */
// NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables)
static pthread_mutex_t lib_lock = PTHREAD_MUTEX_INITIALIZER;
static duck_lib lib;
static bool lib_ready;
// NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables)

static err lib_missing(void)
{
    const char *self = proc_self();
    const char *slash = strrchr(self, '/');
    int n = slash ? (int)(slash - self) : 0;
    const char *why = dlerror();
    return err_set(
        ERR_MISSING,
        "table: " LIBRARY " cannot be loaded (%s); looked in %.*s/lib, %.*s/../lib, "
        "%.*s/../lib/tidemill and the system's library folders; install it in one of them",
        why ? why : "no reason given", n, self, n, self, n, self);
}

static err lib_fill(void *handle)
{
#define X(name)                                                                                    \
    {                                                                                              \
        void *f = dlsym(handle, "duckdb_" #name);                                                  \
        if (!f)                                                                                    \
            return err_set(ERR_MISSING, "table: " LIBRARY " has no duckdb_" #name                  \
                                        "; want version 1.4 or later");                            \
        memcpy(&lib.name, &f, sizeof f);                                                           \
    }
    DUCK_FUNCTIONS(X)
#undef X
    return ERR_OK;
}

static err lib_open(void)
{
    /* Never closed again: its threads and exit handlers may still run. */
    void *handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!handle) return lib_missing();
    return lib_fill(handle);
}

err duck_lib_get(const duck_lib **ret)
{
    assert(ret);
    pthread_mutex_lock(&lib_lock);
    err e = lib_ready ? ERR_OK : lib_open();
    if (!e) {
        lib_ready = true;
        *ret = &lib;
    }
    pthread_mutex_unlock(&lib_lock);
    return e;
}

void duck_handover(void)
{
    pthread_mutex_lock(&lib_lock);
    pthread_mutex_unlock(&lib_lock);
}

const char *duck_version(void)
{
    pthread_mutex_lock(&lib_lock);
    const char *version = lib_ready ? lib.library_version() : "";
    pthread_mutex_unlock(&lib_lock);
    return version;
}
