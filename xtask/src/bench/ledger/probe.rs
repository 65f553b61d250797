//! What an application asks its database for in one call, read from PostgreSQL's own log, as a script for pgbench:
//! the same statements in the same order, with values that fit whichever account a client has.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, ensure};

/// One statement, and the values that it was executed with.
#[derive(Debug, PartialEq, Eq)]
pub struct Statement {
    process: String,
    sql: String,
    values: Vec<Option<String>>,
}

/// Values that belong to the account of the call, and what stands for them in a script.
pub struct Own {
    pub values: Vec<(String, &'static str)>,
}

/// Reads the statements of a log that was written with `log_statement = all` and `log_line_prefix = '%p|'`.
pub fn read(log: &str) -> Result<Vec<Statement>> {
    let mut all: Vec<Statement> = Vec::new();
    let mut is_open = false;
    for line in log.lines() {
        if let Some(more) = line.strip_prefix('\t') {
            if is_open && let Some(last) = all.last_mut() {
                let _ = write!(last.sql, "\n{more}");
            }
            continue;
        }
        is_open = false;
        let Some((process, text)) = line.split_once('|') else {
            continue;
        };
        if let Some(values) = text.strip_prefix("DETAIL:  parameters: ") {
            let last = all.last_mut().context("values of no statement")?;
            last.values = read_values(values)?;
        } else if let Some(statement) = text.strip_prefix("LOG:  ") {
            let said = statement.split_once(": ");
            let said = said.filter(|(how, _)| *how == "statement" || how.starts_with("execute "));
            if let Some((_, sql)) = said {
                all.push(Statement {
                    process: process.to_owned(),
                    sql: sql.to_owned(),
                    values: Vec::new(),
                });
                is_open = true;
            }
        }
    }
    Ok(all)
}

/// Reads `$1 = 'it''s', $2 = NULL`.
fn read_values(text: &str) -> Result<Vec<Option<String>>> {
    let mut values = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(" = ") {
        if let Some(after) = after.strip_prefix("NULL") {
            values.push(None);
            rest = after;
            continue;
        }
        let mut value = String::new();
        let mut letters = after
            .strip_prefix('\'')
            .context("a value without quotes")?
            .chars();
        loop {
            match letters.next().context("a value without an end")? {
                '\'' if letters.as_str().starts_with('\'') => {
                    letters.next();
                    value.push('\'');
                }
                '\'' => break,
                letter => value.push(letter),
            }
        }
        rest = letters.as_str();
        values.push(Some(value));
    }
    Ok(values)
}

/// Of what was logged, what the call itself asked for: who calls, then the transaction that writes the journal.
pub fn of_one_call(all: Vec<Statement>) -> Result<Vec<Statement>> {
    let writes = |one: &Statement| one.sql.contains("INSERT INTO credit_entries");
    let writer = all.iter().find(|one| writes(one));
    let writer = writer
        .context("nothing was written into the journal")?
        .process
        .clone();
    let is_known = |sql: &str| {
        let tables = ["FROM api_keys", "FROM users", "credit_"];
        tables.iter().any(|table| sql.contains(table))
    };
    let is_own = |one: &Statement| {
        is_known(&one.sql)
            || (one.process == writer && ["BEGIN", "COMMIT"].contains(&one.sql.trim()))
    };
    let own: Vec<_> = all.into_iter().filter(is_own).collect();
    for part in [
        "FROM api_keys",
        "FROM users",
        "BEGIN",
        "UPDATE credit_accounts",
        "COMMIT",
    ] {
        let found = own.iter().filter(|one| one.sql.contains(part)).count();
        ensure!(found == 1, "{part:?} was asked {found} times in one call");
    }
    Ok(own)
}

/// What each client looks up first, once.
const PREPARATION: &str = "\\if :ready
\\else
SELECT owner, account, lot, handle FROM bench_people WHERE n = :client_id \\gset
\\set ready 1
\\endif
\\set key random(1, 4000000000000000000)
";

/// A script for pgbench that does what the call did, for the client's own account.
pub fn script(call: &[Statement], own: &Own) -> Result<String> {
    let mut script = PREPARATION.to_owned();
    for Statement { sql, values, .. } in call {
        script += &filled_in(sql, values, own)?;
        if sql.contains("UPDATE credit_accounts") {
            script += " \\gset\n\\set previous :last_seq - 1\n";
        } else {
            script += ";\n";
        }
    }
    Ok(script)
}

fn filled_in(sql: &str, values: &[Option<String>], own: &Own) -> Result<String> {
    let mut text = String::new();
    let mut rest = sql;
    while let Some((before, after)) = rest.split_once('$') {
        let digits = after.find(|letter: char| !letter.is_ascii_digit());
        let (number, after) = after.split_at(digits.unwrap_or(after.len()));
        let at: usize = number
            .parse()
            .with_context(|| format!("a dollar in {sql}"))?;
        let value = values
            .get(at - 1)
            .with_context(|| format!("no ${at} in {sql}"))?;
        text += before;
        text += &value
            .as_ref()
            .map_or("NULL".to_owned(), |value| written(value, own));
        rest = after;
    }
    Ok(text + rest)
}

/// A value as a script has it. pgbench takes whatever follows a colon for a name, within quotes too.
fn written(value: &str, own: &Own) -> String {
    if let Some((_, name)) = own.values.iter().find(|(known, _)| known == value) {
        return format!(":{name}");
    }
    if value.parse::<i64>().is_ok() {
        return format!("({value})");
    }
    let value = value
        .replace('\\', "\\\\")
        .replace('\'', "''")
        .replace(':', "\\x3A");
    format!("E'{value}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "7|LOG:  statement: BEGIN
7|LOG:  execute sqlx_s_1: SELECT a
\tFROM b WHERE c = $1 AND d = $2 AND e = $10
7|DETAIL:  parameters: $1 = 'it''s: x', $2 = NULL, $3 = '12'
8|LOG:  checkpoint starting: time
";

    #[test]
    fn a_log_is_read_with_its_values() {
        let all = read(LOG).expect("a log");
        assert_eq!(all.len(), 2);
        assert_eq!(
            all[1].sql,
            "SELECT a\nFROM b WHERE c = $1 AND d = $2 AND e = $10"
        );
        let values = [Some("it's: x".to_owned()), None, Some("12".to_owned())];
        assert_eq!(all[1].values, values);
    }

    #[test]
    fn a_script_has_each_clients_own_values() {
        let own = Own {
            values: vec![("me".into(), "owner")],
        };
        let values = [
            Some("me".to_owned()),
            Some("a:b".to_owned()),
            Some("-5".to_owned()),
        ];
        let text = filled_in("x = $1 AND y = $2 AND z = $3", &values, &own).expect("all are there");
        assert_eq!(text, "x = :owner AND y = E'a\\x3Ab' AND z = (-5)");
        assert!(filled_in("x = $4", &values, &own).is_err());
    }
}
