//! Password hashes: Argon2id, off the async threads, and never so many at once that pages wait for them.

use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher as _, PasswordVerifier as _, Version,
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Semaphore;

use super::rules::Password;
use crate::error::{Error, Result};

/// OWASP's password storage cheat sheet, Argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// The hash of no password, with the cost of a real one: unknown addresses take as long as known ones.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes and compares passwords.
pub(super) struct Hasher {
    argon2: Argon2<'static>,
    permits: Arc<Semaphore>,
}

impl Hasher {
    pub fn new() -> anyhow::Result<Self> {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None)
            .map_err(|fault| anyhow!("Argon2 does not take these parameters: {fault}"))?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            // One core stays free for everybody else's pages.
            permits: Arc::new(Semaphore::new((cores - 1).max(1))),
        })
    }

    /// The hash of `password` under a new salt, as a PHC string.
    pub async fn hash(&self, password: &Password) -> Result<String> {
        let (argon2, password) = (self.argon2.clone(), password.clone());
        self.run(move || {
            let hash = argon2.hash_password(password.expose().as_bytes());
            hash.map(|hash| hash.to_string())
                .map_err(|fault| anyhow!("a password cannot be hashed: {fault}"))
        })
        .await
    }

    /// Whether `password` is the one behind `hash`; `None` takes as long and is always wrong.
    pub async fn verify(&self, password: SecretString, hash: Option<String>) -> Result<bool> {
        let argon2 = self.argon2.clone();
        self.run(move || {
            let known = hash.is_some();
            let hash = hash.unwrap_or_else(|| NOBODY.to_owned());
            let hash = PasswordHash::new(&hash)
                .map_err(|fault| anyhow!("a stored password hash does not parse: {fault}"))?;
            let right = argon2.verify_password(password.expose_secret().as_bytes(), &hash);
            Ok(right.is_ok() && known)
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
    ) -> Result<T> {
        let permit = self
            .permits
            .clone()
            .acquire_owned()
            .await
            .map_err(Error::internal)?;
        // The permit goes along: a request that is given up does not free it while the work goes on.
        let task = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        Ok(task.await.context("the hashing task failed")??)
    }
}

#[cfg(test)]
mod tests {
    use super::super::rules::EmailAddress;
    use super::*;

    fn password(text: &str) -> Password {
        Password::new(text, &EmailAddress::parse("a@example.com").unwrap(), "Site").unwrap()
    }

    #[tokio::test]
    async fn only_the_right_password_verifies() {
        let hasher = Hasher::new().unwrap();
        let hash = hasher.hash(&password("correct horse")).await.unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        assert!(
            hasher
                .verify("correct horse".into(), Some(hash.clone()))
                .await
                .unwrap()
        );
        assert!(
            !hasher
                .verify("correct horsf".into(), Some(hash))
                .await
                .unwrap()
        );
    }

    #[tokio::test]
    async fn nobody_has_no_password_and_costs_as_much() {
        let hasher = Hasher::new().unwrap();
        assert!(!hasher.verify("".into(), None).await.unwrap());
        let nobody = PasswordHash::new(NOBODY).unwrap();
        let real =
            PasswordHash::new(&hasher.hash(&password("correct horse")).await.unwrap()).unwrap();
        assert_eq!(nobody.algorithm, real.algorithm);
        assert_eq!(nobody.version, real.version);
        assert_eq!(nobody.params, real.params);
        assert_eq!(
            nobody.hash.map(|hash| hash.len()),
            real.hash.map(|hash| hash.len())
        );
    }

    #[tokio::test]
    async fn a_hash_that_does_not_parse_is_a_fault_and_no_way_in() {
        let hasher = Hasher::new().unwrap();
        assert!(hasher.verify("".into(), Some("x".into())).await.is_err());
    }
}
