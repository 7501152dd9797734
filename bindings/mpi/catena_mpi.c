/* The ranks of an MPI program as a catena_communicator: non-blocking collectives, asked until a time-out.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0 */
#define _POSIX_C_SOURCE 200809L
#include "catena_mpi.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What is under way has buffers of its own, for MPI may still write to them when the caller has given up. */
typedef struct {
  MPI_Comm comm;
  int rank, size;
  double time_out;
  /* An operation was given up: neither its buffers nor the communicator can be freed. */
  int lost;
  /* This engine initialised MPI. */
  int finalizes;
  char *send, *receive;
  size_t send_room, receive_room;
  int *send_counts, *send_starts, *receive_counts, *receive_starts;
} engine;

/* Most bytes that one operation of MPI moves on a rank, whose counts are ints; more go in several. */
static const size_t MOST = (size_t)1 << 28;
/* Seconds in which those who are there answer the roll. */
static const double ROLL = 1.0;
static const int ROLL_TAG = 1;
/* What an operation returns that had no memory. */
static const int NO_MEMORY = -1;
/* Codes of MPI come after those of the table. */
static const int MPI_CODES = 1000;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Waits a little, the longer the longer it has taken: quick answers are not slept through, and a process that waits long
 * leaves its core to others. */
static void pause_after(double waited) {
  if (waited < 20e-6) return;
  if (waited < 500e-6) {
    sched_yield();
    return;
  }
  struct timespec t = {0, waited < 10e-3 ? 20000 : 200000};
  nanosleep(&t, NULL);
}

static int failed(engine *e, int code) {
  e->lost = 1;
  return MPI_CODES + code;
}

static int wait_for(engine *e, MPI_Request *request) {
  double start = now();
  for (;;) {
    int done = 0, code = MPI_Test(request, &done, MPI_STATUS_IGNORE);
    if (code != MPI_SUCCESS) return failed(e, code);
    if (done) return CATENA_RANKS_DONE;
    double waited = now() - start;
    if (waited >= e->time_out) {
      e->lost = 1;
      return CATENA_RANKS_TIMED_OUT;
    }
    pause_after(waited);
  }
}

static int room(char **buffer, size_t *have, size_t need) {
  if (need <= *have) return 1;
  char *grown = realloc(*buffer, need);
  if (!grown) return 0;
  *buffer = grown;
  *have = need;
  return 1;
}

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/* What is left of `total` from byte `from` on, at most `most`. */
static size_t part(size_t total, size_t from, size_t most) { return total <= from ? 0 : smaller(total - from, most); }

/* counts[r] and starts[r] of the pieces that begin at byte `from` of each rank's; returns all of their bytes. */
static size_t lay_out(const engine *e, const size_t *bytes, size_t from, size_t most, int *counts, int *starts) {
  size_t sum = 0;
  for (int r = 0; r < e->size; ++r) {
    size_t piece = part(bytes[r], from, most);
    counts[r] = (int)piece;
    starts[r] = (int)sum;
    sum += piece;
  }
  return sum;
}

/* The pieces that have come, each to its place in `all`. */
static void put(const engine *e, char *all, const size_t *bytes, size_t from) {
  size_t start = 0;
  for (int r = 0; r < e->size; ++r) {
    if (e->receive_counts[r] > 0) memcpy(all + start + from, e->receive + e->receive_starts[r], (size_t)e->receive_counts[r]);
    start += bytes[r];
  }
}

static size_t longest(const engine *e, const size_t *bytes) {
  size_t most = 0;
  for (int r = 0; r < e->size; ++r)
    if (bytes[r] > most) most = bytes[r];
  return most;
}

static int allgatherv(void *user, const void *mine, const size_t *bytes, void *all) {
  engine *e = user;
  if (e->lost) return CATENA_RANKS_TIMED_OUT;
  size_t most = MOST / (size_t)e->size, end = longest(e, bytes);
  for (size_t from = 0; from < end; from += most) {
    size_t come = lay_out(e, bytes, from, most, e->receive_counts, e->receive_starts);
    size_t piece = part(bytes[e->rank], from, most);
    if (!room(&e->receive, &e->receive_room, come) || !room(&e->send, &e->send_room, piece)) return NO_MEMORY;
    if (piece > 0) memcpy(e->send, (const char *)mine + from, piece);
    MPI_Request request;
    int code = MPI_Iallgatherv(e->send, (int)piece, MPI_BYTE, e->receive, e->receive_counts, e->receive_starts, MPI_BYTE,
                               e->comm, &request);
    if (code != MPI_SUCCESS) return failed(e, code);
    if ((code = wait_for(e, &request))) return code;
    put(e, all, bytes, from);
  }
  return CATENA_RANKS_DONE;
}

static int allgather(void *user, const void *mine, size_t bytes, void *all) {
  engine *e = user;
  if (e->lost) return CATENA_RANKS_TIMED_OUT;
  size_t most = MOST / (size_t)e->size;
  for (size_t from = 0; from < bytes; from += most) {
    size_t piece = part(bytes, from, most);
    if (!room(&e->receive, &e->receive_room, piece * (size_t)e->size) || !room(&e->send, &e->send_room, piece))
      return NO_MEMORY;
    memcpy(e->send, (const char *)mine + from, piece);
    MPI_Request request;
    int code = MPI_Iallgather(e->send, (int)piece, MPI_BYTE, e->receive, (int)piece, MPI_BYTE, e->comm, &request);
    if (code != MPI_SUCCESS) return failed(e, code);
    if ((code = wait_for(e, &request))) return code;
    for (int r = 0; r < e->size; ++r) memcpy((char *)all + (size_t)r * bytes + from, e->receive + (size_t)r * piece, piece);
  }
  return CATENA_RANKS_DONE;
}

/* Pieces are counted alike on both ends of each pair; how many rounds all need, all must know. */
static int alltoallv(void *user, const void *send, const size_t *send_bytes, void *receive, const size_t *receive_bytes) {
  engine *e = user;
  if (e->lost) return CATENA_RANKS_TIMED_OUT;
  size_t most = MOST / (size_t)e->size, mine = longest(e, send_bytes), end = 0;
  size_t *ends = malloc((size_t)e->size * sizeof *ends);
  if (!ends) return NO_MEMORY;
  int code = allgather(e, &mine, sizeof mine, ends);
  if (code == CATENA_RANKS_DONE) end = longest(e, ends);
  free(ends);
  if (code) return code;
  for (size_t from = 0; from < end; from += most) {
    size_t go = lay_out(e, send_bytes, from, most, e->send_counts, e->send_starts);
    size_t come = lay_out(e, receive_bytes, from, most, e->receive_counts, e->receive_starts);
    if (!room(&e->receive, &e->receive_room, come) || !room(&e->send, &e->send_room, go)) return NO_MEMORY;
    const char *next = send;
    for (int r = 0; r < e->size; ++r) {
      if (e->send_counts[r] > 0) memcpy(e->send + e->send_starts[r], next + from, (size_t)e->send_counts[r]);
      next += send_bytes[r];
    }
    MPI_Request request;
    code = MPI_Ialltoallv(e->send, e->send_counts, e->send_starts, MPI_BYTE, e->receive, e->receive_counts,
                          e->receive_starts, MPI_BYTE, e->comm, &request);
    if (code != MPI_SUCCESS) return failed(e, code);
    if ((code = wait_for(e, &request))) return code;
    put(e, receive, receive_bytes, from);
  }
  return CATENA_RANKS_DONE;
}

static int broadcast(void *user, size_t root, void *data, size_t bytes) {
  engine *e = user;
  if (e->lost) return CATENA_RANKS_TIMED_OUT;
  for (size_t from = 0; from < bytes; from += MOST) {
    size_t piece = part(bytes, from, MOST);
    if (!room(&e->send, &e->send_room, piece)) return NO_MEMORY;
    memcpy(e->send, (char *)data + from, piece);
    MPI_Request request;
    int code = MPI_Ibcast(e->send, (int)piece, MPI_BYTE, (int)root, e->comm, &request);
    if (code != MPI_SUCCESS) return failed(e, code);
    if ((code = wait_for(e, &request))) return code;
    memcpy((char *)data + from, e->send, piece);
  }
  return CATENA_RANKS_DONE;
}

static int barrier(void *user) {
  engine *e = user;
  if (e->lost) return CATENA_RANKS_TIMED_OUT;
  MPI_Request request;
  int code = MPI_Ibarrier(e->comm, &request);
  return code == MPI_SUCCESS ? wait_for(e, &request) : failed(e, code);
}

/* Calls the roll: whoever is there has given up about now as well, and calls it too. What is under way with those who don't
 * answer is left behind. */
static size_t missing(void *user, size_t *ranks) {
  engine *e = user;
  size_t size = (size_t)e->size, count = 0;
  MPI_Request *answers = malloc(size * sizeof *answers);
  if (!answers) return 0;
  for (int r = 0; r < e->size; ++r) {
    MPI_Request call;
    answers[r] = MPI_REQUEST_NULL;
    if (r == e->rank) continue;
    if (MPI_Irecv(NULL, 0, MPI_BYTE, r, ROLL_TAG, e->comm, &answers[r]) != MPI_SUCCESS) continue;
    if (MPI_Isend(NULL, 0, MPI_BYTE, r, ROLL_TAG, e->comm, &call) == MPI_SUCCESS) MPI_Request_free(&call);
  }
  double start = now();
  for (;;) {
    count = 0;
    for (int r = 0; r < e->size; ++r) {
      int done = 1;
      if (answers[r] != MPI_REQUEST_NULL && MPI_Test(&answers[r], &done, MPI_STATUS_IGNORE) != MPI_SUCCESS) done = 0;
      if (!done) ranks[count++] = (size_t)r;
    }
    double waited = now() - start;
    if (count == 0 || waited >= ROLL) break;
    pause_after(waited);
  }
  free(answers);
  return count;
}

static void end(void *user, int status) {
  engine *e = user;
  MPI_Abort(e->comm, status);
}

static void discard(engine *e) {
  /* MPI may still write to the buffers of what was given up. */
  if (!e->lost) {
    MPI_Comm_free(&e->comm);
    free(e->send);
    free(e->receive);
    free(e->send_counts);
    if (e->finalizes) MPI_Finalize();
    free(e);
  }
}

static void release(void *user) { discard(user); }

int catena_mpi_new(MPI_Comm comm, double time_out, catena_communicator *out) {
  engine *e = calloc(1, sizeof *e);
  if (!e) return MPI_ERR_NO_MEM;
  int code = MPI_Comm_dup(comm, &e->comm);
  if (code == MPI_SUCCESS) code = MPI_Comm_set_errhandler(e->comm, MPI_ERRORS_RETURN);
  if (code == MPI_SUCCESS) code = MPI_Comm_rank(e->comm, &e->rank);
  if (code == MPI_SUCCESS) code = MPI_Comm_size(e->comm, &e->size);
  if (code == MPI_SUCCESS) {
    size_t size = (size_t)e->size;
    e->send_counts = malloc(4 * size * sizeof *e->send_counts);
    if (!e->send_counts) code = MPI_ERR_NO_MEM;
  }
  if (code != MPI_SUCCESS) {
    free(e);
    return code;
  }
  e->send_starts = e->send_counts + e->size;
  e->receive_counts = e->send_starts + e->size;
  e->receive_starts = e->receive_counts + e->size;
  e->time_out = time_out;
  memset(out, 0, sizeof *out);
  out->struct_size = sizeof *out;
  out->user = e;
  out->rank = (size_t)e->rank;
  out->size = (size_t)e->size;
  out->time_out = time_out;
  out->allgatherv = allgatherv;
  out->alltoallv = alltoallv;
  out->allgather = allgather;
  out->broadcast = broadcast;
  /* MPI leaves the order of its sums open; Catena adds what allgather brings in the order of the ranks. */
  out->allreduce = NULL;
  out->barrier = barrier;
  out->missing = missing;
  out->abort = end;
  return MPI_SUCCESS;
}

void catena_mpi_free(catena_communicator *communicator) {
  if (!communicator || !communicator->user) return;
  discard(communicator->user);
  memset(communicator, 0, sizeof *communicator);
}

int catena_communicator_open(double time_out, catena_communicator *out, char *message, size_t message_size) {
  int initialized = 0, given = 0, code = MPI_Initialized(&initialized);
  if (code == MPI_SUCCESS && !initialized) code = MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &given);
  if (code == MPI_SUCCESS) code = catena_mpi_new(MPI_COMM_WORLD, time_out, out);
  if (code != MPI_SUCCESS) {
    char words[MPI_MAX_ERROR_STRING] = "";
    int length = 0;
    MPI_Error_string(code, words, &length);
    snprintf(message, message_size, "MPI cannot be started: %s", words);
    return code;
  }
  ((engine *)out->user)->finalizes = !initialized;
  out->release = release;
  return 0;
}
