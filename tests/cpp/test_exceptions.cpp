// Exceptions in callbacks: caught before they reach the library, and rethrown from the call that ran the chains.
#include "expect.hpp"

#include <atomic>

namespace {

// Thrown by the tests alone, so that nothing else is mistaken for it.
struct Planted : std::runtime_error {
  using std::runtime_error::runtime_error;
};
// Nor need exceptions be of std's classes.
struct Strange {
  int number;
};

constexpr std::uint64_t bad_chain = 3;

enum class Place { none, log_density, constrain, initialize, worker, batch, reduce };

// Standard normals that throw in the given place.
struct Thrower {
  Place place;

  void at(Place here, std::uint64_t chain = bad_chain) const {
    if (here == place && chain == bad_chain) throw Planted("planted");
  }
  std::size_t dimension() const { return ::dimension; }
  std::vector<std::string> output_names() const { return {"x"}; }
  int make_worker() const {
    at(Place::worker);
    return 0;
  }
  double log_density(catena::Task &task, catena::Position x, catena::Values g) const {
    at(Place::log_density, task.chain_id());
    if (place == Place::reduce && task.chain_id() == bad_chain) {
      double sum = 0;
      task.reduce(10, 1, [&](std::size_t begin, std::size_t, catena::Values partial) {
        if (begin == 7) throw Planted("planted");
        partial[0] = 1;
      }, catena::Values(&sum, 1));
    }
    return normal(x, g);
  }
  void log_density_batch(catena::Position x, catena::Values values, catena::Values g, catena::View<int>) const {
    at(Place::batch);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = normal(x + i * ::dimension, g + i * ::dimension);
  }
  void constrain(catena::Task &task, catena::Position x, catena::Values out) const {
    at(Place::constrain, task.chain_id());
    out[0] = x[0];
  }
  void initialize(catena::Task &task, const catena::Given &given, catena::Values) const {
    given.scalar("x");
    at(Place::initialize, task.chain_id());
  }
};

catena::Io with_inits() {
  catena::Io io;
  io.inits = {catena::Init::variables({{"x", 1.0}})};
  return io;
}

void in_models() {
  const catena::Draws expected = catena::sample(catena::Model(Thrower{Place::none}), small()).take_draws();
  for (const Place place : {Place::log_density, Place::constrain, Place::reduce}) {
    std::printf("a model that throws in place %d: the other chains go on\n", static_cast<int>(place));
    const catena::Model model(Thrower{place});
    const Planted planted = THROWN(Planted, catena::sample(model, small()));
    CHECK_TEXT(planted.what(), "planted");

    catena::Run run(model, small());
    THROWN(Planted, run.wait());
    // It was rethrown; the run's own failure is left.
    const catena::Error error = THROWN(catena::Error, run.wait());
    CHECK_INT(error.status(), CATENA_CHAIN_FAILED);
    const catena::Result result = run.take();
    CHECK(!result.complete());
    for (std::size_t c = 0; c < chains; ++c) {
      const catena::ChainReport &chain = result.chains()[c];
      CHECK_INT(chain.id, c + 1);
      const std::size_t width = expected.columns().size(), size = samples * width;
      if (chain.id == bad_chain) {
        CHECK_INT(chain.status, CATENA_MODEL);
        CHECK_HAS(chain.error->what(), "planted");
        CHECK_INT(chain.error->chain().value(), bad_chain);
        CHECK_INT(result.rows(c), 0);
        CHECK(std::isnan(result.draws()(c, 0, 0)));
      } else {
        CHECK_INT(chain.status, CATENA_OK);
        CHECK_INT(result.rows(c), samples);
        CHECK_BITS(result.draws().values().data() + c * size, expected.values().data() + c * size, size);
      }
    }
    CHECK_HAS(result.summary().text().c_str(), "3 chains");
    REFUSED(run.take(), "run", "taken");
  }
  for (const Place place : {Place::initialize, Place::worker, Place::batch}) {
    std::printf("a model that throws in place %d\n", static_cast<int>(place));
    const catena::Model model(Thrower{place});
    catena::Options options = small();
    if (place == Place::batch) options.batch_size(2);
    THROWN(Planted, catena::sample(model, options, with_inits()));
  }
}

void outside_runs() {
  std::puts("a model that throws outside runs");
  const catena::Model inner(1, [](const double *, double *) -> double { throw Strange{5}; });
  CHECK_INT(THROWN(Strange, inner.log_density({0})).number, 5);
  // A model that evaluates another one and takes its exception.
  const catena::Model outer(1, [&](const double *x, double *g) -> double {
    g[0] = THROWN(Strange, inner.log_density({x[0]})).number;
    if (x[0] > 0) throw Planted("outer");
    return 2;
  });
  CHECK_BETWEEN(outer.log_density({-1}), 2, 2);
  CHECK_TEXT(THROWN(Planted, outer.log_density({1})).what(), "outer");
  const catena::Model rejects(1, [](const double *, double *) -> double { throw catena::Reject("no"); });
  CHECK(std::isnan(rejects.log_density({0})));
}

void rejections() {
  std::puts("rejected points");
  const catena::Model model(dimension, [](const double *x, double *g) {
    if (x[0] > 1) throw catena::Reject("beyond 1");
    return normal(x, g);
  });
  const catena::Model silent(dimension, [](const double *x, double *g) {
    return x[0] > 1 ? std::nan("") : normal(x, g);
  });
  const catena::Result result = catena::sample(model, small());
  CHECK(result.complete());
  for (const double x : result.draws().variable("x.1")) CHECK_BETWEEN(x, -10, 1);
  CHECK(result.summary().divergences().value() > 0);
  same(result.draws(), catena::sample(silent, small()).draws());
  const catena::Model never(1, [](const double *, double *) -> double { throw catena::Reject("nowhere"); });
  catena::Options one = small();
  const catena::Error error = THROWN(catena::Error, catena::sample(never, one.num_chains(1)));
  CHECK_INT(error.status(), CATENA_INITIALIZATION);
  CHECK_HAS(error.what(), "nowhere");
  CHECK_INT(error.chain().value(), 1);
  // The first piece in order decides, whichever comes first in time.
  const catena::Model pieces(1, [](catena::Task &task, const double *, double *) -> double {
    double sum = 0;
    task.reduce(8, 1, [](std::size_t begin, std::size_t, catena::Values) {
      if (begin == 2) throw catena::Reject("piece");
      if (begin == 5) throw Planted("later");
    }, catena::Values(&sum, 1));
    return sum;
  });
  CHECK(std::isnan(pieces.log_density({0})));
}

// A writer that throws in one of its functions.
struct BadWriter {
  int place;
  void at(int here) const {
    if (here == place) throw Planted("writer");
  }
  void names(const std::vector<std::string> &) const { at(0); }
  void row(catena::View<const double>) const { at(1); }
  void message(const std::string &) const { at(2); }
  void finish() const { at(3); }
};

void in_io() {
  const catena::Model model(dimension, normal);
  for (int place = 0; place < 4; ++place) {
    std::printf("a writer that throws in place %d\n", place);
    catena::Io io;
    for (std::size_t c = 0; c < chains; ++c) io.sample_writers.push_back(catena::Writer::to(BadWriter{c == 1 ? place : -1}));
    catena::Run run(model, small(), std::move(io));
    CHECK_TEXT(THROWN(Planted, run.wait()).what(), "writer");
    const catena::Result result = run.take();
    CHECK(result.draws().empty());
    for (std::size_t c = 0; c < chains; ++c) CHECK_INT(result.chains()[c].status, c == 1 ? CATENA_WRITER : CATENA_OK);
  }
  std::puts("an init context that throws");
  catena::Io inits;
  inits.inits = {catena::Init::lookup([](const std::string &) -> std::optional<catena::Array> { throw Strange{7}; })};
  CHECK_INT(THROWN(Strange, catena::sample(model, small(), std::move(inits))).number, 7);
  std::puts("an init context that gives too little");
  catena::Io few;
  few.inits = {catena::Init::lookup([](const std::string &) { return catena::Array({2}, {1.0}); })};
  const catena::Error error = THROWN(catena::Error, catena::sample(model, small(), std::move(few)));
  CHECK_HAS(error.what(), "expected 2 values, got 1");

  std::puts("a logger and an interrupt that throw end a run that would last");
  catena::Options endless = small();
  endless.num_samples(100000000).thin(1000000).refresh(10);
  catena::Io logged;
  std::atomic<int> lines{0};
  logged.logger = [&](catena_level, std::int64_t, const std::string &) {
    ++lines;
    throw Planted("logger");
  };
  CHECK_TEXT(THROWN(Planted, catena::sample(model, endless, std::move(logged))).what(), "logger");
  CHECK(lines > 0);
  catena::Io interrupted;
  interrupted.interrupt = []() -> bool { throw Planted("interrupt"); };
  CHECK_TEXT(THROWN(Planted, catena::sample(model, endless, std::move(interrupted))).what(), "interrupt");
}

void by_poll() {
  std::puts("poll rethrows while other chains run, once; destroying the run ends it");
  std::atomic<bool> open{false};
  const catena::Model model(dimension, [&](catena::Task &task, const double *x, double *g) {
    if (task.chain_id() == bad_chain) throw Planted(open ? "late" : "early");
    return normal(x, g);
  });
  // A thread for each chain, so that the bad one has its turn.
  catena::Options endless = small(chains);
  endless.num_samples(100000000).thin(1000000);
  catena::Run run(model, endless);
  bool caught = false;
  while (!caught) {
    try {
      CHECK(!run.poll(std::chrono::milliseconds(1)));
    } catch (const Planted &planted) {
      CHECK_TEXT(planted.what(), "early");
      caught = true;
    }
  }
  CHECK(!run.poll());
  CHECK_INT(run.progress(0).over, 0);
}

void two_runs() {
  std::puts("two runs at once over one model keep their exceptions apart");
  const catena::Model model(dimension, [](catena::Task &task, const double *x, double *g) {
    if (task.chain_id() > 4) throw Planted(std::to_string(task.chain_id()));
    return normal(x, g);
  });
  const catena::Pool pool(2);
  catena::Options good = small(), bad = small();
  good.pool(pool);
  bad.pool(pool).num_chains(1).init_chain_id(5);
  catena::Run first(model, good), second(model, bad), third(model, bad.init_chain_id(6));
  CHECK_TEXT(THROWN(Planted, third.wait()).what(), "6");
  CHECK_TEXT(THROWN(Planted, second.wait()).what(), "5");
  CHECK(first.wait().complete());
}

}  // namespace

int main() {
  in_models();
  outside_runs();
  rejections();
  in_io();
  by_poll();
  two_runs();
  return 0;
}
