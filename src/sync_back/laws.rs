//! The laws that a new template must keep before it is written: this project gets its edited file byte for byte, and every
//! other project what it had, with nothing but the edits, and nothing of this project's values.

use anyhow::{Context, Result};

use super::contents::Contents;
use super::cut::{Cut, cut};
use super::origin::{Origin, marked};
use super::others::Setting;
use crate::render::Engine;

/// A template's place in the checkout, and the projects that it is for.
#[derive(Clone, Copy)]
pub struct World<'a> {
    pub engine: &'a Engine,
    pub origin: &'a str,
    pub own: &'a Setting,
    pub others: &'a [Setting],
}

/// A template as it is, and what it makes in each project.
pub struct Ruled<'a> {
    pub world: World<'a>,
    pub cut: Cut<'a>,
    pub own: Origin,
    others: Vec<(Origin, &'a Setting)>,
}

/// A law that a new template breaks, as the user is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken(pub &'static str);

impl<'a> World<'a> {
    /// Looks at the template `source` in every project that has it.
    ///
    /// # Errors
    /// When it is no template, or it cannot be told which of its parts makes what.
    pub fn rule(self, source: &'a str) -> Result<Ruled<'a>> {
        let cut = cut(source, self.engine.syntax())?;
        let marked = marked(&cut)?;
        let origin = |setting| -> Result<Origin> {
            let origin = Origin::read(&cut, &self.render(&marked, setting)?)?;
            let is_same = origin.text == self.render(source, setting)?;
            is_same.then_some(origin).context("marks change its output")
        };
        let others = self.others.iter().filter(|other| other.has(self.origin));
        let others: Result<Vec<_>> = others.map(|other| Ok((origin(other)?, other))).collect();
        Ok(Ruled {
            own: origin(self.own)?,
            others: others?,
            world: self,
            cut,
        })
    }

    /// What the text `source` makes there in a project.
    ///
    /// # Errors
    /// When it is no template.
    pub fn render(&self, source: &str, setting: &Setting) -> Result<String> {
        let Setting {
            context, inputs, ..
        } = setting;
        let rendered = self
            .engine
            .render_text(self.origin, source, context, inputs)?;
        Ok(rendered.text)
    }
}

impl Ruled<'_> {
    /// Checks the template with `contents`: it must make `wanted` in this project. With `leaks`, the user wants a value of
    /// this project to stand in it.
    ///
    /// # Errors
    /// The law that it breaks.
    pub fn check(&self, contents: &Contents, wanted: &str, leaks: bool) -> Result<(), Broken> {
        let source = contents.spliced(&self.cut);
        let render = |setting| {
            let rendered = self.world.render(&source, setting);
            rendered.map_err(|_| Broken("with it the template could not be rendered any more"))
        };
        if render(self.world.own)? != wanted {
            return Err(Broken("a tag beside it would take some of it away"));
        }
        for (before, other) in &self.others {
            let after = render(other)?;
            if after != contents.expected(before, &other.values) {
                return Err(Broken("it would change something else in other projects"));
            }
            if !leaks && self.world.own.values.leaked(&before.text, &after).is_some() {
                return Err(Broken(
                    "a value of this project would stand in other projects",
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::ground::{Act, Ground};
    use super::super::others::Renderer;
    use super::*;
    use crate::catalogue::sample::catalogue;
    use crate::project::config::Config;

    const YAML: &str =
        "version: 1\nproject: {name: My SaaS, slug: my-saas}\ntheme: htmx\nmodules: {auth: {}}\n";

    /// Which law breaks a template whose text has become `edited`, where the project should get `wanted`.
    fn broken(source: &str, edited: &str, wanted: &str, leaks: bool) -> Option<&'static str> {
        let catalogue = catalogue();
        let config = Config::from_text(YAML, &catalogue, None).expect("a config");
        let own = Setting::new(config, &catalogue, BTreeSet::new());
        let renderer = Renderer::new(own, &catalogue).expect("a renderer");
        let world = renderer.world("project_templates/base/x.j2");
        let ruled = world.rule(source).expect("a template");
        let ground = Ground {
            cut: &ruled.cut,
            origin: &ruled.own,
            edited,
            values: &world.own.values,
        };
        let text = |piece: &usize| ground.is_text(*piece) && !ground.range(*piece).is_empty();
        let piece = (0..ruled.own.pieces.len()).find(text).expect("a text");
        let act = Act::Write {
            piece,
            cut: ground.range(piece),
            with: 0..edited.len(),
        };
        let contents = Contents::of(&ground, &[(0, &act)]).expect("one turn");
        let checked = ruled.check(&contents, wanted, leaks);
        checked.err().map(|broken| broken.0)
    }

    #[test]
    fn the_project_gets_what_it_has() {
        let source = "one <%= project.slug %>";
        assert_eq!(broken(source, "two ", "two my-saas", false), None);
        let other = broken(source, "two ", "three my-saas", false);
        assert_eq!(other, Some("a tag beside it would take some of it away"));
    }

    #[test]
    fn no_other_project_gets_its_values() {
        let source = "one <%= project.slug %>";
        let leaking = |leaks| broken(source, "my-saas is ", "my-saas is my-saas", leaks);
        assert_eq!(
            leaking(false),
            Some("a value of this project would stand in other projects")
        );
        assert_eq!(leaking(true), None, "the user wants it so");
    }

    #[test]
    fn a_template_stays_one() {
        let source = "<% raw %>one<% endraw %>";
        let broken = broken(source, "<% endraw %><% if %>", "", false);
        assert_eq!(
            broken,
            Some("with it the template could not be rendered any more")
        );
    }
}
