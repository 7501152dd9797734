/* Samples the eight-schools model with four chains and prints a summary. Built and run by ./examples/eight_schools/run. */
#include "model.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHAINS = 4 };

/* Called from any thread, several at once: one printf per line keeps lines whole. */
static void print_line(void *user, catena_level level, int64_t chain, const char *line)
{
    (void)user, (void)level;
    if (chain >= 0)
        printf("chain %" PRId64 ": %s\n", chain, line);
    else
        printf("%s\n", line);
}

/* Every call that can fail returns a status and, when it is not CATENA_OK, hands back an error that says why. */
#define TRY(call)                \
    do {                         \
        if ((call) != CATENA_OK) \
            goto done;           \
    } while (0)

int main(void)
{
    int exit_code = EXIT_FAILURE;
    catena_error *error = NULL;
    catena_model *model = NULL;
    catena_options *options = NULL;
    catena_writer *writers[CHAINS] = {NULL};
    catena_result *result = NULL;
    catena_summary *summary = NULL;
    double *draws = NULL;
    const char **names = NULL;

    const catena_density density = eight_schools_density(&eight_schools_rubin);
    TRY(catena_model_new(&density, &model, &error));

    /* What is not set has Stan's default: 1000 iterations of warm-up, 1000 kept, a diagonal metric adapted in windows. */
    TRY(catena_options_new(&options, &error));
    TRY(catena_options_set_num_chains(options, CHAINS, &error));
    TRY(catena_options_set_seed(options, 1981, &error));
    TRY(catena_options_set_delta(options, 0.95, &error));
    TRY(catena_options_set_refresh(options, 500, &error));

    /* The draws go to our own memory: chain after chain, row after row, one column for each name. */
    const size_t rows = catena_options_rows(options), columns = catena_sample_column_count(model);
    const size_t size = CHAINS * rows * columns;
    draws = malloc(size * sizeof *draws);
    names = malloc(columns * sizeof *names);
    if (!draws || !names) {
        fprintf(stderr, "out of memory\n");
        goto done;
    }
    for (size_t i = 0; i < columns; i++)
        names[i] = catena_sample_column(model, i);
    TRY(catena_writers_memory_new(draws, size, CHAINS, rows, columns, CATENA_LAYOUT_ROWS, writers, &error));

    const catena_logger logger = {.struct_size = sizeof logger, .log = print_line};
    const catena_io io = {
        .struct_size = sizeof io,
        .sample_writers = writers,
        .num_sample_writers = CHAINS,
        .logger = &logger,
    };
    TRY(catena_sample_nuts(model, options, &io, &result, &error));

    TRY(catena_summary_new(draws, size, CHAINS, rows, columns, CATENA_LAYOUT_ROWS, names, 10, &summary, &error));
    printf("\n%s", catena_summary_text(summary));
    exit_code = EXIT_SUCCESS;

done:
    if (error)
        fprintf(stderr, "%s\n", catena_error_message(error));
    /* The result is there whenever chains ran; when some failed, each says why. */
    for (size_t i = 0; result && i < catena_result_num_chains(result); i++) {
        const catena_error *chain_error = catena_result_chain_error(result, i);
        if (chain_error)
            fprintf(stderr, "%s\n", catena_error_message(chain_error));
    }
    catena_error_free(error);   /* freeing NULL does nothing */
    catena_summary_free(summary);
    catena_result_free(result);
    for (size_t i = 0; i < CHAINS; i++)
        catena_writer_free(writers[i]);
    catena_options_free(options);
    catena_model_free(model);
    free(names);
    free(draws);
    return exit_code;
}
