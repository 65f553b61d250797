//! Who may call a staff's route stands in its handler's signature: `Staff<may::ViewUsers>` is the request of somebody
//! who may, and [`permitted`] makes the route's rule of it.

use std::marker::PhantomData;
use std::ops::Deref;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::access::{Access, Rule};
use super::permission::{Permission, Permit};
use super::request::Visit;
use crate::app::Core;
use crate::error::{Error, Result};
use crate::flags::Flag;

/// A [`Visit`] of somebody whose role carries `P`. A handler takes it first.
pub struct Staff<P>(Visit, PhantomData<fn() -> P>);

impl<P> Deref for Staff<P> {
    type Target = Visit;

    fn deref(&self) -> &Visit {
        &self.0
    }
}

impl<P: Permit> FromRequestParts<Core> for Staff<P> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, core: &Core) -> Result<Self> {
        let visit = Visit::from_request_parts(parts, core).await?;
        visit.require_principal()?;
        if !visit.may(P::PERMISSION) {
            return Err(Error::forbidden());
        }
        Ok(Self(visit, PhantomData))
    }
}

/// The rule that the handler's signature states, for [`Routes`](super::Routes).
pub fn permitted() -> Permitted {
    Permitted {
        // Replaced by the signature's.
        rule: Access::SignedIn.into(),
    }
}

/// What a route asks for beside the permission in its handler's signature.
pub struct Permitted {
    rule: Rule,
}

impl Permitted {
    /// See [`Rule::fresh`].
    #[must_use]
    pub fn fresh(self) -> Self {
        Self {
            rule: self.rule.fresh(),
        }
    }

    /// See [`Rule::when`].
    #[must_use]
    pub fn when(self, flag: &'static Flag) -> Self {
        Self {
            rule: self.rule.when(flag),
        }
    }

    /// See [`Rule::body_limit`].
    #[must_use]
    pub fn body_limit(self, bytes: usize) -> Self {
        Self {
            rule: self.rule.body_limit(bytes),
        }
    }
}

/// The arguments of a handler, as axum has them, that begin with a [`Staff`].
pub trait Signature {
    const PERMISSION: Permission;
}

macro_rules! signature {
    ($($argument:ident)*) => {
        impl<M, P: Permit, $($argument,)*> Signature for (M, Staff<P>, $($argument,)*) {
            const PERMISSION: Permission = P::PERMISSION;
        }
    };
}

signature!();
signature!(A);
signature!(A B);
signature!(A B C);
signature!(A B C D);

/// What can be the rule of a route whose handler takes `T`.
pub trait RuleFor<T> {
    fn rule(self) -> Rule;
}

impl<T> RuleFor<T> for Access {
    fn rule(self) -> Rule {
        self.into()
    }
}

impl<T> RuleFor<T> for Rule {
    fn rule(self) -> Rule {
        self
    }
}

impl<T: Signature> RuleFor<T> for Permitted {
    fn rule(self) -> Rule {
        Rule {
            access: Access::Staff(T::PERMISSION),
            is_signed: true,
            ..self.rule
        }
    }
}
