/* Reference summaries of the posteriors, from 10 validated chains of 1000 draws each (posteriordb collection,
   BSD-3-Clause); the figures of tests/data/posteriors.json. */
#ifndef CATENA_TEST_POSTERIORS_H
#define CATENA_TEST_POSTERIORS_H

/** Mean, standard deviation and Monte Carlo standard error of the mean of one parameter. */
struct reference {
    const char *name;
    double mean, sd, mcse_mean;
};

static const struct reference reference_eight_schools_noncentered[] = {
    {"theta.1", 6.1505, 5.61586, 0.0558103},
    {"theta.2", 4.93958, 4.64558, 0.0462743},
    {"theta.3", 3.90591, 5.28071, 0.0543457},
    {"theta.4", 4.79602, 4.77094, 0.0475246},
    {"theta.5", 3.61444, 4.61472, 0.046183},
    {"theta.6", 4.05115, 4.79625, 0.0485515},
    {"theta.7", 6.31717, 5.00286, 0.049919},
    {"theta.8", 4.884, 5.31769, 0.0542865},
    {"mu", 4.41052, 3.3093, 0.0330552},
    {"tau", 3.60206, 3.19848, 0.0318907},
};

static const struct reference reference_blr[] = {
    {"beta.1", 0.999466, 0.00097403, 9.86023e-06},
    {"beta.2", 1.00023, 0.0011536, 1.16853e-05},
    {"beta.3", 1.00042, 0.000958131, 9.63115e-06},
    {"beta.4", 1.00115, 0.00106013, 1.06212e-05},
    {"beta.5", 1.00156, 0.00104761, 1.05608e-05},
    {"sigma", 0.962633, 0.0711823, 0.000711388},
};

static const struct reference reference_kidscore_momhsiq[] = {
    {"beta.1", 25.7941, 5.86062, 0.0578841},
    {"beta.2", 5.98743, 2.21602, 0.0218898},
    {"beta.3", 0.562994, 0.0604656, 0.000597884},
    {"sigma", 18.1392, 0.618526, 0.00616545},
};

static const struct reference reference_garch11[] = {
    {"mu", 5.05002, 0.124031, 0.00123606},
    {"alpha0", 1.47076, 0.571817, 0.00569548},
    {"alpha1", 0.567284, 0.12711, 0.00128165},
    {"beta1", 0.293025, 0.124776, 0.0012583},
};

static const struct reference reference_ark[] = {
    {"alpha", -0.00071865, 0.0107082, 0.000106329},
    {"beta.1", 0.692163, 0.0705509, 0.000726814},
    {"beta.2", 0.439043, 0.0873098, 0.000912215},
    {"beta.3", 0.105816, 0.0930826, 0.000923611},
    {"beta.4", -0.035435, 0.0860418, 0.000854424},
    {"beta.5", -0.301512, 0.0698831, 0.000705842},
    {"sigma", 0.150567, 0.00777472, 7.99282e-05},
};

#endif
