use crate::model::Variable;

/// Puts together the value of one variable: a number, or nested arrays of numbers with equal lengths at each depth.
pub(super) struct Builder {
    name: String,
    /// Length of the arrays at each depth, once one of them has ended.
    shape: Vec<Option<usize>>,
    /// Depth of the numbers, once there is one.
    rank: Option<usize>,
    /// Index (from 0) of the element being read at each depth.
    index: Vec<usize>,
    /// The numbers in the order of the text: last index fastest.
    values: Vec<f64>,
}

impl Builder {
    pub(super) fn new(name: String) -> Self {
        Self { name, shape: Vec::new(), rank: None, index: Vec::new(), values: Vec::new() }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// An error about the element at `depth`, indices from 1 as in Stan.
    pub(super) fn complaint(&self, depth: usize, what: &str) -> String {
        if depth == 0 {
            return format!("variable '{}': {what}", self.name);
        }
        let index: Vec<String> = self.index[..depth].iter().map(|i| (i + 1).to_string()).collect();
        format!("variable '{}[{}]': {what}", self.name, index.join(","))
    }

    pub(super) fn number(&mut self, depth: usize, value: f64) -> Result<(), String> {
        if depth < self.shape.len() {
            return Err(self.complaint(depth, "expected an array, as the elements before it, got a number"));
        }
        self.rank = Some(depth);
        self.values.push(value);
        Ok(())
    }

    /// An array begins at `depth`.
    pub(super) fn open(&mut self, depth: usize) -> Result<(), String> {
        if self.rank.is_some_and(|rank| depth >= rank) {
            return Err(self.complaint(depth, "expected a number, as the elements before it, got an array"));
        }
        if self.shape.len() == depth {
            self.shape.push(None);
            self.index.push(0);
        }
        self.index[depth] = 0;
        Ok(())
    }

    /// The next element at `depth`.
    pub(super) fn advance(&mut self, depth: usize) {
        self.index[depth] += 1;
    }

    /// The array at `depth` ends.
    pub(super) fn close(&mut self, depth: usize) -> Result<(), String> {
        let length = self.index[depth];
        match self.shape[depth] {
            Some(expected) if expected != length => {
                let what = format!("expected length {expected}, as the array before it, got length {length}");
                Err(self.complaint(depth, &what))
            }
            _ => {
                self.shape[depth] = Some(length);
                Ok(())
            }
        }
    }

    /// The variable, first index fastest; `None` when nothing was read.
    pub(super) fn finish(self) -> Option<(String, Variable)> {
        if self.rank.is_none() && self.shape.is_empty() {
            return None;
        }
        let shape: Vec<usize> = self.shape.into_iter().flatten().collect();
        let values = first_index_fastest(&shape, self.values);
        Some((self.name, Variable { shape, values }))
    }
}

fn first_index_fastest(shape: &[usize], values: Vec<f64>) -> Vec<f64> {
    if shape.len() < 2 {
        return values;
    }
    let mut strides = vec![1; shape.len()];
    for depth in (0..shape.len() - 1).rev() {
        strides[depth] = strides[depth + 1] * shape[depth + 1];
    }
    let mut index = vec![0; shape.len()];
    let mut from = 0;
    let mut next = || {
        let value = values[from];
        for depth in 0..shape.len() {
            index[depth] += 1;
            from += strides[depth];
            if index[depth] < shape[depth] {
                break;
            }
            from -= strides[depth] * shape[depth];
            index[depth] = 0;
        }
        value
    };
    (0..values.len()).map(|_| next()).collect()
}
