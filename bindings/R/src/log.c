/* Log lines from any thread, handed to R between polls. */
#include "catena_r.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

typedef struct entry {
  struct entry *next;
  int level;
  double chain;
  char line[];
} entry;

struct log_queue {
  pthread_mutex_t lock;
  entry *first, **end;
  /* Taken by R but not yet freed: here, so that an R error in between loses nothing. */
  entry *taken;
};

static void drop(entry *e) {
  while (e) {
    entry *next = e->next;
    free(e);
    e = next;
  }
}

log_queue *log_new(void) {
  log_queue *q = calloc(1, sizeof *q);
  if (!q) return NULL;
  if (pthread_mutex_init(&q->lock, NULL)) {
    free(q);
    return NULL;
  }
  q->end = &q->first;
  return q;
}

void log_free(log_queue *q) {
  if (!q) return;
  drop(q->first);
  drop(q->taken);
  pthread_mutex_destroy(&q->lock);
  free(q);
}

/* Called from any thread. A line that finds no memory is lost. */
static void append(void *user, catena_level level, int64_t chain, const char *line) {
  log_queue *q = user;
  const size_t length = strlen(line) + 1;
  entry *e = malloc(sizeof *e + length);
  if (!e) return;
  e->next = NULL;
  e->level = (int)level;
  e->chain = (double)chain;
  memcpy(e->line, line, length);
  pthread_mutex_lock(&q->lock);
  *q->end = e;
  q->end = &e->next;
  pthread_mutex_unlock(&q->lock);
}

catena_logger log_table(log_queue *queue) {
  catena_logger table = {.struct_size = sizeof table, .user = queue, .log = append};
  return table;
}

SEXP log_take(log_queue *q) {
  static const char *const fields[] = {"level", "chain", "line"};
  R_xlen_t count = 0, i = 0;
  drop(q->taken);
  pthread_mutex_lock(&q->lock);
  q->taken = q->first;
  q->first = NULL;
  q->end = &q->first;
  pthread_mutex_unlock(&q->lock);
  for (const entry *e = q->taken; e; e = e->next) count++;
  SEXP list = PROTECT(named_list(fields, 3)), levels, chains, lines;
  SET_VECTOR_ELT(list, 0, levels = Rf_allocVector(INTSXP, count));
  SET_VECTOR_ELT(list, 1, chains = Rf_allocVector(REALSXP, count));
  SET_VECTOR_ELT(list, 2, lines = Rf_allocVector(STRSXP, count));
  for (const entry *e = q->taken; e; e = e->next, i++) {
    INTEGER(levels)[i] = e->level;
    REAL(chains)[i] = e->chain;
    SET_STRING_ELT(lines, i, utf8(e->line));
  }
  drop(q->taken);
  q->taken = NULL;
  UNPROTECT(1);
  return list;
}
