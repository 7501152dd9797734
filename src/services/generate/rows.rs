use crate::model::{Ask, Machine, Reply};
use crate::random::{Purpose, Stream};
use serde::{Deserialize, Serialize};

/// The machine that goes through the rows of one chain's draws. It asks for no evaluations.
#[derive(Serialize, Deserialize)]
pub struct Rows {
    id: u64,
    total: usize,
    done: usize,
    begun: bool,
    /// For the positions that the model makes of rows.
    pub start_stream: Stream,
    /// For the quantities.
    pub outputs_stream: Stream,
}

/// What [`Rows`] tells.
pub enum Row {
    /// This row, counted from 0, is next.
    Next(usize),
    /// There are no more.
    Done,
}

impl Rows {
    /// `total` rows of chain `id`.
    pub fn new(seed: u64, id: u64, total: usize) -> Self {
        let stream = |purpose| Stream::new(seed, id, purpose);
        let (start_stream, outputs_stream) = (stream(Purpose::Start), stream(Purpose::Outputs));
        Self { id, total, done: 0, begun: false, start_stream, outputs_stream }
    }

    /// Rows seen to.
    pub fn done(&self) -> usize {
        self.done
    }

    /// How many there are.
    pub fn total(&self) -> usize {
        self.total
    }

    /// The row that is next has been seen to.
    pub fn count(&mut self) {
        self.done += 1;
    }

    fn ask(&self) -> Ask<Row> {
        Ask::Event(if self.done < self.total { Row::Next(self.done) } else { Row::Done })
    }
}

impl Machine for Rows {
    type Event = Row;

    fn id(&self) -> u64 {
        self.id
    }

    fn resume(&mut self, _: Reply) -> Ask<Row> {
        self.begun = true;
        self.ask()
    }

    fn asked(&self) -> Option<Ask<Row>> {
        self.begun.then(|| self.ask())
    }

    fn progress(&self) -> f64 {
        self.done as f64 / self.total.max(1) as f64
    }
}
