//! `queue shape`: a table of ages by domain, as Postfix's qshape draws it.

use comfy_table::{CellAlignment, Table, presets};
use smtp_edge::admin::queue::listed::Shape;

use super::{Asker, Failure, Format, Status, list};
use crate::cli::queue::{Filters, Side};
use crate::commands::page::{self, printable};

pub(super) async fn shape(asker: &Asker, filters: &Filters, by: Side) -> Result<Status, Failure> {
    let mut sum = Shape::default();
    let bar = list::bar(asker, "counting").await?;
    loop {
        let mut parameters = filters.parameters();
        let side = match by {
            Side::Recipient => "recipient",
            Side::Sender => "sender",
        };
        parameters.push("by", side);
        if let Some(next) = &sum.next {
            parameters.push("after", next.clone());
        }
        let page: Shape = asker.get("/queue/shape", &parameters).await?;
        bar.inc(page.examined);
        sum.add(page);
        if sum.next.is_none() {
            break;
        }
    }
    bar.finish_and_clear();
    match asker.format {
        Format::Json => page::json(&sum)?,
        Format::Text => page::line(&table(&sum))?,
    }
    Ok(Status::Done)
}

/// The domains with the most messages first.
fn table(shape: &Shape) -> String {
    let mut rows: Vec<(&str, &[u64])> = shape
        .domains
        .iter()
        .map(|(domain, counts)| (domain.as_str(), counts.as_slice()))
        .collect();
    rows.sort_by_key(|(_, counts)| std::cmp::Reverse(counts.iter().sum::<u64>()));
    let mut total = [0_u64; Shape::COLUMNS];
    for (_, counts) in &rows {
        for (sum, count) in total.iter_mut().zip(*counts) {
            *sum += count;
        }
    }
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    let minutes = Shape::MINUTES.iter().map(ToString::to_string);
    let last = Shape::MINUTES.last().map(|last| format!("{last}+"));
    let mut heading = vec![String::new(), "TOTAL".to_owned()];
    heading.extend(minutes.chain(last));
    table.set_header(heading);
    for (domain, counts) in std::iter::once(("TOTAL", total.as_slice())).chain(rows) {
        let mut row = vec![printable(domain), counts.iter().sum::<u64>().to_string()];
        row.extend(counts.iter().map(ToString::to_string));
        table.add_row(row);
    }
    for column in table.column_iter_mut() {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let lines = table.to_string();
    let lines: Vec<&str> = lines.lines().map(str::trim_end).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fullest_domain_comes_first() {
        let mut shape = Shape::default();
        let mut row = [0; Shape::COLUMNS];
        row[0] = 1;
        shape.domains.insert("few.example".to_owned(), row);
        row[9] = 10;
        shape.domains.insert("many.example".to_owned(), row);
        let text = table(&shape);
        let words: Vec<Vec<&str>> = text
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        let expected = [
            "TOTAL 5 10 20 40 80 160 320 640 1280 1280+",
            "TOTAL 12 2 0 0 0 0 0 0 0 0 10",
            "many.example 11 1 0 0 0 0 0 0 0 0 10",
            "few.example 1 1 0 0 0 0 0 0 0 0 0",
        ];
        let expected: Vec<Vec<&str>> = expected
            .iter()
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert_eq!(words, expected, "{text}");
    }
}
