//! What the pages and panels of this domain are rendered with.

use serde::Serialize;

use super::rules::SIDE;
use crate::error::FieldErrors;
use crate::pages::{Page, Sample};

pub(super) fn samples() -> Vec<Sample> {
    vec![Sample::of::<PicturePage>()]
}

/// The form of somebody's own picture.
#[derive(Debug, Serialize)]
pub(super) struct PictureForm {
    /// Where the picture is that he has.
    pub picture: Option<String>,
    pub side: u32,
    pub max_megabytes: u32,
    pub errors: FieldErrors,
}

/// The page of a form that was refused.
#[derive(Debug, Serialize)]
pub(super) struct PicturePage {
    pub form: PictureForm,
}

impl PictureForm {
    pub fn new(picture: Option<&str>, max_megabytes: u32, errors: FieldErrors) -> Self {
        Self {
            picture: picture.map(str::to_owned),
            side: SIDE,
            max_megabytes,
            errors,
        }
    }
}

impl Page for PicturePage {
    const TEMPLATE: &'static str = "pictures/picture.html";

    fn sample() -> Self {
        let why = "Choose a picture of the type JPEG, PNG or WebP.";
        Self {
            form: PictureForm::new(
                Some("/pictures/019a0000-0000-7000-8000-000000000000/0a1b2c3d"),
                10,
                FieldErrors::one("picture", why),
            ),
        }
    }
}

/// The picture of somebody whom the staff looks at.
#[derive(Debug, Serialize)]
pub(super) struct StaffPanel {
    pub picture: String,
    pub side: u32,
    /// Where it is removed, for whoever may.
    pub removal: Option<String>,
}
