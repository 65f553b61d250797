//! Who is let in, and what is tied to what. Pure.

use crate::auth::EmailAddress;
use crate::auth::door::Account;
use crate::ids::UserId;

/// Who somebody is, as a provider says.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub issuer: String,
    pub subject: String,
    pub email: Option<EmailAddress>,
    /// Whether the provider has seen that the address is his.
    pub is_verified: bool,
    pub name: String,
}

impl Identity {
    /// What its owner recognises it by.
    pub fn label(&self) -> &str {
        match &self.email {
            Some(email) => email.as_str(),
            None => &self.name,
        }
    }
}

/// What becomes of somebody who comes from a provider to sign in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// He has done so before.
    Known(UserId),
    /// The address is shown to be his on both sides.
    Link(Account),
    /// There is no account with his address.
    New(EmailAddress),
    Refused(Refusal),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The provider does not vouch for an address.
    NotVerifiedThere,
    /// There is an account with this address, and nobody has shown that it is his.
    NotVerifiedHere,
    /// The account asks for more than one proof, so it is linked by whoever has given them.
    SecondFactor,
}

/// `known` is whose the identity is already, `account` the one with the same address.
pub(super) fn decide(
    identity: &Identity,
    known: Option<UserId>,
    account: Option<&Account>,
) -> Verdict {
    if let Some(user) = known {
        return Verdict::Known(user);
    }
    let Some(email) = identity.email.as_ref().filter(|_| identity.is_verified) else {
        return Verdict::Refused(Refusal::NotVerifiedThere);
    };
    match account {
        None => Verdict::New(email.clone()),
        Some(account) if !account.is_verified => Verdict::Refused(Refusal::NotVerifiedHere),
        Some(account) if account.has_second_factor => Verdict::Refused(Refusal::SecondFactor),
        Some(account) => Verdict::Link(account.clone()),
    }
}

impl Refusal {
    /// Says why, to the person.
    pub fn sentence(self, provider: &str) -> String {
        match self {
            Self::NotVerifiedThere => format!(
                "{provider} does not vouch for your address. Confirm it there, or sign in another way."
            ),
            Self::NotVerifiedHere | Self::SecondFactor => format!(
                "There is an account with your address already. Sign in another way first, then add {provider} on \
                 your page “Security”."
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_tied_to_which_account() {
        let (ada, other): (UserId, UserId) = ("ada".to_owned().into(), "x".to_owned().into());
        let account = |is_verified, has_second_factor| {
            Some(Account {
                user: ada.clone(),
                email: "ada@example.com".into(),
                is_verified,
                has_second_factor,
                has_password: true,
            })
        };
        let email = EmailAddress::parse("ada@example.com").unwrap();
        let refused = Verdict::Refused;
        let (there, here) = (Refusal::NotVerifiedThere, Refusal::NotVerifiedHere);
        for (verified, known, account, verdict) in [
            (true, None, None, Verdict::New(email.clone())),
            (
                true,
                None,
                account(true, false),
                Verdict::Link(account(true, false).unwrap()),
            ),
            (true, None, account(false, false), refused(here)),
            (
                true,
                None,
                account(true, true),
                refused(Refusal::SecondFactor),
            ),
            (false, None, None, refused(there)),
            (false, None, account(true, false), refused(there)),
            (
                false,
                Some(&other),
                account(true, true),
                Verdict::Known(other.clone()),
            ),
        ] {
            let identity = Identity {
                issuer: "https://id.example".into(),
                subject: "1".into(),
                email: Some(email.clone()),
                is_verified: verified,
                name: String::new(),
            };
            let decided = decide(&identity, known.cloned(), account.as_ref());
            assert_eq!(decided, verdict, "{verified} {known:?} {account:?}");
        }
    }
}
