#include "model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

int returns_read(const char *path, returns *out)
{
    enum { LINE = 128, MOST = 100000 };
    char line[LINE], date[11];
    double rate, last = 0, sum = 0;
    FILE *file = fopen(path, "r");
    out->count = 0;
    out->values = malloc(MOST * sizeof *out->values);
    if (!file || !out->values) {
        fprintf(stderr, "%s: cannot be read\n", path);
        if (file)
            fclose(file);
        returns_free(out);
        return -1;
    }
    while (out->count < MOST && fgets(line, LINE, file)) {
        if (sscanf(line, "%10[-0-9],%lf", date, &rate) != 2 || rate <= 0)
            continue; /* a comment or the heading */
        if (last > 0)
            sum += out->values[out->count++] = 100 * log(rate / last);
        last = rate;
    }
    fclose(file);
    for (size_t t = 0; t < out->count; t++)
        out->values[t] -= sum / (double)out->count;
    return 0;
}

void returns_free(returns *data)
{
    free(data->values);
    data->values = NULL;
}

/* All functions work on n particles at once. Their random numbers come by the column, so that the loops are plain
 * arithmetic over neighbours, which compilers make vectors of. */
static int initial(void *user, void *worker, catena_task *task, size_t n, double *states)
{
    const stochastic_volatility *m = user;
    const double sd = m->sigma / sqrt(1 - m->phi * m->phi);
    (void)worker;
    if (catena_task_normals(task, n, states) != 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        states[i] = m->mu + sd * states[i];
    return 0;
}

static int transition(void *user, void *worker, catena_task *task, size_t time, size_t n, const double *previous,
                      double *states)
{
    const stochastic_volatility *m = user;
    (void)worker, (void)time;
    if (catena_task_normals(task, n, states) != 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        states[i] = m->mu + m->phi * (previous[i] - m->mu) + m->sigma * states[i];
    return 0;
}

static int log_weight(void *user, void *worker, catena_task *task, size_t time, size_t n, const double *previous,
                      const double *states, double *log_weights)
{
    const double log_2_pi = 1.8378770664093453;
    const stochastic_volatility *m = user;
    const double square = m->data->values[time] * m->data->values[time];
    (void)worker, (void)task, (void)previous;
    for (size_t i = 0; i < n; i++)
        log_weights[i] = -0.5 * (log_2_pi + states[i] + square * exp(-states[i]));
    return 0;
}

catena_state_space stochastic_volatility_space(stochastic_volatility *model)
{
    return (catena_state_space){
        .struct_size = sizeof(catena_state_space),
        .user = model,
        .dimension = 1,
        .initial = initial,
        .transition = transition,
        .log_weight = log_weight,
    };
}
