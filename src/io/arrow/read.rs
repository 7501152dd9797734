//! Reads what a chain wrote.

use super::table::INDEX;
use super::{MESSAGES, earlier};
use crate::error::{Code, Error};
use crate::io::StanCsv;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use std::path::Path;

/// The rows of a file, finished or not, without the columns `chain` and `draw`.
///
/// # Errors
/// The file cannot be read, has columns that are no numbers, or rows of several chains.
pub fn read(path: &Path) -> Result<StanCsv, Error> {
    let fail = |what: String| Error::new(Code::Io, format!("Arrow file '{}': {what}", path.display()));
    let stream = earlier::batches(path).map_err(&fail)?;
    let head = earlier::said_before(&stream.schema());
    let fields: Vec<(usize, String)> =
        stream.schema().fields().iter().map(|field| field.name().clone()).enumerate().collect();
    let (index, outputs): (Vec<_>, Vec<_>) = fields.into_iter().partition(|(_, name)| INDEX.contains(&name.as_str()));
    let chain_at = index.iter().find(|(_, name)| name == INDEX[0]).map(|(at, _)| *at);
    let (mut values, mut chain) = (Vec::new(), None);
    let mut is_cut_off = false;
    // After the last whole batch there may be part of another, or the end of a stream.
    let whole = stream.map_while(|batch| {
        is_cut_off = batch.is_err();
        batch.ok()
    });
    for batch in whole {
        let columns: Result<Vec<Vec<f64>>, String> = outputs
            .iter()
            .map(|(at, name)| numbers(batch.column(*at)).map_err(|e| format!("column '{name}': {e}")))
            .collect();
        let columns = columns.map_err(&fail)?;
        if let Some(at) = chain_at {
            for id in numbers(batch.column(at)).map_err(&fail)? {
                if *chain.get_or_insert(id) != id {
                    return Err(fail(format!(
                        "expected the rows of one chain, got chains {} and {id}",
                        chain.unwrap_or(id)
                    )));
                }
            }
        }
        for row in 0..batch.num_rows() {
            values.extend(columns.iter().map(|column| column[row]));
        }
    }
    let names: Vec<String> = outputs.into_iter().map(|(_, name)| name).collect();
    if names.is_empty() {
        return Err(fail("expected columns of draws, got none".into()));
    }
    Ok(StanCsv::of_rows(names, values, [&head, &earlier::messages(path, MESSAGES)], is_cut_off))
}

/// A column as doubles; NaN for what is missing.
fn numbers(column: &ArrayRef) -> Result<Vec<f64>, String> {
    let all = match column.data_type() {
        DataType::Float64 => column.as_primitive::<Float64Type>().iter().map(|x| x.unwrap_or(f64::NAN)).collect(),
        DataType::Int64 => {
            column.as_primitive::<Int64Type>().iter().map(|x| x.map_or(f64::NAN, |x| x as f64)).collect()
        }
        DataType::Boolean => {
            column.as_boolean().iter().map(|x| x.map_or(f64::NAN, |x| f64::from(u8::from(x)))).collect()
        }
        other => return Err(format!("expected 64-bit numbers or booleans, got {other}")),
    };
    Ok(all)
}
