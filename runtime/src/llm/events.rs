//! Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream), cut out of
//! bytes that come in pieces of any size.

use anyhow::bail;

/// The longest event: more than an endpoint ever sends.
const LONGEST: usize = 1024 * 1024;

/// What has come, as far as it is not told yet.
#[derive(Debug, Default)]
pub struct Events {
    line: Vec<u8>,
    data: String,
    has_data: bool,
    /// Whether the last byte was a carriage return, whose line feed belongs to it.
    after_return: bool,
    started: bool,
}

impl Events {
    /// Takes the next piece; what is said of data by the events that end in it. Comments, which keep connections alive, and
    /// other fields are left out.
    ///
    /// # Errors
    /// When an event is too long or no text.
    pub fn take(&mut self, piece: &[u8]) -> anyhow::Result<Vec<String>> {
        let mut told = Vec::new();
        for byte in piece {
            let after_return = std::mem::replace(&mut self.after_return, *byte == b'\r');
            match byte {
                b'\n' if after_return => {}
                b'\n' | b'\r' => told.extend(self.end_of_line()?),
                byte => {
                    if self.line.len() + self.data.len() >= LONGEST {
                        bail!("an event is longer than {LONGEST} bytes");
                    }
                    self.line.push(*byte);
                }
            }
        }
        Ok(told)
    }

    fn end_of_line(&mut self) -> anyhow::Result<Option<String>> {
        let line = String::from_utf8(std::mem::take(&mut self.line))?;
        let line = if std::mem::replace(&mut self.started, true) {
            line.as_str()
        } else {
            line.trim_start_matches('\u{feff}')
        };
        if line.is_empty() {
            let data = std::mem::take(&mut self.data);
            return Ok(std::mem::take(&mut self.has_data).then_some(data));
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        if field == "data" {
            if std::mem::replace(&mut self.has_data, true) {
                self.data.push('\n');
            }
            self.data.push_str(value.strip_prefix(' ').unwrap_or(value));
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = "\u{feff}: alive\n\ndata: {\"a\":\"é😀\"}\n\nevent: x\r\nid: 1\r\ndata:two\r\ndata:  lines\r\n\r\n:\n\ndata\n\nretry: 3\rdata: last\r\rdata: unfinished";
    const TOLD: [&str; 4] = ["{\"a\":\"é😀\"}", "two\n lines", "", "last"];

    #[test]
    fn events_are_the_same_however_they_are_cut() {
        let bytes = STREAM.as_bytes();
        for size in 1..=bytes.len() {
            let mut events = Events::default();
            let told: Vec<String> = bytes
                .chunks(size)
                .flat_map(|piece| events.take(piece).unwrap())
                .collect();
            assert_eq!(told, TOLD, "pieces of {size}");
        }
    }

    #[test]
    fn what_is_no_text_or_endless_is_refused() {
        assert!(Events::default().take(b"data: \xff\n").is_err());
        let mut events = Events::default();
        let endless = vec![b'x'; LONGEST + 1];
        assert!(events.take(&endless).is_err());
        let mut events = Events::default();
        let line = [b"data: ".as_slice(), &[b'x'; 1000], b"\n"].concat();
        assert!((0..2000).any(|_| events.take(&line).is_err()));
    }
}
