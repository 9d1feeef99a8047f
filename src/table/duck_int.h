/* table/duck_int: what the files of this room share about DuckDB; not for other rooms.
 *
 * The library is opened at run time, so its functions are reached through a table. The table is
 * filled once per process and never changes afterwards: DuckDB calls back (scalar functions) with
 * nothing of ours in the hand but what the table's own functions give. */
#ifndef TIDEMILL_TABLE_DUCK_INT_H
#define TIDEMILL_TABLE_DUCK_INT_H

#include <duckdb.h>

#include "table/duck.h"
#include "table/duck_copy_int.h"

#define DUCK_FUNCTIONS(X)                                                                          \
    X(open_ext)                                                                                    \
    X(close)                                                                                       \
    X(connect)                                                                                     \
    X(disconnect)                                                                                  \
    X(create_config)                                                                               \
    X(set_config)                                                                                  \
    X(destroy_config)                                                                              \
    X(library_version)                                                                             \
    X(free)                                                                                        \
    X(query)                                                                                       \
    X(destroy_result)                                                                              \
    X(result_error)                                                                                \
    X(column_count)                                                                                \
    X(column_name)                                                                                 \
    X(column_type)                                                                                 \
    X(column_logical_type)                                                                         \
    X(fetch_chunk)                                                                                 \
    X(prepare)                                                                                     \
    X(prepare_error)                                                                               \
    X(destroy_prepare)                                                                             \
    X(nparams)                                                                                     \
    X(prepared_statement_type)                                                                     \
    X(pending_prepared_streaming)                                                                  \
    X(pending_error)                                                                               \
    X(execute_pending)                                                                             \
    X(pending_execute_task)                                                                        \
    X(pending_prepared)                                                                            \
    X(destroy_pending)                                                                             \
    X(extract_statements)                                                                          \
    X(extract_statements_error)                                                                    \
    X(prepare_extracted_statement)                                                                 \
    X(destroy_extracted)                                                                           \
    X(create_data_chunk)                                                                           \
    X(destroy_data_chunk)                                                                          \
    X(data_chunk_reset)                                                                            \
    X(data_chunk_get_size)                                                                         \
    X(data_chunk_set_size)                                                                         \
    X(data_chunk_get_vector)                                                                       \
    X(data_chunk_get_column_count)                                                                 \
    X(vector_get_data)                                                                             \
    X(vector_get_validity)                                                                         \
    X(vector_ensure_validity_writable)                                                             \
    X(vector_assign_string_element_len)                                                            \
    X(vector_size)                                                                                 \
    X(list_vector_get_child)                                                                       \
    X(struct_vector_get_child)                                                                     \
    X(create_logical_type)                                                                         \
    X(destroy_logical_type)                                                                        \
    X(decimal_scale)                                                                               \
    X(decimal_internal_type)                                                                       \
    X(enum_internal_type)                                                                          \
    X(enum_dictionary_size)                                                                        \
    X(enum_dictionary_value)                                                                       \
    X(hugeint_to_double)                                                                           \
    X(uhugeint_to_double)                                                                          \
    X(create_scalar_function)                                                                      \
    X(destroy_scalar_function)                                                                     \
    X(scalar_function_set_name)                                                                    \
    X(scalar_function_add_parameter)                                                               \
    X(scalar_function_set_return_type)                                                             \
    X(scalar_function_set_special_handling)                                                        \
    X(scalar_function_set_extra_info)                                                              \
    X(scalar_function_get_extra_info)                                                              \
    X(scalar_function_set_function)                                                                \
    X(register_scalar_function)                                                                    \
    X(appender_create)                                                                             \
    X(append_data_chunk)                                                                           \
    X(appender_error)                                                                              \
    X(appender_close)                                                                              \
    X(appender_destroy)

typedef struct duck_lib {
#define X(name) __typeof__(duckdb_##name) *name;
    DUCK_FUNCTIONS(X)
#undef X
} duck_lib;

struct duck {
    const duck_lib *lib;
    duckdb_database db;
    duckdb_connection con;
    char **dirs; /* own copies, for duck_lock */
    size_t n_dirs;
};

/* duck_lib_get opens the library at the first call. ERR_MISSING, with the places where it was
 * looked for. Borrowed for the life of the process. Thread-safe. */
MUST_CHECK err duck_lib_get(const duck_lib **ret);

/* duck_handover orders what this thread did before it with what another does after it: all that
 * crosses between us and DuckDB's threads (a function's context, its answers) passes one. DuckDB
 * orders it too, but inside, where no tool of ours can see it. */
void duck_handover(void);

/* duck_err turns one of DuckDB's messages ("Parser Error: …") into an err of the fitting kind. */
MUST_CHECK err duck_err(const char *what, const char *message);

static inline str duck_string(const duckdb_string_t *s)
{
    uint32_t n = s->value.inlined.length;
    return (str){n <= 12 ? s->value.inlined.inlined : s->value.pointer.ptr, n};
}

static inline bool duck_valid(const uint64_t *mask, size_t row)
{
    return !mask || (mask[row / 64] >> (row % 64) & 1);
}

#endif
