# The same compiled model sampled from R through an external pointer and by a C program: seconds of CPU time and of wall time,
# the least of several rounds that alternate. Catena must be found by pkg-config.   Rscript bindings/R/bench/pointers.R
library(catena)

rounds <- 5
script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))
folder <- tempfile()
dir.create(folder)
file.copy(file.path(dirname(normalizePath(script)), "pointers.c"), folder)
setwd(folder)
flags <- system2("pkg-config", c("--cflags", "--libs", "catena"), stdout = TRUE)
libdir <- system2("pkg-config", c("--variable=libdir", "catena"), stdout = TRUE)
stopifnot(
  system(paste("cc -std=gnu99 -O2 -DPROGRAM pointers.c -o program", flags, paste0("-Wl,-rpath,", libdir))) == 0,
  system(paste("cc -std=gnu99 -O2 -shared -fPIC pointers.c -o pointers.so", flags, paste0("-Wl,-rpath,", libdir))) == 0
)
model <- catena_model(getNativeSymbolInfo("evaluate", dyn.load("pointers.so")), dimension = 200)

in_r <- function() {
  time <- system.time(catena_sample(model, chains = 8, iter_sampling = 20000, thin = 10, seed = 1, progress = FALSE))
  c(cpu = sum(time[c("user.self", "sys.self")]), wall = time[["elapsed"]])
}
in_c <- function() stats::setNames(scan(text = system2("./program", stdout = TRUE), quiet = TRUE), c("cpu", "wall"))

times <- replicate(rounds, rbind(R = in_r(), C = in_c()))
best <- apply(times, 1:2, min)
print(round(best, 3))
cat("R / C:", paste(names(best["R", ]), round(best["R", ] / best["C", ], 3)), "\n")
