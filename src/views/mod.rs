//! The views: three self-contained pages for hosts that support MCP Apps. Knows neither the protocol nor Proxmox.
//!
//! The pages contain no data: it comes with a tool's result, or by tool calls through the host. They fetch nothing from
//! outside. What they have in common is stored once in the program, and each page is assembled when it is read.
//!
//! * `bridge.js` — the communication with the host.
//! * `parts.js`, `plot.js` — elements, formatted numbers, bars, lines.
//! * `confirm.js`, `guest.js`, `table.js`, `cluster.js` — the visible content.

/// The media type by which hosts recognise a view.
pub const MEDIA_TYPE: &str = "text/html;profile=mcp-app";

/// One page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Nodes, storage and all guests.
    Cluster,
    /// One guest.
    Guest,
    /// What would be lost, and the word to type to confirm it.
    Confirm,
}

impl View {
    /// All of them.
    pub const ALL: [View; 3] = [View::Cluster, View::Guest, View::Confirm];

    /// Its URI as a resource.
    #[must_use]
    pub const fn uri(self) -> &'static str {
        match self {
            View::Cluster => "ui://proxmox/cluster.html",
            View::Guest => "ui://proxmox/guest.html",
            View::Confirm => "ui://proxmox/confirm.html",
        }
    }

    /// The view with that URI.
    #[must_use]
    pub fn at(uri: &str) -> Option<View> {
        View::ALL.into_iter().find(|view| view.uri() == uri)
    }

    /// Its display name.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            View::Cluster => "Proxmox cluster",
            View::Guest => "Proxmox guest",
            View::Confirm => "Confirmation",
        }
    }

    /// The complete page.
    #[must_use]
    pub fn html(self) -> String {
        let mut page = String::with_capacity(48 * 1024);
        page.push_str("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>");
        page.push_str(self.title());
        page.push_str("</title><style>\n");
        page.push_str(include_str!("base.css"));
        page.push_str("</style></head><body><main id=\"root\"></main><script>'use strict';\n");
        for script in self.scripts() {
            page.push_str(script);
        }
        page.push_str("</script></body></html>\n");
        page
    }

    fn scripts(self) -> &'static [&'static str] {
        const BRIDGE: &str = include_str!("bridge.js");
        const PARTS: &str = include_str!("parts.js");
        const PLOT: &str = include_str!("plot.js");
        const CONFIRM: &str = include_str!("confirm.js");
        const GUEST: &str = include_str!("guest.js");
        const TABLE: &str = include_str!("table.js");
        const CLUSTER: &str = include_str!("cluster.js");
        const START: &str = include_str!("start.js");
        match self {
            View::Cluster => &[
                BRIDGE,
                PARTS,
                PLOT,
                CONFIRM,
                GUEST,
                TABLE,
                CLUSTER,
                START,
                "start('proxmox-cluster', clusterView);\n",
            ],
            View::Guest => {
                &[BRIDGE, PARTS, PLOT, CONFIRM, GUEST, START, "start('proxmox-guest', guestPart);\n"]
            }
            View::Confirm => &[BRIDGE, PARTS, CONFIRM, START, "start('proxmox-confirm', confirmView);\n"],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_small_whole_and_fetch_nothing() {
        for view in View::ALL {
            let page = view.html();
            let size = page.len();
            assert!(size <= 60 * 1024, "{view:?} has {size} bytes");
            assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"), "{view:?}");
            assert_eq!(
                page.matches("<script").count(),
                1,
                "{view:?}: a script's text ends its element early"
            );
            assert_eq!(page.matches("</script").count(), 1, "{view:?}");
            // The only address is the XML namespace of SVG, which is never fetched.
            let addresses = page.replace("http://www.w3.org/2000/svg", "");
            for outside in [
                "http://",
                "https://",
                "ws://",
                "wss://",
                "@import",
                "url(",
                " src=",
                "fetch(",
                "eval(",
                "Function(",
                "innerHTML",
                "localStorage",
                "Worker(",
                "<form",
                "alert(",
                "confirm(",
            ] {
                assert!(!addresses.contains(outside), "{view:?} holds `{outside}`");
            }
            assert_eq!(View::at(view.uri()), Some(view));
        }
        assert_eq!(View::at("ui://proxmox/other.html"), None);
    }
}
