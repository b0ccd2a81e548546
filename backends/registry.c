#include "backends/backend.h"

const struct pb_executor *const pb_executors[] = {&pb_terraform, NULL};

const struct pb_observer *const pb_observers[] = {&pb_rest, &pb_provider, &pb_terraform_refresh,
                                                  NULL};
