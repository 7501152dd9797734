// BridgeStan's C ABI, version 2, over stan::model::model_base: linked with what stanc makes of a program, this is a
// library for catena_density_from_bridgestan: what `catena compile` adds to a program. Written from the ABI's header alone.
#include <stan/io/empty_var_context.hpp>
#include <stan/io/json/json_data.hpp>
#include <stan/math/rev.hpp>
#include <stan/model/model_base.hpp>
#include <stan/services/util/create_rng.hpp>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <limits>
#include <memory>
#include <mutex>
#include <ostream>
#include <sstream>
#include <streambuf>
#include <string>
#include <vector>

// Made by stanc in every program.
stan::model::model_base &new_model(stan::io::var_context &data, unsigned int seed, std::ostream *output);

namespace {

using print_callback = void (*)(const char *, std::size_t);

print_callback printer = nullptr;
std::mutex printing;

// Hands everything on at once; gathering lines is the caller's business.
class forward : public std::streambuf {
 protected:
  int_type overflow(int_type c) override {
    const char one = traits_type::to_char_type(c);
    if (!traits_type::eq_int_type(c, traits_type::eof())) xsputn(&one, 1);
    return c;
  }
  std::streamsize xsputn(const char *text, std::streamsize size) override {
    std::lock_guard<std::mutex> lock(printing);
    if (printer)
      printer(text, static_cast<std::size_t>(size));
    else
      std::fwrite(text, 1, static_cast<std::size_t>(size), stdout);
    return size;
  }
};

struct output : std::ostream {
  forward buffer;
  output() : std::ostream(nullptr) { rdbuf(&buffer); }
};

// What a thread needs before it enters Stan: its own stream, and with STAN_THREADS its own stack of the derivatives.
std::ostream *enter() {
  static thread_local stan::math::ChainableStack stack;
  static thread_local output stream;
  (void)stack;
  return &stream;
}

std::string joined(const std::vector<std::string> &names) {
  std::string out;
  for (const auto &name : names) out += (out.empty() ? "" : ",") + name;
  return out;
}

int fail(char **error, const char *what) {
  if (error) {
    *error = static_cast<char *>(std::malloc(std::strlen(what) + 1));
    if (*error) std::strcpy(*error, what);
  }
  return -1;
}

// A return code for what may throw.
template <class F>
int guarded(char **error, F &&f) {
  try {
    f();
    return 0;
  } catch (const std::exception &e) {
    return fail(error, e.what());
  } catch (...) {
    return fail(error, "an exception that is no std::exception");
  }
}

// Step of a central difference of gradients along a direction in which the position is this large.
double step(double size) { return std::cbrt(std::numeric_limits<double>::epsilon()) * std::max(1.0, size); }

}  // namespace

extern "C" {

struct bs_model {
  std::unique_ptr<stan::model::model_base> model;
  std::string name, info, unconstrained;
  std::string names[2][2];
  int counts[2][2];
};

struct bs_rng {
  stan::rng_t rng;
};

int bs_major_version = 2;
int bs_minor_version = 7;
int bs_patch_version = 0;

bs_model *bs_model_construct(const char *data, unsigned int seed, char **error) {
  std::unique_ptr<bs_model> made(new bs_model);
  const int code = guarded(error, [&] {
    std::ostream *stream = enter();
    std::unique_ptr<stan::io::var_context> context;
    const std::string text = data ? data : "";
    if (text.empty()) {
      context.reset(new stan::io::empty_var_context);
    } else if (text.size() > 5 && text.substr(text.size() - 5) == ".json") {
      std::ifstream file(text);
      if (!file.good()) throw std::invalid_argument("cannot open the data file " + text);
      context.reset(new stan::json::json_data(file));
    } else {
      std::istringstream json(text);
      context.reset(new stan::json::json_data(json));
    }
    made->model.reset(&new_model(*context, seed, stream));
    made->name = made->model->model_name();
#ifdef STAN_THREADS
    made->info = "STAN_THREADS=true\n";
#else
    made->info = "STAN_THREADS=false\n";
#endif
    for (const auto &line : made->model->model_compile_info()) made->info += line + "\n";
    std::vector<std::string> names;
    made->model->unconstrained_param_names(names, false, false);
    made->unconstrained = joined(names);
    for (int tp = 0; tp < 2; ++tp)
      for (int gq = 0; gq < 2; ++gq) {
        names.clear();
        made->model->constrained_param_names(names, tp, gq);
        made->names[tp][gq] = joined(names);
        made->counts[tp][gq] = static_cast<int>(names.size());
      }
  });
  return code == 0 ? made.release() : nullptr;
}

void bs_model_destruct(bs_model *m) { delete m; }
void bs_free_error_msg(char *text) { std::free(text); }
const char *bs_name(const bs_model *m) { return m->name.c_str(); }
const char *bs_model_info(const bs_model *m) { return m->info.c_str(); }
const char *bs_param_names(const bs_model *m, bool tp, bool gq) { return m->names[tp][gq].c_str(); }
const char *bs_param_unc_names(const bs_model *m) { return m->unconstrained.c_str(); }
int bs_param_num(const bs_model *m, bool tp, bool gq) { return m->counts[tp][gq]; }
int bs_param_unc_num(const bs_model *m) { return static_cast<int>(m->model->num_params_r()); }

int bs_param_constrain(const bs_model *m, bool tp, bool gq, const double *position, double *values, bs_rng *rng,
                       char **error) {
  if (gq && !rng) return fail(error, "generated quantities want a generator");
  return guarded(error, [&] {
    std::ostream *stream = enter();
    static thread_local stan::rng_t unused(0, 1, 0, 0);
    Eigen::VectorXd x = Eigen::Map<const Eigen::VectorXd>(position, bs_param_unc_num(m));
    Eigen::VectorXd out;
    m->model->write_array(rng ? rng->rng : unused, x, out, tp, gq, stream);
    std::copy(out.data(), out.data() + out.size(), values);
  });
}

int bs_param_unconstrain(const bs_model *m, const double *values, double *position, char **error) {
  return guarded(error, [&] {
    std::ostream *stream = enter();
    const Eigen::VectorXd given = Eigen::Map<const Eigen::VectorXd>(values, m->counts[0][0]);
    Eigen::VectorXd x(bs_param_unc_num(m));
    m->model->unconstrain_array(given, x, stream);
    std::copy(x.data(), x.data() + x.size(), position);
  });
}

int bs_param_unconstrain_json(const bs_model *m, const char *json, double *position, char **error) {
  return guarded(error, [&] {
    std::ostream *stream = enter();
    std::istringstream text(json);
    stan::json::json_data context(text);
    Eigen::VectorXd x(bs_param_unc_num(m));
    m->model->transform_inits(context, x, stream);
    std::copy(x.data(), x.data() + x.size(), position);
  });
}

int bs_log_density_gradient(const bs_model *m, bool propto, bool jacobian, const double *position, double *value,
                            double *gradient, char **error) {
  return guarded(error, [&] {
    std::ostream *stream = enter();
    stan::math::nested_rev_autodiff nested;
    const int n = bs_param_unc_num(m);
    Eigen::Matrix<stan::math::var, Eigen::Dynamic, 1> x(n);
    for (int i = 0; i < n; ++i) x.coeffRef(i) = position[i];
    stan::math::var lp = propto ? (jacobian ? m->model->log_prob_propto_jacobian(x, stream)
                                            : m->model->log_prob_propto(x, stream))
                                : (jacobian ? m->model->log_prob_jacobian(x, stream) : m->model->log_prob(x, stream));
    *value = lp.val();
    lp.grad();
    for (int i = 0; i < n; ++i) gradient[i] = x.coeff(i).adj();
  });
}

int bs_log_density(const bs_model *m, bool propto, bool jacobian, const double *position, double *value, char **error) {
  if (propto) {
    // Which terms are constants is known to the derivatives' types only.
    std::vector<double> gradient(bs_param_unc_num(m));
    return bs_log_density_gradient(m, propto, jacobian, position, value, gradient.data(), error);
  }
  return guarded(error, [&] {
    std::ostream *stream = enter();
    Eigen::VectorXd x = Eigen::Map<const Eigen::VectorXd>(position, bs_param_unc_num(m));
    *value = jacobian ? m->model->log_prob_jacobian(x, stream) : m->model->log_prob(x, stream);
  });
}

// The Hessian along a direction by a central difference of gradients: 2n of them make a Hessian.
int bs_log_density_hessian_vector_product(const bs_model *m, bool propto, bool jacobian, const double *position,
                                          const double *direction, double *value, double *product, char **error) {
  const int n = bs_param_unc_num(m);
  std::vector<double> x(position, position + n), up(n), down(n);
  double length = 0, size = 0, there;
  for (int i = 0; i < n; ++i) {
    length = std::max(length, std::abs(direction[i]));
    size = std::max(size, std::abs(position[i]));
  }
  int code = bs_log_density_gradient(m, propto, jacobian, position, value, up.data(), error);
  if (code != 0 || length == 0) {
    std::fill(product, product + n, 0.0);
    return code;
  }
  const double h = step(size) / length;
  for (int i = 0; i < n; ++i) x[i] = position[i] + h * direction[i];
  code = bs_log_density_gradient(m, propto, jacobian, x.data(), &there, up.data(), error);
  if (code != 0) return code;
  for (int i = 0; i < n; ++i) x[i] = position[i] - h * direction[i];
  code = bs_log_density_gradient(m, propto, jacobian, x.data(), &there, down.data(), error);
  for (int i = 0; code == 0 && i < n; ++i) product[i] = (up[i] - down[i]) / (2 * h);
  return code;
}

int bs_log_density_hessian(const bs_model *m, bool propto, bool jacobian, const double *position, double *value,
                           double *gradient, double *hessian, char **error) {
  const int n = bs_param_unc_num(m);
  std::vector<double> x(position, position + n), up(n), down(n);
  double there;
  for (int i = 0; i < n; ++i) {
    const double h = step(std::abs(position[i]));
    x[i] = position[i] + h;
    int code = bs_log_density_gradient(m, propto, jacobian, x.data(), &there, up.data(), error);
    x[i] = position[i] - h;
    if (code == 0) code = bs_log_density_gradient(m, propto, jacobian, x.data(), &there, down.data(), error);
    if (code != 0) return code;
    x[i] = position[i];
    for (int j = 0; j < n; ++j) hessian[i * n + j] = (up[j] - down[j]) / (2 * h);
  }
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < i; ++j) hessian[i * n + j] = hessian[j * n + i] = (hessian[i * n + j] + hessian[j * n + i]) / 2;
  return bs_log_density_gradient(m, propto, jacobian, position, value, gradient, error);
}

bs_rng *bs_rng_construct(unsigned int seed, char **error) {
  bs_rng *made = nullptr;
  guarded(error, [&] { made = new bs_rng{stan::services::util::create_rng(seed, 0)}; });
  return made;
}

void bs_rng_destruct(bs_rng *rng) { delete rng; }

int bs_set_print_callback(print_callback callback, char **) {
  std::lock_guard<std::mutex> lock(printing);
  printer = callback;
  return 0;
}

}  // extern "C"
