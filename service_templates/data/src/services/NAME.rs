//! Data validation: e-mail addresses, JSON and CSV, with a finding for every row that is wrong.

use std::collections::HashMap;

use garde::Validate;
use quickscale_runtime::credits::Credits;
use quickscale_runtime::services::{Service, ServiceContext, ServiceError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The service. Its name is the name of this file.
pub fn service() -> impl Service {
    DataValidation
}

struct DataValidation;

/// What the form asks for.
#[derive(Debug, Deserialize, JsonSchema, Validate)]
struct Input {
    #[garde(skip)]
    format: Format,
    /// E-mail addresses stand one a line; a CSV table begins with the names of its columns.
    #[garde(length(chars, max = 100_000))]
    data: String,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
enum Format {
    #[serde(rename = "email")]
    #[schemars(title = "E-mail addresses")]
    Email,
    #[serde(rename = "json")]
    #[schemars(title = "JSON")]
    Json,
    #[serde(rename = "csv")]
    #[schemars(title = "CSV")]
    Csv,
}

/// What the page shows.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
struct Output {
    /// Whether nothing is wrong.
    valid: bool,
    /// How many rows were looked at; empty lines do not count.
    rows: usize,
    /// How many findings there are; the first 200 are shown.
    problems: usize,
    findings: Vec<Finding>,
}

/// What is wrong in one place.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
struct Finding {
    /// The line of the data, the first being 1.
    row: u64,
    /// The name of the column, or the number of the character.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<String>,
    problem: String,
}

/// Most findings that are shown.
const SHOWN: usize = 200;

impl Service for DataValidation {
    type Input = Input;
    type Output = Output;

    fn title(&self) -> &str {
        "Data validation"
    }

    fn description(&self) -> &str {
        "Checks a list of e-mail addresses, a JSON document or a CSV table, and says what is wrong in which row."
    }

    fn cost(&self) -> Credits {
        Credits::whole(1)
    }

    async fn run(&self, input: Input, _: &ServiceContext) -> Result<Output, ServiceError> {
        Ok(check(input.format, &input.data))
    }
}

fn check(format: Format, data: &str) -> Output {
    let (rows, mut findings) = match format {
        Format::Email => check_emails(data),
        Format::Json => check_json(data),
        Format::Csv => check_csv(data),
    };
    let problems = findings.len();
    findings.truncate(SHOWN);
    Output {
        valid: problems == 0,
        rows,
        problems,
        findings,
    }
}

fn finding(row: u64, column: Option<&str>, problem: impl Into<String>) -> Finding {
    Finding {
        row,
        column: column.map(str::to_owned),
        problem: problem.into(),
    }
}

fn check_emails(data: &str) -> (usize, Vec<Finding>) {
    let mut findings = Vec::new();
    let mut seen = HashMap::new();
    let mut rows = 0;
    for (row, line) in (1..).zip(data.lines()) {
        let address = line.trim();
        if address.is_empty() {
            continue;
        }
        rows += 1;
        if let Err(problem) = check_email(address) {
            findings.push(finding(row, None, problem));
        }
        if let Some(first) = seen.insert(address.to_lowercase(), row) {
            let problem = format!("The same address is in row {first}.");
            findings.push(finding(row, None, problem));
        }
    }
    (rows, findings)
}

/// What browsers take for an address (the HTML standard, “valid e-mail address”), on a host with a dot.
fn check_email(address: &str) -> Result<(), &'static str> {
    let (name, host) = address.rsplit_once('@').ok_or("There is no @.")?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(c);
    if name.is_empty() {
        return Err("Nothing stands before the @.");
    }
    if name.contains('@') {
        return Err("There is more than one @.");
    }
    if !name.chars().all(is_name) {
        return Err("What stands before the @ holds a character that an address may not hold.");
    }
    let is_label = |label: &str| {
        let inside = label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        inside
            && (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if !host.split('.').all(is_label) {
        return Err("What stands after the @ is no name of a host.");
    }
    if !host.contains('.') {
        return Err("The host has no ending such as .com.");
    }
    if name.len() > 64 || address.len() > 254 {
        return Err("The address is longer than mail servers take.");
    }
    Ok(())
}

fn check_json(data: &str) -> (usize, Vec<Finding>) {
    let rows = data.lines().filter(|line| !line.trim().is_empty()).count();
    let fault = serde_json::from_str::<serde::de::IgnoredAny>(data).err();
    let findings = fault.map(|fault| {
        let text = fault.to_string();
        let problem = text.split(" at line ").next().unwrap_or(&text);
        let column = format!("character {}", fault.column());
        let row = u64::try_from(fault.line()).unwrap_or(u64::MAX);
        finding(row, Some(&column), format!("{problem}."))
    });
    (rows, findings.into_iter().collect())
}

fn check_csv(data: &str) -> (usize, Vec<Finding>) {
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .has_headers(false)
        .from_reader(data.as_bytes());
    let mut findings = Vec::new();
    let mut columns: Option<Vec<String>> = None;
    let mut rows = 0;
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(fault) => {
                let row = fault.position().map_or(0, csv::Position::line);
                findings.push(finding(row, None, format!("This cannot be read: {fault}.")));
                break;
            }
        };
        let row = record.position().map_or(0, csv::Position::line);
        match &columns {
            None => columns = Some(header(row, &record, &mut findings)),
            Some(columns) => {
                rows += 1;
                check_record(row, columns, &record, &mut findings);
            }
        }
    }
    if columns.is_none() {
        findings.push(finding(
            1,
            None,
            "There is no row with the names of the columns.",
        ));
    }
    (rows, findings)
}

/// The names of the columns, which must be there and differ.
fn header(row: u64, record: &csv::StringRecord, findings: &mut Vec<Finding>) -> Vec<String> {
    let mut columns: Vec<String> = Vec::new();
    for (number, name) in (1..).zip(record) {
        let name = name.trim();
        if name.is_empty() {
            let problem = format!("Column {number} has no name.");
            findings.push(finding(row, None, problem));
        } else if columns.iter().any(|other| other == name) {
            findings.push(finding(row, Some(name), "Two columns have this name."));
        }
        columns.push(name.to_owned());
    }
    columns
}

fn check_record(
    row: u64,
    columns: &[String],
    record: &csv::StringRecord,
    findings: &mut Vec<Finding>,
) {
    if record.len() != columns.len() {
        let (has, wants) = (record.len(), columns.len());
        let problem = format!("The row has {has} fields; there are {wants} columns.");
        findings.push(finding(row, None, problem));
    }
    for (column, field) in columns.iter().zip(record) {
        let is_email = column.to_lowercase().replace('-', "").contains("email");
        if is_email
            && !field.trim().is_empty()
            && let Err(problem) = check_email(field.trim())
        {
            findings.push(finding(row, Some(column), problem));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Row and column of each finding.
    fn places(format: Format, data: &str) -> Vec<(u64, Option<String>)> {
        let findings = check(format, data).findings.into_iter();
        findings.map(|one| (one.row, one.column)).collect()
    }

    #[test]
    fn good_data_has_no_findings() {
        for (format, data, rows) in [
            (
                Format::Email,
                "ada@example.com\n\n bob+x@mail.example.org \n",
                2,
            ),
            (Format::Json, "{\"a\": [1, 2.5, null]}", 1),
            (
                Format::Csv,
                "name,email\n\"Ada, Countess\",ada@example.com\nBob,\n",
                2,
            ),
        ] {
            let output = check(format, data);
            assert!(output.valid, "{output:?}");
            assert_eq!((output.rows, output.problems), (rows, 0));
        }
    }

    #[test]
    fn wrong_addresses_are_found_by_row() {
        let data =
            "ada@example.com\nada\n@example.com\na@b\na b@c.de\na@-c.de\nADA@example.com\nx@y@z.de";
        let rows: Vec<_> = places(Format::Email, data)
            .into_iter()
            .map(|(row, _)| row)
            .collect();
        assert_eq!(rows, [2, 3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn broken_json_is_found_by_row_and_character() {
        // The `o`, where a `u` would make it `null`.
        let place = (2, Some("character 7".to_owned()));
        assert_eq!(places(Format::Json, "{\n\"a\": nope}"), [place]);
    }

    #[test]
    fn a_table_is_checked_row_by_row() {
        let data = "name,E-Mail,name,\nAda,ada@example.com,x,y\nBob,bob\n";
        let expected = [
            (1, Some("name".to_owned())),
            (1, None),
            (3, None),
            (3, Some("E-Mail".to_owned())),
        ];
        assert_eq!(places(Format::Csv, data), expected);
    }

    #[test]
    fn many_findings_are_counted_and_cut() {
        let output = check(Format::Email, &"x\n".repeat(1000));
        assert_eq!((output.rows, output.findings.len()), (1000, SHOWN));
        assert!(output.problems > 1000, "{}", output.problems);
    }
}
