//! Which point of a path has the best approximation: a few draws at each, all of them where these look best.

use super::Found;
use crate::pathfinder::PathNormal;
use crate::random::Stream;
use crate::variational::{Bound, Draws};
use serde::{Deserialize, Serialize};

/// Draws at each point. With the same normals everywhere, differences between points are known better than the bounds
/// themselves, and most points of a path are worse than the best by far.
const FIRST: usize = 5;
/// Points whose bounds are estimated by all draws.
const FINALISTS: usize = 4;

/// A point that may be the best.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Contender {
    iteration: usize,
    normal: PathNormal,
    /// log p - log q at its draws so far.
    ratios: Vec<f64>,
}

impl Contender {
    fn bound(&self) -> Bound {
        Bound::of(self.ratios.iter().copied())
    }
}

/// The points of a path that may have the best approximation.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Race {
    dim: usize,
    /// The point looked at.
    candidate: Option<(usize, PathNormal)>,
    /// By their bounds, the best first; of equal ones the earlier.
    contenders: Vec<Contender>,
    first: Draws,
    /// Draws of all contenders, one after the other.
    rest: Draws,
    /// Draws that each contender lacks.
    lacking: usize,
    /// Where the first draws of every point begin, and where the others do.
    streams: [Stream; 2],
    dropped: u64,
    densities: u64,
}

impl Race {
    /// A race decided by `draws` draws, whose normals come from `stream`.
    pub fn new(draws: usize, dim: usize, stream: Stream) -> Self {
        let first = draws.min(FIRST);
        Self {
            dim,
            candidate: None,
            contenders: Vec::with_capacity(FINALISTS + 1),
            first: Draws::new(first, dim, false),
            rest: Draws::new(0, dim, false),
            lacking: draws - first,
            streams: [stream.clone(), stream],
            dropped: 0,
            densities: 0,
        }
    }

    /// Draws without a finite log density so far.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Draws so far.
    pub fn densities(&self) -> u64 {
        self.densities
    }

    /// A point passes: [`Race::first`] is to be answered next.
    pub fn pass(&mut self, iteration: usize, normal: PathNormal) {
        let [start, rest] = &mut self.streams;
        let mut stream = start.clone();
        self.first.redraw(|_, x| normal.draw(&mut stream, x));
        *rest = stream;
        self.densities += self.first.rows() as u64;
        self.candidate = Some((iteration, normal));
    }

    /// The draws of the point that passes.
    pub fn first(&mut self) -> &mut Draws {
        &mut self.first
    }

    /// The draws of the point that passes are answered: what they say of its bound.
    pub fn passed(&mut self) -> Bound {
        let (iteration, normal) = self.candidate.take().expect("a point passes");
        let contender = Contender { iteration, normal, ratios: ratios(&self.first, 0..self.first.rows()) };
        let bound = contender.bound();
        self.dropped += bound.dropped as u64;
        if bound.elbo > f64::NEG_INFINITY {
            self.contenders.push(contender);
            self.rank();
            self.contenders.truncate(FINALISTS);
        }
        bound
    }

    fn rank(&mut self) {
        self.contenders.sort_by(|a, b| b.bound().elbo.total_cmp(&a.bound().elbo));
    }

    /// All points have passed: whether [`Race::rest`] is to be answered before [`Race::best`] is known.
    pub fn finish(&mut self) -> bool {
        let Self { dim, contenders, rest, lacking, streams, densities, .. } = self;
        if *lacking == 0 || contenders.is_empty() {
            return false;
        }
        *rest = Draws::new(contenders.len() * *lacking, *dim, false);
        let mut stream = streams[1].clone();
        rest.redraw(|row, x| {
            if row.is_multiple_of(*lacking) {
                stream = streams[1].clone();
            }
            contenders[row / *lacking].normal.draw(&mut stream, x)
        });
        *densities += rest.rows() as u64;
        streams[1] = stream;
        true
    }

    /// The draws that the contenders lack.
    pub fn rest(&mut self) -> &mut Draws {
        &mut self.rest
    }

    /// [`Race::rest`] is answered.
    pub fn finished(&mut self) {
        let lacking = std::mem::take(&mut self.lacking);
        for (place, contender) in self.contenders.iter_mut().enumerate() {
            let ratios = ratios(&self.rest, place * lacking..(place + 1) * lacking);
            self.dropped += Bound::of(ratios.iter().copied()).dropped as u64;
            contender.ratios.extend(ratios);
        }
        self.rank();
    }

    /// The best point of all, and the stream after all of its draws.
    pub fn best(&self) -> (Option<Found>, Stream) {
        let best = self.contenders.first().map(|best| Found {
            iteration: best.iteration,
            elbo: best.bound().elbo,
            normal: best.normal.clone(),
        });
        (best, self.streams[1].clone())
    }
}

fn ratios(draws: &Draws, rows: std::ops::Range<usize>) -> Vec<f64> {
    rows.map(|row| draws.log_ratio(row)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pathfinder::covariance::Steps;
    use crate::random::Purpose;

    const DIM: usize = 2;

    /// A unit normal about this place.
    fn about(x: f64) -> PathNormal {
        PathNormal::new(&Steps::new(DIM, 1), &[x; DIM], &[0.0; DIM]).unwrap()
    }

    /// Answers with the log density of a unit normal about 0, without its constant, and nothing beyond `edge`.
    fn answer(draws: &mut Draws, edge: f64) {
        for row in 0..draws.rows() {
            let x = draws.position(row);
            let value = -0.5 * x.iter().map(|x| x * x).sum::<f64>();
            let answer = (x[0] < edge).then_some(value);
            draws.block.answer(answer);
        }
    }

    fn race(draws: usize, places: &[f64], edge: f64) -> Race {
        let mut race = Race::new(draws, DIM, Stream::new(3, 1, Purpose::Sampler));
        for (iteration, x) in places.iter().enumerate() {
            race.pass(iteration, about(*x));
            answer(race.first(), edge);
            race.passed();
        }
        if race.finish() {
            answer(race.rest(), edge);
            race.finished();
        }
        race
    }

    #[test]
    fn the_nearest_point_wins_by_all_draws_and_few_are_looked_at_so() {
        let places = [9.0, 4.0, 2.0, 0.7, 0.5, 0.1, 0.3, 3.0];
        let race = race(30, &places, f64::INFINITY);
        let (best, _) = race.best();
        let best = best.unwrap();
        assert_eq!(best.iteration, 5);
        assert_eq!(race.densities(), (FIRST * places.len() + FINALISTS * (30 - FIRST)) as u64);
        // What the bound would have been, had all draws been made there at once.
        let (mut all, mut stream) = (Draws::new(30, DIM, false), Stream::new(3, 1, Purpose::Sampler));
        let normal = about(0.1);
        all.redraw(|_, x| normal.draw(&mut stream, x));
        answer(&mut all, f64::INFINITY);
        assert_eq!(best.elbo, all.bound().elbo);
        // What comes after begins where these end.
        assert_eq!(race.best().1.clone().normal(), stream.normal());
    }

    #[test]
    fn few_draws_are_made_at_once_and_the_earlier_of_equal_points_stays() {
        let race = race(FIRST, &[1.0, 0.2, 0.2], f64::INFINITY);
        assert_eq!((race.densities(), race.best().0.unwrap().iteration), (3 * FIRST as u64, 1));
    }

    #[test]
    fn points_without_a_density_are_no_contenders() {
        let none = race(30, &[50.0, 60.0], 20.0);
        assert!(none.best().0.is_none());
        assert_eq!((none.dropped(), none.densities()), (2 * FIRST as u64, 2 * FIRST as u64));
        let cut = race(30, &[50.0, 0.5], 0.5);
        assert!(cut.best().0.is_some());
        assert!(cut.dropped() > FIRST as u64, "{}", cut.dropped());
    }
}
