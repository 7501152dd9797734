/* Expectations of the test programs: the first violated one is printed with file, line and values, and ends the program.
 * Works in C99 and C++17, with and without NDEBUG. */
#ifndef CATENA_TEST_CHECK_H
#define CATENA_TEST_CHECK_H

#include <catena.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void check_failed(const char *file, int line, const char *what) {
  fflush(stdout);
  fprintf(stderr, "%s:%d: violated: %s\n", file, line, what);
  exit(EXIT_FAILURE);
}

static inline void check_integers(long long got, long long expected, const char *file, int line, const char *what) {
  if (got == expected) return;
  fprintf(stderr, "%s:%d: got %lld, expected %lld\n", file, line, got, expected);
  check_failed(file, line, what);
}

static inline void check_numbers(double got, double low, double high, const char *file, int line, const char *what) {
  if (got >= low && got <= high) return;
  fprintf(stderr, "%s:%d: got %.17g, expected %.17g to %.17g\n", file, line, got, low, high);
  check_failed(file, line, what);
}

static inline void check_has(const char *text, const char *part, const char *file, int line, const char *what) {
  if (text && strstr(text, part)) return;
  fprintf(stderr, "%s:%d: got \"%s\", expected \"%s\" in it\n", file, line, text ? text : "(NULL)", part);
  check_failed(file, line, what);
}

static inline void check_texts(const char *got, const char *expected, const char *file, int line, const char *what) {
  if (got && strcmp(got, expected) == 0) return;
  fprintf(stderr, "%s:%d: got \"%s\", expected \"%s\"\n", file, line, got ? got : "(NULL)", expected);
  check_failed(file, line, what);
}

/* Equal as bits, so that NaN equals itself. */
static inline void check_bits(const double *a, const double *b, size_t n, const char *file, int line, const char *what) {
  size_t i;
  for (i = 0; i < n; ++i)
    if (memcmp(a + i, b + i, sizeof *a) != 0) {
      fprintf(stderr, "%s:%d: element %zu of %zu: %.17g and %.17g differ\n", file, line, i, n, a[i], b[i]);
      check_failed(file, line, what);
    }
}

/* The call must have succeeded; frees nothing, for there is no error then. */
static inline void check_ok(catena_status status, catena_error *error, const char *file, int line, const char *what) {
  if (status == CATENA_OK && !error) return;
  fprintf(stderr, "%s:%d: status %d, error \"%s\"\n", file, line, (int)status, catena_error_message(error));
  check_failed(file, line, what);
}

/* The call must have failed with `status`, about `argument` (NULL: any), with each of the two words in its message; the
 * error is freed. */
static inline void check_fails(catena_status got, catena_error **error, catena_status status, const char *argument,
                               const char *word, const char *word2, const char *file, int line, const char *what) {
  check_integers(got, status, file, line, what);
  if (!*error) check_failed(file, line, "an error object comes with a failure");
  check_integers(catena_error_code(*error), status, file, line, "the error's code is the status");
  if (argument) {
    check_texts(catena_error_argument(*error), argument, file, line, what);
    check_has(catena_error_message(*error), argument, file, line, what);
  }
  if (status == CATENA_INVALID_ARGUMENT) {
    check_has(catena_error_message(*error), "expected", file, line, what);
    check_has(catena_error_message(*error), "got", file, line, what);
  }
  check_has(catena_error_message(*error), word, file, line, what);
  check_has(catena_error_message(*error), word2, file, line, what);
  catena_error_free(*error);
  *error = NULL;
}

#define CHECK(condition) ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))
#define CHECK_INT(got, expected) \
  check_integers((long long)(got), (long long)(expected), __FILE__, __LINE__, #got " == " #expected)
#define CHECK_BETWEEN(got, low, high) check_numbers(got, low, high, __FILE__, __LINE__, #got)
#define CHECK_HAS(text, part) check_has(text, part, __FILE__, __LINE__, #text)
#define CHECK_TEXT(got, expected) check_texts(got, expected, __FILE__, __LINE__, #got)
#define CHECK_BITS(a, b, n) check_bits(a, b, n, __FILE__, __LINE__, #a " == " #b)
/* `call` takes &error, a catena_error * of the surrounding block that is NULL between calls. */
#define CHECK_OK(call) \
  do { \
    catena_status check_status_ = (call); \
    check_ok(check_status_, error, __FILE__, __LINE__, #call); \
  } while (0)
#define CHECK_FAILS(call, status, argument, word, word2) \
  do { \
    catena_status check_status_ = (call); \
    check_fails(check_status_, &error, status, argument, word, word2, __FILE__, __LINE__, #call); \
  } while (0)
#define CHECK_REFUSES(call, argument, got) CHECK_FAILS(call, CATENA_INVALID_ARGUMENT, argument, got, "expected")

#endif
