// The posterior of decay.stan without a solver.
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
  k ~ lognormal(0, 1);
  y0 ~ normal(5, 2);
  for (n in 1 : N) {
    y[n] ~ normal(y0 * exp(-k * t[n]), 0.3);
  }
}
