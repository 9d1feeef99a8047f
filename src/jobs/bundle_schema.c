#include "jobs/bundle_int.h"

static void write_table(jw *w, const key_table *t);

/* A value that may also come from a variable. */
static void or_variable(jw *w, const char *type, const key_def *k)
{
    jw_key(w, "anyOf");
    jw_arr(w);
    jw_obj(w);
    jw_kcstr(w, "type", type);
    if (k->min != 0 || k->max != 0) {
        jw_kf64(w, "minimum", k->min);
        jw_kf64(w, "maximum", k->max);
    }
    jw_obj_end(w);
    jw_obj(w);
    jw_kcstr(w, "type", "string");
    jw_kcstr(w, "pattern", "\\$\\{");
    jw_obj_end(w);
    jw_arr_end(w);
}

static void write_scalar(jw *w)
{
    jw_key(w, "type");
    jw_arr(w);
    jw_cstr(w, "string");
    jw_cstr(w, "number");
    jw_cstr(w, "boolean");
    jw_arr_end(w);
}

static void write_words(jw *w, const key_def *k)
{
    jw_key(w, "anyOf");
    jw_arr(w);
    jw_obj(w);
    jw_key(w, "enum");
    jw_arr(w);
    for (size_t i = 0; k->words[i]; i++)
        jw_cstr(w, k->words[i]);
    jw_arr_end(w);
    jw_obj_end(w);
    jw_obj(w);
    jw_kcstr(w, "type", "string");
    jw_kcstr(w, "pattern", "\\$\\{");
    jw_obj_end(w);
    jw_arr_end(w);
}

static void write_scalars(jw *w)
{
    jw_kcstr(w, "type", "array");
    jw_key(w, "items");
    jw_obj(w);
    write_scalar(w);
    jw_obj_end(w);
}

/* name: scalar, or name: scalar or list */
static void write_map(jw *w, bool lists)
{
    jw_kcstr(w, "type", "object");
    jw_key(w, "additionalProperties");
    jw_obj(w);
    if (!lists) {
        write_scalar(w);
    } else {
        jw_key(w, "anyOf");
        jw_arr(w);
        jw_obj(w);
        write_scalar(w);
        jw_obj_end(w);
        jw_obj(w);
        write_scalars(w);
        jw_ki64(w, "minItems", 1);
        jw_obj_end(w);
        jw_arr_end(w);
    }
    jw_obj_end(w);
}

static void write_objects(jw *w, const key_def *k)
{
    jw_kcstr(w, "type", "array");
    jw_ki64(w, "minItems", 1);
    jw_key(w, "items");
    jw_obj(w);
    write_table(w, k->of);
    jw_obj_end(w);
}

static void write_section(jw *w, const key_def *k)
{
    jw_kcstr(w, "type", "object");
    jw_key(w, "additionalProperties");
    jw_obj(w);
    write_table(w, k->of);
    jw_obj_end(w);
}

static void write_value(jw *w, const key_def *k)
{
    jw_kcstr(w, "description", k->doc);
    switch (k->type) {
    case KEY_TEXT:
    case KEY_SCALAR:
    case KEY_NAME:
    case KEY_TABLE:
    case KEY_MODEL:
    case KEY_REF:
    case KEY_DURATION:
    case KEY_SIZE:
        write_scalar(w);
        break;
    case KEY_BOOL:
        or_variable(w, "boolean", k);
        break;
    case KEY_INT:
        or_variable(w, "integer", k);
        break;
    case KEY_NUMBER:
        or_variable(w, "number", k);
        break;
    case KEY_WORD:
        write_words(w, k);
        break;
    case KEY_REFS:
    case KEY_TEXTS:
        write_scalars(w);
        break;
    case KEY_TEXT_MAP:
        write_map(w, false);
        break;
    case KEY_LIST_MAP:
        write_map(w, true);
        break;
    case KEY_OBJECT:
        write_table(w, k->of);
        break;
    case KEY_OBJECTS:
        write_objects(w, k);
        break;
    case KEY_SECTION:
        write_section(w, k);
        break;
    }
}

static void write_one_of(jw *w, const key_table *t)
{
    jw_key(w, "oneOf");
    jw_arr(w);
    for (size_t i = 0; t->one_of[i]; i++) {
        jw_obj(w);
        jw_key(w, "required");
        jw_arr(w);
        jw_cstr(w, t->one_of[i]);
        jw_arr_end(w);
        jw_obj_end(w);
    }
    jw_arr_end(w);
}

static void write_required(jw *w, const key_table *t)
{
    bool any = false;
    for (size_t i = 0; i < t->n; i++)
        any |= t->keys[i].required;
    if (!any) return;
    jw_key(w, "required");
    jw_arr(w);
    for (size_t i = 0; i < t->n; i++)
        if (t->keys[i].required) jw_cstr(w, t->keys[i].name);
    jw_arr_end(w);
}

static void write_table(jw *w, const key_table *t)
{
    jw_kcstr(w, "type", "object");
    jw_key(w, "properties");
    jw_obj(w);
    for (size_t i = 0; i < t->n; i++) {
        jw_key(w, t->keys[i].name);
        jw_obj(w);
        write_value(w, &t->keys[i]);
        jw_obj_end(w);
    }
    jw_obj_end(w);
    jw_kbool(w, "additionalProperties", false);
    if (t != &bundle_root_keys) write_required(w, t); /* an included file has a part of the root */
    if (t->one_of) write_one_of(w, t);
}

void bundle_schema(buf *out)
{
    jw w;
    jw_init(&w, out, true);
    jw_obj(&w);
    jw_kcstr(&w, "$schema", "https://json-schema.org/draft/2020-12/schema");
    jw_kcstr(&w, "title", "tidemill.yaml, and the files that it includes");
    write_table(&w, &bundle_root_keys);
    jw_obj_end(&w);
    buf_putc(out, '\n');
}
