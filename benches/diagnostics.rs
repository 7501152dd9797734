fn main() {
    use catena::diagnostics::*;
    use catena::random::*;
    let rho: f64 = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(0.5);
    let (chains, draws, columns) = (4usize, 2000usize, 500usize);
    let mut s = Stream::new(1, 1, Purpose::Model);
    let mut v = vec![0.0; chains * draws * columns];
    for c in 0..chains {
        for k in 0..columns {
            let mut x = 0.0;
            for d in 0..draws {
                x = rho * x + s.normal();
                v[(c * draws + d) * columns + k] = x;
            }
        }
    }
    let names: Vec<String> = (0..columns).map(|i| format!("x.{i}")).collect();
    let input =
        SummaryInput { values: &v, chains, draws, columns, layout: Layout::Rows, names: &names, max_depth: None };
    let t = std::time::Instant::now();
    let r = Summary::new(&input).unwrap();
    println!("{:?} per column {}", t.elapsed() / columns as u32, r.rows()[3].value(Statistic::EssBulk));
    let n = 100000;
    let mut w = vec![0.0; 4 * n];
    for c in 0..4 {
        let mut x = 0.0;
        for d in 0..n {
            x += s.normal();
            w[c * n + d] = x;
        }
    }
    let names = vec!["w".to_string()];
    let input = SummaryInput {
        values: &w,
        chains,
        draws: n,
        columns: 1,
        layout: Layout::Columns,
        names: &names,
        max_depth: None,
    };
    let t = std::time::Instant::now();
    let r = Summary::new(&input).unwrap();
    println!("walk {:?} {}", t.elapsed(), r.rows()[0].value(Statistic::EssBulk));
}
