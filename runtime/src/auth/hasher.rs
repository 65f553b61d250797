//! Password hashes: Argon2id, on threads of their own. Hashes of Django's are understood, so that users can be brought
//! along with their passwords.

use anyhow::{Context as _, bail};
use argon2::password_hash::phc::{Output, ParamsString, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, PasswordHash, Version};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;

use super::django;
use super::rules::Password;
use super::threads::Threads;
use crate::error::Result;

/// OWASP's password storage cheat sheet, Argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// The hash of no password, with the cost of a real one: unknown addresses take as long as known ones.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes and compares passwords.
pub(super) struct Hasher {
    threads: Threads<Memory>,
}

/// What a thread keeps from one hash to the next.
type Memory = Vec<Block>;

/// Lets go of the memory when nobody waits for a hash. Not where glibc allocates: it finds what was freed unfit for the
/// next hash, because of the alignment, and the process grew by 19 MiB with each of its first sixteen hashes.
fn give_back(memory: &mut Memory) {
    if cfg!(feature = "mimalloc") {
        *memory = Memory::new();
    }
}

impl Hasher {
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self {
            threads: Threads::start(give_back)?,
        })
    }

    /// The hash of `password` under a new salt, as a PHC string.
    pub async fn hash(&self, password: &Password) -> Result<String> {
        let password = password.clone();
        let work = move |memory: &mut Memory| {
            new_hash(password.expose().as_bytes(), memory).context("a password cannot be hashed")
        };
        Ok(self.threads.run(work).await?)
    }

    /// Whether `password` is the one behind `hash`; `None` takes as long and is always wrong.
    pub async fn verify(&self, password: SecretString, hash: Option<String>) -> Result<Verdict> {
        let work = move |memory: &mut Memory| {
            let known = hash.is_some();
            let hash = hash.unwrap_or_else(|| NOBODY.to_owned());
            let password = password.expose_secret().as_bytes();
            let right = matches(password, &hash, memory);
            let right = right.context("a stored password hash does not parse")?;
            if !right || !known {
                return Ok(Verdict::Wrong);
            }
            Ok(match is_current(&hash) {
                true => Verdict::Right,
                false => Verdict::Outdated(new_hash(password, memory)?),
            })
        };
        Ok(self.threads.run(work).await?)
    }
}

/// What came of comparing a password with a hash.
#[derive(Debug)]
pub(super) enum Verdict {
    Right,
    /// It is right, and this is its hash as new ones are made.
    Outdated(String),
    Wrong,
}

impl Verdict {
    pub fn is_right(&self) -> bool {
        match self {
            Self::Right | Self::Outdated(_) => true,
            Self::Wrong => false,
        }
    }
}

/// Whether `hash` is made as new ones are.
fn is_current(hash: &str) -> bool {
    let (Ok(hash), Ok(ours)) = (PasswordHash::new(hash), PasswordHash::new(NOBODY)) else {
        return false;
    };
    (hash.algorithm, hash.version, &hash.params) == (ours.algorithm, ours.version, &ours.params)
}

fn new_hash(password: &[u8], memory: &mut Memory) -> anyhow::Result<String> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)?;
    let salt = Salt::generate();
    let hash = PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&params)?,
        hash: Some(output(
            Algorithm::Argon2id,
            Version::V0x13,
            params,
            (password, &salt),
            memory,
        )?),
        salt: Some(salt),
    };
    Ok(hash.to_string())
}

/// Compares under the parameters of `hash`, whatever those of new hashes are.
fn matches(password: &[u8], hash: &str, memory: &mut Memory) -> anyhow::Result<bool> {
    if hash.starts_with(django::PREFIX) {
        return django::matches(password, hash);
    }
    let hash = PasswordHash::new(hash)?;
    let (Some(salt), Some(expected)) = (&hash.salt, &hash.hash) else {
        bail!("it has no salt or no hash");
    };
    let algorithm = Algorithm::try_from(hash.algorithm.as_str())?;
    let version = hash.version.map_or(Ok(Version::V0x13), Version::try_from)?;
    let params = Params::try_from(&hash)?;
    let output = output(algorithm, version, params, (password, salt), memory)?;
    Ok(output.as_bytes().ct_eq(expected.as_bytes()).into())
}

fn output(
    algorithm: Algorithm,
    version: Version,
    params: Params,
    (password, salt): (&[u8], &Salt),
    memory: &mut Memory,
) -> anyhow::Result<Output> {
    let length = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
    memory.resize(params.block_count(), Block::new());
    let mut buffer = [0; Output::MAX_LENGTH];
    let out = buffer.get_mut(..length).context("it is too long")?;
    Argon2::new(algorithm, version, params)
        .hash_password_into_with_memory(password, salt, out, memory)?;
    Ok(Output::new(out)?)
}

#[cfg(test)]
mod tests {
    use super::super::rules::EmailAddress;
    use super::*;

    /// Of "correct horse", by the reference implementation, with other parameters than ours.
    const WEAKER: &str = "$argon2id$v=19$m=8192,t=3,p=1$c2FsdHlzYWx0eXNhbHR5cw$y5XMJFJ1NkeGtMJ+ybl/gfXTuro86HbuAgwMXCngMDk";
    /// Of the same, by Django's `PBKDF2PasswordHasher`.
    const DJANGO: &str =
        "pbkdf2_sha256$2000$seasaltseasalt$y7PLNrQ8S82yjxV4XTHYDwkRwxR/6Wl0OGWr6o/kSVY=";

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
        let right = hasher
            .verify("correct horse".into(), Some(hash.clone()))
            .await;
        assert!(matches!(right.unwrap(), Verdict::Right));
        let wrong = hasher.verify("correct horsf".into(), Some(hash)).await;
        assert!(matches!(wrong.unwrap(), Verdict::Wrong));
    }

    #[tokio::test]
    async fn nobody_has_no_password_and_costs_as_much() {
        let hasher = Hasher::new().unwrap();
        assert!(!hasher.verify("".into(), None).await.unwrap().is_right());
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

    #[tokio::test]
    async fn what_was_hashed_otherwise_is_right_and_hashed_anew() {
        let hasher = Hasher::new().unwrap();
        for hash in [WEAKER, DJANGO] {
            let verify = |text: &str| hasher.verify(text.into(), Some(hash.to_owned()));
            assert!(matches!(
                verify("correct horsf").await.unwrap(),
                Verdict::Wrong
            ));
            let Verdict::Outdated(new) = verify("correct horse").await.unwrap() else {
                panic!("{hash} counts as new");
            };
            let again = hasher.verify("correct horse".into(), Some(new)).await;
            assert!(matches!(again.unwrap(), Verdict::Right));
        }
    }
}
