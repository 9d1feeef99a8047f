/* jobs/bundle, inside: a bundle's way from files to specs.
 *
 *   files --bundle_read--> one tree --bundle_substitute--> without ${…} --bundle_check--> as the
 * table says --bundle_make--> specs
 *                                                               \--bundle_snapshot--> JSON, which
 * bundle_from_snapshot reads back
 */
#ifndef TIDEMILL_JOBS_BUNDLE_INT_H
#define TIDEMILL_JOBS_BUNDLE_INT_H

#include "base/json.h"
#include "base/yaml.h"
#include "jobs/bundle.h"

/* --- the keys: one table says what is accepted, what it means, and what the JSON Schema says
 * (bundle_keys.c) */

typedef enum key_type {
    KEY_TEXT,   /* any scalar, as text, not empty */
    KEY_SCALAR, /* any scalar, may be empty */
    KEY_NAME,   /* letters, digits, _ . -; at most 128 */
    KEY_TABLE,  /* a table's name of one to three levels */
    KEY_MODEL,  /* a registered model's name */
    KEY_BOOL,
    KEY_INT,      /* min..max */
    KEY_NUMBER,   /* min..max, finite */
    KEY_DURATION, /* "24h" */
    KEY_SIZE,     /* "2GiB" */
    KEY_WORD,     /* one of words */
    KEY_REF,      /* the name of an entry of section */
    KEY_REFS,     /* a list of them */
    KEY_TEXTS,    /* a list of scalars */
    KEY_TEXT_MAP, /* name: scalar */
    KEY_LIST_MAP, /* name: scalar or list of scalars */
    KEY_OBJECT,   /* as `of` says */
    KEY_OBJECTS,  /* a list of them */
    KEY_SECTION,  /* name: one of them */
} key_type;

typedef struct key_table key_table;
typedef struct key_def {
    const char *name;
    key_type type;
    bool required;
    const key_table *of;      /* KEY_OBJECT, KEY_OBJECTS, KEY_SECTION */
    const char *const *words; /* KEY_WORD, NULL-terminated */
    const char *section;      /* KEY_REF, KEY_REFS */
    double min, max;          /* KEY_INT, KEY_NUMBER; both 0: any */
    const char *doc;
} key_def;

struct key_table {
    const char *what;          /* "source" */
    const char *const *one_of; /* exactly one of these keys must be there; NULL: no such rule */
    const key_def *keys;
    size_t n;
};

extern const key_table bundle_root_keys;
/* The keys of the root that only tidemill.yaml itself may have, and that the specs are not made of.
 */
bool bundle_key_is_frame(str key);

/* --- reading */

typedef struct bundle_files { /* what was read, before it is understood */
    const char *file, *dir;   /* as given; absolute */
    yaml *root;               /* tidemill.yaml and what it includes, merged */
} bundle_files;

MUST_CHECK err bundle_read(arena *a, const char *path, bundle_files *ret);

typedef struct bundle_scope {
    str name, target, mode;
    const bundle_var *vars; /* resolved: target's, then --var, then defaults */
    size_t n_vars;
} bundle_scope;

/* bundle_resolve chooses the target and gives every variable its value. */
MUST_CHECK err bundle_resolve(arena *a, const yaml *root, str target, const bundle_var *vars,
                              size_t n_vars, bundle_scope *ret);
/* bundle_substitute copies the tree without bundle, include, variables and targets, ${…} replaced
 * in every value. */
MUST_CHECK err bundle_substitute(arena *a, const yaml *root, const bundle_scope *s, yaml **ret);

/* bundle_check: y has the keys, types and references (to entries of root) that the table says. */
MUST_CHECK err bundle_check(arena *a, const yaml *root, const yaml *y, const key_table *t);

/* bundle_make fills b (whose name, target, dir and development are set) from a checked tree. */
MUST_CHECK err bundle_make(arena *a, const yaml *root, bundle *b);
MUST_CHECK err bundle_make_jobs(arena *a, const yaml *root, bundle *b);
MUST_CHECK err bundle_make_gate(const yaml *root, str name, gate_spec *ret);

/* bundle_tree_json writes a node as JSON. */
void bundle_tree_json(jw *w, const yaml *y);
/* bundle_snapshot fills b->snapshot from the checked tree. */
MUST_CHECK err bundle_snapshot(arena *a, const yaml *root, bundle *b);
enum { BUNDLE_SNAPSHOT_MAX = 8 << 20, BUNDLE_SNAPSHOT_FORMAT = 1 };

/* Getters of a checked tree: the fallback where the key is absent. */
str bundle_text(const yaml *y, const char *key, const char *fallback);
double bundle_number(const yaml *y, const char *key, double fallback);
bool bundle_bool(const yaml *y, const char *key, bool fallback);

#endif
