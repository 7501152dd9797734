// What became of sets of particles step by step, and the page about it. Include <catena.hpp>.
//
// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef CATENA_COURSE_HPP
#define CATENA_COURSE_HPP

#include <catena/error.hpp>
#include <catena/filter.hpp>
#include <catena/population.hpp>
#include <catena/smc.hpp>
#include <catena/updater.hpp>

namespace catena {

// What became of independent sets of particles step by step, for a page for a browser. note() it after each step of an updater
// or a population, or once with what sample_smc() or particle_filter() found.
//
//   catena::Course course;
//   for (const Datum &d : data) updater.update(d.outcome, d.experiment), course.note(updater);
//   course.report("learning.html", "Learning", {0.68});
class Course {
 public:
  // Where the sets of an updater stand: effective sample sizes, evidence, mean and 95 % interval of each parameter. The models
  // are the particles of the page.
  Course &note(const Updater &updater) { return tell(CATENA_NOUN_DATUM, catena_course_note_updater, updater.handle()); }

  // Where the sets of a population stand: effective sample sizes, evidence, and, with the option `genealogy`, how many founders
  // their traces stem from.
  template <class T>
  Course &note(const Population<T> &population) {
    return tell(CATENA_NOUN_STEP, catena_course_note_population, population.handle());
  }

  // All times of a filter.
  Course &note(const Filter &filter) { return tell(CATENA_NOUN_TIME, catena_course_note_filter, filter.handle()); }

  // All stages of a run, and its particles, where it has them.
  Course &note(const SmcResult &found) {
    const Draws &draws = found.draws();
    catena_course *course = open(CATENA_NOUN_STAGE);
    std::vector<std::uint64_t> ids;
    for (const SmcSet &set : found.sets()) {
      ids.push_back(set.id);
      for (const SmcStage &stage : set.stages) {
        catena_course_step step{};
        step.struct_size = sizeof step;
        step.way = stage.way;
        step.size = draws.draws() > 0 ? static_cast<double>(draws.draws()) : std::numeric_limits<double>::quiet_NaN();
        step.ess = stage.ess;
        step.ancestors = stage.ancestors;
        step.log_evidence = stage.log_evidence;
        step.acceptance = stage.acceptance;
        step.stepsize = stage.stepsize;
        detail::check(catena_course_add, course, set.id, &step);
      }
    }
    if (draws.chains() == ids.size() && draws.draws() > 0) {
      const std::vector<std::size_t> rows(ids.size(), draws.draws());
      std::vector<const char *> names;
      for (const std::string &name : draws.columns()) names.push_back(name.c_str());
      detail::check(catena_course_particles, course, draws.values().data(), draws.values().size(), ids.data(), rows.data(),
                    ids.size(), names.size(), names.data());
    }
    return *this;
  }

  // Writes the page: the verdict in words; evidence, effective sample sizes, ancestors and, of an updater, the posterior over
  // the steps, with their errors across the sets; the particles. `truth`: the parameters' true values, where they are known.
  void report(const std::string &path, const std::string &title = "Sets of particles",
              const std::vector<double> &truth = {}) {
    catena_course_options options{};
    options.struct_size = sizeof options;
    options.title = title.c_str();
    options.truth = truth.empty() ? nullptr : truth.data();
    options.num_truth = truth.size();
    detail::check(catena_course_report, static_cast<const catena_course *>(open(CATENA_NOUN_STEP)), &options, path.c_str());
  }

 private:
  // The course, which the first note makes.
  catena_course *open(catena_noun noun) {
    if (!handle_) {
      catena_course *made = nullptr;
      detail::check(catena_course_new, static_cast<std::int32_t>(noun), &made);
      handle_.reset(made);
    }
    return handle_.get();
  }

  template <class Call, class From>
  Course &tell(catena_noun noun, Call call, const From *from) {
    detail::check(call, open(noun), from);
    return *this;
  }

  detail::Handle<catena_course, catena_course_free> handle_;
};

}  // namespace catena

#endif
