//! The messages of an Arrow stream, each looked at before Arrow's reader has it: that reader takes sizes as they come, and asks for
//! as much memory, or panics, where a file was damaged or crafted.

use arrow_ipc::{MessageHeader, Precision, RecordBatch, Schema, Type, root_as_message};
use std::io::{self, ErrorKind, Read};

/// Bytes before each message: a mark, and the length of what describes it.
const PREFIX: usize = 8;
const MARK: [u8; 4] = [0xff; 4];

/// Reads a stream of so many bytes as it is, message by message.
pub struct Frames<R> {
    from: R,
    left: u64,
    /// What has been read of a message, but for its body, and is given on.
    ready: io::Cursor<Vec<u8>>,
    body: u64,
    /// Bits of each column's values.
    columns: Vec<u64>,
}

fn bad<T>(what: impl Into<String>) -> io::Result<T> {
    Err(io::Error::new(ErrorKind::InvalidData, what.into()))
}

impl<R: Read> Frames<R> {
    pub fn new(from: R, length: u64) -> Self {
        Self { from, left: length, ready: io::Cursor::default(), body: 0, columns: Vec::new() }
    }

    /// Makes the next message ready; nothing where the stream ends.
    fn next(&mut self) -> io::Result<()> {
        if self.left == 0 {
            return Ok(());
        }
        let mut prefix = [0; PREFIX];
        self.take(&mut prefix)?;
        let (mark, length) = prefix.split_at(MARK.len());
        if mark != MARK {
            return bad("expected a message of Arrow's streams, got something else");
        }
        let length = u32::from_le_bytes(length.try_into().expect("four bytes"));
        let mut message = prefix.to_vec();
        if u64::from(length) > self.left {
            return bad("its last message is cut off");
        }
        message.resize(PREFIX + length as usize, 0);
        self.take(&mut message[PREFIX..])?;
        if length > 0 {
            self.body = self.check(&message[PREFIX..])?;
            self.left -= self.body;
        }
        self.ready = io::Cursor::new(message);
        Ok(())
    }

    fn take(&mut self, place: &mut [u8]) -> io::Result<()> {
        match self.left.checked_sub(place.len() as u64) {
            Some(left) => self.left = left,
            None => return bad("its last message is cut off"),
        }
        self.from.read_exact(place)
    }

    /// Looks at what describes a message; the length of its body.
    fn check(&mut self, message: &[u8]) -> io::Result<u64> {
        let message = root_as_message(message).map_err(|e| io::Error::new(ErrorKind::InvalidData, e.to_string()))?;
        let Some(body) = u64::try_from(message.bodyLength()).ok().filter(|body| *body <= self.left) else {
            return bad("its last message is cut off");
        };
        match (message.header_as_schema(), message.header_as_record_batch()) {
            (Some(schema), _) => self.columns = columns(&schema)?,
            (_, Some(batch)) if batch.compression().is_some() => {
                return bad("expected batches that are not compressed, got compressed ones");
            }
            (_, Some(batch)) if fits(&batch, &self.columns, body) => {}
            (_, Some(_)) => return bad("a batch of it is not what its columns are"),
            _ => return bad(format!("expected batches of rows, got a message {:?}", message.header_type())),
        }
        debug_assert!(matches!(message.header_type(), MessageHeader::Schema | MessageHeader::RecordBatch));
        Ok(body)
    }
}

/// Bits of each column's values.
fn columns(schema: &Schema<'_>) -> io::Result<Vec<u64>> {
    let Some(fields) = schema.fields() else { return bad("expected columns of draws, got none") };
    let bits = fields.iter().map(|field| {
        let Some(name) = field.name() else { return bad("expected names of columns, got none of one") };
        let is_plain = field.dictionary().is_none() && field.children().is_none_or(|of| of.is_empty());
        let bits = match field.type_type() {
            Type::Int => field.type_as_int().filter(|int| int.bitWidth() == 64 && int.is_signed()).map(|_| 64),
            Type::FloatingPoint => {
                field.type_as_floating_point().filter(|float| float.precision() == Precision::DOUBLE).map(|_| 64)
            }
            Type::Bool => Some(1),
            _ => None,
        };
        match bits.filter(|_| is_plain) {
            Some(bits) => Ok(bits),
            None => {
                let kind = field.type_type();
                let size = if matches!(kind, Type::Int | Type::FloatingPoint) { " of another size" } else { "" };
                bad(format!("column '{name}': expected 64-bit numbers or booleans, got {kind:?}{size}"))
            }
        }
    });
    bits.collect()
}

/// Whether the body of a batch has all that the batch says it has.
fn fits(batch: &RecordBatch<'_>, columns: &[u64], body: u64) -> bool {
    let (Some(nodes), Some(buffers)) = (batch.nodes(), batch.buffers()) else { return false };
    let Ok(rows) = u64::try_from(batch.length()) else { return false };
    if nodes.len() != columns.len() || buffers.len() != 2 * columns.len() {
        return false;
    }
    // Whether buffer number `at` lies in the body, with so many bits for each row.
    let holds = |at: usize, bits: u64| {
        let buffer = buffers.get(at);
        let (start, length) = (u64::try_from(buffer.offset()), u64::try_from(buffer.length()));
        let (Ok(start), Ok(length)) = (start, length) else { return false };
        let needed = rows.checked_mul(bits).map(|bits| bits.div_ceil(u64::from(u8::BITS)));
        start.checked_add(length).is_some_and(|end| end <= body) && needed.is_some_and(|needed| length >= needed)
    };
    columns.iter().enumerate().all(|(i, &bits)| {
        let node = nodes.get(i);
        let nulls = u64::try_from(node.null_count());
        u64::try_from(node.length()) == Ok(rows)
            && nulls.is_ok_and(|nulls| nulls <= rows && holds(2 * i, u64::from(nulls > 0)))
            && holds(2 * i + 1, bits)
    })
}

impl<R: Read> Read for Frames<R> {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        let done = self.ready.read(place)?;
        if done > 0 || place.is_empty() {
            return Ok(done);
        }
        if self.body == 0 {
            self.next()?;
            return self.ready.read(place);
        }
        let most = usize::try_from(self.body).unwrap_or(usize::MAX).min(place.len());
        let done = self.from.read(&mut place[..most])?;
        self.body -= done as u64;
        Ok(done)
    }
}
