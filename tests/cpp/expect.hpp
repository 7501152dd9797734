// Expectations of the C++ tests beside those of check.h, and the models they share.
#ifndef CATENA_TEST_EXPECT_HPP
#define CATENA_TEST_EXPECT_HPP

#include "check.h"

#include <catena.hpp>

#include <cmath>
#include <cstdio>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

// Calls `function`, which must throw an E, and returns a copy of it.
template <class E, class F>
E thrown(F &&function, const char *file, int line, const char *what) {
  try {
    function();
  } catch (const E &exception) {
    return exception;
  } catch (const std::exception &exception) {
    std::fprintf(stderr, "another exception: %s\n", exception.what());
    check_failed(file, line, what);
  }
  check_failed(file, line, what);
  std::abort();
}

// The call must throw an exception of the class, which is the value.
#define THROWN(type, call) thrown<type>([&] { static_cast<void>(call); }, __FILE__, __LINE__, #call " throws " #type)

// The call must throw an Error of CATENA_INVALID_ARGUMENT about the argument, with the word in its message.
#define REFUSED(call, name, word) \
  do { \
    const catena::Error refused_ = THROWN(catena::Error, call); \
    CHECK_INT(refused_.status(), CATENA_INVALID_ARGUMENT); \
    CHECK_TEXT(refused_.argument().c_str(), name); \
    CHECK_HAS(refused_.what(), "expected"); \
    CHECK_HAS(refused_.what(), word); \
  } while (0)

constexpr std::size_t chains = 4, warmup = 100, samples = 50, dimension = 2;

inline catena::Options small(std::size_t threads = 2) {
  catena::Options options;
  options.num_chains(chains).num_warmup(warmup).num_samples(samples).num_threads(threads).seed(11);
  return options;
}

// Standard normals.
inline double normal(const double *x, double *gradient) {
  double sum = 0;
  for (std::size_t i = 0; i < dimension; ++i) {
    gradient[i] = -x[i];
    sum -= 0.5 * x[i] * x[i];
  }
  return sum;
}

// Both draws have the same bits.
inline void same(const catena::Draws &a, const catena::Draws &b) {
  CHECK(!a.empty());
  CHECK_INT(a.values().size(), b.values().size());
  CHECK_BITS(a.values().data(), b.values().data(), a.values().size());
}

#endif
