//! The journey: sign up, use services, run out of credits, be granted some by staff.

use super::person::{Browser, Device, Scripts};
use crate::programs::add_patient;
use crate::project::Project;

pub const PASSWORD: &str = "three ravens count to nine";
pub const STAFF: &str = "staff@example.com";

/// A generated application that runs.
pub struct Site {
    project: Project,
    url: String,
}

impl Site {
    /// `quickscale init`, `quickscale up`, and a member of staff; on SQLite unless a database is given.
    pub fn up(name: &str, database: Option<&str>) -> Self {
        let project = Project::init(name, &[]);
        if let Some(url) = database {
            project.set_env("DATABASE_URL", url);
        }
        add_patient(&project);
        let url = project.quickscale(&["up"]);
        let staff = ["--email", STAFF, "--password", PASSWORD];
        project.quickscale(&[["manage", "create-admin"].as_slice(), &staff].concat());
        Self { project, url }
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Starts it anew with these variables.
    pub fn set_up(&self, variables: &[(&str, &str)]) {
        for (name, value) in variables {
            self.project.set_env(name, value);
        }
        self.project.quickscale(&["restart"]);
    }

    /// Runs a command of the application.
    pub fn manage(&self, arguments: &[&str]) {
        self.project.quickscale(&[&["manage"], arguments].concat());
    }

    pub fn project(&self) -> &Project {
        &self.project
    }

    /// All that people do here: at a desk with scripts, and on a phone without.
    pub async fn journey(&self) {
        for (scripts, device, email) in [
            (Scripts::On, Device::Desktop, "ann@example.com"),
            (Scripts::Off, Device::DarkPhone, "bob@example.com"),
        ] {
            let user = Browser::open(&self.url, scripts, device).await;
            sign_up(&user, email).await;
            run_the_sentiment_service(&user).await;
            is_refused_an_empty_text(&user).await;
            let staff = Browser::open(&self.url, scripts, device).await;
            sign_in(&staff, STAFF).await;
            grant(&staff, email, "50", "A late birthday present").await;
            finds_the_grant(&user).await;
            grant(&staff, email, "-149", "The birthday was another day").await;
            is_told_what_is_missing(&user).await;
            user.close().await;
            staff.close().await;
        }
        self.crawl();
    }

    /// No page is blank, no link broken, no asset missing, whoever looks.
    fn crawl(&self) {
        let signed_in = |email| ["crawl", "--email", email, "--password", PASSWORD];
        self.project.quickscale(&["crawl"]);
        self.project.quickscale(&signed_in("ann@example.com"));
        self.project
            .quickscale(&[signed_in(STAFF).as_slice(), &["--admin"]].concat());
    }
}

pub async fn sign_up(user: &Browser, email: &str) {
    user.follow("Sign up").await;
    user.fill("email", email).await;
    user.fill("password", PASSWORD).await;
    user.press("Sign up").await;
    user.sees("100 credits available").await;
    assert_eq!(user.path().await, "/dashboard");
    confirm(user, email).await;
}

/// Opens the link in the mail that asks whether the address is the user's.
async fn confirm(user: &Browser, email: &str) {
    user.open_mail(email, "Confirm your address at").await;
    user.follow_to("/accounts/verify/").await;
    user.press("Confirm").await;
    user.sees("Your address is confirmed.").await;
}

pub async fn sign_in(person: &Browser, email: &str) {
    person.follow("Sign in").await;
    person.fill("email", email).await;
    person.fill("password", PASSWORD).await;
    person.press("Sign in").await;
    person.sees("Hello").await;
}

async fn balance(user: &Browser, expected: &str) {
    user.visit("/dashboard").await;
    user.sees(&format!("{expected} credits available")).await;
}

/// Finds the sentiment service and has it look at `text`.
pub async fn analyse(user: &Browser, text: &str) {
    user.follow("Services").await;
    user.follow("Sentiment analysis").await;
    user.fill("text", text).await;
    user.press("Run for 1 credit").await;
}

async fn run_the_sentiment_service(user: &Browser) {
    analyse(user, "What a wonderful day, I love it!").await;
    user.sees("99 credits remaining").await;
    user.sees("Positive").await;
    assert!(user.path().await.starts_with("/services/runs/"));
    user.reload().await;
    user.sees("99 credits remaining").await;
    user.go_back().await;
    user.sees("Sentiment analysis").await;
    balance(user, "99").await;
}

async fn is_refused_an_empty_text(user: &Browser) {
    user.visit("/services/text_sentiment_analysis").await;
    for nothing in ["", "   "] {
        user.fill("text", nothing).await;
        user.press("Run for 1 credit").await;
        user.sees("Fill in").await;
        user.has_clean_console(Some(422)).await;
    }
    balance(user, "99").await;
}

pub async fn grant(staff: &Browser, email: &str, amount: &str, reason: &str) {
    staff.visit("/admin/users").await;
    staff.fill("q", email).await;
    staff.press("Search").await;
    staff.follow(email).await;
    staff.fill("amount", amount).await;
    staff.fill("reason", reason).await;
    staff.press("Adjust credits").await;
    staff.sees(reason).await;
}

async fn finds_the_grant(user: &Browser) {
    balance(user, "149").await;
    user.visit("/credits/history").await;
    user.sees("A late birthday present").await;
    user.sees("Sentiment analysis").await;
}

async fn is_told_what_is_missing(user: &Browser) {
    analyse(user, "What a wonderful day").await;
    user.sees("This needs 1 credit").await;
    user.has_clean_console(Some(402)).await;
    balance(user, "0").await;
}
