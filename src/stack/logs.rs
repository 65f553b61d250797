//! The app's log: a file that is appended to, turned over when an app starts on a long one; its last lines, its lines
//! since a moment, and following it.

use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use fs_err::File;
use jiff::{SignedDuration, Timestamp};

use super::record::Record;
use super::{Site, docker};
use crate::error::{Exit, Fault};

/// From this length on, the next start begins a new file.
const LONG: u64 = 8 * 1024 * 1024;
/// How many older files are kept.
const GENERATIONS: usize = 3;
/// How much is read at once from the end.
const BLOCK: u64 = 64 * 1024;
/// How often a followed log is looked at.
const GLANCE: Duration = Duration::from_millis(150);

/// Which part of the log is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The last lines.
    Last(usize),
    /// Everything from a moment on, at most the last lines of it.
    Since(Timestamp, Option<usize>),
}

/// Shows a part of the app's log, and what is added to it if that is wanted.
pub fn show(site: &Site<'_>, part: &Part, follow: bool) -> Result<()> {
    match site.run.read()? {
        Some(Record::Docker(noted)) => {
            return docker::logs(site, &noted, &in_docker(part, follow));
        }
        Some(Record::Native(native)) if native.foreground => {
            site.ui.warn(
                "the app is attached to a terminal, which has its output; earlier ones wrote this",
            );
        }
        Some(Record::Native(_)) | None => {}
    }
    let log = site.run.log();
    if !log.exists() && !follow {
        return Err(
            Fault::new("there is no log: the app was never in the background")
                .hint("quickscale up")
                .into(),
        );
    }
    let files = files(&log)?;
    site.ui.data(&read(&files, part)?)?;
    if !follow {
        return Ok(());
    }
    let end = files
        .last()
        .filter(|file| file.path == log)
        .map_or(0, |file| file.end);
    Follower::at(&log, end)?.follow(|text| site.ui.data(text))
}

/// The same as arguments of `docker logs`.
fn in_docker(part: &Part, follow: bool) -> Vec<String> {
    let mut args = match part {
        Part::Last(lines) => vec!["--tail".into(), lines.to_string()],
        Part::Since(moment, most) => {
            let most = most
                .iter()
                .flat_map(|lines| ["--tail".into(), lines.to_string()]);
            ["--since".into(), moment.to_string()]
                .into_iter()
                .chain(most)
                .collect()
        }
    };
    if follow {
        args.push("--follow".into());
    }
    args
}

/// Opens the log for an app that starts; returns it with its length.
pub fn open_for_start(log: &Path) -> Result<(File, u64)> {
    if log.exists() && fs_err::metadata(log)?.len() > LONG {
        turn_over(log)?;
    }
    let file = File::options().create(true).append(true).open(log)?;
    let length = file.metadata()?.len();
    Ok((file, length))
}

fn turn_over(log: &Path) -> Result<()> {
    for number in (1..GENERATIONS).rev() {
        let older = generation(log, number);
        if older.exists() {
            fs_err::rename(older, generation(log, number + 1))?;
        }
    }
    Ok(fs_err::rename(log, generation(log, 1))?)
}

fn generation(log: &Path, number: usize) -> PathBuf {
    log.with_extension(format!("log.{number}"))
}

/// A file of the log, up to where it reached when it was looked at.
struct Extent {
    path: PathBuf,
    end: u64,
}

/// The files of the log, oldest first.
fn files(log: &Path) -> Result<Vec<Extent>> {
    let older = (1..=GENERATIONS)
        .rev()
        .map(|number| generation(log, number));
    let present = older
        .chain([log.to_path_buf()])
        .filter(|path| path.exists());
    present
        .map(|path| {
            Ok(Extent {
                end: fs_err::metadata(&path)?.len(),
                path,
            })
        })
        .collect()
}

/// The wanted lines, oldest first, each with its end.
fn read(files: &[Extent], part: &Part) -> Result<String> {
    match part {
        Part::Last(wanted) => last_lines(files, *wanted),
        Part::Since(moment, most) => since(files, *moment, *most),
    }
}

/// The last lines of what an app wrote since it was started at `offset` of the log.
pub fn last_of_run(log: &Path, offset: u64, wanted: usize) -> Result<String> {
    let mut file = File::open(log)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    Ok(String::from_utf8_lossy(tail(&text, wanted)).into_owned())
}

fn last_lines(files: &[Extent], wanted: usize) -> Result<String> {
    let mut text: Vec<u8> = Vec::new();
    for file in files.iter().rev() {
        let missing = wanted.saturating_sub(count_lines(&text));
        if missing == 0 {
            break;
        }
        let mut older = last_of_file(file, missing)?;
        older.append(&mut text);
        text = older;
    }
    Ok(String::from_utf8_lossy(tail(&text, wanted)).into_owned())
}

/// Reads from the end, a block at a time, until the lines are there.
fn last_of_file(extent: &Extent, wanted: usize) -> Result<Vec<u8>> {
    let mut file = File::open(&extent.path)?;
    let mut start = extent.end;
    let mut text: Vec<u8> = Vec::new();
    while start > 0 && count_lines(&text) <= wanted {
        let size = BLOCK.min(start);
        start -= size;
        file.seek(SeekFrom::Start(start))?;
        let mut block = Vec::new();
        file.by_ref().take(size).read_to_end(&mut block)?;
        block.append(&mut text);
        text = block;
    }
    Ok(tail(&text, wanted).to_vec())
}

fn count_lines(text: &[u8]) -> usize {
    text.split_inclusive(|&byte| byte == b'\n').count()
}

fn tail(text: &[u8], wanted: usize) -> &[u8] {
    let skipped = count_lines(text).saturating_sub(wanted);
    let bytes: usize = text
        .split_inclusive(|&byte| byte == b'\n')
        .take(skipped)
        .map(<[u8]>::len)
        .sum();
    &text[bytes..]
}

/// From the first line on that is stamped with the moment or later. A line without a stamp belongs to the one before.
fn since(files: &[Extent], moment: Timestamp, most: Option<usize>) -> Result<String> {
    let mut text = Vec::new();
    let mut reached = false;
    for Extent { path, end } in files {
        for line in BufReader::new(File::open(path)?.take(*end)).split(b'\n') {
            let mut line = line.with_context(|| format!("cannot read {}", path.display()))?;
            reached =
                reached || stamp(&String::from_utf8_lossy(&line)).is_some_and(|at| at >= moment);
            if reached {
                line.push(b'\n');
                text.append(&mut line);
            }
        }
    }
    let text = tail(&text, most.unwrap_or(usize::MAX));
    Ok(String::from_utf8_lossy(text).into_owned())
}

/// When a line was written, as the app stamps it: at the front of a text line, in `timestamp` of a JSON line.
fn stamp(line: &str) -> Option<Timestamp> {
    let stamp = match line.split_once(r#""timestamp":""#) {
        Some((_, rest)) if line.starts_with('{') => rest.split('"').next()?,
        _ => line.split_whitespace().next()?,
    };
    stamp.parse().ok()
}

/// Reads `10m`, `2h 30m`, `1d`, or an RFC 3339 time.
pub fn parse_since(text: &str, now: Timestamp) -> Result<Timestamp> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment);
    }
    let ago = days(text).or_else(|| text.parse::<SignedDuration>().ok());
    ago.filter(|ago| !ago.is_negative())
        .and_then(|ago| now.checked_sub(ago).ok())
        .with_context(|| {
            Fault::new(format!("{text:?} is neither a duration nor a time"))
                .hint("say for example --since 10m, --since 2h or --since 2026-01-31T12:00:00Z")
                .exit(Exit::Usage)
        })
}

/// A number of days is 24 hours each: a log knows no calendar.
fn days(text: &str) -> Option<SignedDuration> {
    let days: i64 = text.strip_suffix('d')?.trim().parse().ok()?;
    Some(SignedDuration::from_hours(days.checked_mul(24)?))
}

/// A log that is read as it grows, over the turn to a new file and over being cut.
struct Follower {
    path: PathBuf,
    open: Option<(same_file::Handle, BufReader<std::fs::File>)>,
    position: u64,
}

impl Follower {
    /// Starts at `position` of the log, which need not exist yet.
    fn at(log: &Path, position: u64) -> Result<Self> {
        let mut follower = Self {
            path: log.to_path_buf(),
            open: None,
            position: 0,
        };
        follower.reopen()?;
        if let Some((_, reader)) = &mut follower.open {
            follower.position = reader.seek(SeekFrom::Start(position))?;
        }
        Ok(follower)
    }

    /// Gives whole new lines to `show` until that fails or the process is ended.
    fn follow(&mut self, mut show: impl FnMut(&str) -> Result<()>) -> Result<()> {
        let mut text = Vec::new();
        loop {
            text.append(&mut self.next()?);
            match text.iter().rposition(|&byte| byte == b'\n') {
                Some(end) => {
                    let rest = text.split_off(end + 1);
                    show(&String::from_utf8_lossy(&text))?;
                    text = rest;
                }
                None => std::thread::sleep(GLANCE),
            }
        }
    }

    /// What was written since the last call: the rest of the old file first, then the new one.
    fn next(&mut self) -> Result<Vec<u8>> {
        let mut text = self.read_on()?;
        if self.is_replaced() {
            text.append(&mut self.read_on()?);
            self.reopen()?;
            text.append(&mut self.read_on()?);
        }
        Ok(text)
    }

    fn read_on(&mut self) -> Result<Vec<u8>> {
        let mut text = Vec::new();
        if let Some((_, reader)) = &mut self.open {
            if reader.get_ref().metadata()?.len() < self.position {
                self.position = reader.seek(SeekFrom::Start(0))?;
            }
            self.position += reader.read_to_end(&mut text)? as u64;
        }
        Ok(text)
    }

    fn is_replaced(&self) -> bool {
        match (&self.open, same_file::Handle::from_path(&self.path)) {
            (Some((open, _)), Ok(now)) => *open != now,
            (None, Ok(_)) => true,
            (_, Err(_)) => false,
        }
    }

    fn reopen(&mut self) -> Result<()> {
        self.position = 0;
        self.open = None;
        if self.path.exists() {
            let file = File::open(&self.path)?.into_file();
            let handle = same_file::Handle::from_file(file.try_clone()?)?;
            self.open = Some((handle, BufReader::new(file)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("app.log");
        (folder, log)
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn the_last_lines_reach_into_older_files() {
        let (_folder, log) = log();
        fs_err::write(generation(&log, 2), "1\n2\n").expect("written");
        fs_err::write(generation(&log, 1), "3\n4\n").expect("written");
        fs_err::write(&log, "5\n6").expect("written");
        let read = |n| read(&files(&log).expect("listed"), &Part::Last(n)).expect("read");
        assert_eq!(read(0), "");
        assert_eq!(read(1), "6");
        assert_eq!(read(3), "4\n5\n6");
        assert_eq!(read(5), "2\n3\n4\n5\n6");
        assert_eq!(read(99), "1\n2\n3\n4\n5\n6");
    }

    #[test]
    fn the_last_lines_of_a_file_longer_than_a_block() {
        let (_folder, log) = log();
        let lines: Vec<String> = (0..20_000).map(|n| format!("line {n:08}\n")).collect();
        fs_err::write(&log, lines.concat()).expect("written");
        let read = read(&files(&log).expect("listed"), &Part::Last(15_000)).expect("read");
        assert_eq!(read, lines[5_000..].concat());
    }

    #[test]
    fn since_takes_text_and_json_and_what_follows_without_a_stamp() {
        let (_folder, log) = log();
        let text = "2026-01-01T10:00:00.5Z  INFO old\n  at some place\n2026-01-01T11:00:00Z  INFO new\n  more\n";
        fs_err::write(generation(&log, 1), text).expect("written");
        let json = "{\"timestamp\":\"2026-01-01T12:00:00Z\",\"level\":\"INFO\"}\n";
        fs_err::write(&log, json).expect("written");
        let since = |moment, most| {
            read(
                &files(&log).expect("listed"),
                &Part::Since(at(moment), most),
            )
            .expect("read")
        };
        let all = format!("2026-01-01T11:00:00Z  INFO new\n  more\n{json}");
        assert_eq!(since("2026-01-01T10:30:00Z", None), all);
        assert_eq!(since("2026-01-01T12:00:00+01:00", None), all);
        assert_eq!(since("2026-01-01T11:30:00Z", None), json);
        assert_eq!(since("2026-01-01T10:30:00Z", Some(1)), json);
        assert_eq!(since("2026-01-01T13:00:00Z", None), "");
    }

    #[test]
    fn reads_durations_and_times() {
        let now = at("2026-01-02T12:00:00Z");
        let table = [
            ("10m", "2026-01-02T11:50:00Z"),
            ("2h", "2026-01-02T10:00:00Z"),
            ("1h 30m", "2026-01-02T10:30:00Z"),
            ("1d", "2026-01-01T12:00:00Z"),
            ("2026-01-02T12:00:00+02:00", "2026-01-02T10:00:00Z"),
        ];
        for (text, expected) in table {
            assert_eq!(parse_since(text, now).expect(text), at(expected), "{text}");
        }
        for wrong in ["", "yesterday", "-5m", "10", "2026-01-02"] {
            assert!(parse_since(wrong, now).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_long_log_is_turned_over_and_the_oldest_dropped() {
        let (_folder, log) = log();
        for round in 0..5_u8 {
            fs_err::write(&log, vec![b'0' + round; LONG as usize + 1]).expect("written");
            let (_, length) = open_for_start(&log).expect("opened");
            assert_eq!(length, 0);
        }
        let firsts: Vec<u8> = files(&log)
            .expect("listed")
            .iter()
            .filter_map(|file| fs_err::read(&file.path).expect("read").first().copied())
            .collect();
        assert_eq!(firsts, b"234");
        assert_eq!(open_for_start(&log).expect("opened").1, 0);
        assert_eq!(files(&log).expect("listed").len(), 4);
    }

    #[test]
    fn following_survives_a_new_file_and_a_cut() {
        let (_folder, log) = log();
        let mut follower = Follower::at(&log, 0).expect("no file yet");
        let mut new = || String::from_utf8(follower.next().expect("read")).expect("text");
        assert_eq!(new(), "");
        fs_err::write(&log, "a\n").expect("written");
        assert_eq!(new(), "a\n");
        let (mut file, _) = open_for_start(&log).expect("opened");
        std::io::Write::write_all(&mut file, b"b\n").expect("written");
        turn_over(&log).expect("turned over");
        fs_err::write(&log, "c\n").expect("written");
        assert_eq!(new(), "b\nc\n");
        fs_err::write(&log, "").expect("cut");
        assert_eq!(new(), "");
        fs_err::write(&log, "d\n").expect("written");
        assert_eq!(new(), "d\n");
    }
}
