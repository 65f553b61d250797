//! Every option of every module changes what the application does: one proof each, and no option without.

mod api;
mod auth;
mod billing;
mod credits;
mod pictures;
mod services;

use std::path::Path;

/// The proofs by the options' names. Each is a test of the same name, in which the application behaves in one way with
/// one value of the option and in another way with another.
macro_rules! proven {
    ($($module:ident: $($option:ident),+;)+) => {
        &[$($((concat!(stringify!($module), ".", stringify!($option)), $module::$option)),+),+]
    };
}

const PROVEN: &[(&str, fn())] = proven! {
    api: cors_origins, requests_per_minute;
    auth: code_tries, deletion_grace_days, email_verification, exports_per_hour, failed_sign_ins_per_account, failed_sign_ins_per_minute,
        impersonation_minutes, invitation_days, magic_link_minutes, magic_links, mails_per_minute, registration, second_factor_for_staff,
        second_factor_minutes, session_days, session_idle_days, sign_ins_per_minute, sign_ups_per_minute, wrong_codes_per_account;
    billing: automatic_tax, catalogue, grace_days, packs, plans, promotion_codes;
    credits: low_balance_mail, low_balance_percent, renewed_hours, signup_grant;
    pictures: max_megabytes, uploads_per_hour;
    services: result_days;
};

#[test]
fn every_option_of_every_module_has_a_proof() {
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../project_templates/modules");
    let mut declared = Vec::new();
    for module in std::fs::read_dir(modules).unwrap() {
        let module = module.unwrap();
        let manifest = std::fs::read_to_string(module.path().join("module.yml")).unwrap();
        let name = module.file_name().into_string().unwrap();
        declared.extend(options(&manifest).map(|option| format!("{name}.{option}")));
    }
    declared.sort();
    let mut proven: Vec<_> = PROVEN.iter().map(|(name, _)| *name).collect();
    proven.sort_unstable();
    assert_eq!(
        proven, declared,
        "left: the tests here; right: the options of project_templates/modules/*/module.yml"
    );
}

/// The names of the options in the text of a module.yml.
fn options(manifest: &str) -> impl Iterator<Item = &str> {
    let mut lines = manifest.lines();
    let head = lines.find(|line| line.starts_with("options:"));
    assert!(
        matches!(head, None | Some("options:")),
        "options stand on lines of their own, so that this test finds them: {head:?}"
    );
    let is_within = |line: &&str| line.is_empty() || line.starts_with([' ', '#']);
    let inside = lines.take_while(is_within);
    let names = inside.filter_map(|line| line.strip_prefix("  "));
    let names = names.filter(|line| !line.starts_with([' ', '#']));
    names.map(|line| line.strip_suffix(':').expect("an option is a mapping"))
}
