// Parameters of many types, and output in words.
parameters {
  real a;
  array[2] vector[3] b;
  matrix[2, 3] c;
  simplex[3] s;
  cov_matrix[2] sigma;
  real<lower=a> above;
}
transformed parameters {
  real twice = 2 * a;
}
model {
  a ~ normal(0, 1);
  to_vector(c) ~ normal(0, 1);
  for (i in 1 : 2) {
    b[i] ~ normal(0, 1);
  }
  sigma ~ inv_wishart(4, identity_matrix(2));
  above ~ normal(0, 1);
  if (a > 3) {
    reject("a is too large: ", a);
  }
}
generated quantities {
  real noise = normal_rng(a, 1);
  print("a is ", a, " and noise ", noise);
}
