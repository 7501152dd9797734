// The header in C++17: a class as a model through the table's user pointer, handles in unique_ptr.
#include "check.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T *handle) const noexcept {
    Free(handle);
  }
};

using Model = std::unique_ptr<catena_model, Freed<catena_model_free>>;
using Options = std::unique_ptr<catena_options, Freed<catena_options_free>>;
using Result = std::unique_ptr<catena_result, Freed<catena_result_free>>;
using Writer = std::unique_ptr<catena_writer, Freed<catena_writer_free>>;

static_assert(std::is_same_v<std::underlying_type_t<catena_status>, std::int32_t>, "statuses are 32 bits wide");
static_assert(sizeof(catena_level) == sizeof(std::int32_t), "levels are 32 bits wide");

// Independent normals of given means and standard deviations.
class Normals {
 public:
  Normals(std::vector<double> means, std::vector<double> deviations, int &destroyed)
      : means_(std::move(means)), deviations_(std::move(deviations)), destroyed_(destroyed) {}
  ~Normals() { ++destroyed_; }
  Normals(const Normals &) = delete;
  Normals &operator=(const Normals &) = delete;

  double log_density(const double *x, double *gradient) const {
    double sum = 0;
    for (std::size_t i = 0; i < means_.size(); ++i) {
      const double z = (x[i] - means_[i]) / deviations_[i];
      gradient[i] = -z / deviations_[i];
      sum -= 0.5 * z * z;
    }
    return sum;
  }

  // The model owns the object from here on.
  static Model model(std::unique_ptr<Normals> normals) {
    catena_error *error = nullptr;
    catena_model *model = nullptr;
    catena_density table{};
    table.struct_size = sizeof table;
    table.user = normals.get();
    table.release = [](void *user) { delete static_cast<Normals *>(user); };
    table.dimension = normals->means_.size();
    table.log_density_gradient = [](void *user, void *, catena_task *, const double *x, double *lp, double *g) {
      *lp = static_cast<const Normals *>(user)->log_density(x, g);
      return 0;
    };
    CHECK_OK(catena_model_new(&table, &model, &error));
    static_cast<void>(normals.release());
    return Model(model);
  }

 private:
  std::vector<double> means_, deviations_;
  int &destroyed_;
};

constexpr std::size_t chains = 2, draws = 2000;

// Monte Carlo standard error of the mean of equally long chains, by batch means of 100 draws each.
double standard_error(const std::vector<double> &values, double mean) {
  constexpr std::size_t length = 100;
  const std::size_t batches = values.size() / length;
  double squares = 0;
  for (std::size_t b = 0; b < batches; ++b) {
    double batch = 0;
    for (std::size_t i = 0; i < length; ++i) batch += values[b * length + i] / length;
    squares += (batch - mean) * (batch - mean);
  }
  return std::sqrt(squares / static_cast<double>(batches - 1) / static_cast<double>(batches));
}

}  // namespace

int main() {
  const std::vector<double> means{3, -1}, deviations{0.5, 4};
  int destroyed = 0;
  catena_error *error = nullptr;
  std::puts("a class as a model");
  Model model = Normals::model(std::make_unique<Normals>(means, deviations, destroyed));
  catena_options *options_handle = nullptr;
  CHECK_OK(catena_options_new(&options_handle, &error));
  Options options(options_handle);
  CHECK_OK(catena_options_set_num_chains(options.get(), chains, &error));
  CHECK_OK(catena_options_set_num_samples(options.get(), draws, &error));
  CHECK_OK(catena_options_set_seed(options.get(), 17, &error));
  CHECK_OK(catena_options_set_num_threads(options.get(), 2, &error));
  CHECK_OK(catena_options_set_metric(options.get(), CATENA_METRIC_DIAG_E, &error));

  const std::size_t columns = catena_sample_column_count(model.get()), first = columns - means.size();
  std::vector<double> rows(chains * draws * columns);
  std::array<catena_writer *, chains> writers{};
  CHECK_OK(catena_writers_memory_new(rows.data(), rows.size(), chains, draws, columns, CATENA_LAYOUT_ROWS, writers.data(),
                                     &error));
  const std::array<Writer, chains> owned{Writer(writers[0]), Writer(writers[1])};
  catena_io io{};
  io.struct_size = sizeof io;
  io.sample_writers = writers.data();
  io.num_sample_writers = chains;
  catena_result *result_handle = nullptr;
  CHECK_OK(catena_sample_nuts(model.get(), options.get(), &io, &result_handle, &error));
  Result result(result_handle);
  CHECK_INT(catena_result_num_chains(result.get()), chains);

  for (std::size_t k = 0; k < means.size(); ++k) {
    std::vector<double> values(chains * draws);
    double mean = 0, square = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = rows[i * columns + first + k];
      mean += values[i] / static_cast<double>(values.size());
    }
    for (double v : values) square += (v - mean) * (v - mean) / static_cast<double>(values.size() - 1);
    const double bound = 5 * standard_error(values, mean);
    std::printf("mean %zu: %g, expected %g within %g\n", k, mean, means[k], bound);
    // No bound that anything fits into.
    CHECK_BETWEEN(bound, 0, deviations[k] / 3);
    CHECK_BETWEEN(mean, means[k] - bound, means[k] + bound);
    CHECK_BETWEEN(std::sqrt(square), 0.8 * deviations[k], 1.2 * deviations[k]);
  }

  std::puts("the model destroys the object once");
  CHECK_INT(destroyed, 0);
  model.reset();
  CHECK_INT(destroyed, 1);

  std::puts("a bad argument");
  CHECK_REFUSES(catena_options_set_delta(options.get(), 2, &error), "delta", "got 2");
  return 0;
}
