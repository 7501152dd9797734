//! A page as the C ABI writes it for a fit: the one that the same facts give in Rust.

use super::{Example, eight_schools, leave};
use catena::diagnostics::SummaryInput;
use catena::ffi::report::{catena_report, catena_report_options};
use catena::io::Adapted;
use catena::particles::blocks::Serial;
use catena::report::{ReportInput, report};
use std::ffi::{CString, c_char};
use std::path::Path;
use std::ptr;

/// Texts as C has them; the pointers are to the texts beside them.
fn texts<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> (Vec<CString>, Vec<*const c_char>) {
    let owned: Vec<CString> = texts.into_iter().map(|text| CString::new(text.as_ref()).unwrap()).collect();
    let pointers = owned.iter().map(|text| text.as_ptr()).collect();
    (owned, pointers)
}

/// One after the other, with zeros behind those that are shorter than the longest; the length of that one.
fn padded(lists: &[Vec<f64>]) -> (Vec<f64>, usize) {
    let longest = lists.iter().map(Vec::len).max().unwrap_or(0);
    let one = |list: &Vec<f64>| list.iter().copied().chain(vec![0.0; longest - list.len()]).collect::<Vec<f64>>();
    (lists.iter().flat_map(one).collect(), longest)
}

/// The page by the C ABI, whose metrics are those of `dimension` coordinates.
fn by_abi(input: &ReportInput<'_>, dimension: usize) -> String {
    let SummaryInput { values, chains, draws, columns, .. } = input.draws;
    let adapted = || input.runs.iter().filter_map(|run| run.adapted.as_ref());
    let seconds: Vec<f64> = input.runs.iter().filter_map(|run| run.elapsed).flatten().collect();
    let step_sizes: Vec<f64> = adapted().map(|adapted| adapted.stepsize).collect();
    let (inv_metrics, metric_size) = padded(&adapted().map(|adapted| adapted.metric().1).collect::<Vec<_>>());
    let paths: Vec<Vec<f64>> = input.runs.iter().map(|run| run.warmup_step_sizes.clone()).collect();
    let (warmup_step_sizes, warmup_size) = padded(&paths);
    let warmup_lengths: Vec<usize> = paths.iter().map(Vec::len).collect();
    let (_names, names) = texts(input.draws.names);
    let (_setting_names, setting_names) = texts(input.settings.iter().map(|(name, _)| name));
    let (_setting_values, setting_values) = texts(input.settings.iter().map(|(_, value)| value));
    let title = CString::new(input.title).unwrap();
    let options = catena_report_options {
        struct_size: size_of::<catena_report_options>(),
        title: title.as_ptr(),
        seconds: seconds.as_ptr(),
        step_sizes: step_sizes.as_ptr(),
        inv_metrics: inv_metrics.as_ptr(),
        metric_size,
        lengths: ptr::null(),
        pool: ptr::null(),
        max_depth: input.draws.max_depth.unwrap_or(0),
        dimension,
        warmup_step_sizes: warmup_step_sizes.as_ptr(),
        warmup_size,
        warmup_lengths: warmup_lengths.as_ptr(),
        setting_names: setting_names.as_ptr(),
        setting_values: setting_values.as_ptr(),
        num_settings: setting_names.len(),
    };
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("by_abi.html");
    let place = CString::new(path.to_str().unwrap()).unwrap();
    let (size, layout, mut error) = (values.len(), input.draws.layout as i32, ptr::null_mut());
    // SAFETY: all pointers lead to arrays that are as long as is said, and live.
    let status = unsafe {
        let (values, names) = (values.as_ptr(), names.as_ptr());
        catena_report(values, size, chains, draws, columns, layout, names, &options, place.as_ptr(), &mut error)
    };
    assert!(status as i32 == 0 && error.is_null(), "{status:?}");
    std::fs::read_to_string(path).unwrap()
}

/// Eight schools with warm-ups of different lengths, and metrics as `adapted` makes them of the chain.
fn fit(adapted: impl Fn(usize) -> Adapted) -> Example {
    let mut example = eight_schools();
    for (c, run) in example.runs.iter_mut().enumerate() {
        run.warmup_step_sizes = (1..=200 + 150 * c).map(|i| 2.0 / (1.0 + i as f64).sqrt()).collect();
        run.adapted = Some(adapted(c));
    }
    example
}

#[test]
fn a_fit_has_the_page_that_its_facts_give() {
    let settings = [("num_warmup", "200"), ("metric", "<auto>")].map(|(name, value)| (name.into(), value.into()));
    let of = |inv_metric: &[f64], metric_rows, directions| Adapted {
        stepsize: 0.25,
        inv_metric: inv_metric.to_vec(),
        metric_rows,
        directions,
    };
    let low_rank = |c: usize| {
        // As many directions as the chain's number, so that their numbers differ in length.
        let along = [0.6, 0.8, 0.8, -0.6];
        let count = c.min(2);
        of(&[1.0, 4.0], 1, Some((vec![3.0; count], along[..2 * count].to_vec())))
    };
    let examples = [
        ("fit", fit(|c| of(&[1.0, 0.5 + c as f64], 1, None)), "[[1.0,0.5],[1.0,1.5],"),
        ("fit_dense", fit(|c| of(&[1.0, 0.5, 0.5, 2.0 + c as f64], 2, None)), "[[1.0,2.0],[1.0,3.0],"),
        ("fit_low_rank", fit(low_rank), "[[1.0,4.0],[1.72,9.12"),
    ];
    for (name, example, metrics) in examples {
        let input = example.input("A fit", &settings);
        let page = by_abi(&input, 2);
        assert!(page == report(&input, &Serial).unwrap(), "{name}");
        assert!(
            page.contains(&format!("\"metrics\":{metrics}")),
            "{name}: {}",
            &page[page.find("\"metrics\"").unwrap()..][..90]
        );
        assert!(
            page.contains("\"paths\":[[1.414213562373095") && page.contains("<dt>metric</dt><dd>&lt;auto&gt;</dd>")
        );
        leave(name, &page);
    }
}
