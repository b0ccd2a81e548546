/*
 * plan_config.h: the `configuration` member of a plan, indexed by resource. Part of plan.c.
 */
#ifndef PB_TERRAFORM_PLAN_CONFIG_H
#define PB_TERRAFORM_PLAN_CONFIG_H

#include "base/buf.h"
#include "base/map.h"
#include "model/value.h"

struct pb_tf_config {
    struct pb_map resources;          /* "net.subnets|aws_vpc.a" -> struct pb_value, the resource */
    const struct pb_value *providers; /* provider_config */
    bool has_data;
};

void pb_tf_config_init(struct pb_tf_config *c, const struct pb_value *configuration);
void pb_tf_config_release(struct pb_tf_config *c);

/* module.net["a"].module.subnets[0] -> net.subnets */
void pb_tf_module_calls(struct pb_buf *out, const char *module_address);

const struct pb_value *pb_tf_config_resource(const struct pb_tf_config *c, const char *module,
                                             const char *type, const char *name);

/* What Terraform calls expressions, as pb_declared.configured. */
struct pb_value pb_tf_configured(struct pb_arena *a, const struct pb_value *expressions);

/* A key of provider_config as the state writes it; false when the plan does not say. */
bool pb_tf_provider_key(struct pb_buf *out, const struct pb_tf_config *c, const char *key);

#endif
