use super::sums::mean;
use super::workbench::is_still;

/// Energy Bayesian fraction of missing information of one chain's energies (Betancourt 2016, "Diagnosing suboptimal
/// cotangent disintegrations", equation 3): squared steps over squared deviations. Below about 0.3 momenta don't let the
/// chain change its energy fast enough. NaN for fewer than 3 or constant energies.
pub fn ebfmi(energies: impl IntoIterator<Item = f64>) -> f64 {
    let energies: Vec<f64> = energies.into_iter().collect();
    // What rounding leaves of the deviations of equal numbers would make an E-BFMI of zero.
    if energies.len() < 3 || is_still(&energies) {
        return f64::NAN;
    }
    let m = mean(&energies);
    let steps: f64 = energies.windows(2).map(|w| (w[1] - w[0]) * (w[1] - w[0])).sum();
    steps / energies.iter().map(|e| (e - m) * (e - m)).sum::<f64>()
}
