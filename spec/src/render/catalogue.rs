//! The catalogue, as Markdown.

use std::fmt::Write as _;

use crate::requirement::{Requirement, catalogue};
use crate::rule::Rules;

/// Every requirement, a line each.
pub fn list() -> String {
    let (mut text, rules) = (String::new(), Rules::documented());
    for row in catalogue() {
        // What binds the client is out of the scope of what drives a session, and seen where a client is recorded.
        let is_decided = rules.on(row.id).next().is_some();
        let scope =
            if row.in_scope || is_decided { row.observable.to_string() } else { "not yet specified".into() };
        let id = row.id.to_string();
        let _ = writeln!(text, "{id:<12} {:<13} {:<15} {}", row.level.to_string(), scope, row.name);
    }
    text
}

/// One requirement, whole.
pub fn requirement(row: &Requirement) -> String {
    let mut text = format!("{} {}\n\n{}\n\n", row.id, row.name, row.text);
    let binds: Vec<String> = row.binds.iter().map(ToString::to_string).collect();
    let _ = writeln!(text, "binds       {}", binds.join(", "));
    let _ = writeln!(text, "strength    {}", row.strength);
    let _ = writeln!(text, "level       {}", row.level);
    let _ = writeln!(text, "seen        {}", row.observable);
    if let Some(reason) = row.observable.reason() {
        let _ = writeln!(text, "            {reason}");
    }
    for source in row.sources {
        let _ = writeln!(text, "source      {}, {}", source.document, source.section);
    }
    let implied: Vec<String> = row.implies.iter().map(ToString::to_string).collect();
    if !implied.is_empty() {
        let _ = writeln!(text, "implies     {}", implied.join(", "));
    }
    for arm in Rules::documented().arms().iter().filter(|arm| arm.requirement == row.id) {
        let era = arm.era.map_or_else(String::new, |era| format!(", era {era}"));
        let _ = writeln!(text, "demands     {} ({}{era})", arm.demands, arm.level);
    }
    text
}
