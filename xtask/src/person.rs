//! Somebody who uses an application by its forms, as a browser without scripts does.

use anyhow::{Context as _, Result, ensure};
use ureq::Agent;

/// A browser with cookies of its own.
pub struct Person {
    agent: Agent,
    url: String,
}

/// Good enough for every application's rules.
pub const PASSWORD: &str = "three ravens count to nine";

impl Person {
    /// Somebody who has not been at `url` before.
    pub fn at(url: &str) -> Self {
        let agent = Agent::config_builder()
            .max_redirects(0)
            .max_redirects_will_error(false)
            .build()
            .new_agent();
        Self {
            agent,
            url: url.to_owned(),
        }
    }

    /// Creates an account, which signs in.
    pub fn sign_up(&self, email: &str) -> Result<()> {
        self.send(
            "/accounts/signup",
            &[("email", email), ("password", PASSWORD)],
        )
    }

    /// Opens the form at `path`, sends it with its hidden fields and `fields`, and looks at where it leads: what is said only
    /// once is said there.
    pub fn send(&self, path: &str, fields: &[(&str, &str)]) -> Result<()> {
        let page = self.page(path)?;
        let token = hidden(&page, "csrf").with_context(|| format!("{path} has no form"))?;
        let all = fields.iter().copied().chain([("csrf", token.as_str())]);
        let answer = self
            .agent
            .post(format!("{}{path}", self.url))
            .send_form(all)?;
        ensure!(
            answer.status().is_redirection(),
            "{path} did not take the form: {}",
            answer.status()
        );
        let next = answer.headers().get("location");
        let next = next.context("it leads nowhere")?.to_str()?.to_owned();
        self.page(&next)?;
        Ok(())
    }

    /// Makes an API key, which may do everything, and reads it on the page that shows it.
    pub fn api_key(&self) -> Result<String> {
        let path = "/accounts/api-keys";
        let page = self.page(path)?;
        let csrf = hidden(&page, "csrf").context("the page has no form")?;
        let form_key = hidden(&page, "form_key").context("the form has no key of its own")?;
        let boxes = page
            .match_indices("name=\"scope_")
            .map(|(at, _)| &page[at + 6..]);
        let boxes = boxes.filter_map(|rest| rest.split('"').next());
        let own = [
            ("csrf", csrf.as_str()),
            ("form_key", &form_key),
            ("name", "A measurement"),
            ("expiry", "7"),
        ];
        let fields = own.into_iter().chain(boxes.map(|name| (name, "true")));
        let mut answer = self
            .agent
            .post(format!("{}{path}", self.url))
            .send_form(fields)?;
        ensure!(answer.status() == 200, "{path} answers {}", answer.status());
        let page = answer.body_mut().read_to_string()?;
        let (_, rest) = page
            .split_once("id=\"new-key\">")
            .context("the page shows no key")?;
        Ok(rest.split('<').next().unwrap_or_default().to_owned())
    }

    /// The page at `path`.
    pub fn page(&self, path: &str) -> Result<String> {
        let mut answer = self.agent.get(format!("{}{path}", self.url)).call()?;
        ensure!(answer.status() == 200, "{path} answers {}", answer.status());
        Ok(answer.body_mut().read_to_string()?)
    }

    /// The `Cookie` header that this browser sends.
    pub fn cookies(&self) -> String {
        let jar = self.agent.cookie_jar_lock();
        let cookies: Vec<_> = jar
            .iter()
            .map(|cookie| format!("{}={}", cookie.name(), cookie.value()))
            .collect();
        cookies.join("; ")
    }
}

/// The value of the first input called `name` on a page.
pub fn hidden(page: &str, name: &str) -> Option<String> {
    let at = page.find(&format!("name=\"{name}\""))?;
    let tag = &page[page[..at].rfind('<')?..];
    let tag = &tag[..tag.find('>')?];
    let (_, value) = tag.split_once("value=\"")?;
    value.split('"').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_value_of_a_hidden_field() {
        let page = r#"<form><input name="next" value=""><input type="hidden" name="csrf" value="abc"></form>"#;
        assert_eq!(hidden(page, "csrf").as_deref(), Some("abc"));
        assert_eq!(hidden(page, "next").as_deref(), Some(""));
        assert_eq!(hidden(page, "other"), None);
    }
}
