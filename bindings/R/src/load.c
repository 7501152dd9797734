/* What compiled models of other libraries find here. */
#define _GNU_SOURCE
#include "catena_r.h"
#include <dlfcn.h>

/* The library's functions for callbacks. Named here, or a linker that takes from an archive what is asked for would leave
 * them out. */
static const DL_FUNC for_models[] = {
    (DL_FUNC)catena_task_chain_id, (DL_FUNC)catena_task_bits,        (DL_FUNC)catena_task_uniform,
    (DL_FUNC)catena_task_normal,   (DL_FUNC)catena_task_exponential, (DL_FUNC)catena_task_message,
    (DL_FUNC)catena_task_log,      (DL_FUNC)catena_task_reduce,      (DL_FUNC)catena_init_shape,
    (DL_FUNC)catena_init_values};

/* R loads packages so that nobody else sees their symbols; libraries that are loaded from now on see those of this one that
 * exports.map (on a Mac exports.list) leaves. */
void offer_functions(void) {
  Dl_info own;
  if (!dladdr((const void *)for_models, &own)) return;
  void *handle = dlopen(own.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_GLOBAL);
  if (handle) dlclose(handle);
}
