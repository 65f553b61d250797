//! What application and workers say to each other: a JSON object a line, requests one way, everything else the other.

use anyhow::bail;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _};

use crate::services::RunId;

/// The longest line that a worker may write: more than any result that a page can show.
const LONGEST: u64 = 16 * 1024 * 1024;

/// What a worker says. All but the first and the log are of the run that they name.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
pub enum Said {
    /// It takes runs.
    Ready,
    Log {
        level: String,
        message: String,
    },
    /// It has begun with the run.
    Taken {
        run: String,
    },
    Progress {
        run: String,
        fraction: f64,
        message: String,
    },
    Emit {
        run: String,
        text: String,
    },
    Output {
        run: String,
        value: Value,
    },
    /// The input cannot be worked on; the user reads the sentence.
    Unusable {
        run: String,
        sentence: String,
    },
    Failed {
        run: String,
        cause: String,
    },
}

/// The line that asks for a run.
///
/// # Errors
/// When the input cannot be written as JSON.
pub fn request<I: Serialize>(run: &RunId, input: &I) -> serde_json::Result<String> {
    #[derive(Serialize)]
    struct Request<'a, I> {
        run: &'a str,
        input: &'a I,
    }
    let run = run.as_str();
    let mut line = serde_json::to_string(&Request { run, input })?;
    line.push('\n');
    Ok(line)
}

/// The next thing that a worker says; none when it has ended. May be dropped and called again.
///
/// # Errors
/// When it breaks the protocol.
pub async fn next<R: AsyncBufRead + Unpin>(
    reader: &mut R,
    line: &mut Vec<u8>,
) -> anyhow::Result<Option<Said>> {
    let most = LONGEST.saturating_sub(line.len() as u64);
    reader.take(most).read_until(b'\n', line).await?;
    if line.len() as u64 >= LONGEST {
        bail!("a line is longer than {LONGEST} bytes");
    }
    let line = std::mem::take(line);
    if line.is_empty() {
        return Ok(None);
    }
    Ok(Some(serde_json::from_slice(&line)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(mut bytes: &[u8]) -> anyhow::Result<Vec<Said>> {
        let (mut all, mut line) = (Vec::new(), Vec::new());
        while let Some(said) = next(&mut bytes, &mut line).await? {
            all.push(said);
        }
        Ok(all)
    }

    #[tokio::test]
    async fn lines_are_read_until_the_worker_ends() {
        let text = b"{\"say\":\"ready\"}\n{\"say\":\"emit\",\"run\":\"1\",\"text\":\"a\\nb\"}\n";
        let emit = Said::Emit {
            run: "1".into(),
            text: "a\nb".into(),
        };
        assert_eq!(read(text).await.unwrap(), [Said::Ready, emit]);
        assert_eq!(read(b"").await.unwrap(), []);
    }

    #[tokio::test]
    async fn what_breaks_the_protocol_is_an_error() {
        for text in [
            &b"hello\n"[..],
            b"\n",
            b"{\"say\":\"sing\"}\n",
            b"{\"say\":\"output\",\"run\":\"1\"}\n",
            b"{\"say\":\"emit\",\"run\":\"1\",\"te",
            b"\xff\n",
        ] {
            assert!(read(text).await.is_err(), "{text:?}");
        }
        let endless = vec![b' '; usize::try_from(LONGEST).unwrap() + 1];
        let fault = read(&endless).await.unwrap_err().to_string();
        assert!(fault.contains("longer than"), "{fault}");
    }
}
