/* Which tables we may read and write. What we do not know is refused by its name. Source: Delta
 * protocol, "Table Features", "Requirements for Readers", "Requirements for Writers". */
#include "table/delta_int.h"

enum { READER_MAX = 3, WRITER_MAX = 7 };

static bool listed(const char *const *names, size_t n, str word)
{
    for (size_t i = 0; i < n; i++)
        if (str_is(word, names[i])) return true;
    return false;
}

static str setting(const delta_log *l, const char *key)
{
    for (size_t i = 0; i < l->n_settings; i++)
        if (str_is(l->settings[i].key, key)) return l->settings[i].value;
    return (str){NULL, 0};
}

err delta_can_read(const delta_log *l)
{
    /* Features that change nothing for a reader of our kind: the type is known, or only clean-up is
     * concerned. */
    static const char *const known[] = {"timestampNtz", "vacuumProtocolCheck"};
    if (l->reader_version < 1 || l->reader_version > READER_MAX)
        return err_set(ERR_INVALID, "the table wants Delta reader version %lld, known are 1 to %d",
                       (long long)l->reader_version, READER_MAX);
    for (size_t i = 0; i < l->n_reader_features; i++)
        if (!listed(known, countof(known), l->reader_features[i]))
            return err_set(ERR_INVALID,
                           "the table uses reader feature \"%.*s\", which is not supported",
                           STR_ARG(l->reader_features[i]));
    str mode = setting(l, "delta.columnMapping.mode");
    if (mode.n && !str_is(mode, "none"))
        return err_set(
            ERR_INVALID,
            "the table uses feature \"columnMapping\" (mode %.*s), which is not supported",
            STR_ARG(mode));
    return ERR_OK;
}

static err can_write_settings(const delta_log *l, bool removes)
{
    if (str_is(setting(l, "delta.enableChangeDataFeed"), "true"))
        return err_set(
            ERR_INVALID,
            "the table has delta.enableChangeDataFeed, which is not supported for writing");
    if (removes && str_is(setting(l, "delta.appendOnly"), "true"))
        return err_set(ERR_INVALID,
                       "the table has delta.appendOnly = true and cannot be overwritten");
    for (size_t i = 0; i < l->n_settings; i++)
        if (str_starts(l->settings[i].key, "delta.constraints."))
            return err_set(
                ERR_INVALID,
                "the table has the check constraint %.*s, which is not supported for writing",
                STR_ARG(l->settings[i].key));
    return ERR_OK;
}

err delta_can_write(const delta_log *l, const delta_field *fields, size_t n, bool removes)
{
    /* The first four are obeyed or cost nothing; of the others the table must not make use, which
     * is checked below. */
    static const char *const known[] = {
        "appendOnly",       "timestampNtz",   "vacuumProtocolCheck", "invariants",
        "checkConstraints", "changeDataFeed", "generatedColumns",    "identityColumns",
    };
    if (l->writer_version < 1 || l->writer_version > WRITER_MAX)
        return err_set(ERR_INVALID, "the table wants Delta writer version %lld, known are 1 to %d",
                       (long long)l->writer_version, WRITER_MAX);
    for (size_t i = 0; i < l->n_writer_features; i++)
        if (!listed(known, countof(known), l->writer_features[i]))
            return err_set(ERR_INVALID,
                           "the table uses writer feature \"%.*s\", which is not supported",
                           STR_ARG(l->writer_features[i]));
    TRY(can_write_settings(l, removes));
    for (size_t i = 0; i < n; i++)
        if (fields[i].rule.n)
            return err_set(ERR_INVALID,
                           "column \"%.*s\" has the rule %.*s, which is not supported for writing",
                           STR_ARG(fields[i].name), STR_ARG(fields[i].rule));
    return ERR_OK;
}
