//! That people who hear the pages, or use them by keyboard, can: axe looks at a page, by light on a desk and in the dark on a
//! phone. Once is enough: on SQLite.

use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::driver::Browser;

/// Tells what is wrong with the page.
const LOOK: &str = include_str!("../../../tests/axe/look.js");

/// What finds the faults; none where nobody looks.
pub fn axe() -> Option<&'static str> {
    static AXE: OnceLock<Option<String>> = OnceLock::new();
    let read = || {
        let script = std::env::var_os("AXE_SCRIPT").filter(|_| !is_on_postgresql())?;
        Some(std::fs::read_to_string(script).unwrap())
    };
    AXE.get_or_init(read).as_deref()
}

fn is_on_postgresql() -> bool {
    std::env::var_os("TEST_DATABASE_URL").is_some()
}

impl Browser {
    /// Neither device finds anything wrong with the page.
    pub async fn is_open_to_all(&self) {
        if axe().is_none() {
            return;
        }
        self.until("document.readyState === 'complete'").await;
        for (width, scale, is_phone, scheme) in [(390, 2, true, "dark"), (1200, 1, false, "light")]
        {
            let size = json!({ "width": width, "height": 844, "deviceScaleFactor": scale, "mobile": is_phone });
            self.devtools("Emulation.setDeviceMetricsOverride", size)
                .await;
            let scheme = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
            let scheme = json!({ "features": scheme });
            self.devtools("Emulation.setEmulatedMedia", scheme).await;
            let look = json!({ "script": LOOK, "args": [] });
            let faults = self.post("/execute/async", look).await;
            let page = self.run("return location.pathname").await;
            assert_eq!(faults, Value::Array(vec![]), "{page} at {width}");
        }
    }
}
