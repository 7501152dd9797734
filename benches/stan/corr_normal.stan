// A normal whose coordinates have correlation 1/2: its gradient makes and frees matrices of d x d numbers.
data {
  int<lower=1> d;
}
transformed data {
  matrix[d, d] S = add_diag(rep_matrix(0.5, d, d), 0.5);
  vector[d] zero = rep_vector(0, d);
}
parameters {
  vector[d] x;
}
model {
  x ~ multi_normal(zero, S);
}
