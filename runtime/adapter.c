/* SPDX-License-Identifier: MIT */
/*
 * The list of runtimes.
 */
#include "adapter.h"

#include <stddef.h>

const struct adapter *const adapters[] = {&tokio_adapter, NULL};
