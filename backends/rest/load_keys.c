/* The tables of keys: the parser, the checks and schemas/pack.schema.json agree with them. */
#include "backends/rest/load.h"

#define S   PB_K_STRING
#define N   PB_K_NUMBER
#define B   PB_K_BOOL
#define L   PB_K_LIST
#define M   PB_K_MAP
#define Z   PB_K_NULL
#define REQ PB_K_REQUIRED
#define ANY PB_K_ANY
#define KEYS(id, what_, ...)                                \
    static const struct pb_key id##_keys[] = {__VA_ARGS__}; \
    const struct pb_keys pb_keys_##id = {what_, id##_keys, PB_COUNT(id##_keys)}

KEYS(type, "type", {"type", S | REQ}, {"service", S | REQ}, {"reads", M | REQ},
     {"attributes", M | REQ}, {"about", S}, {"let", M}, {"arn", S}, {"not_mapped", M},
     {"left_to_provider", M}, {"tables", M});

/* What a request consists of stands in a step, or in its many, one and confirm. */
#define REQUEST                                                                              \
    {"service", S}, {"action", S}, {"method", S}, {"path", S}, {"query", M}, {"headers", M}, \
        {"form", M}, {"body", M | L}, {"batch", M}, {"item", S}, {"items", S}, {"match", M}, \
        {"then", S}, {"then_match", M}, {"take", S}, {"page", M | S}, {"root", S | L},       \
        {"lenient", B}, {"reply", S}, {"at_least", N}, {"has", L},                           \
    {                                                                                        \
        "keep_headers", L                                                                    \
    }

KEYS(way, "way", REQUEST);
KEYS(step, "step", REQUEST, {"identity", B}, {"optional", B}, {"sensitive", B},
     {"otherwise", S | Z}, {"many", M}, {"one", M}, {"confirm", M}, {"if", S | L | M | B},
     {"none_when", L}, {"not_found", L}, {"unlisted", S}, {"gone_when", S});
KEYS(page, "page", {"next", M}, {"more", S}, {"next_url", S}, {"number", S});
KEYS(batch, "batch", {"key", S | REQ}, {"into", S | REQ}, {"max", N | REQ});
KEYS(rule, "rule", {"value", ANY}, {"for", S | L}, {"block", S}, {"object", S}, {"as", S},
     {"fields", M}, {"where", S | L | M}, {"key", S}, {"first_of", L}, {"concat", L}, {"cases", L},
     {"group", ANY}, {"by", L}, {"like_recorded", B}, {"then", S}, {"sensitive", B},
     {"only_if_recorded", B}, {"unless_recorded", S});
KEYS(provider, "provider", {"sources", L | REQ}, {"auth", M}, {"settings", M},
     {"services", M | REQ}, {"tags", M}, {"canary", M}, {"tables", M}, {"about", S});
KEYS(service, "service", {"endpoint", S | M | REQ}, {"protocol", S | REQ}, {"signing", M},
     {"version", S | N}, {"target", S}, {"headers", M}, {"page", M}, {"fault", M}, {"not_found", L},
     {"throttle", L}, {"denied", L});
KEYS(signing, "signing", {"name", S}, {"region", S | M});
KEYS(fault, "fault", {"code", L | S | REQ}, {"message", L | S});
KEYS(tags, "tags", {"drop_prefixes", L}, {"defaults", S}, {"ignore_keys", S},
     {"ignore_prefixes", S});
KEYS(canary, "canary", REQUEST, {"account", S});
KEYS(setting, "setting", {"provider", S}, {"env", S}, {"default", S | N | B});

const struct pb_keys *const pb_all_keys[] = {
    &pb_keys_type,    &pb_keys_step,  &pb_keys_way,      &pb_keys_page,
    &pb_keys_batch,   &pb_keys_rule,  &pb_keys_provider, &pb_keys_service,
    &pb_keys_signing, &pb_keys_fault, &pb_keys_tags,     &pb_keys_canary,
    &pb_keys_setting, NULL,
};
