//! Numbers for people.

/// So many significant digits, without an exponent where that stays short.
pub(super) fn significant(x: f64, digits: u32) -> String {
    let digits = digits as i32;
    if !x.is_finite() {
        return format!("{x}").to_lowercase();
    }
    if x == 0.0 {
        return "0".into();
    }
    let magnitude = libm::floor(libm::log10(x.abs())) as i32;
    if !(-4..=7).contains(&magnitude) {
        return format!("{x:.*e}", digits as usize - 1);
    }
    format!("{x:.*}", (digits - 1 - magnitude).max(0) as usize)
}
