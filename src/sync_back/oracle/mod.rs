//! The oracle: an author's change of a template is known; sync-back sees only what it makes of a project, and what it
//! carries back must mean the same in every other project, or be asked about.

mod author;

use std::collections::{BTreeMap, BTreeSet};
use std::thread;

use super::hunk::{Answers, Hunk, Standing};
use super::laws::{Ruled, World};
use super::others::{Renderer, Setting};
use super::rendered;
use super::secrets::Secrets;
use super::values::Values;
use super::verbatim::{self, Surroundings};
use crate::catalogue::Catalogue;
use crate::project::config::Config;
use author::{Change, Random, Work, changed, work};

/// How many edits are tried when nobody says otherwise; the steps `oracle` and `oracle-full` of the tests try more.
const EDITS: usize = 600;

/// The variable that says how many.
const VARIABLE: &str = "QUICKSCALE_ORACLE_EDITS";

/// What came of edits.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    edits: usize,
    restored: usize,
    asked: usize,
    wrong: usize,
}

/// Tallies by the kind of edit, and whether it was away from tags.
type Tallies = BTreeMap<(&'static str, bool), Tally>;

fn config(yaml: &str, catalogue: &Catalogue) -> Config {
    Config::from_text(yaml, catalogue, None).expect("a config")
}

/// A quickscale.yml; with options of its own in tests if it is to differ `by_environment`.
fn yaml((name, slug): (&str, &str), modules: &[&str], by_environment: bool) -> String {
    let modules: Vec<_> = modules
        .iter()
        .map(|module| format!("{module}: {{}}"))
        .collect();
    let modules = modules.join(", ");
    let project = format!("version: 1\nproject: {{name: {name}, slug: {slug}}}\ntheme: htmx\n");
    let environments = match by_environment {
        true => "environments: {test: {modules: {auth: {registration: closed}}}}\n",
        false => "",
    };
    format!("{project}modules: {{{modules}}}\n{environments}")
}

/// The projects that edits are made in.
fn projects(catalogue: &Catalogue) -> Vec<Setting> {
    let all: Vec<&str> = catalogue
        .modules
        .iter()
        .map(|module| module.manifest.name.as_str())
        .collect();
    let sets: [&[&str]; 3] = [&all, &["auth", "admin"], &[]];
    let setting = |(number, set): (usize, &&[&str])| {
        let name = (
            &*format!("Ant Farm {number}"),
            &*format!("ant-farm-{number}"),
        );
        let config = config(&yaml(name, set, number == 1), catalogue);
        let kinds = catalogue.services.keys().filter(|_| number == 0);
        Setting::new(config, catalogue, kinds.cloned().collect())
    };
    sets.iter().enumerate().map(setting).collect()
}

/// Five others, that the laws do not know.
fn judges(catalogue: &Catalogue) -> Vec<Setting> {
    let all: Vec<&str> = catalogue
        .modules
        .iter()
        .map(|module| module.manifest.name.as_str())
        .collect();
    let sets: [&[&str]; 5] = [
        &all,
        &["auth"],
        &["auth", "credits"],
        &["auth", "credits", "services"],
        &[],
    ];
    let setting = |(number, set): (usize, &&[&str])| {
        let name = (
            &*format!("Bee Hive {number}"),
            &*format!("bee-hive-{number}"),
        );
        let config = config(&yaml(name, set, number == 2), catalogue);
        Setting::new(config, catalogue, BTreeSet::new())
    };
    sets.iter().enumerate().map(setting).collect()
}

/// What is left of `changes` without one of them, or without two.
fn without(count: usize, changes: &[Change]) -> impl Iterator<Item = Vec<Change>> + '_ {
    let seconds = move |first: usize| match count {
        1 => first..(first + 1).min(changes.len()),
        _ => first + 1..changes.len(),
    };
    let pairs = (0..changes.len()).flat_map(move |first| seconds(first).map(move |at| (first, at)));
    pairs.map(|(first, second)| {
        let kept = (0..changes.len()).filter(|at| *at != first && *at != second);
        kept.map(|at| changes[at].clone()).collect()
    })
}

/// One template in one project, and those who judge.
struct Court<'a> {
    ruled: Ruled<'a>,
    values: &'a Values,
    judges: &'a [Setting],
}

impl Court<'_> {
    fn world(&self) -> World<'_> {
        self.ruled.world
    }

    /// Whether an edit was carried back and how; none when it shows nowhere in the project.
    fn judge(&self, work: &Work) -> Option<Tally> {
        let source = changed(self.ruled.cut.source, &work.changes());
        let edited = self.world().render(&source, self.world().own).ok()?;
        let path = "notes.md".parse().expect("a path");
        if edited == self.ruled.own.text {
            return None;
        }
        let seen = self.seen(work.changes(), &edited);
        let intended = self.said(&seen)?;
        let around = Surroundings {
            path: &path,
            values: self.values,
            secrets: &Secrets::default(),
            answers: &Answers::default(),
        };
        let mut tally = Tally {
            edits: 1,
            ..Tally::default()
        };
        let carried = rendered::carry(around, &self.ruled, &edited);
        let is_open = |standing: &Standing| !matches!(standing, Standing::Placed);
        match carried {
            Some(carried) if !carried.hunks.iter().any(|hunk| is_open(&hunk.standing)) => {
                let source = String::from_utf8(carried.source).expect("text");
                let said = self.said(&source);
                // What two changes undo together may be but a part of each.
                let same = said.is_some()
                    && (said.as_ref() == Some(&intended)
                        || said == self.said(&self.seen(work.lines(), &edited)));
                (tally.restored, tally.wrong) = (usize::from(same), usize::from(!same));
                if !same {
                    report(self.ruled.cut.source, work.kind, (&seen, &source));
                }
            }
            _ => tally.asked = 1,
        }
        Some(tally)
    }

    /// The changes but those that show nowhere in the project, alone or two together: in a block that is not rendered
    /// there, or a line that went over a tag. Who works in the project cannot have made them.
    fn seen(&self, mut changes: Vec<Change>, edited: &str) -> String {
        let source = self.ruled.cut.source;
        let is_same = |changes: &[Change]| {
            let source = changed(source, changes);
            let rendered = self.world().render(&source, self.world().own);
            rendered.is_ok_and(|rendered| rendered == edited)
        };
        for count in 1..=2 {
            loop {
                let fewer = without(count, &changes).find(|fewer| is_same(fewer));
                let Some(fewer) = fewer else { break };
                changes = fewer;
            }
        }
        changed(source, &changes)
    }

    fn said(&self, source: &str) -> Option<Vec<String>> {
        let said = self
            .judges
            .iter()
            .map(|judge| self.world().render(source, judge).ok());
        said.collect()
    }
}

fn report(template: &str, kind: &str, (seen, result): (&str, &str)) {
    let diff = |old: &str, new: &str| {
        let diff = similar::TextDiff::from_lines(old, new);
        diff.unified_diff().context_radius(2).to_string()
    };
    eprintln!(
        "WRONG ({})\nthe author:\n{}carried back:\n{}",
        kind,
        diff(template, seen),
        diff(template, result)
    );
}

/// Tries `edits` edits of the templates, by every second number from `start`.
fn try_edits(templates: &[(&str, &str)], edits: usize, start: usize) -> Tallies {
    let catalogue = Catalogue::embedded();
    let judges = judges(catalogue);
    let projects = projects(catalogue);
    let renderers: Vec<Renderer> = projects
        .into_iter()
        .map(|own| Renderer::new(own, catalogue).expect("a renderer"))
        .collect();
    let courts: Vec<Court<'_>> = renderers
        .iter()
        .flat_map(|renderer| templates.iter().map(move |template| (renderer, template)))
        .map(|(renderer, (origin, source))| {
            let world = renderer.world(origin);
            Court {
                values: &world.own.values,
                ruled: world.rule(source).expect("the template can be taken apart"),
                judges: &judges,
            }
        })
        .collect();
    let mut tallies = Tallies::new();
    let mut tried = 0;
    for number in (start..).step_by(2) {
        if tried >= edits {
            break;
        }
        let mut random = Random::new(number as u64 + 1);
        let court = &courts[random.below(courts.len())];
        let Some(work) = work(court.ruled.cut.source, &mut random) else {
            continue;
        };
        if let Some(one) = court.judge(&work) {
            tried += 1;
            let tally = tallies
                .entry((work.kind, work.is_away_from_tags))
                .or_default();
            tally.edits += one.edits;
            tally.restored += one.restored;
            tally.asked += one.asked;
            tally.wrong += one.wrong;
        }
    }
    tallies
}

/// The sums over all kinds, near tags and away from them.
fn sums(tallies: &Tallies) -> [Tally; 2] {
    let mut sums = [Tally::default(); 2];
    for ((_, is_away), tally) in tallies {
        let sum = &mut sums[usize::from(*is_away)];
        sum.edits += tally.edits;
        sum.restored += tally.restored;
        sum.asked += tally.asked;
        sum.wrong += tally.wrong;
    }
    sums
}

/// Tries `edits` edits on two threads and prints what came of them.
fn hear(templates: &[(&str, &str)], edits: usize) -> [Tally; 2] {
    let half = |start| move || try_edits(templates, edits.div_ceil(2), start);
    let mut all = thread::scope(|scope| {
        let threads = [0, 1].map(|start| scope.spawn(half(start)));
        let tallies = threads.map(|thread| thread.join().expect("no panic"));
        tallies.into_iter().flatten().collect::<Vec<_>>()
    });
    all.sort_by_key(|(kind, _)| *kind);
    let mut tallies = Tallies::new();
    for (kind, one) in all {
        let tally = tallies.entry(kind).or_default();
        tally.edits += one.edits;
        tally.restored += one.restored;
        tally.asked += one.asked;
        tally.wrong += one.wrong;
    }
    for ((kind, is_away), tally) in &tallies {
        let place = if *is_away {
            "away from tags"
        } else {
            "near tags"
        };
        eprintln!("{kind:>14}, {place:<14}: {tally:?}");
    }
    let sums = sums(&tallies);
    eprintln!("near tags {:?}\naway from tags {:?}", sums[0], sums[1]);
    sums
}

fn edits() -> usize {
    let number = std::env::var(VARIABLE).ok();
    number.map_or(EDITS, |number| number.parse().expect("a number"))
}

/// The templates that are rendered, or those that are copied, as text.
fn pack(rendered: bool) -> Vec<(&'static str, &'static str)> {
    let templates = Catalogue::embedded().templates();
    // The lockfile is taken as one, and never goes back.
    let templates = templates
        .filter(|template| template.rendered == rendered && template.path.as_str() != "Cargo.lock");
    let texts = templates.filter_map(|template| {
        let text = std::str::from_utf8(&template.bytes).ok()?;
        Some((template.origin.as_str(), text))
    });
    let is_secret = |text: &str| text.contains("secret.");
    texts
        .filter(|(_, text)| !text.is_empty() && !is_secret(text))
        .collect()
}

#[test]
fn what_goes_back_from_the_real_templates_is_what_their_author_meant() {
    let templates = pack(true);
    assert!(templates.len() >= 6, "{}", templates.len());
    let [near, away] = hear(&templates, edits());
    assert_eq!(near.wrong + away.wrong, 0, "something was guessed");
    let share = away.restored * 100 / away.edits.max(1);
    assert!(
        share >= 85,
        "only {share} % of the edits away from tags went back by themselves"
    );
}

#[test]
fn what_goes_back_to_templates_that_are_copied_is_what_their_author_wrote() {
    let catalogue = Catalogue::embedded();
    let templates = pack(false);
    assert!(templates.len() >= 100, "{}", templates.len());
    let own = projects(catalogue).swap_remove(0);
    let path = "page.html".parse().expect("a path");
    let around = Surroundings {
        path: &path,
        values: &own.values,
        secrets: &Secrets::default(),
        answers: &Answers::default(),
    };
    for number in 0..edits() {
        let mut random = Random::new(number as u64 + 1);
        let (origin, source) = random.one(&templates);
        let Some(work) = work(source, &mut random) else {
            continue;
        };
        let edited = changed(source, &work.changes());
        let carried = verbatim::carry(around, source.as_bytes(), edited.as_bytes());
        let is_placed = |hunk: &Hunk| hunk.standing == Standing::Placed;
        assert!(
            carried.hunks.iter().all(is_placed),
            "{origin}: {:#?}",
            carried.hunks
        );
        assert!(
            carried.source == edited.as_bytes(),
            "{origin}, {}",
            work.kind
        );
    }
}
