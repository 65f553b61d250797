//! The pages of this domain.

pub mod docs;
pub mod keys;

use crate::pages::Sample;

pub(super) fn samples() -> Vec<Sample> {
    vec![
        Sample::of::<keys::KeysPage>(),
        Sample::of::<keys::NewKeyPage>(),
        Sample::of::<docs::DocsPage>(),
    ]
}
