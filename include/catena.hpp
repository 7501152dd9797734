// catena.hpp - many Markov chains in one process over one shared model, in C++17.
//
// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Everything lives in namespace catena and needs the standard library and libcatena alone. Conventions:
//
// - Model, Options, Pool, Writer, Checkpoint, Run, Result, Summary, Population and Updater own what they stand for: they can be
//   moved, not copied. Once moved from, only assigning and destroying them is sensible. A run keeps alive all it was given,
//   except what std::ref or a captured reference names.
// - What the library reports is thrown as an Error with status(), chain() and argument().
// - Callbacks may throw. Exceptions never reach the library: they stop the chain (Reject: refuse the point) and the first
//   one is rethrown from the call that ran the chains.
// - const members may be called by several threads at once, others by one at a time.
//
// A whole program: two independent standard normals, four chains, and a summary.
//
//   #include <catena.hpp>
//   #include <iostream>
//
//   int main() {
//     const catena::Model model(2, [](const double *x, double *gradient) {
//       gradient[0] = -x[0];
//       gradient[1] = -x[1];
//       return -0.5 * (x[0] * x[0] + x[1] * x[1]);
//     });
//     std::cout << catena::sample(model, catena::Options().seed(1)).summary().text();
//   }
#ifndef CATENA_HPP
#define CATENA_HPP

#include <catena/checkpoint.hpp>
#include <catena/course.hpp>
#include <catena/design.hpp>
#include <catena/draws.hpp>
#include <catena/error.hpp>
#include <catena/files.hpp>
#include <catena/filter.hpp>
#include <catena/gradient.hpp>
#include <catena/init.hpp>
#include <catena/io.hpp>
#include <catena/learn.hpp>
#include <catena/likelihood.hpp>
#include <catena/model.hpp>
#include <catena/options.hpp>
#include <catena/parts.hpp>
#include <catena/population.hpp>
#include <catena/prior.hpp>
#include <catena/quantities.hpp>
#include <catena/result.hpp>
#include <catena/rows.hpp>
#include <catena/run.hpp>
#include <catena/approximate.hpp>
#include <catena/optimize.hpp>
#include <catena/smc.hpp>
#include <catena/task.hpp>
#include <catena/traces.hpp>
#include <catena/updater.hpp>

#endif
