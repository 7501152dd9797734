//! Schemes that walk along the cumulated weights with a sorted row of points.

use crate::random::Stream;

/// Where the walk along the cumulated weights stands.
struct Walk<'a> {
    weights: &'a [f64],
    /// The particle it has come to, and the sum of the weights up to it and with it.
    at: usize,
    cumulated: f64,
    /// The last particle of positive weight, where points that rounding put beyond the end belong.
    last: usize,
}

impl<'a> Walk<'a> {
    fn new(weights: &'a [f64]) -> Self {
        let last = weights.iter().rposition(|&w| w > 0.0).unwrap_or(0);
        Self { weights, at: 0, cumulated: weights[0], last }
    }

    /// The particle that holds `point`; points come in ascending order.
    #[inline(always)]
    fn find(&mut self, point: f64) -> u32 {
        // A point on an edge belongs to the particle that begins there, so that one of no width is passed over.
        while self.cumulated <= point && self.at < self.last {
            self.at += 1;
            self.cumulated += self.weights[self.at];
        }
        self.at as u32
    }
}

/// One uniform in each n-th part of the sum.
pub(super) fn stratified(weights: &[f64], total: f64, stream: &mut Stream, out: &mut [u32]) {
    let width = total / out.len() as f64;
    let mut walk = Walk::new(weights);
    for (i, out) in out.iter_mut().enumerate() {
        *out = walk.find((i as f64 + stream.uniform()) * width);
    }
}

/// The order statistics of n uniforms, smallest first: sums of n + 1 exponentials over their total.
struct Sorted {
    stream: Stream,
    sum: f64,
    scale: f64,
}

impl Sorted {
    /// `n` points between 0 and `total`.
    fn new(n: usize, total: f64, stream: &mut Stream) -> Self {
        // The exponentials are drawn a second time rather than kept.
        let again = stream.clone();
        let sum: f64 = (0..=n).map(|_| stream.exponential()).sum();
        Self { stream: again, sum: 0.0, scale: total / sum }
    }

    #[inline(always)]
    fn next(&mut self) -> f64 {
        self.sum += self.stream.exponential();
        self.sum * self.scale
    }
}

pub(super) fn multinomial(weights: &[f64], total: f64, stream: &mut Stream, out: &mut [u32]) {
    let mut points = Sorted::new(out.len(), total, stream);
    let mut walk = Walk::new(weights);
    for out in out {
        *out = walk.find(points.next());
    }
}

pub(super) fn residual(weights: &[f64], total: f64, stream: &mut Stream, out: &mut [u32]) {
    let n = out.len();
    let scale = n as f64 / total;
    let parts = |w: f64| {
        let whole = (w * scale).floor();
        (whole as usize, w * scale - whole)
    };
    let (mut whole, mut remainder) = (0, 0.0);
    for &w in weights {
        let (copies, part) = parts(w);
        whole += copies;
        remainder += part;
    }
    let open = n.saturating_sub(whole);
    let mut points = Sorted::new(open, remainder, stream);
    let (mut filled, mut drawn, mut cumulated) = (0, 0, 0.0);
    let mut point = if open > 0 { points.next() } else { f64::INFINITY };
    for (i, &w) in weights.iter().enumerate() {
        let (mut copies, part) = parts(w);
        cumulated += part;
        while drawn < open && point < cumulated {
            copies += 1;
            drawn += 1;
            point = points.next();
        }
        let end = n.min(filled + copies);
        out[filled..end].fill(i as u32);
        filled = end;
    }
    // What rounding put beyond the end belongs to the last particle that may be drawn.
    out[filled..].fill(Walk::new(weights).last as u32);
}
