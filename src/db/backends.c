#include "db/db_int.h"

static const db_backend *const backends[] = {&db_sqlite, &db_relay_client};

const db_backend *db_backend_find(str scheme)
{
    for (size_t i = 0; i < countof(backends); i++)
        if (str_is(scheme, backends[i]->scheme)) return backends[i];
    return NULL;
}
