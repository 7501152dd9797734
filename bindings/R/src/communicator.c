/* The processes of an engine (MPI) that calls are spread over: its library is loaded when a call first asks for it, as the command
 * `catena` does, and serves all calls until R ends. */
#include "catena_r.h"
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#ifdef __APPLE__
#define MPI_LIBRARY "libcatena-mpi.dylib"
#else
#define MPI_LIBRARY "libcatena-mpi.so"
#endif

/* What the library of an engine exports, see catena_mpi.h. */
typedef int (*open_engine)(double time_out, catena_communicator *out, char *message, size_t message_size);

typedef struct {
  char *name;
  catena_communicator table;
  void (*release)(void *user);
} engine;

static engine *opened;

/* R calls it when it ends, for MPI wants to be finalized. */
static void close_engine(SEXP handle) {
  (void)handle;
  if (opened && opened->release) opened->release(opened->table.user);
  opened = NULL;
}

const catena_communicator *communicator_of(const char *name) {
  if (opened && strcmp(opened->name, name) == 0) return &opened->table;
  if (opened) Rf_errorcall(R_NilValue, "'communicator': expected '%s', which this session has opened, got '%s'", opened->name, name);
  SEXP wanted = Rf_GetOption1(Rf_install("catena.rank_timeout"));
  const double time_out = Rf_isNull(wanted) ? 60 : Rf_asReal(wanted);
  if (!(time_out > 0))
    Rf_errorcall(R_NilValue, "option 'catena.rank_timeout': expected seconds above 0, got %g", time_out);
  /* Some MPIs have plugins that don't name the library they need: they find it among the symbols of all. */
  void *library = dlopen(strcmp(name, "mpi") == 0 ? MPI_LIBRARY : name, RTLD_NOW | RTLD_GLOBAL);
  if (!library) Rf_errorcall(R_NilValue, "'communicator': the library of the engine cannot be loaded: %s", dlerror());
  open_engine open;
  *(void **)&open = dlsym(library, "catena_communicator_open");
  if (!open) Rf_errorcall(R_NilValue, "'communicator': the library '%s' is none of an engine", name);
  engine *made = allocate(1, sizeof *made);
  made->name = allocate(strlen(name) + 1, 1);
  memcpy(made->name, name, strlen(name));
  char message[1024] = "";
  const int code = open(time_out, &made->table, message, sizeof message);
  if (code) {
    free(made->name);
    free(made);
    Rf_errorcall(R_NilValue, "'communicator': the engine '%s' does not start (code %d): %s", name, code, message);
  }
  /* No single call ends it. */
  made->release = made->table.release;
  made->table.release = NULL;
  opened = made;
  SEXP handle = PROTECT(R_MakeExternalPtr(made, R_NilValue, R_NilValue));
  R_PreserveObject(handle);
  R_RegisterCFinalizerEx(handle, close_engine, TRUE);
  UNPROTECT(1);
  return &opened->table;
}
