/* Filters the volatility of the euro in dollars. Built and run by ./examples/stochastic_volatility/run. */
#include "model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Every call that can fail returns a status and, when it is not CATENA_OK, hands back an error that says why. */
#define TRY(call)                \
    do {                         \
        if ((call) != CATENA_OK) \
            goto done;           \
    } while (0)

int main(int argc, char **argv)
{
    int exit_code = EXIT_FAILURE;
    catena_error *error = NULL;
    catena_filter *filter = NULL;
    double *means = NULL, *ess = NULL;
    returns data = {0, NULL};
    if (argc != 2) {
        fprintf(stderr, "usage: %s RATES.csv\n", argv[0]);
        return EXIT_FAILURE;
    }
    if (returns_read(argv[1], &data) != 0)
        return EXIT_FAILURE;

    /* Parameters near where the likelihood is largest: a typical day's return has a standard deviation of exp(mu / 2) percent. */
    stochastic_volatility model = {.data = &data, .mu = -1.6, .phi = 0.97, .sigma = 0.16};
    const catena_state_space space = stochastic_volatility_space(&model);

    catena_filter_options options;
    TRY(catena_filter_options_init(&options, sizeof options, &error));
    options.num_sets = 8; /* independent: the spread of their estimates is the error of their mean */
    options.num_particles = 4000;
    options.num_times = data.count;
    options.seed = 1999;
    TRY(catena_filter_run(&space, &options, NULL, NULL, &filter, &error));

    means = malloc(data.count * sizeof *means);
    ess = malloc(data.count * sizeof *ess);
    if (!means || !ess) {
        fprintf(stderr, "out of memory\n");
        goto done;
    }
    TRY(catena_filter_means(filter, 0, means, data.count, &error));
    TRY(catena_filter_ess(filter, 0, ess, data.count, &error));
    printf("%zu daily returns, %zu sets of %zu particles\n", data.count, options.num_sets, options.num_particles);
    printf("%6s %9s %17s %6s\n", "day", "return", "daily volatility", "ESS");
    for (size_t t = 49; t < data.count; t += 50)
        printf("%6zu %8.2f%% %16.2f%% %6.0f\n", t + 1, data.values[t], exp(means[t] / 2), ess[t]);
    printf("log evidence: estimate %.3f, standard error %.3f\n", catena_filter_log_evidence(filter),
           catena_filter_standard_error(filter));
    exit_code = EXIT_SUCCESS;

done:
    if (error)
        fprintf(stderr, "%s\n", catena_error_message(error));
    catena_error_free(error);
    catena_filter_free(filter);
    returns_free(&data);
    free(means);
    free(ess);
    return exit_code;
}
