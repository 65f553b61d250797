//! For tests: how the databases would read what a query asks for, with tables as large as those of years.

use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _, Row as _};

/// What is asked, how many values it takes, and the condition by which an index is searched for it.
pub(crate) type Question = (&'static str, usize, &'static str);

/// A database that is asked for its plans.
pub(crate) struct Explainer {
    connection: AnyConnection,
    is_sqlite: bool,
}

impl Explainer {
    pub async fn connect(url: &str) -> Self {
        Self {
            connection: AnyConnection::connect(url).await.unwrap(),
            is_sqlite: url.starts_with("sqlite:"),
        }
    }

    /// Runs an `INSERT … SELECT … FROM n`, where the table `n` has the numbers from 1 to `most`.
    pub async fn insert(&mut self, most: u32, sql: &str) {
        let (insert, select) = sql.split_once("SELECT").unwrap();
        let whole = format!(
            "{insert} WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {most})
             SELECT {select}"
        );
        self.connection.execute(AssertSqlSafe(whole)).await.unwrap();
    }

    /// What PostgreSQL's own upkeep does from time to time. SQLite's plans know no numbers in production either.
    pub async fn analyze(&mut self, tables: &str) {
        if !self.is_sqlite {
            let analyze = AssertSqlSafe(format!("ANALYZE {tables}"));
            self.connection.execute(analyze).await.unwrap();
        }
    }

    /// The plan of a query of so many values, as one text.
    async fn plan(&mut self, sql: &str, values: usize) -> String {
        let explained = if self.is_sqlite {
            format!("EXPLAIN QUERY PLAN {sql}")
        } else {
            let prepared = format!(
                "DEALLOCATE ALL; SET plan_cache_mode = force_generic_plan; PREPARE p AS {sql}"
            );
            let prepared = AssertSqlSafe(prepared);
            self.connection.execute(prepared).await.unwrap();
            let values = vec!["NULL"; values].join(", ");
            format!("EXPLAIN EXECUTE p ({values})")
        };
        let column = if self.is_sqlite { 3 } else { 0 };
        let rows = sqlx::raw_sql(AssertSqlSafe(explained));
        let rows = rows.fetch_all(&mut self.connection).await.unwrap();
        let lines = rows.iter().map(|row| row.get::<String, _>(column));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// An index is searched by the question's condition, and no table is read from end to end. Gives the plan.
    pub async fn found_by_index(&mut self, (sql, values, condition): Question) -> String {
        let plan = self.plan(sql, values).await;
        let found = conditions(&plan);
        assert!(found.contains(condition), "{condition}: {plan}\n{found}");
        // Tables go by their names or by the letters that queries give them.
        for whole in [
            "Seq Scan on ",
            "SCAN credit_",
            "SCAN service_",
            "SCAN a",
            "SCAN e",
        ] {
            assert!(!plan.contains(whole), "{plan}");
        }
        plan
    }
}

/// A plan without what each database writes in its own way: names of tables, types, brackets and values.
fn conditions(plan: &str) -> String {
    let mut text = plan.replace("::text", "").replace(" = ", "=");
    for (from, to) in [
        (" < ", "<"),
        (" > ", ">"),
        ("e.", ""),
        ("(", ""),
        (")", ""),
        ("?", ""),
    ] {
        text = text.replace(from, to);
    }
    let words = text.split(' ').map(|word| {
        let end = word.find(['=', '<', '>']).map_or(word.len(), |at| at + 1);
        &word[..end]
    });
    words.collect::<Vec<_>>().join(" ")
}
