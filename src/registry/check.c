#include "registry/registry_int.h"

err check_text(const char *what, str text, size_t max)
{
    if (text.n > max)
        return err_set(ERR_INVALID, "'%s' exceeds the maximum length of %zu characters", what, max);
    if (text.n && (!str_utf8_ok(text) || memchr(text.p, 0, text.n)))
        return err_set(ERR_INVALID, "%s: not UTF-8 text", what);
    return ERR_OK;
}

/* What Python's posixpath.normpath leaves as it is, and neither climbs nor is absolute: MLflow's
 * file store makes file names of names. */
static bool is_plain_path(str name)
{
    str rest = name, level;
    if (str_eq(name, STR("."))) return false;
    while (rest.n) {
        bool more = str_cut(rest, '/', &level, &rest);
        if (!level.n || str_eq(level, STR(".")) || str_eq(level, STR(".."))) return false;
        if (more && !rest.n) return false;
    }
    return true;
}

static err not_plain_path(const char *param, str name)
{
    return err_set(ERR_INVALID,
                   "Invalid value \"%.*s\" for parameter '%s' supplied: Names may be treated as "
                   "files in certain cases, and must not resolve to other names when treated as "
                   "such.",
                   STR_ARG(name), param);
}

err check_model_name(str name)
{
    if (!str_trim(name).n)
        return err_set(ERR_INVALID, "Missing value for required parameter 'name'.");
    TRY(check_text("name", name, REGISTRY_NAME_MAX));
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        if (c == '/' || c == ':')
            return err_set(ERR_INVALID,
                           "Invalid model name '%.*s'. Names cannot contain '/' or ':'.",
                           STR_ARG(name));
        if (c < 32 || c == 127)
            return err_set(ERR_INVALID,
                           "Invalid model name '%.*s'. Names cannot contain control characters.",
                           STR_ARG(name));
    }
    return is_plain_path(name) ? ERR_OK : not_plain_path("name", name);
}

static bool alias_byte_ok(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           c >= 0x80 || c == '_' || c == '-';
}

err check_alias_text(str alias)
{
    if (!alias.n) return err_set(ERR_INVALID, "Registered model alias name cannot be empty.");
    TRY(check_text("Registered model alias name", alias, REGISTRY_ALIAS_MAX));
    for (size_t i = 0; i < alias.n; i++)
        if (!alias_byte_ok((unsigned char)alias.p[i]))
            return err_set(ERR_INVALID,
                           "Invalid alias name: '%.*s'. Names may only contain alphanumerics, "
                           "underscores (_), and "
                           "dashes (-).",
                           STR_ARG(alias));
    return ERR_OK;
}

err check_alias(str alias)
{
    TRY(check_alias_text(alias));
    if (str_eq_nocase(alias, STR("latest")))
        return err_set(ERR_INVALID, "'latest' alias name (case insensitive) is reserved.");
    bool version = alias.n > 1 && (alias.p[0] == 'v' || alias.p[0] == 'V');
    for (size_t i = 1; version && i < alias.n; i++)
        version = alias.p[i] >= '0' && alias.p[i] <= '9';
    if (version)
        return err_set(ERR_INVALID, "Version alias name '%.*s' is reserved.", STR_ARG(alias));
    return ERR_OK;
}

static bool key_byte_ok(unsigned char c)
{
    return alias_byte_ok(c) || c == '.' || c == ' ' || c == ':' || c == '/';
}

err check_tag(str key, str value)
{
    bool ok = key.n && str_utf8_ok(key);
    for (size_t i = 0; ok && i < key.n; i++)
        ok = key_byte_ok((unsigned char)key.p[i]);
    if (!ok)
        return err_set(
            ERR_INVALID,
            "Invalid value \"%.*s\" for parameter 'key' supplied: Names may only contain "
            "alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), "
            "colon(:) and slashes (/).",
            STR_ARG(key));
    if (!is_plain_path(key)) return not_plain_path("key", key);
    TRY(check_text("key", key, REGISTRY_KEY_MAX));
    return check_text("value", value, REGISTRY_VALUE_MAX);
}

err check_tag_list(const key_value *v, size_t n)
{
    if (n > REGISTRY_TAGS_MAX)
        return err_set(ERR_INVALID, "tags: %zu, at most %d", n, REGISTRY_TAGS_MAX);
    for (size_t i = 0; i < n; i++)
        TRY(check_tag(v[i].key, v[i].value));
    return ERR_OK;
}

bool tags_say_prompt(const key_value *v, size_t n)
{
    for (size_t i = n; i-- > 0;) /* of equal keys the last holds */
        if (str_is(v[i].key, "mlflow.prompt.is_prompt"))
            return str_eq_nocase(v[i].value, STR("true"));
    return false;
}
