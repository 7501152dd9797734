//! Buffers, launches and transfers.

use crate::drive::device::{Precision, Product};
use opencl3::command_queue::CommandQueue;
use opencl3::context::Context;
use opencl3::device::Device;
use opencl3::error_codes::ClError;
use opencl3::event::Event;
use opencl3::kernel::{ExecuteKernel, Kernel};
use opencl3::memory::{Buffer, CL_MEM_READ_ONLY, CL_MEM_WRITE_ONLY};
use opencl3::program::Program;
use opencl3::types::{CL_BLOCKING, CL_NON_BLOCKING, cl_mem_flags, cl_ulong};
use std::ops::Range;
use std::ptr::null_mut;

/// Most cells of one launch, so that a stop is heeded and reading overlaps with computing.
const MOST_CELLS: usize = 1 << 24;

/// A number on the device.
trait Real: Copy {
    fn of(x: f64) -> Self;
    fn back(self) -> f64;
    /// Whether the bits are the same.
    fn same(self, other: Self) -> bool;
}

impl Real for f64 {
    fn of(x: f64) -> Self {
        x
    }
    fn back(self) -> f64 {
        self
    }
    fn same(self, other: Self) -> bool {
        self.to_bits() == other.to_bits()
    }
}

impl Real for f32 {
    fn of(x: f64) -> Self {
        x as f32
    }
    fn back(self) -> f64 {
        f64::from(self)
    }
    fn same(self, other: Self) -> bool {
        self.to_bits() == other.to_bits()
    }
}

/// A kernel with its queues and what lies on the device.
pub(super) struct Launch {
    /// Launches and writes.
    queue: CommandQueue,
    /// Reads, which overlap with them.
    reads: CommandQueue,
    kernel: Kernel,
    memory: Memory,
    pub largest_chunk: usize,
    /// Bytes that models of all owners may take together.
    most_held: usize,
    pub uploads: u64,
    // Freed after what was made of them.
    _program: Program,
    context: Context,
}

enum Memory {
    Double(Buffers<f64>),
    Single(Buffers<f32>),
}

struct Buffers<T> {
    outcomes: Held<T>,
    /// Those of several owners, the last used one last.
    models: Vec<(u64, Held<T>)>,
    experiments: Held<T>,
    /// Two, in turn.
    out: [Held<T>; 2],
}

/// A buffer on the device, if it was made, and what it holds.
struct Held<T> {
    buffer: Option<Buffer<T>>,
    room: usize,
    copy: Vec<T>,
}

impl<T> Default for Held<T> {
    fn default() -> Self {
        Self { buffer: None, room: 0, copy: Vec::new() }
    }
}

impl<T> Default for Buffers<T> {
    fn default() -> Self {
        let new = Held::default;
        Self { outcomes: new(), models: Vec::new(), experiments: new(), out: [new(), new()] }
    }
}

impl<T> Held<T> {
    /// The buffer, which was made.
    fn buffer(&self) -> &Buffer<T> {
        self.buffer.as_ref().expect("made by `Work::room`")
    }

    fn buffer_mut(&mut self) -> &mut Buffer<T> {
        self.buffer.as_mut().expect("made by `Work::room`")
    }
}

impl Launch {
    pub fn new(device: &Device, context: Context, program: Program, precision: Precision) -> Result<Self, ClError> {
        let kernel = Kernel::create(&program, "catena_product")?;
        let bytes = match precision {
            Precision::Double => size_of::<f64>(),
            Precision::Single => size_of::<f32>(),
        };
        // Two chunks of results and the inputs have to fit; a quarter of the memory is left to the inputs.
        let most = device.max_mem_alloc_size()?.min(device.global_mem_size()? / 4);
        let largest_chunk = (usize::try_from(most).unwrap_or(usize::MAX) / bytes).clamp(1, MOST_CELLS);
        let memory = match precision {
            Precision::Double => Memory::Double(Buffers::default()),
            Precision::Single => Memory::Single(Buffers::default()),
        };
        let [queue, reads] = [queue_of(&context)?, queue_of(&context)?];
        let most_held = usize::try_from(device.global_mem_size()? / 4).unwrap_or(usize::MAX);
        Ok(Self { queue, reads, kernel, memory, largest_chunk, most_held, uploads: 0, _program: program, context })
    }

    pub fn compute(&mut self, product: &Product<'_>, out: &mut [f64]) -> Result<(), ClError> {
        let Self { queue, reads, kernel, memory, largest_chunk, most_held, uploads, context, .. } = self;
        let work = Work { queue, reads, kernel, context, largest_chunk: *largest_chunk, most_held: *most_held };
        let uploaded = match memory {
            Memory::Double(buffers) => work.compute(buffers, product, out),
            Memory::Single(buffers) => work.compute(buffers, product, out),
        };
        if uploaded.is_err() {
            // Nothing may still write into memory that is about to be freed, nor count as written.
            let _ = (queue.finish(), reads.finish());
            match memory {
                Memory::Double(buffers) => *buffers = Buffers::default(),
                Memory::Single(buffers) => *buffers = Buffers::default(),
            }
        }
        *uploads += u64::from(uploaded?);
        Ok(())
    }
}

fn queue_of(context: &Context) -> Result<CommandQueue, ClError> {
    #[allow(deprecated, reason = "the call that every version of OpenCL has")]
    CommandQueue::create_default(context, 0)
}

struct Work<'a> {
    queue: &'a CommandQueue,
    reads: &'a CommandQueue,
    kernel: &'a Kernel,
    context: &'a Context,
    largest_chunk: usize,
    most_held: usize,
}

impl Work<'_> {
    /// Whether models had to be sent.
    fn compute<T: Real>(
        &self,
        buffers: &mut Buffers<T>,
        product: &Product<'_>,
        out: &mut [f64],
    ) -> Result<bool, ClError> {
        let [n_o, n_m, n_e] = product.sizes().map(|n| n as cl_ulong);
        let Buffers { outcomes, models, experiments, out: results } = buffers;
        self.hold(outcomes, product.outcomes)?;
        self.hold(experiments, product.experiments)?;
        let (models, uploaded) = self.models_of(models, product)?;
        let chunk = self.largest_chunk.min(out.len().max(1));
        for place in results.iter_mut() {
            self.room(place, chunk, CL_MEM_WRITE_ONLY)?;
        }
        // What is being read while the next chunk is computed: from which buffer, and where it goes.
        let mut reading: Option<(Event, usize, Range<usize>)> = None;
        for (number, first) in (0..out.len()).step_by(chunk).enumerate() {
            let (place, part) = (number % results.len(), first..out.len().min(first + chunk));
            let mut run = ExecuteKernel::new(self.kernel);
            // SAFETY: the arguments are those of the kernel, in its order; the buffers have room for what it reads and,
            // there being no more cells than a chunk has, writes.
            let computed = unsafe {
                for number in [part.start as cl_ulong, part.len() as cl_ulong, n_o, n_m, n_e, product.block as cl_ulong]
                {
                    run.set_arg(&number);
                }
                for input in [&*outcomes, models, &*experiments, &results[place]] {
                    run.set_arg(input.buffer());
                }
                run.set_global_work_size(part.len()).enqueue_nd_range(self.queue)?
            };
            self.queue.flush()?;
            finish(reading.take(), results, out)?;
            let Held { buffer, copy, .. } = &mut results[place];
            let buffer = buffer.as_ref().expect("made by `Work::room`");
            // SAFETY: the copy is neither moved nor used until the event has been waited for in `finish`, or the queue in
            // `Launch::compute`.
            let read = unsafe {
                self.reads.enqueue_read_buffer(
                    buffer,
                    CL_NON_BLOCKING,
                    0,
                    &mut copy[..part.len()],
                    &[computed.get()],
                )?
            };
            self.reads.flush()?;
            reading = Some((read, place, part));
        }
        finish(reading, results, out)?;
        Ok(uploaded)
    }

    /// The models of the product's owner, and whether they had to be sent. Those longest out of use make room.
    fn models_of<'m, T: Real>(
        &self,
        all: &'m mut Vec<(u64, Held<T>)>,
        product: &Product<'_>,
    ) -> Result<(&'m Held<T>, bool), ClError> {
        let place = all.iter().position(|(owner, _)| *owner == product.owner);
        let (owner, mut own) = place.map_or_else(|| (product.owner, Held::default()), |place| all.remove(place));
        let bytes = |numbers: usize| numbers * size_of::<T>();
        let others = |all: &[(u64, Held<T>)]| all.iter().map(|(_, held)| bytes(held.room)).sum::<usize>();
        while !all.is_empty() && others(all).saturating_add(bytes(product.models.len())) > self.most_held {
            all.remove(0);
        }
        let uploaded = self.hold(&mut own, product.models)?;
        all.push((owner, own));
        Ok((&all[all.len() - 1].1, uploaded))
    }

    /// Sees to it that a buffer holds `numbers`. Whether they had to be sent.
    fn hold<T: Real>(&self, held: &mut Held<T>, numbers: &[f64]) -> Result<bool, ClError> {
        let same = |held: &Held<T>| {
            held.copy.len() == numbers.len() && held.copy.iter().zip(numbers).all(|(a, b)| a.same(T::of(*b)))
        };
        if same(held) && held.room > 0 {
            return Ok(false);
        }
        self.room(held, numbers.len(), CL_MEM_READ_ONLY)?;
        held.copy.clear();
        held.copy.extend(numbers.iter().map(|&x| T::of(x)));
        if numbers.is_empty() {
            return Ok(true);
        }
        // SAFETY: the buffer has room for them, and the call returns when they were taken.
        unsafe {
            let copy = std::mem::take(&mut held.copy);
            let sent = self.queue.enqueue_write_buffer(held.buffer_mut(), CL_BLOCKING, 0, &copy, &[]);
            held.copy = copy;
            sent?
        };
        Ok(true)
    }

    /// Room for `count` numbers.
    fn room<T: Real>(&self, held: &mut Held<T>, count: usize, flags: cl_mem_flags) -> Result<(), ClError> {
        // A buffer of no bytes is none.
        let count = count.max(1);
        if held.room < count {
            // SAFETY: without a pointer of the host's, the device's own memory is asked for.
            held.buffer = Some(unsafe { Buffer::create(self.context, flags, count, null_mut())? });
            held.room = count;
        }
        if flags == CL_MEM_WRITE_ONLY {
            held.copy.resize(held.room, T::of(0.0));
        }
        Ok(())
    }
}

/// Waits for what is being read and hands it on.
fn finish<T: Real>(
    reading: Option<(Event, usize, Range<usize>)>,
    results: &[Held<T>],
    out: &mut [f64],
) -> Result<(), ClError> {
    let Some((event, place, part)) = reading else { return Ok(()) };
    event.wait()?;
    let copy = &results[place].copy[..part.len()];
    out[part].iter_mut().zip(copy).for_each(|(out, x)| *out = x.back());
    Ok(())
}
