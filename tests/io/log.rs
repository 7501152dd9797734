//! Loggers write whole lines whatever the threads do; interrupts watch a flag.

use catena::io::{FlagInterrupt, Interrupt, Level, LineLogger, Logger, log_lines};
use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Takes a few bytes at a time and gives other threads a chance in between.
struct Slow(Vec<u8>);

impl Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(5);
        self.0.extend_from_slice(&bytes[..taken]);
        std::thread::yield_now();
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn text(logger: LineLogger<Vec<u8>>) -> String {
    String::from_utf8(logger.into_inner()).unwrap()
}

#[test]
fn lines_name_chain_and_level() {
    let logger = LineLogger::new(Vec::new());
    logger.log(Level::Debug, Some(3), "dropped");
    logger.log(Level::Info, Some(3), "Iteration 1 / 2000");
    logger.log(Level::Info, None, "4 chains");
    logger.log(Level::Warning, Some(12), "treedepth");
    logger.log(Level::Error, None, "failed");
    let expected = "[chain 3] Iteration 1 / 2000\n4 chains\n[chain 12] warning: treedepth\nerror: failed\n";
    assert_eq!(text(logger), expected);
}

#[test]
fn the_lowest_level_can_be_chosen() {
    let logger = LineLogger::new(Vec::new()).with_lowest(Level::Error);
    logger.log(Level::Warning, None, "dropped");
    logger.log(Level::Error, None, "kept");
    assert_eq!(text(logger), "error: kept\n");
    let logger = LineLogger::new(Vec::new()).with_lowest(Level::Debug);
    logger.log(Level::Debug, None, "kept");
    assert_eq!(text(logger), "kept\n");
}

#[test]
fn text_of_several_lines_becomes_several_whole_lines() {
    let logger = LineLogger::new(Vec::new());
    log_lines(&logger, Level::Info, Some(2), "first\r\nsecond\n\nfourth\n");
    log_lines(&logger, Level::Info, Some(2), "");
    assert_eq!(text(logger), "[chain 2] first\n[chain 2] second\n[chain 2] \n[chain 2] fourth\n");
    // Also when they come in one call, against the rule.
    let logger = LineLogger::new(Vec::new());
    logger.log(Level::Warning, Some(2), "first\nsecond");
    assert_eq!(text(logger), "[chain 2] warning: first\n[chain 2] warning: second\n");
}

#[test]
fn lines_of_many_threads_stay_whole() {
    const THREADS: u64 = 8;
    const LINES: usize = 200;
    let logger = LineLogger::new(Slow(Vec::new()));
    std::thread::scope(|scope| {
        for id in 1..=THREADS {
            let logger = &logger;
            scope.spawn(move || {
                for i in 0..LINES {
                    log_lines(logger, Level::Info, Some(id), &format!("line {i} of chain {id}, to the end"));
                }
            });
        }
    });
    let text = String::from_utf8(logger.into_inner().0).unwrap();
    let mut next: HashMap<String, usize> = HashMap::new();
    for line in text.lines() {
        let id = line.strip_prefix("[chain ").unwrap().split(']').next().unwrap().to_owned();
        let i = next.entry(id.clone()).or_default();
        assert_eq!(line, format!("[chain {id}] line {i} of chain {id}, to the end"));
        *i += 1;
    }
    assert_eq!(next.len() as u64, THREADS);
    assert!(next.values().all(|&n| n == LINES));
}

#[test]
fn output_that_fails_does_not_end_the_run() {
    struct Broken;
    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::other("broken"))
        }
        fn flush(&mut self) -> io::Result<()> {
            Err(io::Error::other("broken"))
        }
    }
    let logger = LineLogger::new(Broken);
    logger.log(Level::Error, None, "nobody sees this");
    logger.log(Level::Error, None, "nor this");
}

#[test]
fn a_flag_interrupts() {
    static FLAG: AtomicBool = AtomicBool::new(false);
    let interrupt = FlagInterrupt::new(&FLAG);
    assert!(!interrupt.requested());
    FLAG.store(true, Ordering::Relaxed);
    assert!(interrupt.requested());

    let flag = Arc::new(AtomicBool::new(false));
    let interrupt = FlagInterrupt::new(Arc::clone(&flag));
    assert!(!interrupt.requested());
    std::thread::spawn(move || flag.store(true, Ordering::Relaxed)).join().unwrap();
    assert!(interrupt.requested());
}
