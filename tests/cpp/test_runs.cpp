// Runs as objects: watched, cancelled, interrupted and gone on with; writers and initial values; who keeps what alive.
#include "expect.hpp"

#include <fstream>
#include <sstream>
#include <thread>

namespace {

const std::vector<std::string> &named() {
  static const std::vector<std::string> names{"a", "b"};
  return names;
}

catena::Draws reference() { return catena::sample({dimension, normal}, small()).take_draws(); }

void watched() {
  std::puts("two runs on one pool, watched and waited for; they outlive what they were made from");
  std::vector<catena::Run> runs;
  {
    const catena::Model model(dimension, normal);
    const catena::Pool pool(2);
    CHECK_INT(pool.threads(), 2);
    catena::Options options = small();
    options.pool(pool);
    for (int i = 0; i < 2; ++i) runs.emplace_back(model, options);
  }
  while (!runs[0].poll(std::chrono::milliseconds(1))) {
  }
  CHECK_INT(runs[0].num_chains(), chains);
  for (std::size_t c = 0; c < chains; ++c) {
    const catena::Progress progress = runs[0].progress(c);
    CHECK_INT(progress.chain_id, c + 1);
    CHECK_INT(progress.iteration, warmup + samples);
    CHECK_INT(progress.over, 1);
  }
  REFUSED(runs[0].progress(chains), "chain", "got 4");
  REFUSED(runs[0].poll(std::chrono::seconds(-1)), "timeout", "got -1");
  for (catena::Run &run : runs) {
    catena::Result result = run.wait();
    REFUSED(run.wait(), "run", "taken");
    same(result.draws(), reference());
    for (const catena::ChainReport &chain : result.chains()) {
      CHECK_INT(chain.rows, samples);
      CHECK_INT(chain.inv_metric.size(), dimension * dimension);
      CHECK_BETWEEN(chain.stepsize, 0.1, 2);
      CHECK_BETWEEN(chain.inv_metric[0], 0.1, 10);
      CHECK(chain.sampling_gradients >= samples);
      CHECK(chain.warmup_gradients >= warmup);
      CHECK(chain.warmup_seconds >= 0 && chain.sampling_seconds >= 0);
    }
  }
}

void stopped() {
  std::puts("cancelled and interrupted runs have results");
  const catena::Model model(dimension, normal);
  catena::Options endless = small();
  endless.num_samples(100000000).thin(1000000).save_warmup(false);
  catena::Run run(model, endless);
  while (run.progress(0).in_warmup) CHECK(!run.poll(std::chrono::milliseconds(1)));
  std::thread([&] { run.cancel(); }).join();
  const catena::Result cancelled = run.wait();
  CHECK(!cancelled.complete());
  for (const catena::ChainReport &chain : cancelled.chains()) {
    CHECK_INT(chain.status, CATENA_INTERRUPTED);
    CHECK(!chain.error);
  }
  int asked = 0;
  catena::Io io;
  io.interrupt = [&] { return ++asked == 3; };
  CHECK(!catena::sample(model, endless, std::move(io)).complete());
  CHECK(asked >= 3);
}

void resumed() {
  std::puts("a chain in parts, through bytes, equals the chain in one");
  const catena::Model model(dimension, normal, named());
  const catena::Draws expected = reference();
  std::vector<std::vector<std::uint8_t>> kept(chains);
  std::vector<double> rows[chains];
  int parts = 0;
  for (bool complete = false; !complete; ++parts) {
    catena::Options options = small();
    options.max_evaluations(200);
    std::vector<catena::Table> tables(chains);
    catena::Io io;
    for (std::size_t c = 0; c < chains; ++c) {
      io.checkpoints.push_back(kept[c].empty() ? catena::Checkpoint() : catena::Checkpoint(kept[c]));
      io.sample_writers.push_back(catena::Writer::to(std::ref(tables[c])));
    }
    const catena::Result result = catena::sample(model, options, std::move(io));
    complete = result.complete();
    for (std::size_t c = 0; c < chains; ++c) {
      kept[c] = result.checkpoint(c).bytes();
      CHECK(!kept[c].empty());
      CHECK_INT(tables[c].columns.empty(), parts > 0);
      rows[c].insert(rows[c].end(), tables[c].values.begin(), tables[c].values.end());
    }
  }
  CHECK(parts > 1);
  for (std::size_t c = 0; c < chains; ++c) {
    const std::size_t size = samples * expected.columns().size();
    CHECK_INT(rows[c].size(), size);
    CHECK_BITS(rows[c].data(), expected.values().data() + c * size, size);
  }
  catena::Io damaged;
  damaged.checkpoints.resize(chains);
  damaged.checkpoints[1] = catena::Checkpoint({1, 2, 3});
  CHECK_INT(THROWN(catena::Error, catena::sample(model, small(), std::move(damaged))).status(), CATENA_CHECKPOINT);
}

void continued() {
  std::puts("a result that is continued");
  const catena::Model model(dimension, normal, named());
  const catena::Draws expected = reference();
  catena::Options options = small();
  options.num_samples(samples / 2);
  const catena::Result first = catena::sample(model, options);
  CHECK_INT(first.num_samples(), samples / 2);
  const catena::Result second = catena::resume(model, first, 1, options);
  const catena::Result all = catena::resume(model, second, samples - samples / 2 - 1, options);
  CHECK_INT(all.num_samples(), samples);
  CHECK_BITS(all.draws().values().data(), expected.values().data(), chains * samples * expected.columns().size());
  const std::size_t most = std::numeric_limits<std::size_t>::max();
  CHECK_HAS(THROWN(catena::Error, catena::resume(model, all, most, options)).what(), "'more'");
}

void moved_from() {
  std::puts("an object that was moved from says so");
  catena::Model model(dimension, normal, named());
  catena::Options options = small();
  catena::Run run = catena::start(model, options);
  catena::Run other = std::move(run);
  CHECK_HAS(THROWN(catena::Error, run.wait()).what(), "moved from");
  CHECK_HAS(THROWN(catena::Error, run.poll()).what(), "moved from");
  CHECK_HAS(THROWN(catena::Error, run.cancel()).what(), "moved from");
  CHECK(other.wait().complete());
  const catena::Model kept = std::move(model);
  CHECK_HAS(THROWN(catena::Error, catena::sample(model, options)).what(), "moved from");
  const catena::Options taken = std::move(options);
  CHECK_INT(THROWN(catena::Error, catena::sample(kept, options)).status(), CATENA_INVALID_ARGUMENT);
  CHECK_INT(THROWN(catena::Error, options.seed(1)).status(), CATENA_INVALID_ARGUMENT);
  CHECK(catena::sample(kept, taken).complete());
}

void partly() {
  std::puts("the summary of a run that was stopped");
  catena::Options options = small();
  options.num_samples(1000).max_evaluations(1000);
  const catena::Result result = catena::sample({dimension, normal}, options);
  CHECK(!result.complete());
  std::size_t shortest = 1000;
  for (std::size_t c = 0; c < chains; ++c) {
    CHECK(result.rows(c) > 0 && result.rows(c) < 1000);
    CHECK(std::isnan(result.draws()(c, result.rows(c), 0)));
    CHECK(!std::isnan(result.draws()(c, result.rows(c) - 1, 0)));
    shortest = std::min(shortest, result.rows(c));
  }
  CHECK_HAS(result.summary().text().c_str(), ("4 chains of " + std::to_string(shortest)).c_str());
  CHECK(std::isfinite(result.summary().value("x.1", CATENA_STATISTIC_MEAN)));
}

void files() {
  std::puts("Stan CSV files and diagnostics");
  const catena::Model model(dimension, normal, named());
  const catena::Draws expected = reference();
  std::vector<catena::Table> tables(chains);
  auto shared = std::make_shared<catena::Table>();
  catena::Io io;
  for (std::size_t c = 0; c < chains; ++c) {
    io.sample_writers.push_back(catena::Writer::csv("test_runs-" + std::to_string(c + 1) + ".csv"));
    if (c == 0)
      io.diagnostic_writers.push_back(catena::Writer::to(shared));
    else
      io.diagnostic_writers.push_back(c == 1 ? catena::Writer() : catena::Writer::to(std::ref(tables[c])));
  }
  const catena::Result result = catena::sample(model, small(), std::move(io));
  CHECK(result.draws().empty());
  for (std::size_t c = 0; c < chains; ++c) {
    CHECK_INT(result.rows(c), samples);
    const std::string path = "test_runs-" + std::to_string(c + 1) + ".csv";
    std::ifstream file(path);
    std::string line, first;
    std::size_t lines = 0;
    while (std::getline(file, line))
      if (!line.empty() && line[0] != '#' && lines++ == 1) first = line;
    CHECK_INT(lines, samples + 1);
    const double lp = std::stod(first), expected_lp = expected(c, 0, 0);
    CHECK_BITS(&lp, &expected_lp, 1);
    if (c == 1) continue;
    const catena::Table &table = c == 0 ? *shared : tables[c];
    CHECK_INT(table.values.size(), samples * table.columns.size());
    CHECK_TEXT(table.columns.back().c_str(), "g_b");
    CHECK(!table.messages.empty());
  }
  THROWN(catena::Error, catena::Writer::csv("no/such/folder/file.csv"));
  std::puts("and read back");
  std::vector<std::string> paths;
  for (std::size_t c = 0; c < chains; ++c) paths.push_back("test_runs-" + std::to_string(c + 1) + ".csv");
  const catena::Files read(paths);
  CHECK_INT(read.size(), chains);
  same(read.draws(), expected);
  CHECK_TEXT(read.draws().columns().back().c_str(), "b");
  for (std::size_t c = 0; c < chains; ++c) {
    CHECK_INT(read.length(c), samples);
    CHECK_INT(read.cut_off(c), 0);
    CHECK(read.stepsize(c) > 0 && read.warmup_seconds(c) >= 0 && read.sampling_seconds(c) >= 0);
    CHECK(read.inv_metric(c) == result.chains()[c].inv_metric);
  }
  CHECK(read.settings().empty());
  // A head as the command line's files have.
  std::ofstream("test_runs.csv") << "# num_samples = 50\n" << std::ifstream(paths[0]).rdbuf();
  const auto settings = catena::Files({"test_runs.csv"}).settings();
  CHECK_INT(settings.size(), 1);
  CHECK(settings[0].first == "num_samples" && settings[0].second == "50");
  std::remove("test_runs.csv");
  read.report("test_runs.html");
  CHECK(std::ifstream("test_runs.html").good());
  for (const std::string &path : paths) std::remove(path.c_str());
  std::remove("test_runs.html");
  CHECK_HAS(THROWN(catena::Error, catena::Files(paths)).what(), "test_runs-1.csv");
}

void initial() {
  std::puts("initial values and inverse metrics, shared by all chains and one for each");
  const catena::Model model(dimension, normal, named());
  const auto first = [&](std::vector<catena::Init> inits) {
    std::vector<catena::Table> tables(chains);
    catena::Io io;
    io.inits = std::move(inits);
    io.inv_metrics = {{1, 2}};
    for (catena::Table &table : tables) io.init_writers.push_back(catena::Writer::to(std::ref(table)));
    CHECK(catena::sample(model, small(), std::move(io)).complete());
    std::vector<double> all;
    for (const catena::Table &table : tables) all.insert(all.end(), table.values.begin(), table.values.end());
    return all;
  };
  CHECK(first({catena::Init::position({1, -1})}) == std::vector<double>({1, -1, 1, -1, 1, -1, 1, -1}));
  CHECK(first({catena::Init::variables({{"a", 0.5}, {"b", -0.5}})}) ==
        std::vector<double>({0.5, -0.5, 0.5, -0.5, 0.5, -0.5, 0.5, -0.5}));
  const catena::Init two = catena::Init::json(R"({"a": 2})");
  const std::vector<double> mixed = first({catena::Init(), two, catena::Init::position({3, std::nan("")}), two});
  CHECK_INT(mixed[2], 2);
  CHECK_INT(mixed[4], 3);
  CHECK_INT(mixed[6], 2);
  CHECK(mixed[0] != 2 && mixed[1] != mixed[3] && mixed[3] != mixed[5]);
  THROWN(catena::Error, catena::Init::json_file("no-such-file.json"));
  catena::Options fixed = small();
  fixed.adapt(false).metric(CATENA_METRIC_DIAG_E);
  catena::Io io;
  io.inv_metrics = {{1, 2}, {3, 4}, {5, 6}, {7, 8}};
  const catena::Result result = catena::sample(model, fixed, std::move(io));
  for (std::size_t c = 0; c < chains; ++c)
    CHECK(result.chains()[c].inv_metric == std::vector<double>({2.0 * static_cast<double>(c) + 1, 2.0 * static_cast<double>(c) + 2}));
}

// Everything that a model of CATENA_THREADS_CALLER may call.
void on_this_thread() {
  std::puts("a model for the calling thread alone");
  const std::thread::id here = std::this_thread::get_id();
  std::size_t evaluations = 0;
  struct Here {
    std::thread::id here;
    std::size_t &evaluations;
    std::size_t dimension() const { return ::dimension; }
    catena_threading threading() const { return CATENA_THREADS_CALLER; }
    double log_density(const double *x, double *g) const {
      CHECK(std::this_thread::get_id() == here);
      ++evaluations;
      return normal(x, g);
    }
  };
  // Gradients that are looked at are none of the chains'.
  catena::Run run(catena::Model(Here{here, evaluations}), small().check_gradient(false));
  std::size_t turns = 0;
  while (!run.poll()) ++turns;
  CHECK(turns > 1);
  std::uint64_t reported = 0;
  const catena::Result result = run.wait();
  for (const catena::ChainReport &chain : result.chains()) reported += chain.warmup_gradients + chain.sampling_gradients;
  CHECK_INT(reported, evaluations);
  same(result.draws(), reference());
}

}  // namespace

int main() {
  watched();
  stopped();
  resumed();
  continued();
  moved_from();
  partly();
  files();
  initial();
  on_this_thread();
  return 0;
}
