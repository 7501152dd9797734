# One run and one failing run for valgrind: no error, nothing lost.
library(catena)
model <- catena_model(function(p) list(log_density = -sum(p^2) / 2, gradient = -p), names = c("a", "b"))
fit <- catena_sample(model, chains = 2, iter_warmup = 100, iter_sampling = 100, seed = 1)
print(fit)
failed <- tryCatch(catena_sample(catena_model(function(p) stop("as wanted"), names = "a")), error = conditionMessage)
stopifnot(grepl("as wanted", failed))
