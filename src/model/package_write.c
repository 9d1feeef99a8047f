#include <assert.h>
#include <math.h>

#include "base/clock.h"
#include "base/json.h"
#include "model/package.h"

/* What the files say about the Python side: the MLflow whose format this is, and an interpreter
 * that its LightGBM runs on. */
#define MLFLOW_VERSION "3.17.2"
#define PYTHON_VERSION "3.11"

enum { FILE_BYTES_MAX = 64 << 20, FILES_MAX = 7 };

/* The code point at s.p[*i], which moves behind it; what is no UTF-8 is U+FFFD. */
static uint32_t next_code(str s, size_t *i)
{
    unsigned char c = (unsigned char)s.p[(*i)++];
    if (c < 0x80) return c;
    int more = c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : c >= 0xC0 ? 1 : -1;
    uint32_t code = more < 0 ? 0xFFFD : c & (0x3FU >> more);
    for (; more > 0; more--) {
        if (*i >= s.n || ((unsigned char)s.p[*i] & 0xC0) != 0x80) return 0xFFFD;
        code = code << 6 | ((unsigned char)s.p[(*i)++] & 0x3F);
    }
    return code;
}

/* A YAML scalar that is a string whatever stands in it: 'single' quoted where that is enough, else
 * "double" with escapes. */
static void put_quoted(buf *b, str s)
{
    bool plain = true;
    for (size_t i = 0; i < s.n && plain; i++)
        plain = s.p[i] >= ' ' && s.p[i] <= '~' && s.p[i] != '\'';
    buf_putc(b, plain ? '\'' : '"');
    for (size_t i = 0; i < s.n;) {
        uint32_t c = next_code(s, &i);
        if (!plain && (c == '"' || c == '\\'))
            buf_fmt(b, "\\%c", (int)c);
        else if (c >= ' ' && c <= '~')
            buf_putc(b, (char)c);
        else
            buf_fmt(b, "\\U%08X", c);
    }
    buf_putc(b, plain ? '\'' : '"');
}

static void put_line(buf *b, const char *key, str value)
{
    buf_fmt(b, "%s: ", key);
    if (value.n)
        put_quoted(b, value);
    else
        buf_puts(b, STR("null"));
    buf_putc(b, '\n');
}

static void put_schema(buf *b, const char *key, const schema *s)
{
    buf json;
    buf_init(&json, FILE_BYTES_MAX);
    jw w;
    jw_init(&w, &json, false);
    schema_to_json(&w, s);
    b->over |= json.over;
    put_line(b, key, s->n ? buf_str(&json) : (str){0});
    buf_done(&json);
}

static void put_mlmodel(buf *b, const package *p, size_t rows, size_t size)
{
    char date[TIME_PRINT_MAX];
    civil t = civil_of_ms(p->created_ms);
    buf_puts(b, STR("flavors:\n  lightgbm:\n    code: null\n    data: model.lgb\n"));
    put_line(b, "    lgb_version", p->flavor_version);
    buf_puts(b, STR("    model_class: lightgbm.basic.Booster\n"
                    "  python_function:\n"
                    "    data: model.lgb\n"
                    "    env:\n"
                    "      conda: conda.yaml\n"
                    "      virtualenv: python_env.yaml\n"
                    "    loader_module: mlflow.lightgbm\n"
                    "    python_version: '" PYTHON_VERSION "'\n"
                    "is_signature_from_type_hint: false\n"
                    "mlflow_version: " MLFLOW_VERSION "\n"));
    put_line(b, "model_id", p->model_id);
    buf_fmt(b, "model_size_bytes: %zu\n", size);
    put_line(b, "model_uuid", p->uuid);
    buf_puts(b, STR("prompts: null\n"));
    if (p->run_id.n) put_line(b, "run_id", p->run_id);
    if (rows)
        buf_puts(b, STR("saved_input_example_info:\n"
                        "  artifact_path: input_example.json\n"
                        "  pandas_orient: split\n"
                        "  serving_input_path: serving_input_example.json\n"
                        "  type: dataframe\n"));
    if (p->sig.inputs.n || p->sig.outputs.n) {
        buf_puts(b, STR("signature:\n"));
        put_schema(b, "  inputs", &p->sig.inputs);
        put_schema(b, "  outputs", &p->sig.outputs);
        buf_puts(b, STR("  params: null\n"));
    }
    buf_fmt(b, "type_hint_from_example: false\nutc_time_created: '%s %02d:%02d:%02d.%03d000'\n",
            date_print(p->created_ms, date), t.hour, t.minute, t.second, t.ms);
}

static void put_cell(jw *w, field_type t, double v)
{
    if (!isfinite(v))
        jw_null(w);
    else if (t == FIELD_BOOLEAN)
        jw_bool(w, v != 0);
    else if (column_store_of(t) == STORE_I64 && fabs(v) < 0x1p62)
        jw_i64(w, (int64_t)v);
    else
        jw_f64(w, v);
}

static void put_example(jw *w, const schema *s, matrix x)
{
    jw_obj(w);
    jw_key(w, "columns");
    jw_arr(w);
    for (size_t c = 0; c < s->n; c++)
        jw_str(w, s->fields[c].name);
    jw_arr_end(w);
    jw_key(w, "data");
    jw_arr(w);
    for (size_t r = 0; r < x.rows; r++) {
        jw_arr(w);
        for (size_t c = 0; c < s->n; c++)
            put_cell(w, s->fields[c].type, x.v[r * x.stride + c]);
        jw_arr_end(w);
    }
    jw_arr_end(w);
    jw_obj_end(w);
}

static void put_serving_example(jw *w, const schema *s, matrix x)
{
    jw_obj(w);
    jw_key(w, "dataframe_split");
    put_example(w, s, x);
    jw_obj_end(w);
}

static err check_example(const schema *s, matrix x)
{
    if (x.rows && x.cols != s->n)
        return err_set(ERR_INVALID,
                       "model package: the input example has %zu columns, the "
                       "signature %zu",
                       x.cols, s->n);
    for (size_t c = 0; c < s->n && x.rows; c++) {
        if (!field_type_numeric(s->fields[c].type))
            return err_set(ERR_INVALID,
                           "model package: column \"%.*s\" of the input example is a %s, "
                           "want a number",
                           STR_ARG(s->fields[c].name), field_type_name(s->fields[c].type));
    }
    return ERR_OK;
}

/* The files that are being made. */
typedef struct folder {
    arena *a;
    package_file *files;
    size_t n, bytes;
    buf text; /* of the one that is written just now */
} folder;

static err close_file(folder *f, const char *path)
{
    TRY(buf_err(&f->text, path));
    assert(f->n < FILES_MAX);
    f->files[f->n++] = (package_file){str_of(path), str_dup(f->a, buf_str(&f->text))};
    f->bytes += f->text.n;
    buf_reset(&f->text);
    return ERR_OK;
}

static err write_environment(folder *f, const package *p)
{
    str v = p->flavor_version;
    buf_fmt(&f->text,
            "channels:\n- conda-forge\ndependencies:\n- python=" PYTHON_VERSION
            "\n- pip\n- pip:\n  - mlflow==" MLFLOW_VERSION
            "\n  - lightgbm==%.*s\nname: mlflow-env\n",
            STR_ARG(v));
    TRY(close_file(f, "conda.yaml"));
    buf_puts(&f->text,
             STR("python: '" PYTHON_VERSION "'\nbuild_dependencies:\n- pip\n- setuptools\n- wheel\n"
                 "dependencies:\n- -r requirements.txt\n"));
    TRY(close_file(f, "python_env.yaml"));
    buf_fmt(&f->text, "mlflow==" MLFLOW_VERSION "\nlightgbm==%.*s\n", STR_ARG(v));
    return close_file(f, "requirements.txt");
}

static err write_examples(folder *f, const package *p, matrix example)
{
    if (!example.rows) return ERR_OK;
    jw w;
    jw_init(&w, &f->text, false);
    put_example(&w, &p->sig.inputs, example);
    TRY(close_file(f, "input_example.json"));
    jw_init(&w, &f->text, true);
    put_serving_example(&w, &p->sig.inputs, example);
    return close_file(f, "serving_input_example.json");
}

static err write_folder(folder *f, const package *p, str model_bytes, matrix example)
{
    f->files[f->n++] = (package_file){STR("model.lgb"), str_dup(f->a, model_bytes)};
    f->bytes += model_bytes.n;
    TRY(write_environment(f, p));
    TRY(write_examples(f, p, example));
    put_mlmodel(&f->text, p, example.rows, f->bytes);
    return close_file(f, "MLmodel");
}

/* A version goes into requirements.txt as it is. */
static bool version_ok(str v)
{
    for (size_t i = 0; i < v.n; i++) {
        char c = v.p[i];
        bool word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '.' || c == '+';
        if (!word) return false;
    }
    return v.n > 0;
}

err package_write(arena *a, const package *p, str model_bytes, matrix example, package_file **ret,
                  size_t *ret_n)
{
    assert(a && p && ret && ret_n);
    if (!str_is(p->flavor, "lightgbm"))
        return err_set(ERR_INVALID,
                       "model package: flavor \"%.*s\" cannot be written, want lightgbm",
                       STR_ARG(p->flavor));
    if (!version_ok(p->flavor_version))
        return err_set(ERR_INVALID,
                       "model package: LightGBM version \"%.*s\", want for example 4.7.0",
                       STR_ARG(p->flavor_version));
    TRY(check_example(&p->sig.inputs, example));
    folder f = {.a = a, .files = arena_array(a, package_file, FILES_MAX)};
    buf_init(&f.text, FILE_BYTES_MAX);
    err e = write_folder(&f, p, model_bytes, example);
    buf_done(&f.text);
    if (e) return e;
    *ret = f.files;
    *ret_n = f.n;
    return ERR_OK;
}
