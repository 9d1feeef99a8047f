#include "registry/registry_int.h"

err check_text(const char *what, str text, size_t max)
{
    if (text.n > max)
        return err_set(ERR_INVALID, "'%s' exceeds the maximum length of %zu characters", what, max);
    if (text.n && (!str_utf8_ok(text) || memchr(text.p, 0, text.n)))
        return err_set(ERR_INVALID, "%s: not UTF-8 text", what);
    return ERR_OK;
}

err check_model_name(str name)
{
    if (!name.n) return err_set(ERR_INVALID, "Registered model name cannot be empty.");
    TRY(check_text("name", name, REGISTRY_NAME_MAX));
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        if (c != '/' && c != ':' && c >= 32 && c != 127) continue;
        return err_set(
            ERR_INVALID,
            "Invalid model name: '%.*s'. A registered model name cannot contain '/', ':' "
            "or control characters.",
            STR_ARG(name));
    }
    return ERR_OK;
}

static bool alias_byte_ok(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           c >= 0x80 || c == '_' || c == '-';
}

err check_alias(str alias)
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
    if (str_eq_nocase(alias, STR("latest")))
        return err_set(ERR_INVALID, "'latest' alias name (case insensitive) is reserved.");
    bool version = alias.n > 1 && (alias.p[0] == 'v' || alias.p[0] == 'V');
    for (size_t i = 1; version && i < alias.n; i++)
        version = alias.p[i] >= '0' && alias.p[i] <= '9';
    if (version)
        return err_set(ERR_INVALID, "Version alias name '%.*s' is reserved.", STR_ARG(alias));
    return ERR_OK;
}

err check_tag(str key, str value)
{
    if (!key.n)
        return err_set(ERR_INVALID, "Tag name cannot be empty. A key name must be provided.");
    TRY(check_text("key", key, REGISTRY_KEY_MAX));
    return check_text("value", value, REGISTRY_VALUE_MAX);
}
