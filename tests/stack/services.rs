//! `validate-service` on a tiny project whose tests do what they like.

use crate::support::Project;

/// A project with a test of the contract that is content, and with these tests of a service.
fn project(tests: &str) -> Project {
    let project = Project::new();
    let library =
        format!("#[cfg(test)]\nmod services {{\n    mod thumbnails {{\n{tests}\n    }}\n}}\n");
    project.write("src/lib.rs", &library);
    project.write(
        "tests/services.rs",
        "#[test]\nfn every_service_keeps_its_contract() {\n    let report = std::env::var(\"CONTRACT_REPORT\").unwrap();\n    \
         std::fs::write(report, \"{\\\"findings\\\": []}\").unwrap();\n}\n",
    );
    project
}

#[test]
fn a_service_that_takes_its_tests_down_with_it_is_no_good_one() {
    let project = project("#[test] fn works() {}");
    project.run(&["validate-service"]).exits(0);
    let library = project.read("src/lib.rs");
    let library = library.replace("fn works() {}", "fn aborts() { std::process::abort() }");
    project.write("src/lib.rs", &library);
    project
        .run(&["validate-service"])
        .exits(1)
        .complains("the tests did not come to their end")
        .complains("signal: 6")
        .complains("build.log");
}
