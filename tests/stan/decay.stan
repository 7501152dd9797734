// Exponential decay, by Sundials' stiff solver; decay_exact.stan is the same posterior.
functions {
  vector rate(real t, vector y, real k) {
    return -k * y;
  }
}
data {
  int<lower=1> N;
  array[N] real<lower=0> t;
  array[N] real y;
}
parameters {
  real<lower=0> k;
  real<lower=0> y0;
}
model {
  array[N] vector[1] states = ode_bdf_tol(rate, [y0]', 0, t, 1e-10, 1e-10, 100000, k);
  k ~ lognormal(0, 1);
  y0 ~ normal(5, 2);
  for (n in 1 : N) {
    y[n] ~ normal(states[n][1], 0.3);
  }
}
